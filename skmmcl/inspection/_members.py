"""Ensembles: the score against the number of members."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmmcl.inspection._axes import axes_of, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from skmmcl.utils._typing import RandomState


@dataclass(frozen=True)
class MemberCurve:
    """Scores of ensembles of some of the members, as `member_curve` finds them.

    Parameters
    ----------
    sizes : ndarray of int of shape (n_sizes,)
        Numbers of members.
    scores : ndarray of shape (n_sizes, n_repeats)
        Scores of ensembles of members that were drawn without replacement.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import MemberCurve
    >>> MemberCurve(np.array([1, 2]), np.array([[0.6, 0.7], [0.7, 0.7]])).mean
    array([0.65, 0.7 ])
    """

    sizes: np.ndarray
    scores: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean score for each number of members."""
        return self.scores.mean(axis=1)

    @property
    def std(self) -> np.ndarray:
        """Standard deviation over the draws."""
        return self.scores.std(axis=1)


def member_curve(
    ensemble: Any,
    X: Any,
    y: Any,
    *,
    scoring: Any = None,
    sizes: Any = None,
    n_repeats: int = 50,
    random_state: RandomState = None,
) -> MemberCurve:
    """Score ensembles of some of the members of a fitted ensemble.

    One fit with many members shows from which number on further members add nothing. Each member
    predicts once.

    Parameters
    ----------
    ensemble : DeepEnsembleClassifier or DeepEnsembleRegressor
        Fitted ensemble.
    X : array-like, DataFrame, MultimodalData or dict of arrays
        Test data, in any form that the members take.
    y : array-like of shape (n_samples,)
        Targets.
    scoring : str or callable, default=None
        Scorer, as for scikit-learn; None uses ``ensemble.score``.
    sizes : sequence of int, default=None
        Numbers of members; None for all from 1.
    n_repeats : int, default=50
        Number of draws of members for each number.
    random_state : int, RandomState instance or None, default=None
        Draws the members.

    Returns
    -------
    MemberCurve
        Sizes, and scores by size and draw.

    Raises
    ------
    ValueError
        If a size is not between 1 and the number of members.

    See Also
    --------
    plot_member_curve : Draws it.

    Notes
    -----
    Ensembles of nearly all members share most of them, so that the spread of their scores goes to
    0 and says nothing of other trainings.

    Examples
    --------
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn.datasets import make_classification
    >>> from skmmcl.ensemble import DeepEnsembleClassifier
    >>> from skmmcl.inspection import member_curve
    >>> X, y = make_classification(100, random_state=0)
    >>> ensemble = DeepEnsembleClassifier(SGDClassifier("log_loss"), n_estimators=4, random_state=0)
    >>> curve = member_curve(ensemble.fit(X[:50], y[:50]), X[50:], y[50:], random_state=0)
    >>> curve.sizes, curve.scores.shape
    (array([1, 2, 3, 4]), (4, 50))
    """
    check_is_fitted(ensemble, "estimators_")
    sizes = _checked_sizes(sizes, len(ensemble.estimators_))
    if not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats must be a positive integer, got {n_repeats!r}.")
    scorer = check_scoring(ensemble, scoring=scoring)
    rng = check_random_state(random_state)
    known = [Remembered(member) for member in ensemble.estimators_]
    scores = np.empty((len(sizes), n_repeats))
    for row, size in enumerate(sizes):
        for repeat in range(n_repeats):
            some = copy.copy(ensemble)
            some.estimators_ = [known[k] for k in rng.permutation(len(known))[:size]]
            scores[row, repeat] = scorer(some, X, y)
    return MemberCurve(sizes, scores)


def _checked_sizes(sizes: Any, n_members: int) -> np.ndarray:
    wanted = np.arange(1, n_members + 1) if sizes is None else np.asarray(sizes)
    is_whole = wanted.dtype.kind in "iu" and wanted.ndim == 1 and len(wanted) > 0
    if not is_whole or wanted.min() < 1 or wanted.max() > n_members:
        raise ValueError(
            f"sizes must be whole numbers from 1 to {n_members}, the number of members, got "
            f"{sizes!r}."
        )
    return wanted


class Remembered:
    """A fitted estimator that predicts the same subjects once."""

    def __init__(self, estimator: Any) -> None:
        self._estimator, self._known = estimator, {}  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._estimator, name)
        if name.startswith("_") or not name.startswith("predict"):
            return found

        def remembered(X: Any) -> Any:
            if name not in self._known:
                self._known[name] = found(X)
            return self._known[name]

        return remembered


def plot_member_curve(
    curve: MemberCurve, *, label: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the score of an ensemble against its number of members.

    Parameters
    ----------
    curve : MemberCurve
        As :func:`member_curve` gives.
    label : str, default=None
        Name in a legend.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With the mean as a line, and one standard deviation over the draws as a band.

    Raises
    ------
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import MemberCurve, plot_member_curve
    >>> curve = MemberCurve(np.array([1, 2]), np.array([[0.6, 0.7], [0.7, 0.7]]))
    >>> plot_member_curve(curve).get_xlabel()
    'members'
    """
    ax = axes_of(ax, "plot_member_curve")
    (line,) = ax.plot(curve.sizes, curve.mean, label=label)
    low, high = curve.mean - curve.std, curve.mean + curve.std
    ax.fill_between(curve.sizes, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    whole_ticks(ax.xaxis)
    ax.set(xlabel="members", ylabel="score")
    return ax
