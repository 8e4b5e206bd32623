"""Columns of the data that reveal the target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import gammaln

from skmmcl.data import as_multimodal, is_multimodal
from skmmcl.data._copies import copies_of_classes, copies_of_numbers, suspects
from skmmcl.utils._targets import is_unlabeled, seem_measured

_BY_CHANCE = 1e-4  # expected number of columns that separate the classes by chance, at most
_LEAST = 10  # subjects, below which nothing is reported


def find_target_columns(X: Any, y: Any) -> list[str]:
    """Return messages about columns that equal the target, or separate its classes."""
    target = np.asarray(y)
    if target.ndim != 1:
        return []
    known = ~is_unlabeled(target)
    target = target[known]
    if target.dtype.kind == "O":
        target = np.asarray(target.tolist())
    classes, codes = np.unique(target, return_inverse=True)
    coded = not seem_measured(target)
    if len(target) < _LEAST or len(classes) < 2:
        return []
    found = []
    for name, table, names in _tables(X):
        places = _places(table[known], codes if coded else target.astype(float), coded=coded)
        if places.size:
            shown = ", ".join(str(names[k]) for k in places[:5])
            what = "separates the classes by itself" if coded else "is the target, up to its unit"
            found.append(
                f"{name}column {shown} {what}: a prediction from it is no finding. Remove it if it "
                "follows from the target."
            )
    return found


def _places(table: np.ndarray, target: np.ndarray, *, coded: bool) -> np.ndarray:
    if not coded:
        return np.flatnonzero(copies_of_numbers(table, target))
    counts = np.bincount(target)
    log_orders = gammaln(counts.sum() + 1) - gammaln(counts + 1).sum() - gammaln(len(counts) + 1)
    if np.log(max(table.shape[1], 1)) - log_orders > np.log(_BY_CHANCE):
        return np.empty(0, dtype=int)
    return np.flatnonzero(copies_of_classes(table, target) | suspects(table, target))


def _tables(X: Any) -> Iterator[tuple[str, np.ndarray, list]]:
    """Yield the tables of the data, each with its name for messages and those of its columns."""
    if is_multimodal(X):
        X = as_multimodal(X)
        for name, present in zip(X.modalities, X.mask.T, strict=True):
            array = X[name]
            if isinstance(array, np.ndarray) and array.ndim == 2 and array.dtype.kind in "biuf":
                table = np.where(present[:, None], array.astype(float), np.nan)
                yield f"{name}: ", table, X.columns[name] or list(range(table.shape[1]))
    elif hasattr(X, "iloc"):
        numbers = X.select_dtypes("number")
        yield "X: ", numbers.to_numpy(dtype=float), list(numbers.columns)
    elif isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "biuf":
        yield "X: ", X.astype(float), list(range(X.shape[1]))
