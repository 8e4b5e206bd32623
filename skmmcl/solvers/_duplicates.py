"""Subjects that are in the data more than once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.solvers._blocks import as_mask, row_slices

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_duplicates(
    blocks: Mapping[str, Any], mask: np.ndarray | None = None
) -> list[tuple[int, ...]]:
    """Find subjects whose rows are identical in all blocks.

    Parameters
    ----------
    blocks : dict of str to array-like of shape (n_samples, n_features)
        Read in chunks of subjects.
    mask : ndarray of bool (n_samples, n_blocks), optional
        Who has which; what is absent is not compared. Subjects with nothing are no duplicates.

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
    hashes = [hashlib.blake2b(present.tobytes(), digest_size=16) for present in mask]
    for index, block in enumerate(blocks.values()):
        for part in row_slices(len(mask), block.shape[1]):
            # Adding 0 makes -0 of 0, which are equal and have other bytes.
            rows = np.ascontiguousarray(np.asarray(block[part]) + 0.0)
            for row, present, hashed in zip(rows, mask[part, index], hashes[part], strict=True):
                if present:
                    hashed.update(row.data)
    same: dict[bytes, list[int]] = {}
    for subject in np.flatnonzero(mask.any(axis=1)):
        same.setdefault(hashes[subject].digest(), []).append(int(subject))
    return [tuple(group) for group in same.values() if len(group) > 1]
