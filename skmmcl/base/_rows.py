"""Modalities as rows of numbers, and side data, as the solvers read them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.solvers import find_duplicates
from skmmcl.utils._targets import is_unlabeled

# Different people may agree in fewer numbers than these, such as a few answers.
MIN_NUMBERS = 10


class Layout:
    """Layout of modalities as rows of numbers.

    Attributes
    ----------
    symmetric : set of str
        Modalities whose matrices are symmetric: their upper triangles are read.
    """

    def __init__(self) -> None:
        self.symmetric: set[str] = set()

    def learn(self, data: MultimodalData) -> dict[str, Any]:
        """Find the modalities of symmetric matrices, and read all."""
        present = dict(zip(data.modalities, data.mask.T, strict=True))
        self.symmetric = {
            name
            for name, array in data.items()
            if isinstance(array, np.ndarray) and _is_symmetric(array, present[name])
        }
        return {name: self._rows(name, array) for name, array in data.items()}

    def read(self, data: MultimodalData) -> dict[str, Any]:
        """Return rows of numbers by modality; volumes in files are read when they are picked."""
        for name in self.symmetric:
            if not _is_symmetric(data[name], data.mask[:, data.modalities.index(name)]):
                raise DataError(
                    f"Modality {name!r}: the matrices of the training subjects were symmetric, and "
                    "some of these are not."
                )
        return {name: self._rows(name, array) for name, array in data.items()}

    def _rows(self, name: str, array: Any) -> Any:
        if name in self.symmetric:
            upper = np.triu_indices(array.shape[1])
            return np.ascontiguousarray(array[:, *upper])
        return array.reshape(len(array), -1) if isinstance(array, np.ndarray) else StoredRows(array)


class StoredRows:
    """Rows of volumes that lie in files, read when they are picked.

    Parameters
    ----------
    array : lazy array-like of shape ``(n_samples, *shape)``
        Gives volumes by positions.
    """

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = (len(array), int(np.prod(array.shape[1:])))
        self.dtype = array.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        picked = np.asarray(self.array[np.arange(len(self))[rows]])
        return picked.reshape(len(picked), -1)


def _is_symmetric(array: np.ndarray, present: np.ndarray) -> bool:
    if array.ndim != 3 or array.shape[1] != array.shape[2]:
        return False
    rows = array[present]
    return bool(np.array_equal(rows, rows.transpose(0, 2, 1), equal_nan=True))


def join_copies(
    blocks: Mapping[str, Any],
    mask: np.ndarray,
    groups: np.ndarray | None,
    ids: np.ndarray | None,
) -> np.ndarray | None:
    """Put subjects with identical rows into one group, as copies of one person.

    Parameters
    ----------
    blocks : mapping of str to array-like
        Rows of numbers by modality.
    mask : ndarray of bool of shape (n_samples, n_modalities)
        Presence of the modalities.
    groups : ndarray of int of shape (n_samples,) or None
        Groups from the side data.
    ids : ndarray of shape (n_samples,) or None
        Identifiers; a warning names copies under different ones.

    Returns
    -------
    ndarray of int of shape (n_samples,) or None
    """
    width = np.array([block.shape[1] for block in blocks.values()])
    found = (np.array(rows) for rows in find_duplicates(blocks, mask))
    copies = [rows for rows in found if width @ mask[rows[0]] >= MIN_NUMBERS]
    if not copies:
        return groups
    if len(copies[0]) == len(mask):
        raise DataError(f"All {len(mask)} subjects have identical rows; expected different ones.")
    joined = np.arange(len(next(iter(blocks.values())))) if groups is None else groups.copy()
    for rows in copies:
        for group in np.unique(joined[rows])[1:]:
            joined[joined == group] = joined[rows].min()
    if ids is not None and (strange := [r for r in copies if len(np.unique(ids[r])) > 1]):
        shown = "; ".join(", ".join(map(str, ids[rows])) for rows in strange[:5])
        warnings.warn(
            f"{len(strange)} set(s) of subjects have identical rows under different identifiers: "
            f"{shown}. They are left out together where a discriminant leaves a subject out; "
            "keep copies of one person on one side of a cross-validation (GroupKFold).",
            UserWarning,
            stacklevel=6,
        )
    return joined


def read_groups(data: MultimodalData, name: str | None) -> np.ndarray | None:
    """Return the group of each subject, by a column of the side data.

    Parameters
    ----------
    data : MultimodalData
        The subjects.
    name : str or None
        Column of ``data.meta``. A subject of unknown group forms a group of its own.

    Returns
    -------
    ndarray of int of shape (n_samples,) or None
    """
    if name is None:
        return None
    values = _side_data(data, name, "groups")
    unknown = is_unlabeled(values, None)
    groups = np.arange(len(data))
    groups[~unknown] = len(data) + np.unique(values[~unknown].astype(str), return_inverse=True)[1]
    return groups


def read_nuisance(data: MultimodalData, name: str | None) -> np.ndarray | None:
    """Return dummy variables of a column of the side data.

    Parameters
    ----------
    data : MultimodalData
        The subjects.
    name : str or None
        Column of ``data.meta`` with few levels, such as a site. Subjects of unknown level have
        zeros.

    Returns
    -------
    ndarray of shape (n_samples, n_levels) or None
    """
    if name is None:
        return None
    values = _side_data(data, name, "invariant_to")
    known = ~is_unlabeled(values, None)
    levels, codes = np.unique(values[known].astype(str), return_inverse=True)
    if not 2 <= len(levels) <= max(2, known.sum() // 2):
        raise DataError(
            f"invariant_to={name!r} needs a column of X.meta with several subjects in each of at "
            f"least two levels, such as a site; found {len(levels)} level(s) in {known.sum()} "
            "subjects. Cut numbers, such as an age, into levels."
        )
    dummies = np.zeros((len(data), len(levels)))
    dummies[np.flatnonzero(known), codes] = 1
    return dummies


def _side_data(data: MultimodalData, name: str, parameter: str) -> np.ndarray:
    if name not in data.meta:
        raise DataError(
            f"{parameter}={name!r} names no side data; X.meta has {list(data.meta)}. Add it as "
            f"MultimodalData(..., meta={{{name!r}: values}})."
        )
    return np.asarray(data.meta[name])
