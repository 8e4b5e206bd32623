"""Mean and standard deviation of the subjects, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np

ROWS = 256
TINY = np.finfo(np.float32).tiny


def weighted_moments(
    array: Any, present: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the present subjects, in float64.

    Vectors and matrices have moments of their own in each entry; volumes, of three or
    more dimensions, have one mean and one deviation over all entries.

    Parameters
    ----------
    array : array-like of shape (n_samples, *shape)
        Read in blocks of rows; it may be lazy.
    present : ndarray of bool (n_samples,)
        Subjects to use; at least one.
    weight : ndarray (n_samples,), optional
        How often each subject counts.

    Returns
    -------
    mean, scale : ndarray of shape (*shape,), or () for volumes
        A constant entry has scale 0, and so has one whose deviation has no float32 inverse.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._moments import weighted_moments
    >>> mean, scale = weighted_moments(
    ...     np.array([[1.0], [3.0], [9.0]]), np.array([True, True, False])
    ... )
    >>> float(mean[0]), float(scale[0])
    (2.0, 1.0)
    """
    rows = np.flatnonzero(present)
    weight = np.ones(len(rows)) if weight is None else np.asarray(weight, dtype=float)[rows]
    over_all = len(array.shape) > 3

    def total(of: Any) -> np.ndarray:
        result: Any = 0.0
        for start in range(0, len(rows), ROWS):
            part = slice(start, start + ROWS)
            block = of(np.asarray(array[rows[part]], dtype=np.float64))
            block = block.reshape(len(block), -1).mean(1) if over_all else block
            result = result + np.tensordot(weight[part], block, axes=1)
        return result / weight.sum()

    mean = np.asarray(total(lambda block: block))
    scale = np.sqrt(np.asarray(total(lambda block: (block - mean) ** 2)))
    smallest = np.maximum(1e-8 * np.abs(mean), TINY)
    return mean, np.where(scale > smallest, scale, 0.0)
