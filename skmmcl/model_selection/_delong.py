"""DeLong's interval and test for areas under the ROC curve of held-out subjects."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import column_or_1d

from skmmcl.data._who import check_same_subjects
from skmmcl.model_selection._bootstrap import Interval
from skmmcl.model_selection._ttests import check_between
from skmmcl.utils._named import named

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class DeLongResult(NamedTuple):
    """A comparison of two areas under the ROC curve.

    Attributes
    ----------
    auc_a, auc_b : float
        Areas of both.
    difference : float
        The first minus the second.
    lower, upper : float
        Bounds of the interval of the difference.
    statistic : float
        Standard normal deviate.
    pvalue : float
        Two-sided p-value.
    """

    auc_a: float
    auc_b: float
    difference: float
    lower: float
    upper: float
    statistic: float
    pvalue: float


def delong_test(
    y_true: ArrayLike, score_a: ArrayLike, score_b: ArrayLike, *, confidence: float = 0.95
) -> DeLongResult:
    """Test whether two areas under the ROC curve differ on the same held-out subjects.

    DeLong's test [1]_, computed from midranks [2]_ in time ``n log n``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes of the held-out subjects; the second in sorted order is the positive one.
    score_a, score_b : array-like of shape (n_samples,)
        Scores of two methods that were fitted on other subjects: greater for the positive class.
    confidence : float, default=0.95
        Confidence level of the interval of the difference.

    Returns
    -------
    result : DeLongResult
        Named tuple ``(auc_a, auc_b, difference, lower, upper, statistic, pvalue)``. Where the
        areas differ without variance, such as 1 and 0.5 of a constant, a warning says so, and the
        last four are NaN.

    See Also
    --------
    delong_interval : Interval of a single area.
    corrected_ttest : The test for scores of many splits.

    Notes
    -----
    It is for one set of subjects that were held out of the training of both. Predictions that
    are pooled over folds come from different models, which the test does not take into account.
    Methods that rank all pairs of subjects in the same way have a difference without variance, for
    which the p-value is 1.

    References
    ----------
    .. [1] DeLong E.R., DeLong D.M., Clarke-Pearson D.L. (1988). Comparing the areas under two or
       more correlated receiver operating characteristic curves. Biometrics 44, 837-845.
    .. [2] Sun X., Xu W. (2014). Fast implementation of DeLong's algorithm for comparing the areas
       under correlated receiver operating characteristic curves. IEEE Signal Processing Letters
       21, 1389-1393.

    Examples
    --------
    >>> from skmmcl.model_selection import delong_test
    >>> y = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    >>> a = [0.1, 0.2, 0.3, 0.4, 0.6, 0.5, 0.7, 0.8, 0.9, 0.95]
    >>> b = [0.2, 0.5, 0.1, 0.8, 0.6, 0.3, 0.7, 0.9, 0.4, 0.95]
    >>> result = delong_test(y, a, b)
    >>> round(result.difference, 2), round(result.pvalue, 3)
    (0.24, 0.146)
    """
    confidence = check_between(confidence, 0, 1, "confidence")
    positive = _check_classes(y_true, score_a=score_a, score_b=score_b)
    scores = np.array([_check_scores(score_a, "score_a"), _check_scores(score_b, "score_b")])
    aucs, covariance = _delong(positive, scores)
    difference = float(aucs[0] - aucs[1])
    variance = max(float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]), 0.0)
    scale = float(np.sqrt(variance)) if variance > 1e-14 else 0.0  # rounding is no variance
    found = float(aucs[0]), float(aucs[1]), difference
    if scale == 0 and abs(difference) > 1e-12:
        warnings.warn(
            f"The areas are {aucs[0]:g} and {aucs[1]:g}, and DeLong's variance of their difference "
            "is 0, so that the test is not defined. More held-out subjects are needed.",
            stacklevel=2,
        )
        return DeLongResult(*found, *(np.nan,) * 4)
    statistic = difference / scale if scale > 0 else 0.0
    half = float(norm.ppf((1 + confidence) / 2)) * scale
    bounds = max(difference - half, -1.0), min(difference + half, 1.0)
    return DeLongResult(*found, *bounds, statistic, float(2 * norm.sf(abs(statistic))))


def delong_interval(
    y_true: ArrayLike, score: ArrayLike, *, confidence: float = 0.95, logit: bool = True
) -> Interval:
    """Return the area under the ROC curve of held-out subjects, with DeLong's interval.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes of the held-out subjects; the second in sorted order is the positive one.
    score : array-like of shape (n_samples,)
        Scores of a method that was fitted on other subjects: greater for the positive class.
    confidence : float, default=0.95
        Confidence level of the interval.
    logit : bool, default=True
        Whether the interval is symmetric in the logit of the area, which keeps it within 0 and 1
        and covers better near them. False gives the symmetric interval of DeLong et al.

    Returns
    -------
    interval : Interval
        Named tuple ``(estimate, lower, upper)``. Where all pairs of subjects are ranked correctly
        (or all incorrectly), DeLong's variance is 0: a warning says so, and the bounds are NaN.

    See Also
    --------
    delong_test : Compares two areas.
    bootstrap_interval : Interval of any other score.

    Examples
    --------
    >>> from skmmcl.model_selection import delong_interval
    >>> y = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    >>> score = [0.2, 0.5, 0.1, 0.8, 0.6, 0.3, 0.7, 0.9, 0.4, 0.95]
    >>> interval = delong_interval(y, score)
    >>> [round(value, 2) for value in interval]
    [0.72, 0.31, 0.94]
    """
    confidence = check_between(confidence, 0, 1, "confidence")
    positive = _check_classes(y_true, score=score)
    aucs, covariance = _delong(positive, _check_scores(score, "score")[None])
    auc, scale = float(aucs[0]), float(np.sqrt(max(covariance[0, 0], 0.0)))
    if auc in {0.0, 1.0}:
        warnings.warn(
            f"The area is {auc:g}: all pairs of subjects are ranked in the same way, so that "
            "DeLong's variance is 0 and the interval is not defined. More held-out subjects are "
            "needed.",
            stacklevel=2,
        )
        return Interval(auc, np.nan, np.nan)
    z = float(norm.ppf((1 + confidence) / 2))
    if not logit:
        return Interval(auc, max(auc - z * scale, 0.0), min(auc + z * scale, 1.0))
    middle, half = np.log(auc / (1 - auc)), z * scale / (auc * (1 - auc))
    return Interval(auc, *(float(1 / (1 + np.exp(-x))) for x in (middle - half, middle + half)))


def _check_classes(y_true: ArrayLike, **scores: ArrayLike) -> NDArray[np.bool_]:
    """Return which subjects are of the second of two classes."""
    names = "y_true and " + ", ".join(scores)
    with named(names, "one entry for each of the same subjects"):
        y = column_or_1d(y_true)
        check_consistent_length(y, *scores.values())
    check_same_subjects({"y_true": y_true, **scores})
    classes = np.unique(y)
    if len(classes) != 2:
        raise ValueError(f"y_true must hold two classes, got {classes.tolist()[:5]}.")
    positive = y == classes[1]
    if min(positive.sum(), (~positive).sum()) < 2:
        raise ValueError("y_true must hold two subjects or more of each class.")
    return positive


def _check_scores(score: ArrayLike, name: str) -> NDArray[np.float64]:
    with named(name, "one number for each subject"):
        values = column_or_1d(score, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite, one number for each subject.")
    return values


def _delong(positive: NDArray, scores: NDArray) -> tuple[NDArray, NDArray]:
    """Return the areas of several scores, and their covariance, by midranks."""
    cases, controls = scores[:, positive], scores[:, ~positive]
    m, n = cases.shape[1], controls.shape[1]
    ranks = rankdata(scores, axis=1)
    # Fraction of the other class that each subject is ranked correctly against.
    of_cases = (ranks[:, positive] - rankdata(cases, axis=1)) / n
    of_controls = 1 - (ranks[:, ~positive] - rankdata(controls, axis=1)) / m
    covariance = np.cov(of_cases) / m + np.cov(of_controls) / n
    return of_cases.mean(axis=1), np.atleast_2d(covariance)
