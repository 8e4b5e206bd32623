"""The target of a study among the features: copies of it under other names."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

_CLOSE = 1e-9  # correlations this close to 1 are those of copies in other units


def find_copies(values: Any, target: Any) -> list:
    """Return the columns that say the same as a target.

    Parameters
    ----------
    values : DataFrame or ndarray of shape (n_subjects, n_columns)
        Features; NaN where unknown.
    target : array-like of shape (n_subjects,)
        Classes or numbers; None or NaN where unknown.

    Returns
    -------
    list of str or int
        Columns that set the same classes apart, whatever they call them, or that are a linear
        function of a target of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data._copies import find_copies
    >>> find_copies(np.array([[1, 0.3], [2, 0.2], [2, 0.3], [1, 0.5]]), ["HC", "SZ", "SZ", "HC"])
    [0]
    """
    import pandas as pd

    target = pd.Series(target)
    known = target.notna().to_numpy()
    target, n_classes = target[known], target.nunique()
    names, numbers = _numbers(values)
    numbers = numbers[known]
    if n_classes < 2 or len(target) < 3:
        return []
    if 2 * n_classes > len(target):
        places = _lines(numbers, target)
    else:
        places = _same_classes(numbers, target.factorize()[0], n_classes)
    return [names[place] for place in places]


def warn_of_copies(modality: str, values: Any, target: Any, column: str) -> None:
    """Warn of columns of a modality that equal the target under another name."""
    if not hasattr(values, "columns") and (
        isinstance(values, np.memmap) or np.ndim(values) != 2 or values.dtype.kind not in "biuf"
    ):
        return
    if copies := find_copies(values, target):
        warnings.warn(
            f"{modality}: column {', '.join(map(repr, copies[:5]))} says the same as the target "
            f"{column!r}, under another name. What is learned from it is no finding: remove it.",
            stacklevel=2,
        )


def _numbers(values: Any) -> tuple[list, np.ndarray]:
    if not hasattr(values, "columns"):
        return list(range(values.shape[1])), np.asarray(values, dtype=np.float64)
    columns = [column for column in values.columns if values[column].dtype.kind in "biuf"]
    return columns, values[columns].to_numpy(dtype=np.float64)


def _same_classes(numbers: np.ndarray, codes: np.ndarray, n_classes: int) -> list[int]:
    """Return columns that are constant in each class, with other values in each."""
    lowest, highest = (
        np.array([bound.reduce(numbers[codes == k], axis=0) for k in range(n_classes)])
        for bound in (np.fmin, np.fmax)
    )
    return [
        place
        for place in np.flatnonzero((lowest == highest).all(axis=0)).tolist()
        if len(set(lowest[:, place])) == n_classes
    ]


def _lines(numbers: np.ndarray, target: Any) -> list[int]:
    """Return columns that are a linear function of the target."""
    if target.dtype.kind not in "iuf":
        return []
    both = np.isfinite(numbers)
    centered = np.where(both, numbers, 0)
    weights = np.maximum(both.sum(axis=0), 1)
    centered = np.where(both, numbers - centered.sum(axis=0) / weights, 0)
    y = np.where(both, target.to_numpy(dtype=np.float64)[:, None], 0)
    y = np.where(both, y - y.sum(axis=0) / weights, 0)
    scale = np.sqrt((centered**2).sum(axis=0) * (y**2).sum(axis=0))
    product = np.abs((centered * y).sum(axis=0))
    return np.flatnonzero((scale > 0) & (weights > 2) & (product >= (1 - _CLOSE) * scale)).tolist()
