"""Subjects that occur in the data more than once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.solvers._blocks import as_mask, row_slices

if TYPE_CHECKING:
    from collections.abc import Mapping

N_VALUES = 16  # values of a block that are compared first


def find_duplicates(
    blocks: Mapping[str, Any], mask: np.ndarray | None = None
) -> list[tuple[int, ...]]:
    """Find subjects whose rows are identical in all blocks.

    Parameters
    ----------
    blocks : dict of str to array-like of shape (n_samples, n_features)
        Read in chunks of subjects.
    mask : ndarray of bool (n_samples, n_blocks), optional
        Presence mask; absent blocks are not compared, and subjects without any are no duplicates.

    Returns
    -------
    groups : list of tuple of int
        Positions of identical subjects, two or more in each group, in order of the first.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.solvers import find_duplicates
    >>> find_duplicates({"t1": np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])})
    [(0, 2)]
    """
    mask = as_mask(blocks, mask)
    groups = [np.flatnonzero(mask.any(axis=1))]
    # A few values of each block, which are quickly compared, differ between nearly all people.
    for n_values in (N_VALUES, None):
        groups = [
            rows[same]
            for rows in groups
            for same in _identical(_hashes(blocks, mask, rows, n_values))
        ]
    return sorted(tuple(rows.tolist()) for rows in groups)


def _hashes(
    blocks: Mapping[str, Any], mask: np.ndarray, subjects: np.ndarray, n_values: int | None
) -> list[bytes]:
    """Return hashes of the rows of some subjects, or of some values of each block."""
    hashes = [present.tobytes() for present in mask[subjects]]
    for index, block in enumerate(blocks.values()):
        step = 1 if n_values is None else max(1, block.shape[1] // n_values)
        for part in row_slices(len(subjects), block.shape[1]):
            # Adding 0 turns -0 into 0: they are equal but have different bytes.
            rows = np.ascontiguousarray(np.asarray(block[subjects[part]])[:, ::step] + 0.0)
            for at in np.flatnonzero(mask[subjects[part], index]):
                hashed = hashlib.blake2b(hashes[part.start + at], digest_size=16)
                hashed.update(rows[at].data)
                hashes[part.start + at] = hashed.digest()
    return hashes


def _identical(hashes: list[bytes]) -> list[list[int]]:
    """Return the positions of hashes that occur more than once."""
    same: dict[bytes, list[int]] = {}
    for position, hashed in enumerate(hashes):
        same.setdefault(hashed, []).append(position)
    return [positions for positions in same.values() if len(positions) > 1]
