"""How wide a kernel should be for given metadata."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Distances between so many subjects tell the median well enough.
MOST_SUBJECTS = 2000


def estimate_bandwidth(
    y: ArrayLike, rule: Literal["scott", "silverman", "median"] = "scott"
) -> NDArray[np.float64]:
    """Bandwidth of each column of metadata by a rule of thumb.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_columns)
        Continuous metadata; NaN is missing.
    rule : {"scott", "silverman", "median"}, default="scott"
        Scott's and Silverman's rules for density estimation are the standard deviation of
        a column times ``n ** (-1 / (q + 4))`` or ``(n (q + 2) / 4) ** (-1 / (q + 4))``,
        with n subjects and q columns. The median is that of the distances between
        subjects that differ in a column.

    Returns
    -------
    bandwidth : ndarray of shape (n_columns,)
        Above zero.

    Raises
    ------
    ValueError
        If the rule is not known, or a column has fewer than two different values.

    References
    ----------
    .. [1] Scott D. W. (1992). Multivariate density estimation. Wiley.
    .. [2] Silverman B. W. (1986). Density estimation for statistics and data analysis.
       Chapman and Hall.

    Examples
    --------
    >>> from skmmcl.kernels import estimate_bandwidth
    >>> estimate_bandwidth([20.0, 30.0, 50.0], "median")
    array([20.])
    """
    y = np.asarray(y, dtype=np.float64)
    columns = y.reshape(len(y), -1).T
    constant = [k for k, x in enumerate(columns) if len(np.unique(x[~np.isnan(x)])) < 2]
    if constant:
        raise ValueError(
            f"Columns {constant} of the metadata have fewer than two different values, "
            "from which no bandwidth can be estimated."
        )
    if rule == "median":
        return np.array([_median_distance(x[~np.isnan(x)]) for x in columns])
    if rule not in ("scott", "silverman"):
        raise ValueError(f"Unknown rule {rule!r}; there are 'scott', 'silverman' and 'median'.")
    n_samples, n_columns = (~np.isnan(columns)).sum(1), len(columns)
    size = n_samples * (n_columns + 2) / 4 if rule == "silverman" else n_samples
    return np.nanstd(columns, axis=1, ddof=1) * size ** (-1 / (n_columns + 4))


def _median_distance(x: NDArray[np.float64]) -> float:
    # Evenly over the sorted values, so that nothing is drawn.
    x = np.sort(x)[np.linspace(0, len(x) - 1, min(len(x), MOST_SUBJECTS)).astype(int)]
    distance = np.abs(x[:, None] - x)
    return float(np.median(distance[distance > 0]))
