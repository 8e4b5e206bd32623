"""Similarity of two representations of the same subjects, invariant to their axes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from skmmcl.metrics._checks import check_fraction, check_matrix, check_subjects

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-12
_NO_DIFFERENCES = 1e300  # beyond it differences overflow


def linear_cka(X: ArrayLike, Y: ArrayLike, *, debiased: bool = False) -> float:
    r"""Compute the linear centered kernel alignment of two representations.

    For centered columns it is
    :math:`\lVert Y^\top X \rVert_F^2 / (\lVert X^\top X \rVert_F \lVert Y^\top Y \rVert_F)`:
    how well the two agree on the similarities between subjects. Rotations, translations and uniform
    scales of either do not change it; scales of single columns do.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        One representation, in any unit.
    Y : array-like of shape (n_samples, n_features_y)
        The other one, of the same subjects in the same order.
    debiased : bool, default=False
        Whether to estimate the value of infinitely many subjects, by the unbiased estimator of
        [2]_. It needs 4 subjects or more.

    Returns
    -------
    similarity : float
        Alignment from 0, unrelated, to 1, equal up to the transformations above. With `debiased`
        from -1 to 1, and around 0 for unrelated representations.

    Raises
    ------
    ValueError
        For NaN, infinite values, different numbers of subjects in X and Y, too few subjects, and a
        representation that is the same for all of them.

    See Also
    --------
    svcca : Also invariant to the scales of columns.

    Notes
    -----
    With fewer subjects than features the value is biased upward: unrelated representations of
    ``n`` subjects and ``d`` independent features give about ``d / (d + n)``. Compare such values
    at equal ``n`` and ``d`` only, report both, or use ``debiased=True``.

    References
    ----------
    .. [1] Kornblith S. et al. (2019). Similarity of neural network representations revisited.
       ICML.
    .. [2] Song L. et al. (2012). Feature selection via dependence maximization. Journal of
       Machine Learning Research 13, 1393-1434.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.metrics import linear_cka
    >>> rng = np.random.default_rng(0)
    >>> X, unrelated = rng.normal(size=(2, 20, 100))
    >>> round(linear_cka(X, 3 * X[:, ::-1] + 1), 6)
    1.0
    >>> round(linear_cka(X, unrelated), 1)  # 20 subjects, 100 features
    0.8
    >>> round(abs(linear_cka(X, unrelated, debiased=True)), 1)
    0.0
    """
    if not isinstance(debiased, (bool, np.bool_)):
        raise TypeError(f"debiased must be True or False, got {debiased!r}.")
    check_subjects(X=X, Y=Y)
    x, y = (_centered(a, name, 4 if debiased else 2) for a, name in ((X, "X"), (Y, "Y")))
    if debiased:
        return _cosine(_u_centered(x @ x.T, "X"), _u_centered(y @ y.T, "Y"), -1)
    if len(x) < max(x.shape[1], y.shape[1]):
        return _cosine(x @ x.T, y @ y.T, 0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.clip(np.linalg.norm(x.T @ y) ** 2 / norms, 0, 1))


def svcca(X: ArrayLike, Y: ArrayLike, *, variance: float = 0.99) -> float:
    """Compute the mean canonical correlation of the main directions of two representations.

    Each representation is reduced to the smallest number of principal directions that explain the
    fraction `variance` of its variance. Rotations, translations and uniform scales of either do not
    change the value; if no direction is dropped, nor do invertible linear maps.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features_x)
        One representation, in any unit.
    Y : array-like of shape (n_samples, n_features_y)
        The other one, of the same subjects in the same order.
    variance : float, default=0.99
        Fraction of variance to explain, above 0 and at most 1.

    Returns
    -------
    similarity : float
        Mean canonical correlation, from 0 to 1, over the smaller number of kept directions.

    Raises
    ------
    ValueError
        For NaN, infinite values, different numbers of subjects in X and Y, a single subject, a
        representation that is the same for all of them, and `variance` out of range.

    Warns
    -----
    UndefinedMetricWarning
        If either representation keeps as many directions as ``n_samples - 1``.

    See Also
    --------
    linear_cka : Weights directions by their variance.

    Notes
    -----
    Canonical correlations are fitted, and so optimistic with few subjects: if the numbers of kept
    directions add up to ``n_samples`` or more, some are necessarily 1; if either number reaches
    ``n_samples - 1``, as with fewer subjects than features and ``variance=1``, all are, whatever
    the data.

    References
    ----------
    .. [1] Raghu M. et al. (2017). SVCCA: singular vector canonical correlation analysis for deep
       learning dynamics and interpretability. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.metrics import svcca
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(svcca(X, X @ [[1, 2, 0], [0, 1, 0], [0, 0, 5]], variance=1), 6)
    1.0
    """
    if check_fraction(variance, "variance") == 0:
        raise ValueError("variance must be above zero, got 0.")
    check_subjects(X=X, Y=Y)
    x, y = _main_directions(X, "X", variance), _main_directions(Y, "Y", variance)
    if max(x.shape[1], y.shape[1]) >= len(x) - 1:
        warnings.warn(
            f"svcca is 1 whatever the data: {x.shape[1]} and {y.shape[1]} directions were kept of "
            f"{len(x)} subjects. Use more subjects or a lower variance, here {variance}.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
    return float(np.clip(np.linalg.svd(x.T @ y, compute_uv=False), 0, 1).mean())


def _centered(X: ArrayLike, name: str, least: int = 2) -> NDArray[np.float64]:
    """Center the columns and scale the whole, so that no product overflows."""
    x = check_matrix(X, name, least).astype(np.float64)
    if (largest := np.abs(x).max()) > _NO_DIFFERENCES:
        x = x / largest
    # Relative to the first subject, equal values become zeros without rounding.
    x = x - x[0]
    width = np.abs(x).max()
    if width == 0:
        raise ValueError(f"{name} is the same for all {len(x)} subjects.")
    x /= width
    return x - x.mean(axis=0)


def _u_centered(gram: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """U-center a Gram matrix, without the diagonal that biases the inner product [2]."""
    n = len(gram)
    size = np.linalg.norm(gram)
    np.fill_diagonal(gram, 0)
    rows = gram.sum(axis=0) / (n - 2)
    gram = gram - rows[:, None] - rows + rows.sum() / (n - 1)
    np.fill_diagonal(gram, 0)
    if np.linalg.norm(gram) <= _ROUNDING * size:
        raise ValueError(f"{name} has no structure: all {n} subjects are equally far from others.")
    return gram


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64], lower: float) -> float:
    value = np.vdot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(value, lower, 1))


def _main_directions(X: ArrayLike, name: str, variance: float) -> NDArray[np.float64]:
    """Return orthonormal scores of the subjects on the first principal directions."""
    given = check_matrix(X, name)
    u, s, _ = np.linalg.svd(_centered(given, name), full_matrices=False)
    # Smaller directions of float32 input are rounding errors.
    rank = int((s > s[0] * max(given.shape) * np.finfo(given.dtype).eps).sum())
    share = np.cumsum(s**2) / np.sum(s**2)
    kept = rank if variance == 1 else min(rank, int(np.searchsorted(share, variance)) + 1)
    return u[:, :kept]
