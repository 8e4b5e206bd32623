"""Representations of a container: text, and a table in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def text_repr(X) -> str:
    """Return a line for each modality, and one for side data and ids."""
    rows = _modality_rows(X)
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        "  " + "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]
    about = "; ".join(f"{what}: {text}" for what, text in _side_facts(X).items())
    return "\n".join(line.rstrip() for line in [_title(X), *lines, *([f"  {about}"] * bool(about))])


def html_repr(X) -> str:
    """Return the same facts as a small HTML table."""
    head = "".join(f"<th>{title}</th>" for title in ("modality", "shape", "dtype", "missing"))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in _modality_rows(X)
    )
    facts = "".join(f"<p>{what}: {escape(text)}</p>" for what, text in _side_facts(X).items())
    return (
        f"<div><p><strong>{escape(_title(X))}</strong></p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{facts}</div>"
    )


def _title(X) -> str:
    return (
        f"{type(X).__name__}: {_count(len(X), 'subject', 'subjects')}, "
        f"{_count(len(X.modalities), 'modality', 'modalities')}"
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _modality_rows(X) -> list[tuple[str, str, str, str]]:
    missing = (~X.mask).sum(axis=0)
    return [
        (name, str((len(X), *shape)), str(X.dtypes[name]), f"{n} missing" if n else "")
        for (name, shape), n in zip(X.shapes.items(), missing, strict=True)
    ]


def _side_facts(X) -> dict[str, str]:
    facts = {"meta": ", ".join(_meta_fact(name, values) for name, values in X.meta.items())}
    if X.index is not None and len(X):
        ids = [str(item) for item in X.index]
        facts["index"] = ", ".join(ids) if len(ids) < 3 else f"{ids[0]} ... {ids[-1]}"
    return {what: text for what, text in facts.items() if text}


def _meta_fact(name: str, values: np.ndarray) -> str:
    if values.dtype.kind not in "bOSU":
        return name
    n_values = len({str(item) for item in values.ravel()})
    return f"{name} ({_count(n_values, 'value', 'values')})"
