"""Alignment and uniformity of embeddings on the unit sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp
from sklearn.utils import gen_batches

from skmmcl.metrics._checks import check_matrix, check_positive, check_subjects

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_BLOCK_VALUES = 2**20


def alignment(X: ArrayLike, Y: ArrayLike, *, alpha: float = 2.0) -> float:
    """Compute the mean distance between two views of the same subjects on the unit sphere.

    Rows are first scaled to length one. A joint rotation of both views changes nothing, nor does
    the scale of a row.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        Embeddings of one view, such as a modality.
    Y : array-like of shape (n_samples, n_components)
        Embeddings of another view of the same subjects in the same order.
    alpha : float, default=2.0
        Power of the distances, above zero.

    Returns
    -------
    value : float
        Distance from 0, where the views agree, to ``2 ** alpha``, where they are opposite; lower
        is better. At ``alpha=2`` unrelated views are near 2.

    Raises
    ------
    ValueError
        For NaN, infinite values, X and Y of different shapes, and embeddings of length zero,
        which have no direction.

    See Also
    --------
    uniformity : Measures how evenly the subjects are spread.

    Notes
    -----
    Subjects that collapse to one point are perfectly aligned: report it together with
    :func:`uniformity`.

    References
    ----------
    .. [1] Wang T., Isola P. (2020). Understanding contrastive representation learning through
       alignment and uniformity on the hypersphere. ICML.

    Examples
    --------
    >>> from skmmcl.metrics import alignment
    >>> alignment([[1, 0], [0, 1]], [[2, 0], [0, 3]])
    0.0
    >>> round(alignment([[1, 0], [0, 1]], [[0, 1], [1, 0]]), 6)
    2.0
    """
    alpha = check_positive(alpha, "alpha")
    check_subjects(X=X, Y=Y)
    u, v = _on_sphere(X, "X", 1), _on_sphere(Y, "Y", 1)
    if u.shape[1] != v.shape[1]:
        raise ValueError(
            f"X and Y must share their axes, got {u.shape[1]} and {v.shape[1]} components."
        )
    with np.errstate(over="ignore"):
        value = np.mean(np.linalg.norm(u - v, axis=1) ** alpha)
    if not np.isfinite(value):
        raise ValueError(f"alpha={alpha} makes powers of distances that are no numbers; lower it.")
    return float(value)


def uniformity(X: ArrayLike, *, t: float = 2.0) -> float:
    """Compute the log of the mean Gaussian potential between subjects on the unit sphere.

    Rows are first scaled to length one. Rotations change nothing, nor does the scale of a row.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        Embeddings of one view.
    t : float, default=2.0
        The potential of two subjects at distance ``d`` is ``exp(-t * d ** 2)``; above zero.

    Returns
    -------
    value : float
        Uniformity from ``-4 * t`` to 0, where all subjects are at one point; lower is better.

    Raises
    ------
    ValueError
        For NaN, infinite values, a single subject, and embeddings of length zero, which have no
        direction.

    See Also
    --------
    alignment : Measures how far views of a subject are apart.

    Notes
    -----
    The mean is over pairs of different subjects. The minimum for ``n`` subjects is ``-2 * t * n /
    (n - 1)``, that of a regular simplex, which exists if ``n_components >= n - 1``: with fewer
    subjects than components even random embeddings are close to it, and the value says little about
    how well the sphere is used.

    References
    ----------
    .. [1] Wang T., Isola P. (2020). Understanding contrastive representation learning through
       alignment and uniformity on the hypersphere. ICML.

    Examples
    --------
    >>> from skmmcl.metrics import uniformity
    >>> round(uniformity([[1, 0], [0, 1]]), 6)
    -4.0
    >>> abs(uniformity([[1, 2], [2, 4]])) < 1e-12
    True
    """
    t = check_positive(t, "t")
    u = _on_sphere(X, "X", 2)
    n = len(u)
    blocks = [
        logsumexp(-t * _squared_distances(u, rows))
        for rows in gen_batches(n - 1, max(1, _BLOCK_VALUES // n))
    ]
    return min(0.0, float(logsumexp(blocks) - np.log(n) - np.log((n - 1) / 2)))


def _squared_distances(u: NDArray[np.float64], rows: slice) -> NDArray[np.float64]:
    """Return squared distances of some rows to all rows after them, each pair once."""
    cosines = u[rows] @ u[rows.start + 1 :].T
    later = np.tri(*cosines.shape[::-1], dtype=np.bool_).T
    return np.maximum(2 - 2 * cosines[later], 0)


def _on_sphere(X: ArrayLike, name: str, least: int) -> NDArray[np.float64]:
    x = check_matrix(X, name, least).astype(np.float64)
    # The largest entry first: squares of tiny or huge entries leave the range of float64.
    largest = np.abs(x).max(axis=1, keepdims=True)
    if n_zero := int((largest == 0).sum()):
        raise ValueError(f"{name} has {n_zero} embeddings of length zero among {len(x)}.")
    x /= largest
    return x / np.linalg.norm(x, axis=1, keepdims=True)
