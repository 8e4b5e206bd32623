"""Subtypes of patients: one head for the subtypes, and one for patients within each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from skmmcl.networks import LaneLinear
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._soft_clusters import k_means, responsibilities


class DeepUCSLNetwork(MultiviewNetwork):
    """Encoders whose mean representation is read by heads for subtypes and for patients.

    Before each epoch the patients are clustered anew, and the clusters are what the head for the
    subtypes is to find.

    Parameters
    ----------
    views : sequence of str
        The modality that each view reads.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    n_components : int
        Width of the representation.
    n_clusters : int, default=2
        Number of subtypes.
    products : bool, default=True
        Whether heads and clusters see products of the components as well.
    balanced : bool, default=False
        Whether the clusters are made of nearly equal size.
    confidence_epochs : int, default=50
        After how many epochs the clusters are taken for certain.
    **layout
        Encoders and stages, as in `MultiviewNetwork`.

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
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        n_clusters: int = 2,
        products: bool = True,
        balanced: bool = False,
        confidence_epochs: int = 50,
        **layout: Any,
    ) -> None:
        super().__init__(views, shapes, n_components, **layout)
        self.n_clusters, self.products, self.balanced = n_clusters, products, balanced
        self.confidence_epochs = confidence_epochs
        width = n_components + (n_components * (n_components + 1) // 2 if products else 0)
        self.of_cluster = LaneLinear(width, n_clusters)
        self.of_patient = LaneLinear(width, n_clusters)
        self.agreement = 1.0  # of the last clusters of the patients with what the head said
        self.rng = np.random.default_rng(int(torch.randint(2**31, ())))

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Give the mean representation of the modalities that a subject has.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        Tensor of shape (n_lanes, 1, n_samples, n_components)
            The representation.
        """
        h = super().encode_lanes(x, mask)
        if mask is None:
            return h.mean(1, keepdim=True)
        weight = mask.mT.unsqueeze(-1).to(h.dtype)
        return (h * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp_min(1)

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Encode a prepared batch of each lane, and read it by the heads.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        dict
            ``h``, also as ``z``; for each subtype ``log_p``, and ``conditional_logits``, the
            log odds of being a patient within it, (n_lanes, n_samples, n_clusters).
        """
        h = self.encode_lanes(x, mask)
        log_p, logits = self.read(h[:, 0])
        return {"h": h, "z": h, "log_p": log_p, "conditional_logits": logits}

    def read(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Give what both heads say of representations.

        Parameters
        ----------
        h : Tensor of shape (n_lanes, n_samples, n_components)
            Representations.

        Returns
        -------
        log_p, conditional_logits : Tensor of shape (n_lanes, n_samples, n_clusters)
            Log-probabilities of the subtypes, and log odds of being a patient within each.
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
        """Cluster the patients, and note for each how probable the clusters are.

        Parameters
        ----------
        h : Tensor of shape (1, n_samples, n_components)
            Representations of all subjects.
        rows : Tensor of int64
            Those who are trained on.
        targets : Tensor of shape (n_samples, 1 + n_clusters)
            1 for patients, whose probabilities are written into the other columns.
        sample_weight : Tensor of shape (n_samples,) or None
            How often a subject counts.
        epoch : int
            Number of the epoch, from 0.
        """
        patients = rows[targets[rows, 0] == 1]
        features, log_p = self._features(h)[0], self.read(h)[0][0]
        soft, hard = log_p.exp(), log_p.argmax(1)
        if len(patients) >= self.n_clusters:
            weight = None if sample_weight is None else sample_weight[patients]
            scaled = features / features[patients].std().clamp_min(torch.finfo(h.dtype).tiny)
            centers, labels = k_means(
                scaled[patients], self.n_clusters, self.rng, weight=weight, balanced=self.balanced
            )
            order = _order_of_head(labels, log_p[patients])
            soft = responsibilities(scaled, centers[order])
            self.agreement = float((soft.argmax(1) == hard)[patients].double().mean())
            hard = soft.argmax(1)
        doubt = max(1 - epoch / self.confidence_epochs, 0.0)
        certain = F.one_hot(hard, self.n_clusters).to(soft.dtype)
        is_patient = targets[:, 0] == 1
        targets[is_patient, 1:] = (doubt * soft + (1 - doubt) * certain)[is_patient]

    def _features(self, h: Tensor) -> Tensor:
        """Components, and their products."""
        if not self.products:
            return h
        # Not h[..., rows]: where rows repeat, the order in which its gradient is summed is open.
        products = (h[..., :, None] * h[..., None, :]).flatten(-2)
        return torch.cat([h, products @ _upper_triangle(h)], -1)


def _upper_triangle(h: Tensor) -> Tensor:
    """Return the matrix that picks each product of two components once, (d * d, n_products)."""
    d = h.shape[-1]
    one, other = torch.triu_indices(d, d, device=h.device)
    return F.one_hot(one * d + other, d * d).to(h.dtype).T


def _order_of_head(labels: Tensor, log_p: Tensor) -> Tensor:
    """For each output of the head, the cluster of which it is the most certain."""
    clusters = F.one_hot(labels, log_p.shape[1]).to(log_p.dtype)
    _, order = linear_sum_assignment((clusters.mT @ log_p).double().cpu().numpy().T, maximize=True)
    return torch.as_tensor(order, device=log_p.device)
