"""The decorator of estimators: their signature, and the shared parts of their docstrings."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, dataclass_transform

from skmmcl.base._parameters import Shared

# A section of a numpydoc docstring is a title that is underlined.
_TITLE = re.compile(r"^(\w[\w ]*)\n-{3,}\n", flags=re.MULTILINE)
_ENTRY = re.compile(r"^(?=\S+ : )", flags=re.MULTILINE)


_RECIPE = """Make an estimator with the settings of the paper.

{settings}

Parameters
----------
**params
    Parameters that differ from them.

Returns
-------
{name}
    With these settings.

Examples
--------
>>> from {room} import {name}
>>> {name}.from_paper(lr=0.01).lr
0.01
"""

C = TypeVar("C", bound=type)


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
def embedder(estimator: C) -> C:
    """Give an estimator its ``__init__`` from its annotated parameters, its own ones first.

    A parameter of `BaseEmbedder` that is annotated anew, for another default, keeps its place.
    Descriptions and constraints of parameters that the class leaves out are those of its bases, or
    those that several methods share. Arguments that the docstring of a method leaves out, and what
    it returns, are those of the same method of a base; arguments of a new method are those of
    ``fit`` where it takes ``y``, else those of ``transform``.

    Parameters
    ----------
    estimator : type
        Subclass of `BaseEmbedder` with its parameters as annotated class attributes.

    Returns
    -------
    type
        The same class, now a dataclass.

    Examples
    --------
    >>> from skmmcl.base import BaseEmbedder, embedder
    >>> @embedder
    ... class MyEmbedder(BaseEmbedder):
    ...     temperature: float = 0.1
    >>> MyEmbedder(temperature=0.5)
    MyEmbedder(temperature=0.5)
    """
    dataclass(kw_only=True, eq=False, repr=False)(estimator)
    init: Any = vars(estimator)["__init__"]
    signature = inspect.signature(init)
    *_, root = (cls for cls in estimator.__mro__ if "__dataclass_fields__" in vars(cls))
    common = set(vars(root)["__dataclass_fields__"]) if root is not estimator else set()
    # Own parameters come first, then those of the mixins, the nearest first.
    place = {
        name: k
        for k, cls in enumerate(estimator.__mro__)
        if "__dataclass_fields__" in vars(cls)
        for name in vars(cls).get("__annotations__", {})
    }
    place |= dict.fromkeys(("self", *common), -1)
    ordered = sorted(
        signature.parameters.values(), key=lambda p: (p.kind, p.name in common, place[p.name])
    )
    init.__signature__ = signature.replace(parameters=ordered)
    names = [parameter.name for parameter in ordered if parameter.name != "self"]
    _complete_constraints(estimator, names)
    _complete_docstring(estimator, {p.name: p.default for p in ordered})
    _complete_methods(estimator)
    if "_paper" in vars(estimator):
        _give_recipe(estimator)
    return estimator


def _give_recipe(estimator: Any) -> None:
    """Add ``from_paper`` to a class with published settings, ``_paper``."""

    def from_paper(cls: Any, **params: Any) -> Any:
        return cls(**{**cls._paper, **params})

    name, room = estimator.__name__, estimator.__module__.partition("._")[0]
    settings = ", ".join(f"``{key}={_shown(value)}``" for key, value in estimator._paper.items())
    settings = textwrap.fill(f"These are {settings}.", 90, break_long_words=False)
    from_paper.__doc__ = _RECIPE.format(name=name, room=room, settings=settings)
    from_paper.__module__, from_paper.__qualname__ = estimator.__module__, f"{name}.from_paper"
    estimator.from_paper = classmethod(from_paper)


def _shown(value: Any) -> str:
    """Return a setting as it would be written in code."""
    if isinstance(value, partial):
        given = "".join(f", {name}={_shown(each)}" for name, each in value.keywords.items())
        return f"partial({_shown(value.func)}{given})"
    return getattr(value, "__name__", None) or repr(value)


def _complete_constraints(estimator: Any, parameters: Iterable[str]) -> None:
    """Fill in the constraints of parameters that a class leaves to its bases."""
    known: dict[str, Any] = {}
    for cls in (Shared, *reversed(estimator.__mro__)):
        known |= vars(cls).get("_parameter_constraints", {})
    estimator._parameter_constraints = {name: known[name] for name in parameters if name in known}


def _complete_docstring(cls: type, defaults: Mapping[str, Any]) -> None:
    """Fill in the parameters and attributes that a class leaves to its bases to describe.

    Parameters stand in the order of ``defaults``, which inherited descriptions state.
    """
    before, sections = _split(cls.__doc__ or "")
    parameters = {
        name: _with_default(entry, defaults[name])
        for name, entry in _inherited(cls, "Parameters").items()
        if name in defaults
    } | _entries(sections.pop("Parameters", ""))
    attributes = _entries(sections.pop("Attributes", ""))
    inherited = _inherited(cls, "Attributes")
    attributes |= {name: inherited[name] for name in inherited if name not in attributes}
    completed = {
        "Parameters": "".join(parameters[name] for name in defaults if name in parameters),
        "Attributes": "".join(attributes.values()),
    }
    cls.__doc__ = _join(before, completed | sections)


def _complete_methods(estimator: type) -> None:
    """Fill in what public methods leave to those of the bases to describe."""
    owners = [*reversed(_of_package(estimator.__mro__[1:])), estimator]
    for k, owner in enumerate(owners):
        for name, member in vars(owner).items():
            method = getattr(member, "fn", member)  # behind `available_if`
            is_own = getattr(method, "__qualname__", "") == f"{owner.__qualname__}.{name}"
            if is_own and inspect.isfunction(method) and method.__doc__ and name[0] != "_":
                _complete_method(method, estimator, owners[:k])


def _complete_method(method: Any, estimator: Any, bases: Iterable[type]) -> None:
    before, sections = _split(method.__doc__)
    names = list(inspect.signature(method).parameters)[1:]
    similar = getattr(estimator, "fit" if "y" in names else "transform", None)
    same = [getattr(base, method.__name__) for base in bases if hasattr(base, method.__name__)]
    described: dict[str, str] = {}
    for source in (similar, *same):
        known = _split(source.__doc__ or "")[1]
        described |= _entries(known.get("Parameters", ""))
        if source is not similar and "Returns" in known:
            sections = {"Returns": known["Returns"]} | sections
    described |= _entries(sections.pop("Parameters", ""))
    described = {name.lstrip("*"): entry for name, entry in described.items()}
    arguments = "".join(described[name] for name in names if name in described)
    method.__doc__ = _join(before, {"Parameters": arguments} | sections)


def _join(before: str, sections: Mapping[str, str]) -> str:
    """Return the docstring that `_split` divides into these parts; empty sections are left out."""
    bodies = (f"{title}\n{'-' * len(title)}\n{body}" for title, body in sections.items() if body)
    return "\n\n".join(filter(None, [before.strip(), "\n".join(bodies)]))


def _with_default(entry: str, default: Any) -> str:
    """Return the description of a parameter with this default instead of the one stated."""
    head, line, rest = entry.partition("\n")
    before, has_default, stated = head.partition("default=")
    try:
        is_right = not has_default or ast.literal_eval(stated) == default
    except ValueError:  # it is described in words
        return entry
    shown = f'"{default}"' if isinstance(default, str) else repr(default)
    return entry if is_right else f"{before}default={shown}{line}{rest}"


def _inherited(cls: type, title: str) -> dict[str, str]:
    """Return the entries of a section in all bases; the nearest base counts."""
    entries: dict[str, str] = {}
    for base in (Shared, *reversed(_of_package(cls.__mro__[1:]))):
        entries |= _entries(_split(base.__doc__ or "")[1].get(title, ""))
    return entries


def _of_package(classes: Iterable[type]) -> list[type]:
    package = __name__.partition(".")[0]
    return [cls for cls in classes if cls.__module__.partition(".")[0] == package]


def _split(docstring: str) -> tuple[str, dict[str, str]]:
    """Return the text before the first section, and the sections by title."""
    before, *rest = _TITLE.split(inspect.cleandoc(docstring))
    bodies = (body.strip("\n") + "\n" for body in rest[1::2])
    return before, dict(zip(rest[::2], bodies, strict=True))


def _entries(section: str) -> dict[str, str]:
    """Return the entries of a section by name, each with all its lines."""
    parts = [part.rstrip() + "\n" for part in _ENTRY.split(section) if part.strip()]
    return {part.partition(" : ")[0]: part for part in parts}
