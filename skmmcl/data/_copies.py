"""Columns of modalities that give the target away: copies of it, and consequences of it.

Reading a folder warns of exact copies under another name; the command line, which promises a score
that means something, refuses looser ones as well.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.utils._optional import import_pandas

_CLOSE = 1e-9  # correlations this close to 1 are those of copies in other units
_RANK_CORRELATION = 0.999  # above it a column has the subjects in the order of the target
_MAX_CODES = 10  # different values that a finer coding of classes may have


# ---------------------------------------------------------------------- exact copies: a warning
def warn_of_copies(modality: str, values: Any, target: Any, column: str) -> None:
    """Warn of columns of a modality that equal the target under another name."""
    if not hasattr(values, "columns") and (
        isinstance(values, np.memmap) or np.ndim(values) != 2 or values.dtype.kind not in "biuf"
    ):
        return
    if copies := find_copies(values, target):
        warnings.warn(
            f"{modality}: column {', '.join(map(repr, copies[:5]))} is a copy of the target "
            f"{column!r} under another name. A model would predict it from itself: remove it.",
            stacklevel=2,
        )


def find_copies(values: Any, target: Any) -> list:
    """Return the columns that set the same classes apart, or are linear in a target of numbers.

    Both may have gaps: None or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data._copies import find_copies
    >>> find_copies(np.array([[1, 0.3], [2, 0.2], [2, 0.3], [1, 0.5]]), ["HC", "SZ", "SZ", "HC"])
    [0]
    """
    pd = import_pandas()
    target = pd.Series(target)
    known = target.notna().to_numpy()
    target, n_classes = target[known], target.nunique()
    names, numbers = _numbers(values)
    numbers = numbers[known]
    if n_classes < 2 or len(target) < 3:
        return []
    if 2 * n_classes <= len(target):
        places = _same_classes(numbers, target.factorize()[0])
    elif target.dtype.kind in "iuf":
        places = _lines(numbers, target.to_numpy(dtype=np.float64))
    else:
        return []
    return [names[place] for place in np.flatnonzero(places).tolist()]


def _numbers(values: Any) -> tuple[list, np.ndarray]:
    if not hasattr(values, "columns"):
        return list(range(values.shape[1])), np.asarray(values, dtype=np.float64)
    columns = [column for column in values.columns if values[column].dtype.kind in "biuf"]
    return columns, values[columns].to_numpy(dtype=np.float64)


def _same_classes(numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return which columns are constant in each class, with another value in each."""
    low, high = _ranges(numbers, codes)
    return (low == high).all(axis=0) & (np.diff(np.sort(low, axis=0), axis=0) > 0).all(axis=0)


def _lines(numbers: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return which columns are a linear function of the target."""
    known = np.isfinite(numbers)
    count = known.sum(axis=0)

    def centered(values: np.ndarray) -> np.ndarray:
        total = np.where(known, values, 0).sum(axis=0)
        return np.where(known, values - total / np.maximum(count, 1), 0)

    x, y = centered(numbers), centered(target[:, None])
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    return (scale > 0) & (count > 2) & (np.abs((x * y).sum(axis=0)) >= (1 - _CLOSE) * scale)


# ------------------------------------------------------------ looser ones: the command line refuses
def check_leaks(X: Any, y: np.ndarray, target: str, files: dict[str, str], *, coded: bool) -> str:
    """Raise for a copy of the target in a modality; return what else gives it away.

    `coded` says that y holds codes of classes, and `files` where a modality was read.
    """
    said = []
    for modality, present in zip(X.modalities, X.mask.T, strict=True):
        file, array = files.get(modality, modality), X[modality]
        if coded and _of_some_classes(present[:, None], y).any():
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
    """Return which columns have one value in each class, or a few that no other class has."""
    low, high = _ranges(table, codes)
    copies = (low == high).all(axis=0) & (low != low[0]).any(axis=0)
    for k in np.flatnonzero(_apart(low, high) & ~copies):
        column = table[:, k]
        copies[k] = len(np.unique(column[np.isfinite(column)])) <= _MAX_CODES
    return copies & _mostly_known(table)


def copies_of_numbers(table: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which columns have the subjects in the order of the target, or its reverse."""
    from scipy.stats import rankdata  # slow to import

    copies = _mostly_known(table)
    for k in np.flatnonzero(copies):
        known = np.isfinite(table[:, k])
        ranks = rankdata(table[known, k]), rankdata(y[known])
        varies = all(np.ptp(of_one) > 0 for of_one in ranks)
        copies[k] = varies and abs(np.corrcoef(*ranks)[0, 1]) > _RANK_CORRELATION
    return copies


def suspects(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return which columns have another range in each class, or are known of some classes only."""
    apart = _apart(*_ranges(table, codes)) & _mostly_known(table)
    return apart | _of_some_classes(np.isfinite(table), codes)


def _of_some_classes(known: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return which columns nobody of one class has, and most of another have."""
    shares = np.array([known[codes == code].mean(axis=0) for code in np.unique(codes)])
    return (shares.min(axis=0) == 0) & (shares.max(axis=0) > 0.5)


def _mostly_known(table: np.ndarray) -> np.ndarray:
    return 2 * np.isfinite(table).sum(axis=0) >= len(table)


def _ranges(table: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest values of each class, NaN where there are none."""
    groups = [table[codes == code] for code in np.unique(codes)]
    low, high = ([bound.reduce(group) for group in groups] for bound in (np.fmin, np.fmax))
    return np.array(low), np.array(high)


def _apart(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which ranges of the classes do not meet."""
    order = np.argsort(low, axis=0)
    low, high = (np.take_along_axis(bound, order, axis=0) for bound in (low, high))
    return np.logical_and.reduce(high[:-1] < low[1:])
