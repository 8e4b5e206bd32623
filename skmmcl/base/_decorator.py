"""The decorator of estimators: their signature, and what they share in their docstrings."""

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
    Parameters that are to differ.

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
    those that several methods share.

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
        for name in vars(cls).get("__annotations__", {})
    }
    place |= dict.fromkeys(("self", *common), -1)
    ordered = sorted(
        signature.parameters.values(), key=lambda p: (p.kind, p.name in common, place[p.name])
    )
    init.__signature__ = signature.replace(parameters=ordered)
    names = [parameter.name for parameter in ordered if parameter.name != "self"]
    _complete_constraints(estimator, names)
    complete_docstring(estimator, names, {p.name: p.default for p in ordered})
    if "_paper" in vars(estimator):
        _give_recipe(estimator)
    return estimator


def _give_recipe(estimator: Any) -> None:
    """Give a class with published settings, ``_paper``, its ``from_paper``."""

    def from_paper(cls: Any, **params: Any) -> Any:
        return cls(**{**cls._paper, **params})

    name, room = estimator.__name__, estimator.__module__.partition("._")[0]
    settings = ", ".join(f"``{key}={_shown(value)}``" for key, value in estimator._paper.items())
    settings = textwrap.fill(f"These are {settings}.", 90, break_long_words=False)
    from_paper.__doc__ = _RECIPE.format(name=name, room=room, settings=settings)
    from_paper.__module__, from_paper.__qualname__ = estimator.__module__, f"{name}.from_paper"
    estimator.from_paper = classmethod(from_paper)


def _shown(value: Any) -> str:
    """A setting as it would be written."""
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


def complete_docstring(
    cls: type, parameters: Iterable[str], defaults: Mapping[str, Any] | None = None
) -> None:
    """Fill in the parameters and attributes that a class leaves to its bases to describe.

    Parameters
    ----------
    cls : type
        What its docstring describes itself is left as it is.
    parameters : iterable of str
        All its parameters, in the order in which they are to stand.
    defaults : mapping of str to Any, optional
        Their defaults, which those of inherited descriptions are replaced by.
    """
    before, sections = _split(cls.__doc__ or "")
    inherited = {title: _inherited(cls, title) for title in ("Parameters", "Attributes")}
    own = {title: _entries(sections.pop(title, "")) for title in inherited}
    given = defaults or {}
    described = {
        name: _with_default(entry, given[name]) if name in given else entry
        for name, entry in inherited["Parameters"].items()
    }
    known = described | own["Parameters"]
    own["Parameters"] = {name: known[name] for name in parameters if name in known}
    own["Attributes"] |= {
        n: e for n, e in inherited["Attributes"].items() if n not in own["Attributes"]
    }
    completed = {title: "".join(entries.values()) for title, entries in own.items() if entries}
    cls.__doc__ = before + "\n".join(
        f"{title}\n{'-' * len(title)}\n{body}" for title, body in (completed | sections).items()
    )


def _with_default(entry: str, default: Any) -> str:
    """Return the description of a parameter with this default, where it says another."""
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
    package = __name__.partition(".")[0]
    entries = _entries(_split(Shared.__doc__ or "")[1].get(title, ""))
    for base in reversed(cls.__mro__[1:]):
        if base.__module__.partition(".")[0] == package:
            entries |= _entries(_split(base.__doc__ or "")[1].get(title, ""))
    return entries


def _split(docstring: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first section, and the sections by title."""
    before, *rest = _TITLE.split(inspect.cleandoc(docstring))
    bodies = (body.strip("\n") + "\n" for body in rest[1::2])
    return before, dict(zip(rest[::2], bodies, strict=True))


def _entries(section: str) -> dict[str, str]:
    """Return the entries of a section by name, each with all its lines."""
    parts = [part.rstrip() + "\n" for part in _ENTRY.split(section) if part.strip()]
    return {part.partition(" : ")[0]: part for part in parts}
