"""Columns of side data as numbers that are learned on training subjects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.utils._plain import plain_column
from skmmcl.utils._targets import is_unlabeled

_KINDS = {"i": "numbers", "f": "numbers", "U": "text", "M": "dates", "m": "spans of time"}


class SideColumns:
    """Columns of side data as numbers: text becomes indicators, of all classes but the first.

    A column that says the same of all training subjects has no effect that could be learned: it is
    left out, and an error where it differs later.
    """

    def __init__(self, names: str | Sequence[str] | None) -> None:
        self.names = [names] if isinstance(names, str) else list(names or [])

    def fit(self, X: MultimodalData, rows: np.ndarray) -> Self:
        """Learn the classes and scales of the training subjects."""
        self.kinds_: dict[str, str] = {}
        self.classes_: dict[str, np.ndarray] = {}
        self.scales_: dict[str, tuple[float, float]] = {}
        for name in self.names:
            values = side_column(X, name)[rows]
            self.kinds_[name] = _KINDS[values.dtype.kind]
            if self.kinds_[name] == "text":
                self.classes_[name] = np.unique(values)
            else:
                self.scales_[name] = _scale(values, name)
        return self

    def transform(self, X: MultimodalData, rows: np.ndarray) -> np.ndarray:
        """Return (n_subjects, n_columns) of z-scores and indicators."""
        columns = [np.empty((len(X), 0))[rows]]
        for name in self.names:
            values = side_column(X, name)[rows]
            found, learned = _KINDS[values.dtype.kind], self.kinds_[name]
            if len(values) and found != learned:
                raise DataError(
                    f"Side data {name!r} are {found}, but were {learned} in fit; give them in one "
                    "type."
                )
            if learned == "text":
                columns.append(self._indicators(name, values))
            else:
                columns.append(self._z_scores(name, values))
        return np.hstack(columns)

    def _z_scores(self, name: str, values: np.ndarray) -> np.ndarray:
        mean, scale = self.scales_[name]
        numbers = _as_floats(values)
        if scale > 0:
            return ((numbers - mean) / scale)[:, None]
        odd = values[numbers != mean]
        if len(odd):
            raise DataError(
                f"Side data {name!r} have {odd[:5].tolist()}, but were the same for all training "
                "subjects, so that their effect is not known; leave them out."
            )
        return np.empty((len(values), 0))

    def _indicators(self, name: str, values: np.ndarray) -> np.ndarray:
        known = self.classes_[name]
        unseen = sorted(set(values.tolist()) - set(known.tolist()))
        if unseen:
            raise DataError(
                f"Side data {name!r} has {unseen[:5]}, which no training subject has; fit saw "
                f"{known.tolist()}."
            )
        return (values[:, None] == known[1:]).astype(float)


def side_column(X: MultimodalData, name: str) -> np.ndarray:
    """Return side data of all subjects, complete and in a plain type."""
    return plain_column(side_values(X, name), name)


def side_values(X: MultimodalData, name: str) -> np.ndarray:
    """Return side data of all subjects as they are; raise where some are missing."""
    values = np.asarray(X.meta[name])
    unknown = is_unlabeled(values, None).reshape(len(values), -1).any(axis=1)
    if unknown.any():
        first = int(np.argmax(unknown))
        who = first if X.index is None else X.index[first]
        raise DataError(f"Side data {name!r} is missing for {unknown.sum()} subjects: {who}, ...")
    return values


def _as_floats(values: np.ndarray) -> np.ndarray:
    """Return numbers as they are, dates and spans in days."""
    if values.dtype.kind in "Mm":
        return values.astype(np.int64) / 86_400e6
    return values.astype(np.float64)


def _scale(values: np.ndarray, name: str) -> tuple[float, float]:
    """Return mean and standard deviation; 0 where all values are the same."""
    numbers = _as_floats(values)
    if not len(numbers) or (numbers == numbers[0]).all():
        return (numbers[0] if len(numbers) else 0.0), 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = numbers.mean(), numbers.std()
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(
            f"Side data {name!r} go from {numbers.min():.3g} to {numbers.max():.3g}, whose "
            "standard deviation leaves the range of numbers; rescale them."
        )
    return mean, scale
