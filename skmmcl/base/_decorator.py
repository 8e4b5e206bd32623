"""The decorator of estimators: their signature, and what they share in their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

# A section of a numpydoc docstring is a title that is underlined.
_TITLE = re.compile(r"^(\w[\w ]*)\n-{3,}\n", flags=re.MULTILINE)
_ENTRY = re.compile(r"^(?=\S+ : )", flags=re.MULTILINE)


C = TypeVar("C", bound=type)


@dataclass_transform(kw_only_default=True, eq_default=False)
def embedder(estimator: C) -> C:
    """Give an estimator its ``__init__`` from its annotated parameters, its own ones first.

    A parameter of `BaseEmbedder` that is annotated anew, for another default, keeps its place.
    Entries of the docstring that the class leaves out are filled in from its bases.

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
    own = set(vars(estimator).get("__annotations__", {})) - common
    ordered = sorted(signature.parameters.values(), key=lambda p: p.name not in {"self", *own})
    init.__signature__ = signature.replace(parameters=ordered)
    complete_docstring(estimator, [parameter.name for parameter in ordered])
    return estimator


def complete_docstring(cls: type, parameters: Iterable[str]) -> None:
    """Fill in the parameters and attributes that a class leaves to its bases to describe.

    Parameters
    ----------
    cls : type
        What its docstring describes itself is left as it is.
    parameters : iterable of str
        All its parameters, in the order in which they are to stand.
    """
    before, sections = _split(cls.__doc__ or "")
    inherited = {title: _inherited(cls, title) for title in ("Parameters", "Attributes")}
    own = {title: _entries(sections.pop(title, "")) for title in inherited}
    known = inherited["Parameters"] | own["Parameters"]
    own["Parameters"] = {name: known[name] for name in parameters if name in known}
    own["Attributes"] |= {
        n: e for n, e in inherited["Attributes"].items() if n not in own["Attributes"]
    }
    completed = {title: "".join(entries.values()) for title, entries in own.items() if entries}
    cls.__doc__ = before + "\n".join(
        f"{title}\n{'-' * len(title)}\n{body}" for title, body in (completed | sections).items()
    )


def _inherited(cls: type, title: str) -> dict[str, str]:
    """Return the entries of a section in all bases; the nearest base counts."""
    package = __name__.partition(".")[0]
    entries: dict[str, str] = {}
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
