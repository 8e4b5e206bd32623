"""Rows of the base arrays, held as a `range` (slices) or an int64 array (everything else)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

Rows = range | np.ndarray

_BLOCK_BYTES = 2**24


def take_rows(rows: Rows, key: Any) -> Rows:
    """Return the rows of the base that `key` picks out of `rows`; an integer keeps the axis."""
    if isinstance(key, slice):
        return rows[key]
    picked = _positions(key, len(rows))
    if isinstance(rows, range):
        return rows.start + rows.step * picked
    return rows[picked]


def only_rows(key: tuple) -> Any:
    """Return the rows of an index such as ``X[rows, ...]``; columns are refused."""
    if len(key) == 2 and (
        key[1] is Ellipsis or (isinstance(key[1], slice) and key[1] == slice(None))
    ):
        return key[0]
    raise IndexError(
        "MultimodalData is indexed by subjects alone, it has no columns: X['fc'] gives a modality, "
        "X[['fc', 'sc']] a selection of modalities, np.asarray(X) the flat 2-D array."
    )


def _positions(key: Any, n_rows: int) -> np.ndarray:
    """Turn an integer, a boolean mask or a list of integers into checked positions."""
    array = np.asarray(key)
    kind = array.dtype.kind
    if kind == "b" and array.ndim == 1:
        if len(array) != n_rows:
            raise IndexError(f"The boolean mask has {len(array)} entries for {n_rows} subjects.")
        return np.flatnonzero(array)
    if array.ndim == 1 and array.size == 0:
        return np.empty(0, dtype=np.int64)
    if kind not in "iu" or array.ndim > 1:
        raise IndexError(
            "Subjects are picked by an integer, a slice, a list or 1-D array of integers or a "
            f"boolean mask, modalities by name or a list of names; got {key!r}."
        )
    array = np.atleast_1d(array)
    bad = (array < -n_rows) | (array >= n_rows)
    if bad.any():
        raise IndexError(f"Row {array[bad][0]} is out of range for {n_rows} subjects.")
    array = array.astype(np.int64)
    return np.where(array < 0, array + n_rows, array)


def as_key(rows: Rows) -> slice | np.ndarray:
    """Return the key of these rows in a base array: a slice, which gives a view, for a `range`."""
    if not isinstance(rows, range):
        return rows
    if len(rows) == 0:
        return slice(0, 0)
    return slice(rows.start, rows.stop if rows.stop >= 0 else None, rows.step)


def pick_rows(array: Any, rows: Rows) -> Any:
    """Return rows of an array; those of a file in its order first, as h5py wants them."""
    key = as_key(rows)
    if isinstance(array, np.ndarray) or hasattr(array, "restrict"):
        return array[key]
    if isinstance(key, slice) and (key.step or 1) > 0:
        return array[key]
    found, place = np.unique(np.asarray(rows), return_inverse=True)
    return array[found] if np.array_equal(found, rows) else array[found][place]


def is_whole(rows: Rows, n_base: int) -> bool:
    """Return whether these are all rows of the base, in its order."""
    return isinstance(rows, range) and rows == range(n_base)


def row_blocks(rows: Rows, bytes_per_row: int, *, block_bytes: int | None = None) -> Iterator[Rows]:
    """Cut rows into blocks of some data, 16 MB by default, so that nothing is copied whole."""
    step = max(1, (block_bytes or _BLOCK_BYTES) // max(1, bytes_per_row))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]
