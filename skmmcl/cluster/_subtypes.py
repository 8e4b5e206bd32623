"""Guidance of Deep UCSL, its fit and predictions, and warnings about its subtypes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional as F

from skmmcl.base._input import check_subjects, read_input
from skmmcl.base._patients import PatientGuide
from skmmcl.cluster._confounds import warn_of_site
from skmmcl.cluster._target import check_number
from skmmcl.data import MultimodalData

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import SampleWeight, Subjects, Target

AGREEMENT = 0.9  # of the last two clusterings, below which there is a warning


class SubtypeGuide(PatientGuide):
    """Guidance by patients, and by probabilities of their subtypes that the network finds."""

    class_weights = (1.0, 1.0)  # of controls and patients, whose sums of weights are then equal
    _kept = ("learned", "classes", "class_weights")

    def __init__(self, positive: Any, user: str, n_clusters: int) -> None:
        super().__init__(positive, user)
        self.n_clusters = n_clusters

    def values(self, y: Any, data: MultimodalData) -> np.ndarray:
        is_patient = super().values(y, data)
        return np.hstack(
            [is_patient, np.full((len(is_patient), self.n_clusters), 1 / self.n_clusters)]
        )

    def learn(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        check_number(int((values[:, 0] == 1).sum()), self.n_clusters)
        weight = np.ones(len(values)) if sample_weight is None else sample_weight
        controls, patients = (float(weight[values[:, 0] == label].sum()) for label in (0, 1))
        n_each = (controls + patients) / 2
        self.class_weights = n_each / controls, n_each / patients


class DeepSubtypesMixin(ClassNamePrefixFeaturesOutMixin):
    """Finds subtypes by a network, and predicts by its heads."""

    net_: Any
    classes_: Any
    mean_representation_: Any
    modalities_: list[str]
    n_clusters: int
    positive: Any
    site: str | None
    _dtype: str
    _guide: Any
    _transformed: Any

    estimator = None  # classes alone, no severity

    def fit(self, X: Subjects, y: Target = None, *, sample_weight: SampleWeight = None) -> Self:
        """Find the subtypes.

        Parameters
        ----------
        y : array-like of shape (n_samples,), default=None
            1 for patients and 0 for controls, or other labels of two classes; -1, NaN or None where
            it is unknown.

        Warns
        -----
        ConvergenceWarning
            If the last two clusterings differ.
        UserWarning
            If a cluster is empty, or the subtypes follow the site.
        """
        super().fit(X, y, sample_weight=sample_weight)
        self.agreement_, found = self.net_.module_.agreement, self._predicted(X)[0].argmax(1)
        self.labels_ = np.where(self._guide.values(y, None)[:, 0] == 1, found, -1)
        warn_of_clusters(self)
        warn_of_site(self.labels_, X, self.site)
        return self

    def partial_fit(
        self,
        X: Subjects,
        y: Target = None,
        *,
        classes: ArrayLike | None = None,
        sample_weight: SampleWeight = None,
    ) -> Self:
        """Train for one epoch more, on these subjects, without ``labels_``.

        Parameters
        ----------
        classes : array-like of shape (2,), default=None
            Both labels, only checked.
        """
        super().partial_fit(X, y, sample_weight=sample_weight)
        for name in ("labels_", "agreement_"):  # of the subjects of an earlier fit
            self.__dict__.pop(name, None)
        given = self.classes_ if classes is None else np.asarray(classes)
        if np.unique(given).tolist() != self.classes_.tolist():
            raise ValueError(f"classes={given.tolist()}, but y has {self.classes_.tolist()}.")
        return self

    def predict_cluster_proba(self, X: Subjects) -> np.ndarray:
        """Return the probability of each subtype.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Rows sum to 1.
        """
        return self._predicted(X)[0]

    @property
    def _n_features_out(self) -> int:
        return self.mean_representation_.shape[1]

    def _predicted(self, X: Subjects) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities of the subtypes, and the log odds of being a patient."""
        check_is_fitted(self, "net_")
        data = read_input(self, X, reset=False)
        check_subjects(data, self._dtype)  # rows of NaN have no most probable class or subtype
        h, network = np.array(self._transformed(data)), self.net_.module_.eval()
        with torch.inference_mode():
            rows = torch.as_tensor(h).to(next(network.parameters()))
            log_p, logits = (out[0] for out in network.read(rows[None]))
            patient = torch.logsumexp(log_p + F.logsigmoid(logits), 1)
            control = torch.logsumexp(log_p + F.logsigmoid(-logits), 1)
        return log_p.exp().cpu().numpy(), (patient - control).cpu().numpy()

    def _decide(self, X: Subjects) -> np.ndarray:
        return self._predicted(X)[1]

    def _make_views(self) -> list[str]:
        return self.modalities_

    def _make_guide(self, y: Any) -> SubtypeGuide:
        return SubtypeGuide(self.positive, type(self).__name__, self.n_clusters)


def linear_for_vectors(encoders: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Return encoders of which "auto" of a vector is linear."""
    return {
        name: "linear" if spec == "auto" and len(shapes[name]) == 1 else spec
        for name, spec in encoders.items()
    }


def warn_of_clusters(ucsl: Any) -> None:
    """Warn, with numbers, of clusters that are empty, and of subtypes that still change."""
    sizes = np.bincount(ucsl.labels_[ucsl.labels_ >= 0], minlength=ucsl.n_clusters)
    if not sizes.all():
        warnings.warn(
            f"n_clusters={ucsl.n_clusters} may be more than the patients hold: the subtypes have "
            f"{sizes.tolist()} patients; stability_path compares numbers of clusters.",
            UserWarning,
            stacklevel=3,
        )
    if ucsl.agreement_ < AGREEMENT:
        warnings.warn(
            f"EM has not converged: after {ucsl.n_iter_} epochs the last clustering differs "
            f"from the one before in {1 - ucsl.agreement_:.0%} of the patients. Raise max_epochs="
            f"{ucsl.max_epochs}, or lower n_clusters.",
            ConvergenceWarning,
            stacklevel=3,
        )
