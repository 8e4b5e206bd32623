"""Bootstrap intervals for scores of held-out subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import bootstrap
from sklearn.utils import check_consistent_length

from skmmcl.data._who import check_same_subjects
from skmmcl.model_selection._rows import check_groups
from skmmcl.model_selection._ttests import check_between
from skmmcl.utils._named import named

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Interval(NamedTuple):
    """An estimate and its interval.

    Attributes
    ----------
    estimate : float
        The estimate.
    lower, upper : float
        Bounds of the interval.
    """

    estimate: float
    lower: float
    upper: float


def bootstrap_interval(
    metric: Callable[..., float],
    y_true: ArrayLike,
    *predictions: ArrayLike,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    method: str = "BCa",
    groups: ArrayLike | None = None,
    random_state: int | np.random.Generator | None = None,
) -> Interval:
    """Return a score of held-out subjects with its bootstrap interval.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_pred)``, such as those of :mod:`sklearn.metrics`. With two predictions,
        the interval is that of the difference of their scores.
    y_true : array-like of shape (n_samples,)
        True values of the held-out subjects.
    *predictions : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Predictions of one method, or of two.
    confidence : float, default=0.95
        Confidence level of the interval.
    n_resamples : int, default=2000
        Number of resamples of the subjects.
    method : {"BCa", "percentile", "basic"}, default="BCa"
        Kind of interval, as in :func:`scipy.stats.bootstrap`.
    groups : array-like of shape (n_samples,), optional
        Person of each row, where people were scanned repeatedly. Whole groups are resampled.
    random_state : int, Generator or None, default=None
        Seed of the resamples.

    Returns
    -------
    interval : Interval
        Named tuple ``(estimate, lower, upper)``.

    See Also
    --------
    delong_interval : Interval of the area under the ROC curve, in closed form.

    Notes
    -----
    A resample in which the metric is not defined, such as one without a class, is an error: there
    are too few subjects for this interval. Where all resamples have the same score, the bounds of
    "BCa" are NaN, and scipy warns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import mean_absolute_error
    >>> from skmmcl.model_selection import bootstrap_interval
    >>> rng = np.random.default_rng(0)
    >>> age = rng.uniform(20, 80, size=100)
    >>> predicted = age + rng.normal(scale=5, size=100)
    >>> interval = bootstrap_interval(mean_absolute_error, age, predicted, random_state=0)
    >>> [round(value, 1) for value in interval]
    [3.9, 3.4, 4.5]
    """
    if not callable(metric):
        raise TypeError(f"metric must be a callable metric(y_true, y_pred), got {metric!r}.")
    if len(predictions) not in {1, 2}:
        raise ValueError(f"Give the predictions of one method or of two, got {len(predictions)}.")
    confidence = check_between(confidence, 0, 1, "confidence")
    arrays = [np.asarray(y_true), *map(np.asarray, predictions)]
    with named("y_true, predictions and groups", "one entry for each of the same subjects"):
        check_consistent_length(*arrays, groups)
    others = {f"predictions {k}": given for k, given in enumerate(predictions, 1)}
    check_same_subjects({"y_true": y_true, **others, "groups": groups})
    members = _members(len(arrays[0]), groups)
    if len(members) < 3:
        raise ValueError(f"{len(members)} subjects or groups are too few for a bootstrap.")

    def statistic(drawn: NDArray) -> float:
        rows = np.concatenate([members[k] for k in drawn])
        scores = [float(metric(arrays[0][rows], array[rows])) for array in arrays[1:]]
        if np.isnan(scores).any():
            raise ValueError("metric is not defined in a resample: give more subjects.")
        return scores[0] - (scores[1] if len(scores) > 1 else 0.0)

    everyone = np.arange(len(members))
    found = bootstrap(
        (everyone,), statistic, n_resamples=n_resamples, method=method, vectorized=False,
        confidence_level=confidence, random_state=np.random.default_rng(random_state),
    ).confidence_interval  # fmt: skip
    return Interval(statistic(everyone), float(found.low), float(found.high))


def _members(n_subjects: int, groups: ArrayLike | None) -> list[NDArray]:
    if groups is None:
        return [np.array([row]) for row in range(n_subjects)]
    codes = np.unique(check_groups(groups, "groups", n_subjects), return_inverse=True)[1]
    return [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
