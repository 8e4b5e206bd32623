"""Reading of a model from JSON and arrays; only allowed or trusted classes are created."""

from __future__ import annotations

import functools
import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import torch
from sklearn.utils import Bunch
from torch import Tensor, nn

from skmmcl.exceptions import ModelFileError
from skmmcl.sharing._allowed import MADE, find
from skmmcl.sharing._arrays import DTYPE, Node, restore_array, restore_tensor

DICTS = {OrderedDict, Bunch, defaultdict}
BIT_GENERATORS = {
    cls.__name__: cls
    for cls in (
        np.random.MT19937,
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.Philox,
        np.random.SFC64,
    )
}
# Linear maps, in which NaN would give a wrong class without an error.
WEIGHTS = ("coef_", "intercept_", "components_")


class Reader:
    """Reader of the object that a `Writer` wrote.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The arrays of the writer.
    trusted : dict of str to object
        Classes and functions of the user, by name.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], trusted: Mapping[str, Any]) -> None:
        self.arrays, self.trusted = arrays, trusted
        self.read_arrays: set[str] = set()
        self._known: dict[int, Any] = {}

    def read(self, node: Any) -> Any:
        """Return the value of a node."""
        if not isinstance(node, dict):
            if isinstance(node, list) or (isinstance(node, float) and not math.isfinite(node)):
                raise ModelFileError(f"it has {node!r:.40} where a value is expected")
            return node
        kind = node["is"]
        read = KINDS.get(kind) if isinstance(kind, str) else None
        if read is None:
            raise ModelFileError(f"it has a value of the unknown kind {kind!r:.40}")
        return read(self, node)

    def _keep(self, node: Node, value: Any) -> Any:
        if (number := node.get("id")) is not None:
            if number in self._known:
                raise ModelFileError(f"it has two values of the number {number!r:.20}")
            self._known[number] = value
        return value

    def _again(self, node: Node) -> Any:
        return self._known[node["id"]]

    def _items(self, node: Node) -> list[Any]:
        return [self.read(item) for item in _listed(node["items"])]

    def _float(self, node: Node) -> float:
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[node["value"]]

    def _tuple(self, node: Node) -> Any:
        values = self._items(node)
        return tuple.__new__(self._subclass(node, tuple), values) if "class" in node else (*values,)

    def _frozenset(self, node: Node) -> frozenset[Any]:
        return frozenset(map(_hashable, self._items(node)))

    def _list(self, node: Node) -> Any:
        values = self._keep(node, self._subclass(node, list)())
        values.extend(self._items(node))
        return values

    def _set(self, node: Node) -> set[Any]:
        return self._keep(node, set(map(_hashable, self._items(node))))

    def _dict(self, node: Node) -> Any:
        cls = self._subclass(node, dict)
        if cls is not dict and cls not in DICTS:
            raise ModelFileError(f"it has a dict of the class {cls.__name__}")
        made = cls(self.read(node["factory"])) if cls is defaultdict else cls()
        self._keep(node, made)
        for key, value in _listed(node["pairs"]):
            name = _hashable(self.read(key))
            if name in made:
                raise ModelFileError(f"it has a dict with the key {name!r:.40} twice")
            made[name] = self.read(value)
        return made

    def _subclass(self, node: Node, of: type) -> type:
        cls = find(node["class"], self.trusted) if "class" in node else of
        if not (isinstance(cls, type) and issubclass(cls, of)):
            raise ModelFileError(f"it has a {of.__name__} of the class {node['class']!r:.80}")
        return cls

    def _array(self, node: Node) -> np.ndarray:
        return self._keep(node, restore_array(self._stored(node), node))

    def _stored(self, node: Node) -> np.ndarray:
        if node["is"] != "array" or node["at"] not in self.arrays:
            raise ModelFileError(f"it lacks the array {node.get('at')!r:.80}")
        self.read_arrays.add(node["at"])
        return self.arrays[node["at"]]

    def _objects(self, node: Node) -> np.ndarray:
        items, shape = _listed(node["items"]), _listed(node["shape"])
        if not all(type(k) is int and k >= 0 for k in shape) or math.prod(shape) != len(items):
            raise ModelFileError(f"it has {len(items)} values of the shape {shape!r:.80}")
        values = np.empty(len(items), object)
        self._keep(node, made := values.reshape(shape))
        for k, item in enumerate(items):
            values[k] = self.read(item)
        return made

    def _scalar(self, node: Node) -> Any:
        return restore_array(self._stored(node["array"]), node["array"])[()]

    def _tensor(self, node: Node) -> Tensor:
        tensor = restore_tensor(self._stored(node["array"]), node["array"])
        trains = node.get("requires_grad", False) is True
        if node["is"] == "parameter":
            if not torch.isfinite(tensor.float()).all():
                raise ModelFileError(f"the weights {node['array']['at']!r} are NaN or infinite")
            tensor = nn.Parameter(tensor, requires_grad=False)
        return self._keep(node, tensor.requires_grad_(trains))

    def _name(self, node: Node) -> Any:
        return self._keep(node, find(node["class"], self.trusted))

    def _partial(self, node: Node) -> Any:
        func, args, keywords = (self.read(node[name]) for name in ("func", "args", "keywords"))
        return self._keep(node, functools.partial(func, *args, **keywords))

    def _method(self, node: Node) -> Any:
        of, name = self.read(node["of"]), node["name"]
        found = None if name.startswith("__") else getattr(type(of), name, None)
        if not callable(found):
            raise ModelFileError(
                f"it names {name!r:.80}, which is no method of {type(of).__name__}"
            )
        return self._keep(node, MethodType(found, of))

    def _object(self, node: Node) -> Any:
        cls = find(node["class"], self.trusted)
        if not isinstance(cls, type) or issubclass(cls, list | dict | tuple | str | type):
            raise ModelFileError(f"it has an object of {node['class']!r:.80}, which is no class")
        made = self._keep(node, cls.__new__(cls))
        if isinstance(made, nn.Module):
            nn.Module.__init__(made)
        state = {name: self.read(value) for name, value in node["state"].items()}
        for name in WEIGHTS:
            if isinstance(value := state.get(name), np.ndarray) and value.dtype.kind == "f":
                _check_finite(value, name, cls)
        if isinstance(made, nn.Module):
            _check_module(state)
        if hasattr(cls, "__setstate__"):
            made.__setstate__(state)
        else:
            made.__dict__.update(state)
        return made

    def _made(self, node: Node) -> Any:
        cls, args = find(node["class"], self.trusted), self._items(node)
        if not MADE.fullmatch(node["class"]) or any(callable(arg) for arg in args):
            raise ModelFileError(f"it has an object of {node['class']!r:.80} made of arguments")
        return self._keep(node, cls(*args))

    def _slice(self, node: Node) -> Any:
        ends = [self.read(end) for end in _listed(node["ends"])]
        return slice(*ends) if node["is"] == "slice" else range(*ends)

    def _complex(self, node: Node) -> complex:
        return complex(*_listed(node["parts"]))

    def _path(self, node: Node) -> Path:
        return Path(node["value"])

    def _size(self, node: Node) -> torch.Size:
        return torch.Size(_listed(node["items"]))

    def _dtype(self, node: Node) -> Any:
        if node["of"] == "numpy":
            if not DTYPE.fullmatch(node["value"]) and node["value"] != "|O":
                raise ModelFileError(f"it has the type {node['value']!r:.40}")
            return np.dtype(node["value"])
        dtype = getattr(torch, node["value"])
        if not isinstance(dtype, torch.dtype):
            raise ModelFileError(
                f"it has the type {node['value']!r:.40}, which torch does not know"
            )
        return dtype

    def _device(self, node: Node) -> torch.device:
        return torch.device(node["value"])

    def _generator(self, node: Node) -> Any:
        state = self.read(node["state"])
        if node["of"] == "torch":
            made: Any = torch.Generator()
            made.set_state(state)
            return self._keep(node, made)
        bits = BIT_GENERATORS[state["bit_generator"]]()
        if node["of"] == "RandomState":
            made = np.random.RandomState(bits)
            made.set_state(state)
        else:
            made = np.random.Generator(bits)
            bits.state = state
        return self._keep(node, made)


KINDS: dict[str, Callable[[Reader, Node], Any]] = {
    name.removeprefix("_"): getattr(Reader, name)
    for name in (
        "_again", "_float", "_tuple", "_frozenset", "_list", "_set", "_dict", "_array", "_objects",
        "_scalar", "_tensor", "_name", "_partial", "_method", "_object", "_slice", "_complex",
        "_made", "_path", "_size", "_dtype", "_device", "_generator",
    )
} | {"parameter": Reader._tensor, "range": Reader._slice}  # noqa: SLF001  # fmt: skip


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ModelFileError(f"it has {value!r:.40} where a list is expected")
    return value


def _hashable(key: Any) -> Any:
    """Return a key; raise if it is nested, since its hash could take forever."""
    if isinstance(key, tuple):
        for part in key:
            if isinstance(part, tuple | frozenset):
                raise ModelFileError("it has a key of nested tuples")
    return key


def _check_finite(value: np.ndarray, name: str, cls: type) -> None:
    if not np.isfinite(value).all():
        raise ModelFileError(f"{name} of {cls.__name__} has NaN or infinite values")


def _check_module(state: Mapping[str, Any]) -> None:
    """Raise unless a network consists of weights, buffers and networks."""
    for name, kind in (
        ("_parameters", nn.Parameter),
        ("_buffers", Tensor),
        ("_modules", nn.Module),
    ):
        parts = state.get(name, {})
        odd = [key for key, part in parts.items() if not isinstance(part, kind | None)]
        if odd:
            raise ModelFileError(f"{odd[0]!r:.40} is no {kind.__name__} of a network")
    for name, buffer in state.get("_buffers", {}).items():
        if buffer is not None and buffer.is_floating_point() and buffer.isnan().any():
            raise ModelFileError(f"{name!r:.40} of a network is NaN")
