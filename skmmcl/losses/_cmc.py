"""Cross-modality contrast: a subject's modalities against those of all other subjects."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from skmmcl.losses._similarity import (
    REMOVED,
    cosine_logits,
    log_weights,
    mean_over_anchors,
    removed_where,
)


class CMCLoss(nn.Module):
    """Contrastive multimodal coding over all modalities of a subject at once.

    The anchor is one modality of one subject; its positives are the other modalities of
    the same subject, its negatives every modality of every other subject.

    Parameters
    ----------
    temperature : float, default=0.7
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

    def __init__(
        self,
        temperature: float = 0.7,
        *,
        denominator: Literal["negatives", "all"] = "negatives",
        positives: Literal["in", "out"] = "in",
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.denominator = denominator
        self.positives = positives

    def forward(
        self, z: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Mean loss over the anchors.

        Parameters
        ----------
        z : Tensor of shape (n_views, n_samples, n_components)
            Embeddings; each view is a modality.
        mask : Tensor of shape (n_samples, n_views), optional
            True where the subject has the modality. An absent embedding is neither
            anchor, positive nor negative.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor
            Scalar; 0 when no anchor has both a positive and a negative.
        """
        n_views, n_samples, _ = z.shape
        logits = cosine_logits(z, self.temperature).view(n_views, n_samples, n_views, n_samples)
        pairs, _ = log_weights(n_samples, sample_weight, logits)
        positive = logits.diagonal(dim1=1, dim2=3).transpose(1, 2)  # anchor view, subject, view
        same_view = torch.eye(n_views, dtype=torch.bool, device=z.device)[:, None, :]
        bias = pairs[:, None, :]
        is_positive = ~same_view
        valid = torch.tensor(n_views > 1, device=z.device)
        if mask is not None:
            absent = ~mask.bool()
            bias = bias + removed_where(absent.T, logits)
            is_positive = is_positive & mask.bool()
            valid = mask.bool().T & is_positive.any(-1)
        negatives = torch.logsumexp((logits + bias).flatten(2), dim=-1)
        valid = valid & (bias.flatten(1).amax(-1) > REMOVED / 2)
        loss = self._contrast(positive, is_positive.expand_as(positive), negatives)
        return mean_over_anchors(loss, valid.expand_as(loss), sample_weight)

    def _contrast(self, positive: Tensor, is_positive: Tensor, negatives: Tensor) -> Tensor:
        kept = positive + removed_where(~is_positive, positive)
        attraction = torch.logsumexp(kept, dim=-1)
        against = negatives
        if self.denominator == "all":
            against = torch.logaddexp(negatives, attraction)
        if self.positives == "out":
            count = is_positive.sum(-1).clamp_min(1)
            attraction = torch.where(is_positive, positive, 0.0).sum(-1) / count
        return against - attraction
