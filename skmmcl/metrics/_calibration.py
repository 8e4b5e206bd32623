"""Calibration of probabilities: are they what they say?"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import brier_score_loss
from sklearn.utils.validation import check_array

from skmmcl.metrics._checks import check_known, check_subjects
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import check_sample_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SUM_TOLERANCE = 1e-3


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
    n_bins = _check_bins(n_bins)
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
    n_bins = _check_bins(n_bins)
    gaps = []
    for column in range(p.shape[1]):
        values, is_class = p[:, column], codes == (column if p.shape[1] > 1 else 1)
        bins = _equal_bins(values, weight, n_bins)
        of_bins = np.bincount(bins, weight)
        gaps.append(_mean_gap(values, is_class, bins, weight / of_bins[bins]))
    return float(np.mean(gaps))


@dataclass(frozen=True, slots=True)
class BrierParts:
    """The Brier score and its parts, as `brier_decomposition` finds them.

    Parameters
    ----------
    score : float
        ``reliability - resolution + uncertainty + within_bins``; lower is better.
    reliability : float
        Mean squared distance between probability and frequency, 0 if calibrated.
    resolution : float
        Variance of the frequencies over the bins: how far they differ from that of all.
    uncertainty : float
        Score of a constant, the frequency in all subjects.
    within_bins : float
        What the differences of probabilities within a bin add; 0 where there are none.

    Examples
    --------
    >>> from skmmcl.metrics import brier_decomposition
    >>> parts = brier_decomposition([0, 1, 1, 1], [0.5, 0.5, 1.0, 1.0])
    >>> parts.score, parts.reliability, parts.resolution, parts.uncertainty
    (0.125, 0.0, 0.0625, 0.1875)
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float = 0.0


