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
    cv, data_code = result.params.get("cv"), [*data_code]
    names = imports_of([*result.methods.values(), cv]) | {*map(tuple, data_imports)}
    names.add(("skmmcl.model_selection", "compare"))
    body = [
        *(data_code or ["# X and y are the data that were given to compare."]),
        _methods_as_code(result.methods),
        *_code_of("cv", cv, data_code),
        *_code_of("groups", result.groups, data_code),
        f"result = compare(methods, X, y, cv=cv{_options(result)})",
        "print(result.summary())",
    ]
    text = "\n".join(body)
    for written, (module, name) in functions_of(result.methods.values()).items():
        text = text.replace(written, name)
        names.add((module, name))
    plain = ["import operator"] if "operator." in text else []
    unknown = [f"# What stands in < > is code of your own: {k}" for k in _foreign(text)]
    return "\n".join([*plain, *import_lines(names), "", *unknown, text])


def _code_of(name: str, value: Any, data_code: list[str]) -> list[str]:
    """Return the line that makes the splits or groups; none if the code of the data makes them."""
    if value is None or any(line.startswith(f"{name} = ") for line in data_code):
        return []
    if isinstance(value, int | BaseCrossValidator | _RepeatedSplits):
        return [f"{name} = {value!r}"]
    return [f"# {name} is what was given to compare."]


def import_lines(names: Imports) -> list[str]:
    """Return the import statements, one for each module."""
    homes: dict[str, list[str]] = {}
    for home, name in sorted(names):
        homes.setdefault(home, []).append(name)
    return [f"from {home} import {', '.join(found)}" for home, found in homes.items()]


def _methods_as_code(methods: Mapping[str, Any]) -> str:
    codes = {name: written(method).replace("\n", "\n    ") for name, method in methods.items()}
    return "\n".join(["methods = {", *(f"    {k!r}: {code}," for k, code in codes.items()), "}"])


def written(method: Any) -> str:
    """Return a method as code; scikit-learn would cut a long one short."""
    if isinstance(method, BaseEstimator):
        return method.__repr__(N_CHAR_MAX=10**6)
    return repr(method)


def _options(result: Any) -> str:
    given = {name: result.params.get(name) for name in ("scoring", "random_state")}
    kept = {name: repr(value) for name, value in given.items() if value is not None}
    if not isinstance(given["scoring"], str | list | tuple):
        kept.pop("scoring", None)
    if result.groups is not None:
        kept["groups"] = "groups"
    return "".join(f", {name}={value}" for name, value in kept.items())


def _foreign(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"<[^<>]*>", text)))[:5]
