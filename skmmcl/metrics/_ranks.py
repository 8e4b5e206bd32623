"""Rank-biserial correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from skmmcl.metrics._checks import check_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def rank_biserial(a: ArrayLike, b: ArrayLike) -> float | NDArray[np.float64]:
    """Compute the rank-biserial correlation of group and value, the effect size of Mann-Whitney.

    It is the fraction of pairs in which the subject of group `a` has the larger value, minus the
    fraction in which it has the smaller one: twice the area under the ROC curve, minus 1.

    Parameters
    ----------
    a : array-like of shape (n_a, ...)
        Values of the subjects of one group; each entry of further dimensions, such as voxels, has
        its own correlation.
    b : array-like of shape (n_b, ...)
        Values of the other group, with the same further dimensions and unit.

    Returns
    -------
    correlation : float or ndarray of shape (...)
        From -1 to 1; positive where group `a` has the larger values, 0 where all are equal.

    Raises
    ------
    ValueError
        For an empty group, NaN, infinite values, and different further dimensions.
    TypeError
        For dates and spans of time.

    References
    ----------
    .. [1] Kerby D. S. (2014). The simple difference formula: an approach to teaching
       nonparametric correlation. Comprehensive Psychology 3.

    Examples
    --------
    >>> from skmmcl.metrics import rank_biserial
    >>> round(rank_biserial([3, 4, 5], [1, 2, 4]), 6)
    0.666667
    """
    a, b = _group(a, "a"), _group(b, "b")
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"The groups differ in more than their subjects: shapes {a.shape} and {b.shape}."
        )
    # Mean ranks stay small; sums and products of large groups do not.
    mean_rank = rankdata(np.concatenate([a, b]), axis=0)[: len(a)].mean(axis=0)
    correlation = 2 * (mean_rank - (len(a) + 1) / 2) / len(b) - 1
    return float(correlation) if a.ndim == 1 else correlation


def _group(values: ArrayLike, name: str) -> NDArray[np.float64]:
    if not np.ndim(values):
        raise ValueError(f"{name} must hold one value for each subject, got a single number.")
    expected = "numbers of shape (n_samples, ...)"
    options = {"dtype": np.float64, "ensure_2d": False, "allow_nd": True}
    return check_numbers(values, name, expected, **options)
