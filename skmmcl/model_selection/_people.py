"""Who the rows of some data are: identifiers, and rows with the same values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from skmmcl.data import as_multimodal, is_multimodal
from skmmcl.data._identifiers import canonical

_BY_CHANCE = 0.01  # expected pairs of identical rows from which identical rows say nothing
_MOST_COLUMNS = 32  # looked at for that
_VISIT = re.compile(r"[-_ ](ses|session|visit|run|scan|tp|timepoint)-?_?\w+$", re.IGNORECASE)


def identifiers(X: Any, *, plain_is_ids: bool = False) -> np.ndarray | None:
    """Return the identifiers of the rows, each in the form that its spellings share."""
    index = _index(X, plain_is_ids)
    return None if index is None else np.array([canonical(item) for item in index], dtype=str)


def find_people(X: Any) -> np.ndarray | None:
    """Return the person of each row, by identifiers without a session; None without any."""
    index = _index(X)
    if index is None:
        return None
    return np.array([canonical(_VISIT.sub("", str(item))) for item in index], dtype=str)


def _index(X: Any, plain_is_ids: bool = False) -> Any:
    if is_multimodal(X):
        return as_multimodal(X).index
    if hasattr(X, "iloc"):
        return None if type(X.index).__name__ == "RangeIndex" else X.index
    return X if plain_is_ids and np.ndim(X) == 1 else None


def find_identical(X: Any) -> np.ndarray:
    """Return a number for each row, the same for rows with the same values.

    Rows of few different values may well be the same by chance; they are then all different.
    """
    hashes = row_hashes(X)
    n = X.shape[0]
    if hashes is None or _chance(X) > _BY_CHANCE:
        return np.arange(n)
    return np.unique(hashes, return_inverse=True)[1]


def row_hashes(X: Any) -> np.ndarray | None:
    """Return a hash of each row over all arrays in memory; None where there are none."""
    blocks = _blocks(X)
    if not blocks:
        return None
    n = len(blocks[0][0])
    hashes = [hashlib.blake2b(digest_size=16) for _ in range(n)]
    known = np.zeros(n, dtype=bool)
    for number, (array, present) in enumerate(blocks):
        for row in np.flatnonzero(present):
            values = np.asarray(array[row], dtype=np.float64) + 0.0  # -0 is 0
            known[row] |= not np.isnan(values).all()
            hashes[row].update(b"%d" % number)
            hashes[row].update(np.ascontiguousarray(values).data)
    # Rows without any value say nothing of each other.
    return np.array([h.hexdigest() if known[row] else f"{row}" for row, h in enumerate(hashes)])


def _blocks(X: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what lies in memory as numbers, one array for each modality, and who has it."""
    if is_multimodal(X) or (isinstance(X, Mapping) and X):
        X = as_multimodal(X)
        found = [(_numbers(X[name]), X.mask[:, k]) for k, name in enumerate(X.modalities)]
    else:
        array = _numbers(X)
        found = [(array, np.ones(0 if array is None else len(array), dtype=bool))]
    return [(array, present) for array, present in found if array is not None]


def _numbers(array: Any) -> np.ndarray | None:
    if hasattr(array, "iloc"):
        array = array.select_dtypes("number").to_numpy(dtype=np.float64)
    if isinstance(array, list):
        array = np.asarray(array)
    usable = isinstance(array, np.ndarray) and array.dtype.kind in "biuf" and array.ndim > 1
    return array if usable else None


def _chance(X: Any) -> float:
    """Return how many pairs of rows are expected to be the same if columns are independent."""
    firsts = [array.reshape(len(array), -1)[:, :_MOST_COLUMNS] for array, _ in _blocks(X)]
    table = np.concatenate(firsts, axis=1)
    pairs = len(table) * (len(table) - 1)
    if not pairs:
        return 0.0
    expected = pairs / 2
    for column in table.T[:_MOST_COLUMNS]:
        counts = np.unique(column, return_counts=True)[1].astype(float)
        expected *= (counts * (counts - 1)).sum() / pairs
    return expected
