"""Rows of whatever a user hands over as X, y, groups or a fit parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length

from skmmcl.data import as_multimodal, is_multimodal
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.utils._named import named
from skmmcl.utils._targets import is_unlabeled


def as_rows(X):
    """Return X in a form whose rows `take` can select; containers that can are left as they are."""
    if is_multimodal(X):
        return as_multimodal(X)
    return X if hasattr(X, "shape") else np.asarray(X)


def n_rows(X):
    """Return the number of rows of an X that went through `as_rows`."""
    return X.shape[0] if len(X.shape) else 0


def take(X, rows):
    """Select rows, by an array of positions, keeping the container."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if issparse(X):
        return X.tocsr()[rows]
    return X[rows]


def plain(values: Any) -> np.ndarray:
    """Return values as an array that is no array of objects, where there is one."""
    array = np.asarray(values)
    return np.asarray(array.tolist()) if array.dtype.kind == "O" else array


def as_array(values: Any) -> np.ndarray:
    """Return an array, of objects for a list with text: as text, NaN and None would be labels."""
    has_text = isinstance(values, (list, tuple)) and any(isinstance(v, str) for v in values)
    return np.array(values, dtype=object) if has_text else np.asarray(values)


def check_known(values: Any, name: str, n_samples: int, advice: str) -> np.ndarray:
    """Return one entry for each sample, in a plain type; raise if any is missing."""
    array = as_array(values)
    if array.shape[:1] != (n_samples,):
        raise DataError(
            f"{name} must have one entry for each of {n_samples} subjects, got shape {array.shape}."
        )
    missing = is_unlabeled(array, None).reshape(n_samples, -1).any(axis=1)
    if missing.any():
        raise DataError(
            f"{name} has {missing.sum()} missing entries (NaN or None), such as that of row "
            f"{missing.argmax()}: {advice}"
        )
    return plain(array)


def check_groups(groups: Any, name: str, n_samples: int) -> np.ndarray:
    """Return the known group of each subject."""
    advice = "without it, the rows of one person cannot be kept together. Give each row a group."
    found = check_known(groups, name, n_samples, advice)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    if found.ndim != 1:
        raise DataError(
            f"{name} must have one entry for each of {n_samples} subjects, got shape {found.shape}."
        )
    return found


def row_numbers(rows: Any, n_samples: int) -> np.ndarray:
    """Return positions from 0 for what indexes an array: positions, also from the end, or a mask.

    Raises
    ------
    DataError
        If it indexes no array of that length.
    """
    rows = np.asarray(rows) if len(rows) else np.empty(0, dtype=int)
    try:
        return np.arange(n_samples)[rows]
    except IndexError as error:
        raise DataError(f"cv has rows beyond the {n_samples} of X ({error}).") from error


def take_params(params, n_samples, rows):
    """Select rows of those parameters that have one entry a sample; others stay whole."""
    return {name: _take_param(value, n_samples, rows) for name, value in params.items()}


def _take_param(value, n_samples, rows):
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__len__"):
        return value
    if hasattr(value, "shape"):
        return take(value, rows) if value.shape and value.shape[0] == n_samples else value
    return [value[row] for row in rows] if len(value) == n_samples else value


def labeled_part(X, y, params, unlabeled, action):
    """Return the rows of X, y and of the parameters whose subject is labeled."""
    if y is None:
        raise ValueError(
            "Leaving unlabeled subjects out requires y to be passed, but the target y is None."
        )
    with named("y", "one entry for each row of X"):
        check_consistent_length(as_rows(X), y)
        labeled = is_labeled(y, unlabeled)
    check_same_subjects({"X": X, "y": y, **params}, embedded=True)
    if not labeled.any():
        raise ValueError(
            f"None of the {len(labeled)} subjects to {action} on is labeled (y is {unlabeled!r}, "
            "NaN or None for all of them): give some subjects a label, or stratify the folds by y."
        )
    if labeled.all():
        return X, y, params
    X, rows = as_rows(X), np.flatnonzero(labeled)
    params = take_params(params, n_rows(X), rows)
    return take(X, rows), _without_object_dtype(take(as_rows(y), rows)), params


def is_labeled(y, unlabeled):
    """Return a bool array: the rows of y without `unlabeled`, NaN or None in them."""
    is_scalar = unlabeled is None or isinstance(unlabeled, (str, bytes, Number, np.generic))
    if not is_scalar:
        raise TypeError(f"unlabeled must be a label, such as -1, or None; got {unlabeled!r}.")
    values = np.asarray(y)
    known = ~is_unlabeled(values, unlabeled)
    return (
        known.reshape(len(values), math.prod(values.shape[1:])).all(axis=1)
        if values.ndim
        else known
    )


def _without_object_dtype(y):
    """Undo the object dtype that None among the labels gave to y."""
    return np.asarray(y.tolist()) if getattr(getattr(y, "dtype", None), "kind", "") == "O" else y
