"""Supervised contrast of subjects with sets of labels, label by label."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skmmcl.losses._guided import (
    Subjects,
    attraction,
    mean_over,
    metadata,
    repulsion,
    scale_of_anchors,
    subjects,
    totals,
)
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._similarity import over
from skmmcl.losses._target import as_rows, least_count, log_mds, the_one


class MulSupConLoss(TemperatureLoss):
    """MulSupCon: supervised contrast with one anchor for each label that a subject has.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    per_sample : bool, default=False
        Whether a subject counts once in the mean, else once for each of its labels.

    References
    ----------
    .. [1] Zhang P., Wu M. (2024). Multi-label supervised contrastive learning. AAAI.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import MulSupConLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> labels = torch.tensor([[1, 0], [0, 1]])
    >>> round(MulSupConLoss(temperature=1.0)(z, labels).item(), 6)
    0.551445
    """

    def __init__(self, temperature: float | Tensor = 0.1, *, per_sample: bool = False) -> None:
        super().__init__(temperature)
        self.per_sample = per_sample

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the anchors, of the arguments that `JaccardSupConLoss` takes."""
        batch = subjects(z, mask, sample_weight)
        scale = self.scale(batch.u.dtype)
        labels = metadata(y, z, batch.u)
        known = (labels >= 0).all(-1)
        labels = labels.masked_fill(~known[..., None], 0)
        weights = _label_weights(labels, known, batch)
        # As many as the anchor has labels with a positive.
        total = totals(batch, weights)
        against = repulsion(batch, scale, shifted=self.shifted) * total
        loss = against - attraction(batch, weights) * scale_of_anchors(scale)
        anchors = batch.anchors * (total > 0)
        if self.per_sample:
            n_labels = labels.sum(-1) + (~known).to(labels.dtype)
            return mean_over(anchors, over(loss, n_labels[:, None])).view(z.shape[:-3])
        return mean_over(anchors * total, over(loss, total)).view(z.shape[:-3])

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Log-MDS of the labels that two subjects share, each over the number of who has it. It is an
        approximation, as an anchor with more labels counts more.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_labels)
            Zeros and ones; -1 or NaN where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """

        def log_weights(labels: Tensor, count: Tensor) -> Tensor:
            number = (count @ labels).clamp_min(least_count(count))
            return (labels / number @ labels.mT).log()

        temperature = the_one(self.temperature)
        return log_mds(as_rows(y, codes=True), log_weights, temperature, sample_weight)


def _label_weights(labels: Tensor, known: Tensor, batch: Subjects) -> Tensor:
    """Sum over the labels that two subjects share of one over the anchor's positives."""
    views = batch.anchors.sum(1)
    # An anchor meets all views of its label's subjects but itself.
    itself = batch.anchors.amax(1) * (1 - batch.own)
    positives = (labels * views[..., None]).sum(1, keepdim=True) - labels * itself[..., None]
    share = over(labels, positives) * (positives > 0)
    # Who is not labeled has a label of his own.
    own_views = views - itself
    alone = over(~known * torch.ones_like(views), own_views) * (own_views > 0)
    return torch.bmm(share, labels.mT) + torch.diag_embed(alone)