def brier_decomposition(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int | None = 10,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> BrierParts:
    """Compute the Brier score, and part it into calibration, resolution and uncertainty.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the second of two classes, or of each class.
    n_bins : int or None, default=10
        Number of bins of equal width from 0 to 1. None for one bin for each different
        probability, as in [1]_.
    labels : array-like of shape (n_classes,), default=None
        Classes in the order of the columns; needed where ``y_true`` lacks some.
    sample_weight : array-like of shape (n_samples,), default=None
        How often each subject counts.

    Returns
    -------
    BrierParts
        The score of :func:`sklearn.metrics.brier_score_loss` and parts that sum to it; of more
        than two classes, sums over the classes.

    Raises
    ------
    ValueError
        If probabilities are below 0, above 1, or do not sum to 1, or if classes are not known.

    Notes
    -----
    Within a bin probabilities differ, which adds their variance and takes twice their covariance
    with the outcome away [2]_: this is ``within_bins``. With few subjects in a bin, reliability
    and resolution are both too large.

    References
    ----------
    .. [1] Murphy A. H. (1973). A new vector partition of the probability score. Journal of
       Applied Meteorology 12, 595-600.
    .. [2] Stephenson D. B., Coelho C. A. S., Jolliffe I. T. (2008). Two extra components in the
       Brier score decomposition. Weather and Forecasting 23, 752-757.

    Examples
    --------
    >>> from skmmcl.metrics import brier_decomposition
    >>> parts = brier_decomposition([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.7])
    >>> round(parts.score, 6), round(parts.uncertainty, 6)
    (0.07, 0.25)
    """
    codes, p, weight = checked_probabilities(y_true, y_prob, labels, sample_weight)
    if p.shape[1] == 2:
        p = p[:, 1:]
    share = weight / weight.sum()
    parts = np.zeros(4)
    for column in range(p.shape[1]):
        is_class = codes == (column if p.shape[1] > 1 else 1)
        parts += _parts_of_class(is_class.astype(float), p[:, column], n_bins, share)
    score = _score(codes, p, weight)
    return BrierParts(score, *parts.tolist())


def _score(codes: NDArray, p: NDArray, weight: NDArray) -> float:
    if p.shape[1] == 1:
        return float(brier_score_loss(codes == 1, p[:, 0], sample_weight=weight, pos_label=True))
    classes = np.arange(p.shape[1])
    p = p / p.sum(axis=1, keepdims=True)
    return float(brier_score_loss(codes, p, sample_weight=weight, labels=classes))


def _parts_of_class(
    outcome: NDArray, p: NDArray, n_bins: int | None, share: NDArray
) -> NDArray[np.float64]:
    """Return reliability, resolution, uncertainty and what differs within bins."""
    if n_bins is None:
        bins = np.unique(p, return_inverse=True)[1]
    else:
        n_bins = _check_bins(n_bins)
        bins = np.minimum((p * n_bins).astype(int), n_bins - 1)
    weight = np.bincount(bins, share)
    safe = np.where(weight > 0, weight, 1.0)
    mean_p, frequency = (np.bincount(bins, share * v) / safe for v in (p, outcome))
    base = share @ outcome
    apart = p - mean_p[bins]
    within = share @ apart**2 - 2 * share @ (apart * (outcome - frequency[bins]))
    reliability = weight @ (mean_p - frequency) ** 2
    resolution = weight @ (frequency - base) ** 2
    return np.array([reliability, resolution, base * (1 - base), within])


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


def _check_bins(n_bins: Any) -> int:
    if not isinstance(n_bins, Integral) or isinstance(n_bins, bool) or n_bins < 1:
        raise ValueError(f"n_bins must be a positive integer, got {n_bins!r}.")
    return int(n_bins)


def checked_probabilities(
    y_true: ArrayLike, y_prob: ArrayLike, labels: ArrayLike | None, sample_weight: Any = None
) -> tuple[NDArray, NDArray, NDArray]:
    """Return codes of the classes, probabilities of one or more columns, and weights above 0."""
    check_subjects(y_true=y_true, y_prob=y_prob, sample_weight=sample_weight)
    y = check_known(y_true, "y_true")
    with named("y_prob", "probabilities of shape (n_samples,) or (n_samples, n_classes)"):
        p = check_array(y_prob, dtype=np.float64, ensure_2d=False, input_name="y_prob")
    p = p.reshape(len(p), -1)
    _check_probabilities(p)
    n_classes = max(p.shape[1], 2)
    classes = np.unique(y) if labels is None else check_known(labels, "labels")
    if labels is None and len(classes) < n_classes:
        binary = n_classes == 2 and set(classes.tolist()) <= {0, 1}
        if not binary:
            raise ValueError(
                f"y_true holds the classes {classes.tolist()}, and y_prob is of {n_classes}: give "
                "labels, such as classes_ of the estimator."
            )
        classes = np.array([0, 1])
    if len(classes) != n_classes:
        raise ValueError(
            f"y_prob is of {n_classes} classes, and there are {len(classes)}: {classes.tolist()}."
        )
    position = {label: code for code, label in enumerate(classes.tolist())}
    if unknown := sorted({str(label) for label in y.tolist() if label not in position}):
        raise ValueError(f"y_true holds {unknown}, which are not among labels {classes.tolist()}.")
    codes = np.array([position[label] for label in y.tolist()])
    weight = np.ones(len(y))
    if sample_weight is not None:
        with named("sample_weight", "one number of 0 or more for each subject"):
            weight = check_sample_weight(sample_weight, p, ensure_non_negative=True)
    if weight.sum() <= 0:
        raise ValueError("sample_weight is 0 for all subjects.")
    counts = weight > 0
    return codes[counts], p[counts], weight[counts].astype(np.float64)


def _check_probabilities(p: NDArray) -> None:
    if p.min() < 0 or p.max() > 1:
        raise ValueError(
            f"y_prob has numbers from {p.min():.3g} to {p.max():.3g}; expected probabilities, "
            "from 0 to 1. Scores of decision_function are none."
        )
    if p.shape[1] > 1 and np.abs(p.sum(axis=1) - 1).max() > SUM_TOLERANCE:
        raise ValueError("The probabilities of a subject must sum to 1 over the classes.")
