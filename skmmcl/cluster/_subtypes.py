"""What guides Deep UCSL, and what is said of the subtypes that it finds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted
from torch.nn import functional as F

from skmmcl.base._input import read_input
from skmmcl.base._patients import PatientGuide
from skmmcl.cluster._target import check_number
from skmmcl.data import MultimodalData
from skmmcl.utils._sklearn import check_feature_names_in

AGREEMENT = 0.9  # of the last two clusterings, below which there is a warning


class SubtypeGuide(PatientGuide):
    """Guidance by patients, and by probabilities of their subtypes that the network finds.

    Attributes
    ----------
    class_weights : tuple of float
        For controls and patients, who count alike by them.
    """

    class_weights = (1.0, 1.0)
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


class DeepSubtypesMixin:
    """What Deep UCSL predicts, by the heads of its network."""

    net_: Any
    classes_: Any
    mean_representation_: Any
    _transformed: Any

    def partial_fit(
        self, X: Any, y: Any = None, *, classes: Any = None, sample_weight: Any = None
    ) -> Any:
        """Train for one epoch more, on these subjects, without ``labels_``.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,), default=None
            Labels, of both classes in the first call.
        classes : array-like of shape (2,), default=None
            Both labels, only checked.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        super().partial_fit(X, y, sample_weight=sample_weight)  # type: ignore[misc]
        for name in ("labels_", "agreement_"):  # of the subjects of an earlier fit
            vars(self).pop(name, None)
        if classes is not None and sorted(classes) != self.classes_.tolist():
            raise ValueError(f"classes={list(classes)}, but y has {self.classes_.tolist()}.")
        return self

    def predict_cluster_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each subtype.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples, n_clusters)
            Rows sum to 1.
        """
        return self._predicted(X)[0]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of `transform`: ``deepucsl0``, ``deepucsl1``, ..."""
        check_is_fitted(self, "net_")
        check_feature_names_in(self, input_features)
        width = self.mean_representation_.shape[1]
        return np.asarray([f"deepucsl{k}" for k in range(width)], dtype=object)

    def _predicted(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities of the subtypes, and the log odds of being a patient."""
        check_is_fitted(self, "net_")
        h = np.array(self._transformed(read_input(self, X, reset=False)))
        network = self.net_.module_.eval()
        with torch.inference_mode():
            rows = torch.as_tensor(h).to(next(network.parameters()))
            log_p, logits = (out[0] for out in network.read(rows[None]))
            patient = torch.logsumexp(log_p + F.logsigmoid(logits), 1)
            control = torch.logsumexp(log_p + F.logsigmoid(-logits), 1)
        return log_p.exp().cpu().numpy(), (patient - control).cpu().numpy()

    def _decide(self, X: Any) -> np.ndarray:
        return self._predicted(X)[1]


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
            f"EM has not converged: after {ucsl.n_iter_} epochs the last clustering says of "
            f"{1 - ucsl.agreement_:.0%} of the patients otherwise than the one before. Raise "
            f"max_epochs={ucsl.max_epochs}, or lower n_clusters.",
            ConvergenceWarning,
            stacklevel=3,
        )
