"""Deep ensemble of classifiers, and its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from scipy.special import entr, log_softmax, logsumexp
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skmmcl.base import embedder
from skmmcl.ensemble._fine_tuned_classifier import FineTunedClassifier
from skmmcl.ensemble._members import BaseDeepEnsemble
from skmmcl.utils._sklearn import HasMethods, StrOptions

if TYPE_CHECKING:
    from skmmcl.utils._typing import Subjects

SMALLEST = np.log(np.finfo(np.float64).tiny)  # of log-probabilities: members may be certain


@embedder
class DeepEnsembleClassifier(ClassifierMixin, BaseDeepEnsemble):
    """Ensemble of classifiers that differ only in their random state.

    Networks that start from different weights, or see the subjects in a different order, make
    different mistakes. Their mean makes fewer [1]_ [2]_, and their disagreement measures the
    uncertainty of a prediction.

    Read more in the :ref:`User Guide <ensembles>`.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier with ``predict_proba``: a fine-tuned one, a pipeline, or any other
        (:class:`~sklearn.calibration.CalibratedClassifierCV` adds it to one without). Members are
        clones with random states of their own, also of their parts. None for
        :class:`FineTunedClassifier`.
    combine : {"logit", "probability"}, default="logit"
        Whether the members' log odds are averaged (with more than two classes log-probabilities,
        which are then normalized), or their probabilities.

    Attributes
    ----------
    classes_ : ndarray
        The classes.

    See Also
    --------
    DeepEnsembleRegressor : Ensemble of regressors.
    sklearn.ensemble.BaggingClassifier : Members fitted on different subjects.
    skmmcl.inspection.member_curve : The score against the number of members.
    skmmcl.metrics.expected_calibration_error : Error of the probabilities.

    Notes
    -----
    Networks of this package are trained as one stack, see
    :func:`~skmmcl.parallel.stacked_fits`; the numbers are those of single fits.

    References
    ----------
    .. [1] Lakshminarayanan B., Pritzel A., Blundell C. (2017). Simple and scalable predictive
       uncertainty estimation using deep ensembles. NeurIPS.
    .. [2] Petiton S. et al. (2026). Deep ensembles and transfer learning for the classification of
       psychiatric disorders. arXiv 2604.02002.

    Examples
    --------
    >>> from skmmcl import DeepEnsembleClassifier, FineTunedClassifier
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> clf = FineTunedClassifier(max_epochs=5)
    >>> ensemble = DeepEnsembleClassifier(clf, n_estimators=3, random_state=0).fit(X, y)
    >>> ensemble.predict_proba(X).shape, ensemble.predict_members(X).shape
    ((60, 2), (3, 60, 2))
    >>> bool((ensemble.mutual_information(X) <= ensemble.predictive_entropy(X) + 0.1).all())
    True
    """

    combine: Literal["logit", "probability"] = "logit"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "combine": [StrOptions({"logit", "probability"})],
    }

    @property
    def classes_(self) -> np.ndarray:
        """The classes."""
        return self.estimators_[0].classes_

    def predict_members(self, X: Subjects) -> np.ndarray:
        """Return the probabilities of each member.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_estimators, n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.exp(self._log_members(X))

    def predict_log_proba(self, X: Subjects) -> np.ndarray:
        """Return the logarithms of the combined probabilities.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        each = self._log_members(X)
        if self.combine == "logit":
            return log_softmax(each.mean(axis=0), axis=1)
        return logsumexp(each, axis=0) - np.log(len(each))

    def predict_proba(self, X: Subjects) -> np.ndarray:
        """Return the combined probabilities.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return np.exp(self.predict_log_proba(X))

    def decision_function(self, X: Subjects) -> np.ndarray:
        """Return the combined log odds; with ``combine="logit"`` the mean logit of the members.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log odds of the second of two classes; of more classes, log-probabilities.
        """
        log_p = self.predict_log_proba(X)
        return log_p[:, 1] - log_p[:, 0] if log_p.shape[1] == 2 else log_p

    def predict(self, X: Subjects) -> np.ndarray:
        """Return the most probable class of each subject.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes.
        """
        codes = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[codes]

    def predictive_entropy(self, X: Subjects) -> np.ndarray:
        """Return the total uncertainty of the ensemble.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_samples,)
            Entropy of the combined probabilities, from 0 to the logarithm of the number of
            classes.
        """
        return entr(self.predict_proba(X)).sum(axis=1)

    def mutual_information(self, X: Subjects) -> np.ndarray:
        """Return the part of the uncertainty that is disagreement of the members.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_samples,)
            Entropy of the members' mean probabilities minus the mean of their entropies; 0 where
            all members agree.
        """
        each = self.predict_members(X)
        of_mean, mean_of = entr(each.mean(axis=0)).sum(axis=1), entr(each).sum(axis=2).mean(axis=0)
        return np.maximum(of_mean - mean_of, 0.0)

    def _log_members(self, X: Any) -> np.ndarray:
        """Return the log-probabilities of each member, none of them infinite."""
        check_is_fitted(self, "estimators_")
        with np.errstate(divide="ignore"):
            if hasattr(self.estimators_[0], "predict_log_proba"):
                each = self._of_members("predict_log_proba", X)
            else:
                each = np.log(self._of_members("predict_proba", X))
        return np.maximum(each, SMALLEST)

    def _default(self) -> Any:
        return FineTunedClassifier()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = True
        return tags
