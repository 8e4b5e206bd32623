"""Estimators that ignore unlabeled subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmmcl.model_selection._rows import labeled_part
from skmmcl.model_selection._wrapper import Wrapper, inner_has, routing_enabled
from skmmcl.utils._targets import UNLABELED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skmmcl.utils._typing import Subjects, Target


class LabeledOnly(Wrapper, BaseEstimator):
    """Classifier or regressor that is fitted and scored on the labeled subjects only.

    Unlabeled subjects, ``y == -1``, help a semi-supervised transformer, but a classifier
    after it in a :class:`~sklearn.pipeline.Pipeline` would learn -1 as one more class. Wrapped
    in ``LabeledOnly`` it does not see them.

    Parameters
    ----------
    estimator : estimator
        Classifier or regressor. It is cloned.
    unlabeled : int, float, str or None, default=-1
        The value of `y` that marks an unlabeled subject. NaN and None always mark one; give
        NaN or None here where -1 is a genuine target, as in regression.

    Attributes
    ----------
    estimator_ : estimator
        The estimator fitted on the labeled subjects.
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled subjects, for a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``, where the inner estimator has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, where the inner estimator has them.

    See Also
    --------
    labeled_scorer : Leaves unlabeled subjects out of a score.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmmcl.model_selection import LabeledOnly
    >>> X = np.arange(6.0)[:, np.newaxis]
    >>> y = [0, 0, -1, -1, 1, 1]
    >>> clf = LabeledOnly(LogisticRegression()).fit(X, y)
    >>> clf.classes_
    array([0, 1])
    >>> clf.score(X, y)
    1.0
    """

    _wraps = "estimator"

    def __init__(self, estimator: Any, *, unlabeled: float | str | None = UNLABELED) -> None:
        self.estimator = estimator
        self.unlabeled = unlabeled

    def fit(self, X: Subjects, y: Target = None, **fit_params: Any) -> Self:
        """Fit the estimator on the labeled subjects.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Training data, in any form that the inner estimator takes.
        y : array-like of shape (n_samples,)
            Targets, some of them unlabeled.
        **fit_params : dict
            Passed to ``fit`` of the inner estimator: all of them, or with metadata routing
            those that it requests. Those with one entry per subject are sliced along with X.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `y` is missing or no subject is labeled.
        """
        params = self._route("fit", fit_params)
        X, y, params = labeled_part(X, y, params, self.unlabeled, "fit")
        self.estimator_ = clone(self.estimator).fit(X, y, **params)
        return self

    @available_if(inner_has("predict"))
    def predict(self, X: Subjects) -> NDArray:
        """Predict the target of every subject.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Data, in any form that the inner estimator takes.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Predicted targets.
        """
        return self._call("predict", X)

    @available_if(inner_has("predict_proba"))
    def predict_proba(self, X: Subjects) -> NDArray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Data, in any form that the inner estimator takes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._call("predict_proba", X)

    @available_if(inner_has("predict_log_proba"))
    def predict_log_proba(self, X: Subjects) -> NDArray:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Data, in any form that the inner estimator takes.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._call("predict_log_proba", X)

    @available_if(inner_has("decision_function"))
    def decision_function(self, X: Subjects) -> NDArray:
        """Compute the decision function of the inner classifier.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Data, in any form that the inner estimator takes.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            As the inner classifier gives it.
        """
        return self._call("decision_function", X)

    @available_if(inner_has("score"))
    def score(self, X: Subjects, y: Target, **score_params: Any) -> float:
        """Score the predictions for the labeled subjects.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Test data, in any form that the inner estimator takes.
        y : array-like of shape (n_samples,)
            Targets, some of them unlabeled.
        **score_params : dict
            Passed to ``score`` of the inner estimator, sliced as in ``fit``.

        Returns
        -------
        score : float
            As the inner estimator gives it.
        """
        check_is_fitted(self)
        params = self._route("score", score_params)
        X, y, params = labeled_part(X, y, params, self.unlabeled, "score")
        return self.estimator_.score(X, y, **params)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return where metadata goes: to ``fit`` and ``score`` of the inner estimator.

        Returns
        -------
        routing : MetadataRouter
            Routing of fit and score parameters.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        mapping.add(caller="score", callee="score")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    @property
    def classes_(self) -> NDArray:
        """Classes of the labeled subjects."""
        return self.estimator_.classes_

    def _call(self, method, X):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(X)

    def _route(self, method, params):
        if routing_enabled():
            return process_routing(self, method, **params)["estimator"][method]
        return params

    def __sklearn_tags__(self):
        tags = get_tags(self.estimator)
        tags.target_tags.required = True
        tags.array_api_support = False
        return tags
