"""The cohort of a report, and its missing modalities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.inspection._report_blocks import Section, Table, Text, picture
from skmmcl.inspection._values import known_values
from skmmcl.utils._targets import class_name

MAX_CLASSES = 6  # columns of a table
MAX_VALUES = 6  # of side data, which are listed one by one
MAX_LISTED = 20  # values; more are counted only
MAX_PATTERNS = 10


@dataclass
class Subjects:
    """Subjects of a report: the target with its name and classes, and X if it is known.

    Parameters
    ----------
    X : MultimodalData or None
        The subjects.
    y : ndarray
        Their targets.
    target : str
        Name of the target.
    names : dict
        Names of the classes; empty for a regression.
    """

    X: MultimodalData | None
    y: np.ndarray
    target: str
    names: dict

    @property
    def classes(self) -> dict[str, np.ndarray]:
        """Rows of each class by its name; none if there are many, or numbers."""
        if len(self.names) > MAX_CLASSES:
            return {}
        return {name: np.flatnonzero(self.y == label) for label, name in self.names.items()}

    def side_data(self) -> dict[str, np.ndarray]:
        """Return the side data without copies of the target and identifiers."""
        if self.X is None:
            return {}
        kept = {}
        for name, values in self.X.meta.items():
            n_values = len({str(value) for value in values})
            is_id = values.dtype.kind in "OSU" and n_values > len(values) / 2
            if not is_id and n_values > 1 and not self._is_target(values):
                kept[str(name)] = values
        return kept

    def _is_target(self, values: np.ndarray) -> bool:
        pairs = set(zip(map(str, values), map(str, self.y), strict=True))
        counts = len({a for a, _ in pairs}), len({b for _, b in pairs})
        return counts[0] == counts[1] == len(pairs)


def cohort_section(subjects: Subjects, notes: Iterable[str]) -> Section:
    """Return a description of target, side data and modalities."""
    section = Section("cohort", "Cohort", [_of_target(subjects), *map(Text, notes)])
    if subjects.X is None:
        advice = "Side data, missing modalities and contributions need X: result.report(path, X=X)."
        section.blocks.append(Text(advice))
        return section
    if rows := [[name, *_by_class(v, subjects)] for name, v in subjects.side_data().items()]:
        head = ["side data", "all", *subjects.classes]
        caption = "Mean ± standard deviation of numbers, counts of classes."
        section.blocks.append(Table(head, rows, caption, is_text=True))
    shapes = subjects.X.shapes
    rows = [
        [name, " × ".join(map(str, shape)), str(subjects.X.dtypes[name])]
        for name, shape in shapes.items()
    ]
    section.blocks.append(Table(["modality", "values for each subject", "type"], rows))
    return section


def _of_target(subjects: Subjects) -> Text:
    y = subjects.y
    if not subjects.names:
        spread = f"mean {y.mean():.4g}, standard deviation {y.std():.4g}"
        text = f"from {y.min():.4g} to {y.max():.4g}, {spread}"
    else:
        counts = {name: int(np.sum(y == label)) for label, name in subjects.names.items()}
        text = ", ".join(f"{name}: {n} ({n / len(y):.0%})" for name, n in counts.items())
    return Text(f"{len(y)} subjects. {subjects.target}: {text}.")


def _by_class(values: np.ndarray, subjects: Subjects) -> list[str]:
    groups = [np.arange(len(values)), *subjects.classes.values()]
    return [_describe(values, rows) for rows in groups]


def _describe(values: np.ndarray, rows: np.ndarray) -> str:
    is_known, everyone, is_measured = known_values(values)
    known = everyone[np.isin(np.flatnonzero(is_known), rows)]
    gaps = len(rows) - len(known)
    text = _describe_known(everyone, known, is_measured) if len(known) else "–"
    return f"{text} ({gaps} unknown)" if gaps else text


def _describe_known(everyone: np.ndarray, known: np.ndarray, is_measured: bool) -> str:
    if is_measured:
        measured = known.astype(float)
        return f"{measured.mean():.4g} ± {measured.std():.2g}"
    usual = [value for value, _ in Counter(everyone.tolist()).most_common()]
    counts = Counter(known.tolist())
    if len(usual) > MAX_LISTED:
        return f"{len(counts)} different values"
    listed = [f"{class_name(value)}: {counts[value]}" for value in usual[:MAX_VALUES]]
    return ", ".join(listed) + (", ..." if len(usual) > MAX_VALUES else "")


def missing_section(subjects: Subjects) -> Section | None:
    """Return the numbers of subjects without a modality; None without X."""
    X = subjects.X
    if X is None:
        return None
    section = Section("missing", "Missing modalities")
    if X.mask.all():
        section.blocks.append(Text(f"All {len(X)} subjects have all modalities."))
        return section
    rows = [
        [name, str(np.sum(~has)), f"{1 - has.mean():.0%}", *_shares(has, subjects)]
        for name, has in zip(X.modalities, X.mask.T, strict=True)
    ]
    head = ["modality", "missing", "share", *(f"share of {name}" for name in subjects.classes)]
    caption = "Where shares differ between classes, a missing modality by itself reveals the class."
    section.blocks.append(Table(head, rows, caption if subjects.classes else ""))
    section.blocks.append(_patterns(X))
    section.blocks.append(
        picture(
            lambda ax: _draw_missing(ax, X),
            "Which subjects have which modality",
            "One column for each subject, pale where the modality is missing.",
            (5.0, 0.9 + 0.28 * len(X.modalities)),
        )
    )
    return section


def _shares(has: np.ndarray, subjects: Subjects) -> list[str]:
    return [f"{1 - has[rows].mean():.0%}" for rows in subjects.classes.values()]


def _patterns(X: Any) -> Table:
    found = Counter(map(tuple, X.mask.tolist())).most_common()
    rows = [
        [", ".join(np.array(X.modalities)[list(pattern)]) or "none", str(n)]
        for pattern, n in found[:MAX_PATTERNS]
    ]
    if rest := sum(n for _, n in found[MAX_PATTERNS:]):
        rows.append(["others", str(rest)])
    return Table(["what subjects have", "subjects"], rows)


def _draw_missing(ax: Any, X: Any) -> None:
    order = np.lexsort(~X.mask.T[::-1])
    style = {"cmap": "Blues_r", "vmin": -0.4, "vmax": 1.1, "interpolation": "nearest"}
    ax.imshow(~X.mask.T[:, order], aspect="auto", **style)
    ax.set_yticks(range(len(X.modalities)), X.modalities)
    ax.set(xlabel="subjects")
    ax.spines[:].set_visible(False)
