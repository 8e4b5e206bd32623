"""Parts of a report: paragraphs, tables, code and figures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from itertools import groupby
from typing import Any

import numpy as np

from skmmcl.utils._optional import import_optional

LARGEST_SVG = 250_000  # bytes, above which a figure is stored by its pixels
STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "skmmcl",  # the same figure gives the same file
    "svg.fonttype": "path",
}


@dataclass
class Text:
    """A paragraph."""

    text: str
    kind: str = "text"


@dataclass
class Code:
    """A program."""

    text: str
    kind: str = "code"


@dataclass
class Table:
    """A table; the first cell of a row is its name, and the row named `marked` stands out.

    `is_text` is for cells of words, which stand at the left.
    """

    head: list[str]
    rows: list[list[str]]
    caption: str = ""
    marked: str = ""
    is_text: bool = False
    kind: str = "table"


@dataclass
class Picture:
    """A figure, as the address of its own content."""

    source: str
    alt: str
    caption: str
    width: int
    height: int
    kind: str = "figure"


@dataclass
class Section:
    """A titled part of the report."""

    id: str
    title: str
    blocks: list[Any] = field(default_factory=list)


def runs_of_kind(blocks: list[Any]) -> list[tuple[str, list[Any]]]:
    """Return the kind and the blocks of each run of neighbors of one kind."""
    return [(kind, list(found)) for kind, found in groupby(blocks, lambda b: b.kind)]


def picture(
    draw: Callable[..., Any], alt: str, caption: str = "", size: tuple[float, float] = (5.0, 3.4)
) -> Picture:
    """Return what a function draws on the axes that it is given."""
    mpl = import_optional("matplotlib", 'A report needs matplotlib: pip install "skmmcl[report]".')
    import matplotlib.figure

    with mpl.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
        draw(ax=figure.subplots())
        content, kind = _saved(figure, "svg", metadata={"Date": None}), "svg+xml"
        if len(content) > LARGEST_SVG:
            content, kind = _saved(figure, "png", dpi=170), "png"
    source = f"data:image/{kind};base64,{b64encode(content).decode()}"
    width, height = (round(96 * inches) for inches in size)
    return Picture(source, alt, caption, width, height)


def _saved(figure: Any, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, **options)
    return buffer.getvalue()


def shown(metric: str) -> str:
    """Return the name of a metric as words."""
    words = metric.replace("_", " ").removeprefix("neg ")
    words = {"roc auc": "ROC AUC", "roc auc ovr": "ROC AUC", "r2": "R2"}.get(words, words)
    return f"negative {words}" if metric.startswith("neg_") else words


def number(value: Any, form: str = "z.3f") -> str:
    """Return a number as text; a dash where there is none."""
    return format(value, form) if np.isfinite(value) else "–"


def interval(value: float, lower: float, upper: float, form: str = "z.3f") -> str:
    """Return a number with its interval as text."""
    if not np.isfinite(lower):
        return number(value, form)
    return f"{value:{form}} [{lower:{form}}, {upper:{form}}]"


def p_value(value: float) -> str:
    """Return a p-value as text."""
    if not np.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
