"""What guides Deep UCSL, and what is said of the subtypes that it finds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmmcl.base._patients import PatientGuide
from skmmcl.cluster._target import check_number
from skmmcl.data import MultimodalData

AGREEMENT = 0.9  # of the last two clusterings, below which there is a warning


class SubtypeGuide(PatientGuide):
    """Guidance by patients, and by probabilities of their subtypes that the network finds.

    Attributes
    ----------
    class_weights : tuple of float
        For controls and patients, who count alike by them.
    """

    class_weights = (1.0, 1.0)

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
        counts = [weight[values[:, 0] == label].sum() for label in (0, 1)]
        self.class_weights = tuple(float(sum(counts) / (2 * count)) for count in counts)


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
