"""The Brier score and its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import brier_score_loss

from skmmcl.metrics._probabilities import check_bins, checked_probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skmmcl.utils._typing import SampleWeight


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Brier score and its parts, as `brier_decomposition` computes them.

    Parameters
    ----------
    score : float
        ``reliability - resolution + uncertainty + within_bins``; lower is better.
    reliability : float
        Mean squared difference of probability and frequency; 0 if calibrated.
    resolution : float
        Variance of the frequencies over the bins.
    uncertainty : float
        Score of a constant probability, the frequency in all subjects.
    within_bins : float
        Contribution of differences of probabilities within bins; 0 where there are none.

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
    sample_weight: SampleWeight = None,
) -> BrierParts:
    """Decompose the Brier score into reliability, resolution and uncertainty.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the second of two classes, or of each class.
    n_bins : int or None, default=10
        Number of bins of equal width from 0 to 1. None for one bin per different probability, as
        in [1]_.
    labels : array-like of shape (n_classes,), default=None
        Classes in the order of the columns; needed where ``y_true`` lacks some.
    sample_weight : array-like of shape (n_samples,), default=None
        A subject of weight w counts as w subjects.

    Returns
    -------
    BrierParts
        Score of :func:`sklearn.metrics.brier_score_loss` and parts that sum to it; for more than
        two classes, sums over the classes.

    Raises
    ------
    ValueError
        If probabilities are below 0, above 1, or do not sum to 1, or if classes are not known.

    Notes
    -----
    Probabilities that differ within a bin add their variance and subtract twice their covariance
    with the outcome [2]_: this is ``within_bins``. With few subjects in a bin, reliability and
    resolution are both too large.

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
    """Return reliability, resolution, uncertainty and the contribution within bins."""
    if n_bins is None:
        bins = np.unique(p, return_inverse=True)[1]
    else:
        n_bins = check_bins(n_bins)
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
