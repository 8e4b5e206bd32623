"""Network of Deep UCSL: a head for subtypes, and a head for patients within each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from skmmcl.networks import LaneLinear
from skmmcl.networks._multiview import MultiviewNetwork, mean_of_present
from skmmcl.networks._soft_clusters import k_means, responsibilities


class DeepUCSLNetwork(MultiviewNetwork):
    """Multiview network with heads for subtypes and for patients on the mean representation.

    Before each epoch the patients are clustered again, and the clusters are the targets of the head
    for subtypes.

    Parameters
    ----------
    *args, **layout
        Views, shapes, width, encoders and stages, as in `MultiviewNetwork`.
    n_clusters : int, default=2
        Number of subtypes.
    products : bool, default=True
        Whether heads and clusters also see products of pairs of components.
    balanced : bool, default=False
        Whether the clusters have nearly equal sizes.
    confidence_epochs : int, default=50
        Number of epochs after which clusters have probability 1.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks._deep_ucsl import DeepUCSLNetwork
    >>> network = DeepUCSLNetwork(["a", "b"], {"a": (3,), "b": (5, 5)}, 4, n_clusters=3)
    >>> out = network({"a": torch.zeros(4, 3), "b": torch.zeros(4, 5, 5)})
    >>> out["h"].shape, out["log_p"].shape, out["conditional_logits"].shape
    (torch.Size([1, 4, 4]), torch.Size([4, 3]), torch.Size([4, 3]))
    """

    gives = ("h", "z", "log_p", "conditional_logits")
    fuses = True

    def __init__(
        self,
        *args: Any,
        n_clusters: int = 2,
        products: bool = True,
        balanced: bool = False,
        confidence_epochs: int = 50,
        **layout: Any,
    ) -> None:
        super().__init__(*args, **layout)
        self.n_clusters, self.products, self.balanced = n_clusters, products, balanced
        self.confidence_epochs = confidence_epochs
        width = self.n_components
        width += width * (width + 1) // 2 if products else 0
        self.of_cluster = LaneLinear(width, n_clusters)
        self.of_patient = LaneLinear(width, n_clusters)
        self.agreement = 1.0  # fraction of patients whose last cluster the head predicted
        self.rng = np.random.default_rng(int(torch.randint(2**31, ())))

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Return the mean over present views, (n_lanes, 1, n_samples, n_components)."""
        return mean_of_present(super().encode_lanes(x, mask), mask).unsqueeze(1)

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Encode a prepared batch of each lane.

        Outputs are ``h``, also as ``z``, and for each subtype its ``log_p`` and the
        ``conditional_logits``, the log odds of being a patient in it, (n_lanes, n_samples,
        n_clusters).
        """
        h = self.encode_lanes(x, mask)
        log_p, logits = self.read(h[:, 0])
        return {"h": h, "z": h, "log_p": log_p, "conditional_logits": logits}

    def read(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Apply both heads to representations.

        Parameters
        ----------
        h : Tensor of shape (n_lanes, n_samples, n_components)
            Representations.

        Returns
        -------
        log_p, conditional_logits : Tensor of shape (n_lanes, n_samples, n_clusters)
            Log-probabilities of the subtypes, and log odds of being a patient in each.
        """
        features = self._features(h)
        return F.log_softmax(self.of_cluster(features), -1), self.of_patient(features)

    @torch.no_grad()
    def before_epoch(
        self,
        h: Tensor,
        rows: Tensor,
        targets: Tensor,
        sample_weight: Tensor | None,
        epoch: int,
    ) -> None:
        """Cluster the patients, and write the probabilities of the clusters into the targets.

        Parameters
        ----------
        h : Tensor of shape (1, n_samples, n_components)
            Representations of all subjects.
        rows : Tensor of int64
            Rows of the training subjects.
        targets : Tensor of shape (n_samples, 1 + n_clusters)
            The first column is 1 for patients, whose probabilities are written into the others.
        sample_weight : Tensor of shape (n_samples,) or None
            Weights of the subjects.
        epoch : int
            Number of the epoch, from 0.
        """
        patients = rows[targets[rows, 0] == 1]
        features, log_p = self._features(h)[0], self.read(h)[0][0]
        soft, hard = log_p.exp(), log_p.argmax(1)
        if len(patients) >= self.n_clusters:
            everyone = features.new_ones(len(targets))
            weight = (everyone if sample_weight is None else sample_weight)[patients]
            scaled = features / features[patients].std().clamp_min(torch.finfo(h.dtype).tiny)
            centers, labels = k_means(
                scaled[patients], self.n_clusters, self.rng, weight=weight, balanced=self.balanced
            )
            order = _order_of_head(labels, log_p[patients], weight)
            soft = responsibilities(scaled, centers[order])
            agree = weight[(soft.argmax(1) == hard)[patients]]
            self.agreement = float(agree.double().sum() / weight.double().sum())
            hard = soft.argmax(1)
        doubt = max(1 - epoch / self.confidence_epochs, 0.0)
        certain = F.one_hot(hard, self.n_clusters).to(soft.dtype)
        is_patient = targets[:, 0] == 1
        targets[is_patient, 1:] = (doubt * soft + (1 - doubt) * certain)[is_patient]

    def _features(self, h: Tensor) -> Tensor:
        """Return components and, if asked for, each product of two components once."""
        if not self.products:
            return h
        # A product picks the pairs: with repeated indices, gradients would be summed in any order.
        products, d = (h[..., :, None] * h[..., None, :]).flatten(-2), h.shape[-1]
        one, other = torch.triu_indices(d, d, device=h.device)
        return torch.cat([h, products @ F.one_hot(one * d + other, d * d).to(h.dtype).T], -1)


def _order_of_head(labels: Tensor, log_p: Tensor, weight: Tensor) -> Tensor:
    """Return the cluster for each output of the head, so that log-likelihood is largest."""
    clusters = (F.one_hot(labels, log_p.shape[1]) * weight[:, None]).to(log_p.dtype)
    _, order = linear_sum_assignment((clusters.mT @ log_p).double().cpu().numpy().T, maximize=True)
    return torch.as_tensor(order, device=log_p.device)
