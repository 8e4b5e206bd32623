"""The program that repeats a comparison."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator
from sklearn.model_selection._split import _RepeatedSplits

Imports = set[tuple[str, str]]


def public_home(part: Any) -> tuple[str, str]:
    """Return the module from which a class is imported, and its name."""
    kind = type(part)
    return kind.__module__.partition("._")[0], kind.__name__


def imports_of(parts: Iterable[Any]) -> Imports:
    """Return what to import for the splitters and estimators among some values, nested too."""
    found: Imports = set()
    for part in parts:
        if isinstance(part, BaseEstimator):
            found |= {public_home(part)} | imports_of(part.get_params(deep=True).values())
        elif isinstance(part, BaseCrossValidator | _RepeatedSplits):
            found.add(public_home(part))
        elif isinstance(part, list | tuple):
            found |= imports_of(part)
    return found


def functions_of(parts: Iterable[Any]) -> dict[str, tuple[str, str]]:
    """Return module and name of the functions and classes among some parameters, by their repr."""
    found: dict[str, tuple[str, str]] = {}
    for part in parts:
        if isinstance(part, BaseEstimator):
            found |= functions_of(part.get_params(deep=True).values())
        elif isinstance(part, list | tuple):
            found |= functions_of(part)
        elif repr(part).startswith("<") and hasattr(part, "__qualname__"):
            module, name = getattr(part, "__module__", None) or "", part.__qualname__
            if getattr(sys.modules.get(module), name, None) is part and module != "__main__":
                found[repr(part)] = module, name
    return found


def program(result: Any, data_code: Iterable[str] = (), data_imports: Iterable = ()) -> str:
    """Return the program that makes the same comparison."""
    cv, params = result.params.get("cv"), result.params
    is_splitter = isinstance(cv, BaseCrossValidator | _RepeatedSplits)
    names = imports_of([*result.methods.values(), cv]) | {*map(tuple, data_imports)}
    names.add(("skmmcl.model_selection", "compare"))
    body = [
        *(data_code or ("# X and y are the data that were given to compare.",)),
        _methods_as_code(result.methods),
        f"cv = {cv!r}" if is_splitter or isinstance(cv, int) else "# cv is the splits given.",
        f"result = compare(methods, X, y, cv=cv{_options(params)})",
        "print(result.summary())",
    ]
    text = "\n".join(body)
    for written, (module, name) in functions_of(result.methods.values()).items():
        text = text.replace(written, name)
        names.add((module, name))
    plain = ["import operator"] if "operator." in text else []
    unknown = [f"# What stands in < > is code of your own: {k}" for k in _foreign(text)]
    return "\n".join([*plain, *_import_lines(names), "", *unknown, text])


def _import_lines(names: Imports) -> list[str]:
    homes: dict[str, list[str]] = {}
    for home, name in sorted(names):
        homes.setdefault(home, []).append(name)
    return [f"from {home} import {', '.join(found)}" for home, found in homes.items()]


def _methods_as_code(methods: Mapping[str, Any]) -> str:
    lines = [f"    {name!r}: {_as_code(method)}," for name, method in methods.items()]
    return "\n".join(["methods = {", *lines, "}"])


def _as_code(method: Any) -> str:
    # What is longer would be cut short.
    text = method.__repr__(N_CHAR_MAX=10**6) if isinstance(method, BaseEstimator) else repr(method)
    return text.replace("\n", "\n    ")


def _options(params: Mapping[str, Any]) -> str:
    given = {name: params.get(name) for name in ("scoring", "random_state")}
    kept = {name: value for name, value in given.items() if value is not None}
    if not isinstance(kept.get("scoring", ""), str | list | tuple):
        del kept["scoring"]
    return "".join(f", {name}={value!r}" for name, value in kept.items())


def _foreign(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"<[^<>]*>", text)))[:5]
