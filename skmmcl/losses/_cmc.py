"""Cross-modality contrast: a subject's modalities against those of all other subjects."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from skmmcl.losses._gram import REMOVED, log_sums
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._similarity import (
    over,
    pad_subjects,
    share_of_own,
    subject_counts,
    unit_vectors,
    view_similarities,
    weighted_sum,
)


class CMCLoss(TemperatureLoss):
    """Contrastive multimodal coding over all modalities of a subject at once.

    The anchor is one modality of one subject; its positives are the other modalities of
    the same subject, its negatives every modality of every other subject.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.7
        Divides the cosine similarities.
    denominator : {"negatives", "all"}, default="negatives"
        What the positives are held against: the negatives alone, as in the paper's
        code, or positives and negatives, which bounds the loss below by zero.
    positives : {"in", "out"}, default="in"
        Whether the positives are summed inside the logarithm, or the logarithms averaged
        over the positives.

    References
    ----------
    .. [1] Li Z. et al. (2024). Joint self-supervised and supervised contrastive learning
       for multimodal MRI data. Artificial Intelligence in Medicine 157:102993.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CMCLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> round(CMCLoss(temperature=1.0)(z).item(), 6)
    -0.306853
    """

    is_cross_view = True  # canonical correlations of the modalities solve it

    def __init__(
        self,
        temperature: float | Tensor = 0.7,
        *,
        denominator: Literal["negatives", "all"] = "negatives",
        positives: Literal["in", "out"] = "in",
    ) -> None:
        super().__init__(temperature)
        self.denominator = denominator
        self.positives = positives

    def forward(
        self, z: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Mean loss over the anchors.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the modality. An absent embedding is neither
            anchor, positive nor negative.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no anchor has both a positive and a negative.
        """
        u = unit_vectors(z)
        counts = subject_counts(u, z.shape[-2], sample_weight)[:, None]
        n_lanes, n_views, _, _ = u.shape
        anchors = counts.expand(-1, n_views, -1)
        no_positive = torch.eye(n_views, dtype=torch.bool, device=z.device)[:, None]
        if mask is not None:
            present = pad_subjects(mask.bool().reshape(n_lanes, -1, n_views), -2)
            no_positive = no_positive | ~present[:, None]
            anchors = anchors * present.mT
        scale = self.scale(u.dtype)
        own = share_of_own(counts)[:, None]
        columns = anchors.reshape(n_lanes, 1, 1, -1)
        negatives = log_sums(u, scale, columns, own, shifted=self.shifted)[:, :, 0]
        loss = self._contrast(view_similarities(u) * scale, no_positive, negatives)
        anchors = anchors * ((negatives > REMOVED / 2) & ~no_positive.all(-1))
        share = over(anchors, anchors.sum((1, 2), keepdim=True))
        return weighted_sum(loss, share).view(z.shape[:-3])

    def _contrast(self, positive: Tensor, no_positive: Tensor, negatives: Tensor) -> Tensor:
        attraction = torch.logsumexp(positive.masked_fill(no_positive, REMOVED), dim=-1)
        against = negatives
        if self.denominator == "all":
            # Not logaddexp: its bits depend on where in memory a number stands.
            against = torch.logsumexp(torch.stack([negatives, attraction], -1), dim=-1)
        if self.positives == "out":
            count = (~no_positive).sum(-1).clamp_min(1)
            attraction = positive.masked_fill(no_positive, 0).sum(-1) / count
        return against - attraction
