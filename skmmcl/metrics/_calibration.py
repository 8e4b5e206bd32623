"""Calibration errors of predicted probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skmmcl.metrics._probabilities import check_bins, checked_probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def expected_calibration_error(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int = 15,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute how far probabilities are from frequencies, in bins of equal width.

    The subjects are put into bins by their probability. The error is the mean over the bins,
    weighted by the subjects in them, of the distance between mean probability and frequency [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        With one column, probabilities of the second of two classes, which are compared with its
        frequency. With one column for each class, as ``predict_proba`` gives, the probability of
        the most probable class is compared with how often that class is right.
    n_bins : int, default=15
        Number of bins from 0 to 1.
    labels : array-like of shape (n_classes,), default=None
        Classes in the order of the columns; needed where ``y_true`` lacks some.
    sample_weight : array-like of shape (n_samples,), default=None
        How often each subject counts.

    Returns
    -------
    float
        From 0 to 1; 0 where all frequencies are as predicted.

    Raises
    ------
    ValueError
        If probabilities are below 0, above 1, or do not sum to 1, or if classes are not known.

    See Also
    --------
    adaptive_calibration_error : All classes, in bins of equally many subjects.
    brier_decomposition : A proper score, and its parts.
    skmmcl.inspection.plot_reliability : The same as a picture.

    Notes
    -----
    The error is above 0 also for perfect probabilities, the more, the fewer subjects a bin has:
    compare methods on the same subjects. It is no proper score: a method that gives everybody the
    frequency of the class has none.

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
    sample_weight: ArrayLike | None = None,
) -> float:
    """Compute how far probabilities are from frequencies, in bins of equally many subjects.

    Probabilities of networks crowd near 0 and 1, where bins of equal width tell little apart. Here
    the subjects are ranked by the probability of each class, cut into bins of equal size, and the
    distance between mean probability and frequency is averaged over bins and classes [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the second of two classes, or of each class.
    n_bins : int, default=15
        Number of bins; subjects of equal probability share one.
    labels : array-like of shape (n_classes,), default=None
        Classes in the order of the columns; needed where ``y_true`` lacks some.
    sample_weight : array-like of shape (n_samples,), default=None
        How often each subject counts.

    Returns
    -------
    float
        From 0 to 1; 0 where all frequencies are as predicted.

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
    """Return the mean distance of mean probability and frequency over bins, by their weight."""
    gaps = np.bincount(bins, weight * (p - outcome))
    return float(np.abs(gaps).sum() / weight.sum())


def _equal_bins(values: NDArray, weight: NDArray, n_bins: int) -> NDArray:
    """Return bins, numbered without a gap, of equal total weight; equal values share one."""
    _, groups = np.unique(values, return_inverse=True)
    of_groups = np.bincount(groups, weight)
    middle = (np.cumsum(of_groups) - of_groups / 2) / weight.sum()
    bins = np.minimum((middle * n_bins).astype(int), n_bins - 1)
    return np.unique(bins, return_inverse=True)[1][groups]
