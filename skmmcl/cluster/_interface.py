"""Predictions that all estimators of subtypes have: classes or a severity, and subtypes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmmcl.cluster._mixture import class_probability
from skmmcl.cluster._target import Target

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import SampleWeight, Subjects


def _separates_classes(estimator: SubtypesMixin) -> bool:
    return not estimator._is_regressor()  # noqa: SLF001


class SubtypesMixin:
    """Predicts classes or a severity, and subtypes, from the log odds and the responsibilities.

    Expects a parameter ``estimator``.
    """

    estimator: Any
    classes_: np.ndarray
    positive_: Any

    @abstractmethod
    def _decide(self, X: Subjects) -> np.ndarray:
        """Return the log odds of a patient, or the severity, of each subject."""

    @abstractmethod
    def predict_cluster_proba(self, X: Subjects) -> np.ndarray:
        """Return the probability of each subtype, for each subject."""

    def predict(self, X: Subjects) -> np.ndarray:
        """Predict the class, or the severity.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Subjects with the columns or modalities of ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels of ``classes_``, or numbers.
        """
        check_is_fitted(self)
        if self._is_regressor():
            return self._decide(X)
        return self.classes_[(self.decision_function(X) > 0).astype(int)]

    @available_if(_separates_classes)
    def decision_function(self, X: Subjects) -> np.ndarray:
        """Return the log odds of the second of ``classes_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Subjects with the columns or modalities of ``fit``.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Outputs of the linear models, weighted by the probabilities of the subtypes; log odds if
            the models give log odds.
        """
        check_is_fitted(self)
        return self._decide(X) * (1 if self.positive_ == self.classes_[1] else -1)

    @available_if(_separates_classes)
    def predict_proba(self, X: Subjects) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Subjects with the columns or modalities of ``fit``.

        Returns
        -------
        probability : ndarray of shape (n_samples, 2)
            In the order of ``classes_``. Calibrated if the linear models are, as an SVC is not.
        """
        second = class_probability(self.decision_function(X))
        return np.column_stack([1 - second, second])

    def predict_clusters(self, X: Subjects) -> np.ndarray:
        """Return the most probable subtype of each subject, patient or not.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Patients, with the columns or modalities of ``fit``.

        Returns
        -------
        labels : ndarray of int (n_samples,)
            Numbers from 0; for a control, that of the nearest subtype.
        """
        return self.predict_cluster_proba(X).argmax(axis=1)

    def score(self, X: Subjects, y: ArrayLike, sample_weight: SampleWeight = None) -> float:
        """Return the accuracy, or for a severity the coefficient of determination.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Subjects with the columns or modalities of ``fit``.
        y : array-like of shape (n_samples,)
            Their classes or severity.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the subjects.

        Returns
        -------
        score : float
            1 at best.
        """
        measure = r2_score if self._is_regressor() else accuracy_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    def _note_target(self, target: Target) -> None:
        """Remember the classes, if there are any."""
        for name, value in {"classes_": target.classes, "positive_": target.positive}.items():
            vars(self).pop(name, None)
            if target.classes is not None:
                setattr(self, name, value)

    def _is_regressor(self) -> bool:
        """Return whether the target is a severity; before fit, by the linear model given."""
        if hasattr(self, "labels_"):
            return not hasattr(self, "classes_")
        return self.estimator is not None and is_regressor(self.estimator)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self._is_regressor():
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        else:
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags
