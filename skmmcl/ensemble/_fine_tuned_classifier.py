"""Classifier that fine-tunes a pretrained embedder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight

from skmmcl.base import embedder
from skmmcl.ensemble._fine_tuned import BaseFineTuned
from skmmcl.model_selection._rows import plain
from skmmcl.utils._sklearn import StrOptions, check_sample_weight
from skmmcl.utils._targets import as_labels, encode_classes, is_unlabeled

if TYPE_CHECKING:
    from skmmcl.utils._typing import Subjects


@embedder
class FineTunedClassifier(ClassifierMixin, BaseFineTuned):
    """Classifier that fine-tunes an embedder pretrained on other subjects.

    The network of the embedder gets a linear head on the representations of all modalities, and
    both are trained by cross-entropy: the head alone, the last blocks of the encoders as well, or
    everything, below the head at a lower learning rate.

    Read more in the :ref:`User Guide <fine_tuning>`.

    Parameters
    ----------
    class_weight : {"balanced"}, dict or None, default=None
        Weights of the classes, by label. With "balanced", every class of a batch has the same
        weight, however many subjects it has.

    Attributes
    ----------
    classes_ : ndarray
        The classes.

    See Also
    --------
    FineTunedRegressor : Fine-tuning for regression.
    DeepEnsembleClassifier : Several of these, combined.
    compare_transfer : Frozen, fine-tuned and from scratch on the same splits.

    Notes
    -----
    Representations are z-scored by the subjects of `fit` before the head, and an absent modality
    is their mean; ``impute`` of the embedder is not used. Linear probing is
    ``make_pipeline(FrozenEstimator(embedder), StandardScaler(), LogisticRegression())``.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Contrastive learning with continuous proxy meta-data for 3D
       MRI classification. MICCAI.
    .. [2] Petiton S. et al. (2026). Deep ensembles and transfer learning for the classification of
       psychiatric disorders. arXiv 2604.02002.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from skmmcl import FineTunedClassifier, YAwareEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=120, random_state=0)
    >>> healthy, patients, diagnosis = X[:80], X[80:], y[80:]
    >>> big = YAwareEmbedder(max_epochs=5, random_state=0).fit(healthy, healthy.meta["age"])
    >>> clf = FineTunedClassifier(big, layers="all", max_epochs=5, random_state=0)
    >>> cross_val_score(clf, patients, diagnosis, cv=2).shape
    (2,)
    """

    class_weight: Literal["balanced"] | Mapping[Any, float] | None = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    @property
    def classes_(self) -> np.ndarray:
        """The classes."""
        return self.tuner_.classes_

    def decision_function(self, X: Subjects) -> np.ndarray:
        """Return the logits of subjects.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log odds of the second of two classes; of more classes, scores before the softmax.
        """
        scores = self._outputs(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Subjects) -> np.ndarray:
        """Return the most probable class of each subject.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes.
        """
        codes = self._outputs(X).argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: Subjects) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return softmax(self._outputs(X), axis=1)

    def predict_log_proba(self, X: Subjects) -> np.ndarray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return log_softmax(self._outputs(X), axis=1)

    def _own(self) -> dict[str, Any]:
        is_balanced = isinstance(self.class_weight, str)
        return {"loss": "cross_entropy", "class_weight": "balanced" if is_balanced else None}

    def _weight(self, y: Any, sample_weight: Any) -> Any:
        if not isinstance(self.class_weight, dict):
            return sample_weight
        labels = as_labels(y)
        known, weight = ~is_unlabeled(labels), np.ones(len(labels))
        weight[known] = compute_sample_weight(self.class_weight, plain(labels[known]))
        return (
            weight if sample_weight is None else weight * check_sample_weight(sample_weight, labels)
        )

    def _numbers(self, y: Any) -> np.ndarray:
        return encode_classes(y)[0]
