"""Scorers that ignore unlabeled subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.metrics import check_scoring, get_scorer
from sklearn.utils.metadata_routing import get_routing_for_object

from skmmcl.model_selection._rows import is_labeled, labeled_part
from skmmcl.utils._targets import UNLABELED

if TYPE_CHECKING:
    from skmmcl.utils._typing import Scorers


def labeled_scorer(
    scoring: Scorers,
    *,
    unlabeled: float | str | None = UNLABELED,
) -> Callable[..., Any]:
    """Make a scorer that leaves unlabeled test subjects out.

    Parameters
    ----------
    scoring : str, callable, list, tuple or dict
        As scikit-learn's ``scoring``: the name of a scorer, a callable
        ``scorer(estimator, X, y)``, or several of them for several metrics.
    unlabeled : int, float, str or None, default=-1
        The value of `y` that marks an unlabeled subject. NaN and None always mark one.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)``, for the ``scoring`` of
        :func:`~sklearn.model_selection.cross_val_score`,
        :class:`~sklearn.model_selection.GridSearchCV` and the like. It raises ValueError where
        no test subject is labeled, or where the estimator learned `unlabeled` as a class.

    See Also
    --------
    LabeledOnly : Leaves unlabeled subjects out of the fit of a classifier.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from skmmcl.model_selection import LabeledOnly, labeled_scorer
    >>> X = np.tile(np.arange(6.0), 3)[:, np.newaxis]
    >>> y = np.tile([0, 0, -1, -1, 1, 1], 3)
    >>> scorer = labeled_scorer("roc_auc")
    >>> scorer
    labeled_scorer('roc_auc')
    >>> cross_val_score(LabeledOnly(LogisticRegression()), X, y, cv=3, scoring=scorer)
    array([1., 1., 1.])
    """
    return _LabeledScorer(scoring, unlabeled)


class _LabeledScorer:
    def __init__(self, scoring, unlabeled):
        self._scoring = scoring
        self._unlabeled = unlabeled
        if isinstance(scoring, (list, tuple, set, dict)):
            self._scorer = check_scoring(scoring=scoring)
        elif isinstance(scoring, str) or callable(scoring):
            self._scorer = get_scorer(scoring)
        else:
            raise TypeError(
                "scoring must be the name of a scorer, a callable, or a list, tuple or dict of "
                f"them, got {scoring!r}."
            )

    def __call__(self, estimator, X, y, **params):
        classes = getattr(estimator, "classes_", None)
        if classes is not None and not is_labeled(classes, self._unlabeled).all():
            raise ValueError(
                f"The estimator learned {self._unlabeled!r}, the mark of unlabeled subjects, as a "
                "class: wrap the classifier in skmmcl.model_selection.LabeledOnly."
            )
        X, y, params = labeled_part(X, y, params, self._unlabeled, "score")
        return self._scorer(estimator, X, y, **params)

    def __repr__(self):
        unlabeled = "" if self._unlabeled == UNLABELED else f", unlabeled={self._unlabeled!r}"
        return f"labeled_scorer({self._scoring!r}{unlabeled})"

    def set_score_request(self, **requests):
        """Set the metadata that the wrapped scorer requests, as scikit-learn's scorers do."""
        self._scorer.set_score_request(**requests)
        return self

    def get_metadata_routing(self):
        """Return what metadata the wrapped scorer requests."""
        return get_routing_for_object(self._scorer)

    def _accept_sample_weight(self):
        # scikit-learn's multi-metric scorer calls this while metadata routing is off.
        return getattr(self._scorer, "_accept_sample_weight", bool)()
