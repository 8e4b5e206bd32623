"""Arrays and tensors as a safetensors file can hold them, to the last bit and in their order."""

from __future__ import annotations

import math
import re
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
    """Return an array in the order of its memory, and what tells how to have it back.

    Products of matrices round in ways that depend on this order.
    """
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    flat = np.ascontiguousarray(array.transpose(order)).reshape([array.shape[k] for k in order])
    node: Node = {"dtype": array.dtype.newbyteorder("<").str}
    if order != sorted(order):
        node["order"] = order
    flat = flat.astype(node["dtype"], copy=False)
    if flat.dtype.kind not in PLAIN or flat.dtype.itemsize > 8:
        node["shape"] = list(flat.shape)
        flat = np.frombuffer(flat.tobytes(), np.uint8)
    elif flat.dtype.kind == "f" and not np.isfinite(flat).all():
        node["nan"] = True
    return flat, node


def restore_array(stored: np.ndarray, node: Node) -> np.ndarray:
    """Return the array that `store_array` was given."""
    if not DTYPE.fullmatch(node["dtype"]):
        raise ModelFileError(f"it has an array of the type {node['dtype']!r:.40}")
    dtype = np.dtype(node["dtype"])
    if "shape" in node:
        if stored.dtype != np.uint8 or dtype.kind in PLAIN and dtype.itemsize <= 8:
            raise ModelFileError("it has an array that is stored as another type")
        _check_size(node["shape"], stored.size, dtype.itemsize)
        stored = np.frombuffer(stored.tobytes(), dtype).reshape(node["shape"])
    if stored.dtype != dtype:
        raise ModelFileError(f"it has an array of {stored.dtype} where {dtype} is expected")
    if stored.dtype.kind == "f" and "nan" not in node and not np.isfinite(stored).all():
        raise ModelFileError("it has an array with NaN or infinite values, which it had not")
    return np.array(_reordered(stored, node), order="K")


def store_tensor(tensor: Tensor) -> tuple[np.ndarray, Node]:
    """Return a tensor as an array, and what tells how to have it back."""
    tensor = tensor.detach().cpu()
    node: Node = {}
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise ModelFileError(f"it is a tensor of the layout {tensor.layout}")
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype in NOT_IN_NUMPY:
        node["as"] = dtype
        tensor = tensor.view(NOT_IN_NUMPY[dtype])
    array, more = store_array(tensor.numpy())
    return array, node | more


def restore_tensor(stored: np.ndarray, node: Node) -> Tensor:
    """Return the tensor that `store_tensor` was given, in memory of its own."""
    array = restore_array(stored, node)
    # Memory of torch is aligned, on which the last bits of products may depend.
    tensor = torch.from_numpy(array).clone(memory_format=torch.preserve_format)
    if "as" not in node:
        return tensor
    if node["as"] not in NOT_IN_NUMPY:
        raise ModelFileError(f"it has a tensor of the type {node['as']!r:.40}")
    return tensor.view(getattr(torch, node["as"]))


def _check_size(shape: Any, n_bytes: int, itemsize: int) -> None:
    is_shape = isinstance(shape, list) and all(type(k) is int and k >= 0 for k in shape)
    if not is_shape or len(shape) > 64 or math.prod(shape) * itemsize != n_bytes:
        raise ModelFileError(f"it has an array whose {n_bytes} bytes are not of shape {shape!r:.80}")


def _reordered(stored: np.ndarray, node: Node) -> np.ndarray:
    order = node.get("order")
    if order is None:
        return stored
    if not isinstance(order, list) or sorted(order) != list(range(stored.ndim)):
        raise ModelFileError(f"it has an array whose axes are in the order {order!r:.80}")
    return stored.transpose(np.argsort(order))
