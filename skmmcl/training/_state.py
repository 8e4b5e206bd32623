"""The state of objects as plain numbers, and its loading into objects that are made anew.

No class or function is stored, so that a file of states cannot run code.
"""

from __future__ import annotations

import random
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property, partial
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from torch import Tensor, nn
from torch.optim import Optimizer

# Values that have no state, and are compared by their name or their text.
NAMED = (type, FunctionType, BuiltinFunctionType, ModuleType, partial, weakref.ref, NeuralNet)
WRITTEN = (torch.dtype, torch.device, np.dtype, PurePath, Enum, slice, range, complex, bytes)
# Attributes of every module, such as hooks, which are set where the module is made.
OF_MODULES = vars(nn.Module()).keys() - {"training", "_parameters", "_buffers", "_modules"}
GENERATORS: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    np.random.Generator: (
        lambda rng: rng.bit_generator.state,
        lambda rng, state: setattr(rng.bit_generator, "state", state),
    ),
    np.random.RandomState: (
        lambda rng: rng.get_state(legacy=False),
        lambda rng, state: rng.set_state(state),
    ),
    torch.Generator: (lambda rng: rng.get_state(), lambda rng, state: rng.set_state(state)),
    random.Random: (lambda rng: rng.getstate(), lambda rng, state: rng.setstate(state)),
}


class StateError(ValueError):
    """A state cannot be stored, or belongs to other objects."""


class Writer:
    """Writer of values as JSON, with the arrays among them gathered in a list.

    Attributes
    ----------
    arrays : list of ndarray
        The arrays, to which the text refers by position.

    Examples
    --------
    >>> from skmmcl.training._state import Reader, Writer
    >>> writer = Writer()
    >>> text = writer.write({"losses": [0.5, 0.25]})
    >>> Reader(writer.arrays).read(text)
    {'losses': [0.5, 0.25]}
    """

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self._seen: dict[
            int, tuple[int, Any]
        ] = {}  # holds the object, so that no other gets its id

    def write(self, value: Any, path: str = "state") -> Any:
        """Return the text of a value; ``path`` says where it was found."""
        if type(value) in (type(None), bool, int, float, str):
            return value
        if isinstance(value, (*NAMED, Optimizer, *WRITTEN)):
            return ["fixed", _name(value)]
        if isinstance(value, MethodType):
            return ["method", value.__name__, self.write(value.__self__, path)]
        if type(value) in (tuple, frozenset, set, torch.Size):
            kind = "set" if isinstance(value, set | frozenset) else "tuple"
            return [kind, self._items(value, path)]
        if isinstance(value, np.generic):
            return ["scalar", self._array(np.asarray(value), path)]
        if id(value) in self._seen:
            return ["again", self._seen[id(value)][0]]
        number = len(self._seen)
        self._seen[id(value)] = number, value
        return self._whole(value, number, path)

    def _whole(self, value: Any, number: int, path: str) -> list[Any]:
        """Return the text of an object that is changed in place and may be shared."""
        if isinstance(value, Tensor):
            is_weight = isinstance(value, nn.Parameter)
            return ["tensor", number, self._tensor(value, path), is_weight, value.requires_grad]
        if isinstance(value, np.ndarray):
            return ["array", number, self._array(value, path)]
        for of, (get, _) in GENERATORS.items():
            if isinstance(value, of):
                return ["generator", number, _name(type(value)), self.write(get(value), path)]
        if isinstance(value, dict):
            return ["dict", number, _name(type(value)), self._pairs(value, path)]
        if isinstance(value, list | deque):
            return ["list", number, _name(type(value)), self._items(value, path)]
        return ["object", number, _name(type(value)), self._pairs(_attributes(value, path), path)]

    def _items(self, values: Iterable[Any], path: str) -> list[Any]:
        return [self.write(value, f"{path}[{k}]") for k, value in enumerate(values)]

    def _pairs(self, values: Mapping[Any, Any], path: str) -> list[Any]:
        return [
            [self.write(key, path), self.write(value, f"{path}.{key}")]
            for key, value in values.items()
        ]

    def _tensor(self, value: Tensor, path: str) -> int:
        try:
            return self._array(value.detach().cpu().numpy(), path)
        except (TypeError, RuntimeError) as error:
            raise StateError(f"{path} is a tensor that numpy cannot hold: {error}") from error

    def _array(self, value: np.ndarray, path: str) -> int:
        if value.dtype.kind in "OV":
            raise StateError(f"{path} is an array of {value.dtype}")
        self.arrays.append(value)
        return len(self.arrays) - 1


