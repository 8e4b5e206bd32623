"""Fingerprints of code, parameters and functions, without torch."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

import joblib

import skmmcl


@cache
def code_hash() -> str:
    """Return a hash that changes with every line of this package."""
    files = sorted(Path(skmmcl.__file__).parent.rglob("*.py"))
    return joblib.hash([file.read_bytes() for file in files])


def describe(value: Any) -> Any:
    """Return a description of a value that differs from those of others, for `joblib.hash`.

    Estimators are described by their parameters, networks by their weights and the code of their
    modules, functions and classes by their code, by that of the functions of their module that they
    call, and by the constants that they read, so that an edited function differs.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skmmcl.utils._fingerprint import describe
    >>> describe(Ridge(2.0)) == describe(Ridge(2.0)) != describe(Ridge(3.0))
    True
    >>> describe(lambda x: x + 1) == describe(lambda x: x + 2)
    False
    """
    if isinstance(value, FunctionType):
        closed = [cell.cell_contents for cell in value.__closure__ or ()]
        cells = [item for item in closed if item is not value]  # a local function that calls itself
        parts = value.__defaults__, value.__kwdefaults__, cells
        return value.__qualname__, _code(value.__code__), describe(parts), _reached(value)
    if isinstance(value, type):
        return _class(value)
    if isinstance(value, dict):
        return {str(name): describe(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(repr(item) for item in value)
    return _object(value)


def _object(value: Any) -> Any:
    if isinstance(value, MethodType):
        return describe([value.__func__, value.__self__])
    if isinstance(value, partial):
        return describe([value.func, value.args, value.keywords])
    if hasattr(value, "state_dict"):
        state = {name: _array(tensor) for name, tensor in value.state_dict().items()}
        return repr(value), state, describe_modules(value)
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if hasattr(value, "get_params"):
        return _class(type(value)), describe(value.get_params(deep=False))
    if hasattr(value, "__array__") or not hasattr(value, "__dict__"):
        return value
    return _class(type(value)), describe(vars(value))


def describe_modules(network: Any) -> Any:
    """Return what neither the text nor the weights of a network say.

    These are the names of frozen weights, and the code and plain attributes of modules that neither
    this package nor torch defines.
    """
    if not hasattr(network, "modules"):
        return None
    frozen = [name for name, weight in network.named_parameters() if not weight.requires_grad]
    foreign = [
        module
        for module in network.modules()
        if type(module).__module__.partition(".")[0] not in ("skmmcl", "torch")
    ]
    kinds = [_class(kind) for kind in dict.fromkeys(map(type, foreign))]
    plain = (bool, int, float, str, type(None))
    return (
        frozen,
        kinds,
        [
            {name: item for name, item in vars(module).items() if isinstance(item, plain)}
            for module in foreign
        ],
    )


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor


def _class(kind: type) -> Any:
    """Return the name of a class and the code of its methods, inherited ones included."""
    code = [
        (name, _code(member.__code__), _reached(member))
        for base in kind.__mro__
        for name, member in vars(base).items()
        if isinstance(member, FunctionType)
    ]
    return kind.__module__, kind.__qualname__, code


def _reached(function: FunctionType) -> Any:
    """Return the constants that a function and those of its module that it calls read, and these.

    Functions of this package count by `code_hash`.
    """
    found: dict[str, Any] = {}
    todo = [] if str(function.__module__).startswith("skmmcl.") else [function]
    while todo:
        caller = todo.pop()
        for name in _names(caller.__code__):
            value = caller.__globals__.get(name)
            if isinstance(value, (bool, int, float, str)):
                found[name] = value
            elif isinstance(value, FunctionType) and value.__module__ == function.__module__:
                if name not in found:
                    todo.append(value)
                found[name] = _code(value.__code__)
    return sorted(found.items())


def _names(code: CodeType) -> set[str]:
    """Return the names that code and the functions within it look up."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _code(code: CodeType) -> Any:
    return code.co_code, code.co_names, [_constant(c) for c in code.co_consts]


def _constant(constant: Any) -> Any:
    if isinstance(constant, CodeType):
        return _code(constant)
    if isinstance(constant, frozenset):  # the order of which changes from process to process
        return sorted(repr(item) for item in constant)
    return repr(constant)
