"""Mean, standard deviation and principal axes of the subjects."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.linalg import eigh
from sklearn.utils.extmath import randomized_svd

ROWS = 256  # at most, in a block
VOXELS = 2**21  # at most, in a block of rows
ENTRIES = 2**26  # in a part of rows whose products are computed
TINY = np.finfo(np.float32).tiny


def weighted_moments(
    array: Any, present: np.ndarray, weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the present subjects, in float64.

    Vectors and matrices have moments of their own in each entry; volumes, of three or more
    dimensions, have one mean and one deviation over all entries. `weight` is how often each subject
    counts. A constant entry has scale 0, as has one whose deviation has no float32 inverse. The
    array, which may be lazy, is read in blocks of rows.

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
    of = _moments_over_all if len(array.shape) > 3 else _moments_of_each
    mean, scale = of(array, rows, weight)
    rounding = 1e-12 if getattr(array, "dtype", None) == np.float64 else 1e-8
    smallest = np.maximum(rounding * np.abs(mean), TINY)
    return mean, np.where(scale > smallest, scale, 0.0)


def _moments_of_each(
    array: Any, rows: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    def total(of: Any) -> np.ndarray:
        result: Any = 0.0
        step = max(1, min(ROWS, VOXELS // math.prod(array.shape[1:])))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            block = of(np.asarray(array[rows[part]], dtype=np.float64))
            result = result + np.tensordot(weight[part], block, axes=1)
        return np.asarray(result / weight.sum())

    mean = total(lambda block: block)
    return mean, np.sqrt(total(lambda block: np.square(block := block - mean, out=block)))


def _moments_over_all(
    array: Any, rows: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the moments of volumes, reading each once and few at a time."""
    step = max(1, min(ROWS, VOXELS // math.prod(array.shape[1:])))
    means, variances = np.empty(len(rows)), np.empty(len(rows))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        block = np.asarray(array[rows[part]], dtype=np.float64).reshape(len(rows[part]), -1)
        means[part], variances[part] = block.mean(axis=1), block.var(axis=1)
    mean = np.average(means, weights=weight)
    spread = np.average(variances + (means - mean) ** 2, weights=weight)
    return np.asarray(mean), np.sqrt(spread)


EXACT_UP_TO = 2000  # subjects or entries; above, the axes are found by a randomized method


def principal_axes(
    array: Any,
    present: np.ndarray,
    weight: np.ndarray | None,
    moments: tuple[np.ndarray, np.ndarray],
    n_axes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal directions, (n_found, n_entries), of largest variance, and deviations.

    Only the present subjects count, each `weight` times. The mean of the `moments` is subtracted,
    and entries with a scale other than 0 are divided by it. There are fewer than `n_axes` if the
    subjects span fewer dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._moments import principal_axes
    >>> moments = np.zeros(2), np.ones(2)
    >>> subjects = np.array([[2.0, 0.0], [-2.0, 0.0]])
    >>> axes, deviation = principal_axes(subjects, np.array([True, True]), None, moments, 1)
    >>> axes.tolist(), deviation.tolist()
    ([[1.0, 0.0]], [2.0])
    """
    rows = np.flatnonzero(present)
    counts = np.ones(len(rows)) if weight is None else np.asarray(weight, dtype=float)[rows]
    mean, scale = moments
    divisor = np.where(scale > 0, scale, 1.0)

    def scaled(part: slice) -> np.ndarray:
        block = (np.asarray(array[rows[part]], dtype=np.float64) - mean) / divisor
        return block.reshape(len(block), -1) * np.sqrt(counts[part])[:, None]

    n_entries, total = math.prod(array.shape[1:]), counts.sum()
    if n_entries <= min(EXACT_UP_TO, len(rows)):
        blocks = (scaled(slice(start, start + ROWS)) for start in range(0, len(rows), ROWS))
        right, length = leading_axes(sum(block.T @ block for block in blocks), n_axes)
    elif len(rows) <= EXACT_UP_TO:
        step = max(1, ENTRIES // n_entries)
        parts = [slice(start, start + step) for start in range(0, len(rows), step)]
        left, length = leading_axes(_products(scaled, parts, len(rows)), n_axes)
        right = sum(left[:, part] @ scaled(part) for part in parts)
        right = right / np.maximum(length, np.finfo(float).tiny)[:, None]
    else:
        _, length, right = randomized_svd(scaled(slice(None)), n_axes, random_state=0)
    deviation = length / np.sqrt(total)
    found = (length > 1e-6 * length.max(initial=0)) & (deviation > TINY)
    return _signed(right[found]), deviation[found]


def _products(scaled: Any, parts: list[slice], n_rows: int) -> np.ndarray:
    """Return products of all pairs of rows, with at most two parts in memory."""
    gram = np.empty((n_rows, n_rows))
    for k, one in enumerate(parts):
        rows = scaled(one)
        gram[one, one] = rows @ rows.T
        for other in parts[:k]:
            gram[one, other] = rows @ scaled(other).T
            gram[other, one] = gram[one, other].T
    return gram


def _signed(axes: np.ndarray) -> np.ndarray:
    """Flip each axis so that the first of its largest entries is positive."""
    return axes * axis_signs(axes)[:, None]


def axis_signs(axes: np.ndarray) -> np.ndarray:
    """Return the sign of the first of the largest entries of each axis, (n_axes,).

    Entries within rounding of the largest count as equally large.
    """
    size = np.abs(axes)
    largest = (size > (1 - 1e-4) * size.max(axis=1, keepdims=True)).argmax(axis=1)
    return np.sign(np.take_along_axis(axes, largest[:, None], axis=1))[:, 0]


def leading_axes(gram: np.ndarray, n_axes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return leading eigenvectors of a Gram matrix as rows, and roots of their eigenvalues."""
    n_rows = len(gram)
    some = n_axes < n_rows / 8  # for few axes, part of the work can be skipped
    chosen = [n_rows - n_axes, n_rows - 1] if some else None
    driver = "evr" if some or n_rows == 1 else "evd"  # evd fails on one row before scipy 1.15
    values, vectors = eigh(gram, subset_by_index=chosen, driver=driver, check_finite=False)
    return vectors.T[::-1][:n_axes], np.sqrt(np.maximum(values[::-1][:n_axes], 0))
