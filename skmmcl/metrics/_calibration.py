"""Calibration errors of predicted probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skmmcl.metrics._probabilities import check_bins, checked_probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skmmcl.utils._typing import SampleWeight


def expected_calibration_error(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int = 15,
    labels: ArrayLike | None = None,
    sample_weight: SampleWeight = None,
) -> float:
    """Compute the expected calibration error, in bins of equal width.

    Subjects are binned by their probability. The error is the mean over the bins, weighted by
    their subjects, of the distance between mean probability and frequency [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        With one column, probabilities of the second of two classes, which are compared with its
        frequency. With one column for each class, as from ``predict_proba``, the probability of the
        most probable class is compared with the frequency at which that class is right.
    n_bins : int, default=15
        Number of bins from 0 to 1.
    labels : array-like of shape (n_classes,), default=None
        Classes in the order of the columns; needed where ``y_true`` lacks some.
    sample_weight : array-like of shape (n_samples,), default=None
        A subject of weight w counts as w subjects.

    Returns
    -------
    float
        Error from 0 to 1; 0 if all frequencies are as predicted.

    Raises
    ------
    ValueError
        If probabilities are below 0, above 1, or do not sum to 1, or if classes are not known.

    See Also
    --------
    adaptive_calibration_error : All classes, in bins of equal numbers of subjects.
    brier_decomposition : A proper score, and its parts.
    skmmcl.inspection.plot_reliability : Plots probabilities and frequencies.

    Notes
    -----
    The error is above 0 for perfect probabilities too, and grows as bins have fewer subjects:
    compare methods on the same subjects. It is not a proper score: a method that predicts the
    frequency of the class for everybody has an error of 0.

    References
    ----------
    .. [1] Guo C., Pleiss G., Sun Y., Weinberger K. Q. (2017). On calibration of modern neural
       networks. ICML.

    Examples
    --------
    >>> from skmmcl.metrics import expected_calibration_error
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.1, 0.1, 0.6, 0.8], n_bins=2), 6)
    0.2
    """
    codes, p, weight = checked_probabilities(y_true, y_prob, labels, sample_weight)
    n_bins = check_bins(n_bins)
    if p.shape[1] == 1:
        confidence, is_right = p[:, 0], codes == 1
    else:
        confidence, is_right = p.max(axis=1), codes == p.argmax(axis=1)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    return _mean_gap(confidence, is_right, bins, weight)


def adaptive_calibration_error(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int = 15,
    labels: ArrayLike | None = None,
    sample_weight: SampleWeight = None,
) -> float:
    """Compute the adaptive calibration error, in bins of equal numbers of subjects.

    Probabilities of networks crowd near 0 and 1, which bins of equal width do not resolve. Here the
    subjects are ranked by the probability of each class and cut into bins of equal size; the
    distance between mean probability and frequency is averaged over bins and classes [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the second of two classes, or of each class.
    n_bins : int, default=15
        Number of bins; subjects of equal probability share a bin.
    labels : array-like of shape (n_classes,), default=None
        Classes in the order of the columns; needed where ``y_true`` lacks some.
    sample_weight : array-like of shape (n_samples,), default=None
        A subject of weight w counts as w subjects.

    Returns
    -------
    float
        Error from 0 to 1; 0 if all frequencies are as predicted.

    Raises
    ------
    ValueError
        If probabilities are below 0, above 1, or do not sum to 1, or if classes are not known.

    See Also
    --------
    expected_calibration_error : The most probable class, in bins of equal width.

    References
    ----------
    .. [1] Nixon J. et al. (2019). Measuring calibration in deep learning. CVPR Workshops.

    Examples
    --------
    >>> from skmmcl.metrics import adaptive_calibration_error
    >>> round(adaptive_calibration_error([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.8], n_bins=2), 6)
    0.225
    """
    codes, p, weight = checked_probabilities(y_true, y_prob, labels, sample_weight)
    n_bins = check_bins(n_bins)
    gaps = []
    for column in range(p.shape[1]):
        values, is_class = p[:, column], codes == (column if p.shape[1] > 1 else 1)
        bins = _equal_bins(values, weight, n_bins)
        of_bins = np.bincount(bins, weight)
        gaps.append(_mean_gap(values, is_class, bins, weight / of_bins[bins]))
    return float(np.mean(gaps))


def _mean_gap(p: NDArray, outcome: NDArray, bins: NDArray, weight: NDArray) -> float:
    """Return the weighted mean over bins of the distance of mean probability and frequency."""
    gaps = np.bincount(bins, weight * (p - outcome))
    return float(np.abs(gaps).sum() / weight.sum())


def _equal_bins(values: NDArray, weight: NDArray, n_bins: int) -> NDArray:
    """Return bins, numbered without a gap, of equal total weight; equal values share one."""
    _, groups = np.unique(values, return_inverse=True)
    of_groups = np.bincount(groups, weight)
    middle = (np.cumsum(of_groups) - of_groups / 2) / weight.sum()
    bins = np.minimum((middle * n_bins).astype(int), n_bins - 1)
    return np.unique(bins, return_inverse=True)[1][groups]
