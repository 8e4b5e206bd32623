"""Rules of thumb for the bandwidth of a kernel."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skmmcl.data._who import check_same_subjects
from skmmcl.utils._named import named

Rule = Literal["deviation", "scott", "silverman", "median"]

# Bandwidth of "deviation" in standard deviations: that of benchmarks/bandwidth.py, and about that
# of y-Aware, 5 years in a cohort with a standard deviation of 19.
FRACTION = 0.25

# Number of subjects whose distances determine the median well enough.
MAX_SUBJECTS = 2000


def estimate_bandwidth(
    y: ArrayLike,
    rule: Rule = "deviation",
    sample_weight: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the bandwidth of each column of metadata by a rule of thumb.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_columns)
        Continuous metadata; NaN is missing.
    rule : {"deviation", "scott", "silverman", "median"}, default="deviation"
        "deviation" is a quarter of the standard deviation of a column, times the square root of
        the number of columns, with which distances grow; it does not depend on the number of
        subjects. Scott's and Silverman's rules for density estimation
        :cite:p:`scott1992multivariate,silverman1986density` are the standard deviation of a column
        times ``n ** (-1 / (q + 4))`` or ``(n (q + 2) / 4) ** (-1 / (q + 4))``,
        with n subjects and q columns. The median is that of the distances between
        subjects that differ in a column.
    sample_weight : array-like of shape (n_samples,), optional
        A subject of weight w counts as w identical subjects.

    Returns
    -------
    bandwidth : ndarray of shape (n_columns,)
        Above zero.

    Raises
    ------
    ValueError
        If the rule is not known, or a column has fewer than two different values.

    Examples
    --------
    >>> from skmmcl.kernels import estimate_bandwidth
    >>> estimate_bandwidth([20.0, 30.0, 50.0], "median")
    array([20.])
    >>> estimate_bandwidth([20.0, 30.0, 40.0])
    array([2.5])
    """
    check_same_subjects({"y": y, "sample_weight": sample_weight})
    columns = _columns(y)
    weight = _weights(sample_weight, columns.shape[1])
    if rule not in get_args(Rule):
        raise ValueError(
            f"Unknown rule {rule!r}; there are {', '.join(map(repr, get_args(Rule)))}."
        )
    counted = columns[:, weight > 0]
    constant = [k for k, x in enumerate(counted) if len(np.unique(x[~np.isnan(x)])) < 2]
    if constant:
        raise ValueError(
            f"Columns {constant} of the metadata y have fewer than two different values, "
            "from which no bandwidth can be estimated."
        )
    largest = np.nanmax(np.abs(columns), axis=1)
    # Their squares would leave the range of numbers.
    unit = np.where((largest > 1e100) | (largest < 1e-100), largest, 1.0)
    columns = columns / unit[:, None]
    if rule == "median":
        return unit * np.array([_median_distance(x, weight) for x in columns])
    deviation, size = _deviations(columns, weight)
    n_columns = len(columns)
    if rule == "deviation":
        return unit * deviation * FRACTION * n_columns**0.5
    if rule == "silverman":
        size = size * (n_columns + 2) / 4
    return unit * (deviation * size ** (-1 / (n_columns + 4)))


def _columns(y: ArrayLike) -> NDArray[np.float64]:
    """Return metadata as (n_columns, n_samples)."""
    with named("y", "numbers of shape (n_samples,) or (n_samples, n_columns)"):
        values = np.asarray(y, dtype=np.float64)
        if values.ndim not in (1, 2) or not values.size:
            raise ValueError(f"got shape {values.shape}")
        if np.isinf(values).any():
            raise ValueError(f"{np.isinf(values).sum()} of them are infinite")
    return values.reshape(len(values), -1).T


def _weights(sample_weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(n_samples)
    with named("sample_weight", f"{n_samples} finite numbers of 0 or more, not all 0"):
        weight = np.asarray(sample_weight, dtype=np.float64)
        if weight.shape != (n_samples,):
            raise ValueError(f"got shape {weight.shape}")
        if not ((weight >= 0).all() and 0 < weight.sum() < np.inf):
            raise ValueError(f"got {weight.tolist()[:5]}")
    return weight


def _deviations(
    columns: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the standard deviation of each column, and the number of its known subjects."""
    known = ~np.isnan(columns)
    share = known * weight
    size = share.sum(1)
    share /= size[:, None]
    x = np.where(known, columns, 0)
    variance = (share * (x - (share * x).sum(1, keepdims=True)) ** 2).sum(1)
    size = np.maximum(size, 2)  # weights that sum to one do not say how many subjects there are
    return np.sqrt(variance * size / (size - 1)), size


def _median_distance(x: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    # Evenly over the sorted values, so that nothing is drawn.
    order = np.argsort(x, kind="stable")[: np.count_nonzero(~np.isnan(x))]  # NaN comes last
    order = order[np.linspace(0, len(order) - 1, min(len(order), MAX_SUBJECTS)).astype(int)]
    distance = np.abs(x[order, None] - x[order])
    pairs = np.outer(weight[order], weight[order])
    apart = (distance > 0) & (pairs > 0)
    distance, pairs = distance[apart], pairs[apart]
    order = np.argsort(distance, kind="stable")
    cumulated = np.cumsum(pairs[order])
    middle = [np.searchsorted(cumulated, cumulated[-1] / 2, side) for side in ("left", "right")]
    return float(distance[order[middle]].mean())
