"""Writing of a model as JSON and arrays."""

from __future__ import annotations

import functools
import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch
from torch import Tensor, nn

from skmmcl.exceptions import ModelFileError
from skmmcl.sharing._allowed import MADE, find, is_allowed, name_of
from skmmcl.sharing._arrays import Node, store_array, store_tensor
from skmmcl.sharing._subjects import needed_of_subjects, spare_of_subjects, without

FUNCTIONS = (type, FunctionType, BuiltinFunctionType, np.ufunc)
DICTS = (dict, OrderedDict, defaultdict, Bunch)
# Attributes that the class of a module creates anew; hooks among them are code.
OF_MODULES = vars(nn.Module()).keys() - {"training", "_parameters", "_buffers", "_modules"}
GENERATORS = (np.random.Generator, np.random.RandomState, torch.Generator)


class Writer:
    """Writer of an object and all its parts.

    Parameters
    ----------
    include_subjects : bool
        Whether data of training subjects may be written.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the path at which each was found.
    foreign : set of str
        Names of classes and functions that readers must trust.
    of_subjects : list of str
        Places at which data of training subjects were written.
    """

    def __init__(self, *, include_subjects: bool) -> None:
        self.include_subjects = include_subjects
        self.arrays: dict[str, np.ndarray] = {}
        self.foreign: set[str] = set()
        self.of_subjects: list[str] = []
        self._seen: dict[
            int, tuple[int, Node, Any]
        ] = {}  # with the object: its id then stays its own

    def write(self, value: Any, path: str = "") -> Any:
        """Return the node of a value; ``path`` is its place in the model."""
        if type(value) in (type(None), bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"is": "float", "value": str(value)}
        if (simple := self._simple(value, path)) is not None:
            return simple
        if id(value) in self._seen:
            number, node, _ = self._seen[id(value)]
            node["id"] = number
            return {"is": "again", "id": number}
        node = {}
        self._seen[id(value)] = len(self._seen), node, value
        try:
            node.update(self._whole(value, path))
        except ModelFileError as error:
            if error.args[0].startswith("The model"):
                raise
            raise ModelFileError(f"The model cannot be saved: {path or 'it'}: {error}.") from None
        return node

    def _simple(self, value: Any, path: str) -> Node | None:
        """Return the node of an immutable value, which is written anew at each place."""
        if isinstance(value, tuple | frozenset) and not isinstance(value, torch.Size):
            kind = "frozenset" if isinstance(value, frozenset) else "tuple"
            node = {"is": kind, "items": self._items(value, path)}
            return node if type(value) in (tuple, frozenset) else node | self._named(type(value))
        if isinstance(value, np.generic):
            return {"is": "scalar", "array": self._array(*store_array(np.asarray(value)), path)}
        if isinstance(value, slice | range):
            ends = [self.write(end, path) for end in (value.start, value.stop, value.step)]
            return {"is": type(value).__name__, "ends": ends}
        if isinstance(value, complex):
            return {"is": "complex", "parts": [value.real, value.imag]}
        if isinstance(value, PurePath):
            return {"is": "path", "value": str(value)}
        if isinstance(value, torch.Size):
            return {"is": "size", "items": list(value)}
        if isinstance(value, torch.dtype | torch.device | np.dtype):
            kind = "device" if isinstance(value, torch.device) else "dtype"
            of = "numpy" if isinstance(value, np.dtype) else "torch"
            text = value.str if isinstance(value, np.dtype) else str(value)
            return {"is": kind, "of": of, "value": text.removeprefix("torch.")}
        return None

    def _whole(self, value: Any, path: str) -> Node:
        """Return the node of a value that several parts may share."""
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "O":
                shape, items = list(value.shape), value.ravel().tolist()
                return {"is": "objects", "shape": shape, "items": self._items(items, path)}
            return self._array(*store_array(value), path)
        if isinstance(value, MethodType):
            return {"is": "method", "of": self.write(value.__self__, path), "name": value.__name__}
        if isinstance(value, FUNCTIONS) or (callable(value) and hasattr(value, "__qualname__")):
            return {"is": "name", **self._named(value)}
        if isinstance(value, functools.partial):
            parts = {"args": value.args, "keywords": value.keywords}
            return {"is": "partial", "func": self.write(value.func, f"{path}.func")} | {
                name: self.write(part, f"{path}.{name}") for name, part in parts.items()
            }
        if isinstance(value, GENERATORS):
            return self._generator(value, path)
        return self._container(value, path) or self._object(value, path)

    def _container(self, value: Any, path: str) -> Node | None:
        if type(value) in DICTS:
            pairs = [
                [self.write(key, path), self.write(item, _joined(path, key))]
                for key, item in value.items()
            ]
            node: Node = {"is": "dict", "pairs": pairs}
            if isinstance(value, defaultdict):
                node["factory"] = self.write(value.default_factory, path)
            return node if type(value) is dict else node | self._named(type(value))
        if isinstance(value, list | set):
            kind = "list" if isinstance(value, list) else "set"
            node = {"is": kind, "items": self._items(value, path)}
            return node if type(value) in (list, set) else node | self._named(type(value))
        return None

    def _object(self, value: Any, path: str) -> Node:
        node = {"is": "object", **self._named(type(value))}
        if MADE.fullmatch(node["class"]):
            return node | {"is": "made", "items": self._items(_arguments(value), path)}
        if node["class"] in self.foreign:
            self._check_foreign(value, node["class"], path)
        state = value.__getstate__()
        if not isinstance(state, dict | None):
            raise ModelFileError(f"it is of the class {node['class']}, whose state is no dict")
        state = {k: v for k, v in (state or {}).items() if not _is_cached(value, k, v)}
        if isinstance(value, nn.Module):
            state = _of_module(value, state)
        state = self._checked_for_subjects(value, state, path)
        items = {name: self.write(item, _joined(path, name)) for name, item in state.items()}
        return node | {"state": items}

    def _check_foreign(self, value: Any, name: str, path: str) -> None:
        """Raise for objects that are not part of a model, and for unknown estimators."""
        if isinstance(value, nn.Module):
            return
        if not isinstance(value, BaseEstimator):
            raise ModelFileError(f"it is of the class {name}, neither an estimator nor a network")
        self.of_subjects.append(path or name)
        if not self.include_subjects:
            raise ModelFileError(
                f"it is of the class {name}, of which it is not known whether it holds data of "
                "training subjects. Pass include_subjects=True if it holds none, or if they may be "
                "shared"
            )

    def _checked_for_subjects(self, value: Any, state: dict[str, Any], path: str) -> dict[str, Any]:
        """Return the state without data of training subjects that predictions do not need."""
        needed = needed_of_subjects(value, state)
        spare = spare_of_subjects(value, state)
        if self.include_subjects:
            self.of_subjects += [_joined(path, name) for name in sorted(needed | spare)]
            return state
        if needed:
            where = ", ".join(_joined(path, name) for name in sorted(needed))
            raise ModelFileError(
                f"The model cannot be saved: {where} of {type(value).__name__} holds data of "
                "training subjects. Pass include_subjects=True if they may be shared, or use a "
                "model that holds none, for example with kernel_features='auto'."
            )
        return without(state, spare)

    def _tensor(self, value: Tensor, path: str) -> Node:
        node: Node = {"is": "tensor", "array": self._array(*store_tensor(value), path)}
        if isinstance(value, nn.Parameter):
            if "nan" in node["array"]:
                raise ModelFileError("it is a weight with NaN or infinite values")
            node["is"] = "parameter"
        if value.requires_grad:
            node["requires_grad"] = True
        return node

    def _array(self, stored: np.ndarray, how: Node, path: str) -> Node:
        name = base = path or "array"
        count = 1
        while name in self.arrays:
            count += 1
            name = f"{base}#{count}"
        self.arrays[name] = stored
        return {"is": "array", "at": name, **how}

    def _generator(self, value: Any, path: str) -> Node:
        if isinstance(value, torch.Generator):
            return {"is": "generator", "of": "torch", "state": self.write(value.get_state(), path)}
        if isinstance(value, np.random.RandomState):
            state, of = value.get_state(legacy=False), "RandomState"
        else:
            state, of = value.bit_generator.state, "Generator"
        return {"is": "generator", "of": of, "state": self.write(state, path)}

    def _items(self, items: Iterable[Any], path: str) -> list[Any]:
        return [self.write(item, _joined(path, k)) for k, item in enumerate(items)]

    def _named(self, value: Any) -> Node:
        name = name_of(value)
        if not is_allowed(name):
            self.foreign.add(name)
        elif find(name, {}) is not value:
            raise ModelFileError(f"it is {name}, which cannot be found by this name")
        return {"class": name}


def _joined(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)


def _of_module(module: nn.Module, state: Mapping[str, Any]) -> dict[str, Any]:
    hooks = [name for name in OF_MODULES if state.get(name) and name.endswith("hooks")]
    if hooks:
        raise ModelFileError(
            f"it is a {type(module).__name__} with hooks ({hooks[0]}), which are code"
        )
    own = {"_non_persistent_buffers_set"}
    return {name: item for name, item in state.items() if name not in OF_MODULES - own}


def _is_cached(owner: Any, name: str, value: Any) -> bool:
    """Return whether an attribute is a cached property, which is computed anew when needed."""
    known = isinstance(getattr(type(owner), name, None), functools.cached_property)
    return known and not isinstance(value, bool)


def _arguments(value: Any) -> tuple[Any, ...]:
    """Return the arguments from which the class constructs an equal object."""
    if hasattr(value, "extrapolate"):
        return value.t, value.c, value.k, value.extrapolate, value.axis
    return value.__reduce__()[1]
