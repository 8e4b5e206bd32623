"""Columns of modalities that say the target: copies of it, and what follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

from skmmcl.exceptions import DataError

MOST_ALIKE = 0.999  # correlation of ranks above which a column is a copy of numbers
MOST_CODES = 10  # different values that a finer coding of classes may have


def check_leaks(X: Any, y: np.ndarray, target: str, files: dict[str, str], *, coded: bool) -> str:
    """Raise for a copy of the target in a modality; return what else gives it away.

    `coded` says that y holds codes of classes, and `files` where a modality was read.
    """
    said = []
    for modality, present in zip(X.modalities, X.mask.T, strict=True):
        file, array = files.get(modality, modality), X[modality]
        if coded and of_some_classes(present[:, None], y).any():
            said.append(f"all of {file}")
        elif isinstance(array, np.ndarray) and array.ndim == 2 and array.dtype.kind in "biuf":
            table, known = array[present].astype(float), y[present]
            names = X.columns[modality] or [f"number {k}" for k in range(table.shape[1])]
            copies = copies_of_classes(table, known) if coded else copies_of_numbers(table, known)
            if copies.any():
                raise _a_copy(target, file, names[copies.argmax()])
            if coded and (suspect := suspects(table, known)).any():
                said.append(f"{file}: {', '.join(names[k] for k in np.flatnonzero(suspect)[:10])}")
    if not said:
        return ""
    return (
        "Take care, these columns set the classes apart by themselves, or are known of some "
        f"classes only; remove what follows from the target. {'; '.join(said)}."
    )


def _a_copy(target: str, file: str, column: str) -> DataError:
    return DataError(
        f"{file} holds a copy of the target {target!r}: its column {column!r} is the same, up to "
        "coding, so that the target would be predicted from itself. Remove the column from the "
        "file."
    )


def copies_of_classes(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Which columns have one value in each class, or a few that no other class has."""
    low, high = _ranges(table, codes)
    copies = (low == high).all(axis=0) & (low != low[0]).any(axis=0)
    for k in np.flatnonzero(_apart(low, high) & ~copies):
        column = table[:, k]
        copies[k] = len(np.unique(column[np.isfinite(column)])) <= MOST_CODES
    return copies & _mostly_known(table)


def suspects(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Which columns have another range in each class, or are known of some classes only."""
    apart = _apart(*_ranges(table, codes)) & _mostly_known(table)
    return apart | of_some_classes(np.isfinite(table), codes)


def of_some_classes(known: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Which columns nobody of one class has, and most of another have."""
    shares = np.array([known[codes == code].mean(axis=0) for code in np.unique(codes)])
    return (shares.min(axis=0) == 0) & (shares.max(axis=0) > 0.5)


def copies_of_numbers(table: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which columns have the subjects in the order of the target, or its reverse."""
    copies = _mostly_known(table)
    for k in np.flatnonzero(copies):
        known = np.isfinite(table[:, k])
        ranks = rankdata(table[known, k]), rankdata(y[known])
        varies = all(np.ptp(of_one) > 0 for of_one in ranks)
        copies[k] = varies and abs(np.corrcoef(*ranks)[0, 1]) > MOST_ALIKE
    return copies


def _mostly_known(table: np.ndarray) -> np.ndarray:
    return 2 * np.isfinite(table).sum(axis=0) >= len(table)


def _ranges(table: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest values of each class, NaN where there are none."""
    groups = [table[codes == code] for code in np.unique(codes)]
    low, high = ([bound.reduce(group) for group in groups] for bound in (np.fmin, np.fmax))
    return np.array(low), np.array(high)


def _apart(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which ranges of the classes do not meet."""
    order = np.argsort(low, axis=0)
    low, high = (np.take_along_axis(bound, order, axis=0) for bound in (low, high))
    return np.logical_and.reduce(high[:-1] < low[1:])