class Reader:
    """Reader of what a `Writer` wrote, in place where there is an equal object.

    Parameters
    ----------
    arrays : sequence of ndarray
        The arrays of the writer.
    """

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.arrays = arrays
        self._made: dict[int, Any] = {}
        self._used: set[int] = set()  # ids of objects that have got a state

    def read(self, text: Any, present: Any = None, path: str = "state") -> Any:
        """Return a value, which is ``present`` itself if that can be changed."""
        if not isinstance(text, list):
            return text
        kind, *rest = text
        return getattr(self, f"_{kind}")(*rest, present, path)

    def _fixed(self, name: str, present: Any, path: str) -> Any:
        if present is None or _name(present) != name:
            raise StateError(f"{path} was {name}, and is {_name(present)}")
        return present

    def _method(self, name: str, of: Any, present: Any, path: str) -> Any:
        return getattr(self.read(of, getattr(present, "__self__", None), path), name)

    def _tuple(self, items: list[Any], present: Any, path: str) -> tuple[Any, ...]:
        values = self._items(items, present, path)
        return torch.Size(values) if isinstance(present, torch.Size) else tuple(values)

    def _set(self, items: list[Any], present: Any, path: str) -> Any:
        values = self._items(items, None, path)
        return frozenset(values) if isinstance(present, frozenset) else set(values)

    def _scalar(self, k: int, *_: Any) -> Any:
        return self.arrays[k][()]

    def _again(self, number: int, present: Any, path: str) -> Any:
        if number not in self._made:
            raise StateError(f"{path} refers to an object that was not written")
        return self._made[number]

    def _tensor(
        self, number: int, k: int, is_weight: bool, trained: bool, present: Any, path: str
    ) -> Tensor:
        values = torch.from_numpy(np.array(self.arrays[k]))
        alike = isinstance(present, Tensor) and _form(present) == _form(values)
        if alike and self._takes(present):
            with torch.no_grad():
                present.copy_(values)
        elif is_weight:
            raise StateError(f"{path} is a weight of another shape, or missing")
        else:
            present = values
        if present.is_leaf:
            present.requires_grad_(trained)
        return self._keep(number, present)

    def _array(self, number: int, k: int, *_: Any) -> np.ndarray:
        return self._keep(number, np.array(self.arrays[k]))

    def _generator(self, number: int, name: str, state: Any, present: Any, path: str) -> Any:
        self._check(present, name, path)
        _, put = next(both for of, both in GENERATORS.items() if isinstance(present, of))
        put(present, self.read(state))
        return self._keep(number, present)

    def _dict(self, number: int, name: str, pairs: Any, present: Any, path: str) -> Any:
        target = self._keep(number, self._container({}, name, present, path))
        found = self._pairs(pairs, dict(target), path)  # may raise, and leaves the target then
        target.clear()
        target.update(found)
        return target

    def _list(self, number: int, name: str, items: Any, present: Any, path: str) -> Any:
        target = self._keep(number, self._container([], name, present, path))
        values = self._items(items, list(target), path)
        target.clear()
        target.extend(values)
        return target

    def _object(self, number: int, name: str, pairs: Any, present: Any, path: str) -> Any:
        self._check(present, name, path)
        self._keep(number, present)
        before = vars(present)
        values = self._pairs(pairs, before, path)
        if not _says_its_state(present):
            for gone in before.keys() - values.keys() - _skipped(present):
                del before[gone]
        before.update(values)
        return present

    def _container(self, empty: Any, name: str, present: Any, path: str) -> Any:
        if present is not None and _name(type(present)) == name and self._takes(present):
            return present
        if name != _name(type(empty)):
            raise StateError(f"{path} was a {name}, and is {_name(type(present))}")
        return empty

    def _check(self, present: Any, name: str, path: str) -> None:
        if _name(type(present)) != name or not self._takes(present):
            raise StateError(f"{path} was a {name}, and is {_name(type(present))}")

    def _takes(self, present: Any) -> bool:
        """Return whether an object has not got a state yet, and note that it gets one."""
        fresh = id(present) not in self._used
        self._used.add(id(present))
        return fresh

    def _keep(self, number: int, value: Any) -> Any:
        self._made[number] = value
        return value

    def _items(self, items: list[Any], present: Any, path: str) -> list[Any]:
        old = list(present) if isinstance(present, list | tuple) else []
        old += [None] * (len(items) - len(old))
        both = zip(items, old, strict=False)
        return [self.read(text, was, f"{path}[{k}]") for k, (text, was) in enumerate(both)]

    def _pairs(self, pairs: list[Any], present: Mapping[Any, Any], path: str) -> dict[Any, Any]:
        found = {}
        for key_text, text in pairs:
            key = self.read(key_text, None, path)
            found[key] = self.read(text, present.get(key), f"{path}.{key}")
        return found


def _form(value: Tensor) -> tuple[Any, ...]:
    return tuple(value.shape), value.dtype


def _name(value: Any) -> str:
    """Return a name that is the same in every process."""
    if isinstance(value, WRITTEN):
        return repr(value)
    if isinstance(value, partial):
        return f"partial of {_name(value.func)}"
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _says_its_state(value: Any) -> bool:
    return getattr(type(value), "__getstate__", None) is not object.__getstate__


def _skipped(value: Any) -> set[str]:
    """Return the attributes that belong to every module, or are derived from others."""
    derived = {k for k in vars(value) if isinstance(getattr(type(value), k, None), cached_property)}
    return derived | set(OF_MODULES) if isinstance(value, nn.Module) else derived


def _attributes(value: Any, path: str) -> dict[str, Any]:
    try:
        state = (value.__getstate__() or {}) if hasattr(value, "__dict__") else None
    except TypeError as error:  # an open file
        raise StateError(f"{path} is a {_name(type(value))}: {error}") from error
    if not isinstance(state, dict):
        raise StateError(f"{path} is a {_name(type(value))}, whose state cannot be written")
    skipped = _skipped(value) if state else ()
    return {name: item for name, item in state.items() if name not in skipped}
