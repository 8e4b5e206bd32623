"""Tests of paired scores over splits that share subjects, and correction for many tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import t as student

from skmmcl.utils._named import named

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class TTestResult(NamedTuple):
    """A corrected resampled t-test.

    Attributes
    ----------
    difference : float
        Mean of the paired differences.
    lower, upper : float
        Bounds of its interval.
    statistic : float
        Student's t.
    pvalue : float
        Two-sided p-value.
    n_splits : int
        Number of splits in which both scores are defined.
    """

    difference: float
    lower: float
    upper: float
    statistic: float
    pvalue: float
    n_splits: int


class BayesianTTestResult(NamedTuple):
    """Posterior probabilities of a Bayesian correlated t-test.

    Attributes
    ----------
    p_worse : float
        Probability that `a` is worse than `b` by more than the region of practical equivalence.
    p_equivalent : float
        Probability that the difference lies in the region.
    p_better : float
        Probability that `a` is better than `b` by more than the region.
    difference : float
        Mean of the posterior.
    scale : float
        Scale of the posterior, a Student distribution with ``n_splits - 1`` degrees of freedom.
    n_splits : int
        Number of splits in which both scores are defined.
    """

    p_worse: float
    p_equivalent: float
    p_better: float
    difference: float
    scale: float
    n_splits: int


def corrected_ttest(
    a: ArrayLike,
    b: ArrayLike | float = 0.0,
    *,
    n_train: float,
    n_test: float,
    confidence: float = 0.95,
) -> TTestResult:
    """Test whether paired scores differ, by the corrected resampled t-test.

    Training sets of different splits share subjects, so that the scores are correlated and an
    ordinary t-test finds differences where there are none. Nadeau and Bengio [1]_ replace the
    variance factor ``1 / n`` of the mean by ``1 / n + n_test / n_train``.

    Parameters
    ----------
    a : array-like of shape (n_splits,)
        Scores of one method; splits that are NaN in `a` or `b` are left out.
    b : array-like of shape (n_splits,) or float, default=0.0
        Scores of the other on the same splits, or a number to compare `a` to.
    n_train, n_test : float
        Number of training and test subjects of a split. Only their ratio counts: 9 and 1 for ten
        folds, however often they are repeated. With ``n_test=0`` nothing is corrected.
    confidence : float, default=0.95
        Confidence level of the interval.

    Returns
    -------
    result : TTestResult
        Named tuple ``(difference, lower, upper, statistic, pvalue, n_splits)``. With fewer than
        two splits all but the difference are NaN.

    See Also
    --------
    bayesian_ttest : Probabilities that one is better, or that both are equivalent.
    holm : Corrects p-values of several comparisons.

    Notes
    -----
    The factor assumes a correlation ``n_test / (n_test + n_train)`` between the scores of any two
    splits. If they have that correlation, the interval covers exactly.

    References
    ----------
    .. [1] Nadeau C., Bengio Y. (2003). Inference for the generalization error. Machine Learning
       52, 239-281.

    Examples
    --------
    >>> from skmmcl.model_selection import corrected_ttest
    >>> a, b = [0.81, 0.79, 0.85, 0.80, 0.82], [0.78, 0.77, 0.80, 0.79, 0.80]
    >>> result = corrected_ttest(a, b, n_train=4, n_test=1)
    >>> round(result.difference, 3), round(result.pvalue, 3)
    (0.026, 0.063)
    """
    difference, scale, n = _posterior(a, b, n_train, n_test)
    confidence = check_between(confidence, 0, 1, "confidence")
    if n < 2:
        return TTestResult(difference, np.nan, np.nan, np.nan, np.nan, n)
    half = float(student.ppf((1 + confidence) / 2, n - 1)) * scale
    if scale == 0:
        statistic = 0.0 if difference == 0 else float(np.copysign(np.inf, difference))
    else:
        statistic = difference / scale
    pvalue = float(2 * student.sf(abs(statistic), n - 1))
    return TTestResult(difference, difference - half, difference + half, statistic, pvalue, n)


def bayesian_ttest(
    a: ArrayLike, b: ArrayLike | float = 0.0, *, n_train: float, n_test: float, rope: float = 0.0
) -> BayesianTTestResult:
    """Return the probabilities that a method is better, worse, or practically equivalent.

    The Bayesian correlated t-test [1]_ [2]_: with a flat prior on the mean difference, and scores
    of any two splits correlated by ``n_test / (n_test + n_train)``, the posterior is a Student
    distribution.

    Parameters
    ----------
    a : array-like of shape (n_splits,)
        Scores of one method; splits that are NaN in `a` or `b` are left out.
    b : array-like of shape (n_splits,) or float, default=0.0
        Scores of the other on the same splits, or a number to compare `a` to.
    n_train, n_test : float
        Number of training and test subjects of a split, of which only the ratio counts.
    rope : float, default=0.0
        Region of practical equivalence: differences up to `rope` do not matter in practice.

    Returns
    -------
    result : BayesianTTestResult
        Named tuple ``(p_worse, p_equivalent, p_better, difference, scale, n_splits)``. The
        probabilities are NaN with fewer than two splits.

    See Also
    --------
    corrected_ttest : The test with the same variance, and an interval.

    References
    ----------
    .. [1] Corani G., Benavoli A. (2015). A Bayesian approach for comparing cross-validated
       algorithms on multiple data sets. Machine Learning 100, 285-304.
    .. [2] Benavoli A., Corani G., Demšar J., Zaffalon M. (2017). Time for a change: a tutorial for
       comparing multiple classifiers through Bayesian analysis. JMLR 18(77), 1-36.

    Examples
    --------
    >>> from skmmcl.model_selection import bayesian_ttest
    >>> a, b = [0.81, 0.79, 0.85, 0.80, 0.82], [0.78, 0.77, 0.80, 0.79, 0.80]
    >>> result = bayesian_ttest(a, b, n_train=4, n_test=1, rope=0.01)
    >>> round(result.p_better, 2), round(result.p_equivalent, 2)
    (0.9, 0.08)
    """
    difference, scale, n = _posterior(a, b, n_train, n_test)
    rope = check_between(rope, 0, np.inf, "rope", closed=True)
    if n < 2:
        return BayesianTTestResult(np.nan, np.nan, np.nan, difference, np.nan, n)
    if scale == 0:
        worse, better = float(difference < -rope), float(difference > rope)
    else:
        worse = float(student.cdf((-rope - difference) / scale, n - 1))
        better = float(student.sf((rope - difference) / scale, n - 1))
    return BayesianTTestResult(worse, 1 - worse - better, better, difference, scale, n)


def holm(pvalues: ArrayLike) -> NDArray[np.float64]:
    """Correct p-values of several tests, by Holm's step-down procedure.

    The chance of any false finding among all tests stays below the level at which the corrected
    p-values are judged, however the tests depend on each other.

    Parameters
    ----------
    pvalues : array-like of shape (n_tests,)
        The p-values; NaN for a test that could not be made, which stays NaN and does not count.

    Returns
    -------
    corrected : ndarray of shape (n_tests,)
        Corrected p-values, at most 1.

    References
    ----------
    .. [1] Holm S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
       Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> from skmmcl.model_selection import holm
    >>> holm([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    with named("pvalues", "one number for each test"):
        p = np.array(pvalues, dtype=np.float64, ndmin=1)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ValueError("pvalues must be numbers from 0 to 1, one for each test.")
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    p[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return p


def _posterior(a: ArrayLike, b: ArrayLike | float, n_train: float, n_test: float) -> tuple:
    """Return the mean difference, its scale with correlated splits, and the number of splits."""
    of_test = check_between(n_test, 0, np.inf, "n_test", closed=True)
    ratio = of_test / check_between(n_train, 0, np.inf, "n_train")
    with named("a and b", "one score for each split"):
        first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or second.shape not in {(), first.shape}:
        raise ValueError(
            "a and b must be scores of the same splits, one for each: got shapes "
            f"{first.shape} and {second.shape}."
        )
    differences = first - second
    if np.isinf(differences).any():
        raise ValueError("a and b must be finite or NaN, got infinite scores.")
    differences = differences[~np.isnan(differences)]
    n = len(differences)
    if n < 2:
        return (float(differences[0]) if n else np.nan), np.nan, n
    constant = np.ptp(differences) <= 1e-12 * np.abs(differences).max()  # rounding is no spread
    variance = 0.0 if constant else differences.var(ddof=1)
    return float(differences.mean()), float(np.sqrt(variance * (1 / n + ratio))), n


def check_between(value: float, low: float, high: float, name: str, *, closed=False) -> float:
    """Return a number within open bounds; `closed` includes the lower one."""
    with named(name, "a number"):
        number = float(value)
    if not (low < number < high or (closed and number == low)):
        below = f" and below {high:g}" if np.isfinite(high) else ""
        least = "from" if closed else "above"
        raise ValueError(f"{name} must be a number {least} {low:g}{below}, got {value!r}.")
    return number
