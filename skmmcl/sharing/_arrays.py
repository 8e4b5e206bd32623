"""Arrays and tensors in a form that safetensors can hold, with their bits and memory order."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmmcl.exceptions import ModelFileError

Node = dict[str, Any]

PLAIN = "biuf"  # kinds that are stored as they are; others as bytes
NOT_IN_NUMPY = {"bfloat16": torch.int16, "float8_e4m3fn": torch.int8, "float8_e5m2": torch.int8}
DTYPE = re.compile(r"[<>|](?:[biufcSU]\d{1,6}|[Mm]8(\[\d*\w{1,2}\])?)")


def store_array(array: np.ndarray) -> tuple[np.ndarray, Node]:
    """Return an array in the order of its memory, and how to restore it.

    Products of matrices round in ways that depend on this order.
    """
    if type(array) not in (np.ndarray, np.memmap):  # such as a masked array, whose mask would go
        raise ModelFileError(f"it is a {type(array).__name__}; only plain arrays can be written")
    if array.dtype.kind not in "biufcSUMm":
        raise ModelFileError(f"it is an array of {array.dtype}")
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    flat = np.ascontiguousarray(array.transpose(order)).reshape([array.shape[k] for k in order])
    node: Node = {"dtype": array.dtype.newbyteorder("<").str, "shape": list(flat.shape)}
    if order != sorted(order):
        node["order"] = order
    flat = flat.astype(node["dtype"], copy=False)
    if flat.dtype.kind not in PLAIN or flat.dtype.itemsize > 8:
        flat = np.frombuffer(flat.tobytes(), np.uint8)
    elif flat.dtype.kind == "f" and not np.isfinite(flat).all():
        node["nan"] = True
    return flat, node


def restore_array(stored: np.ndarray, node: Node) -> np.ndarray:
    """Return the array that was passed to `store_array`."""
    if not DTYPE.fullmatch(node["dtype"]):
        raise ModelFileError(f"it has an array of the type {node['dtype']!r:.40}")
    dtype, shape = np.dtype(node["dtype"]), node["shape"]
    _check_shape(shape)
    if dtype.kind not in PLAIN or dtype.itemsize > 8:
        if stored.dtype != np.uint8 or stored.size != math.prod(shape) * dtype.itemsize:
            raise ModelFileError(f"it has {stored.nbytes} bytes for {dtype} of shape {shape!r:.80}")
        stored = np.frombuffer(stored.tobytes(), dtype).reshape(shape)
    if stored.dtype != dtype or list(stored.shape) != shape:
        raise ModelFileError(
            f"it has an array of {stored.dtype} and shape {stored.shape} where {dtype} of shape "
            f"{shape!r:.80} is expected"
        )
    if stored.dtype.kind == "f" and "nan" not in node and not np.isfinite(stored).all():
        raise ModelFileError("it has an array with NaN or infinite values, which it had not")
    return np.array(_reordered(stored, node), order="K")


def store_tensor(tensor: Tensor) -> tuple[np.ndarray, Node]:
    """Return a tensor as an array, and how to restore it."""
    tensor = tensor.detach().cpu()
    node: Node = {}
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise ModelFileError(f"it is a tensor of the layout {tensor.layout}")
    strides = list(tensor.stride())
    if tensor.numel() and _is_dense(tensor.shape, strides):
        node["strides"] = strides  # those of axes of length 1 count as well
    tensor = tensor.contiguous()
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype in NOT_IN_NUMPY:
        node["as"] = dtype
        tensor = tensor.view(NOT_IN_NUMPY[dtype])
    array, more = store_array(tensor.numpy())
    return array, node | more


def restore_tensor(stored: np.ndarray, node: Node) -> Tensor:
    """Return the tensor that was passed to `store_tensor`, in memory of its own."""
    found = torch.from_numpy(restore_array(stored, node))
    strides = node.get("strides", list(found.stride()))
    if "strides" in node and not _is_dense(found.shape, strides):
        raise ModelFileError(f"it has a tensor with the strides {strides!r:.80}")
    # Memory of torch is aligned, on which the last bits of products may depend.
    tensor = torch.empty_strided(found.shape, strides, dtype=found.dtype).copy_(found)
    if "as" not in node:
        return tensor
    if node["as"] not in NOT_IN_NUMPY:
        raise ModelFileError(f"it has a tensor of the type {node['as']!r:.40}")
    return tensor.view(getattr(torch, node["as"]))


def _is_dense(shape: Sequence[int], strides: Any) -> bool:
    """Return whether the numbers fill their memory, each in one place."""
    if not isinstance(strides, list) or len(strides) != len(shape):
        return False
    size = math.prod(shape)
    if not all(type(k) is int and 0 <= k <= max(size, 1) for k in strides):
        return False
    expected = 1
    for stride, length in sorted(zip(strides, shape, strict=True)):
        if length != 1 and stride != expected:
            return False
        expected *= length
    return True


def _check_shape(shape: Any) -> None:
    is_shape = isinstance(shape, list) and all(type(k) is int and k >= 0 for k in shape)
    if not is_shape or len(shape) > 32:
        raise ModelFileError(f"it has an array of the shape {shape!r:.80}")


def _reordered(stored: np.ndarray, node: Node) -> np.ndarray:
    order = node.get("order")
    if order is None:
        return stored
    if not isinstance(order, list) or sorted(order) != list(range(stored.ndim)):
        raise ModelFileError(f"it has an array whose axes are in the order {order!r:.80}")
    return stored.transpose(np.argsort(order))
