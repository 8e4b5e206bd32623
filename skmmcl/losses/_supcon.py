"""Supervised contrast across subjects."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from skmmcl.losses._similarity import cosine_logits, log_weights, mean_over_anchors, removed_where


class SupConLoss(nn.Module):
    """Supervised contrast: subjects of one class attract, all others repel.

    On the concatenated embeddings of all modalities this is the CSS term of CMC+CSS.

    Parameters
    ----------
    temperature : float, default=0.7
        Divides the cosine similarities.
    no_positive : {"skip", "zero"}, default="skip"
        Whether an anchor that is alone in its class is left out of the mean or counts
        as zero.

    References
    ----------
    .. [1] Khosla P. et al. (2020). Supervised contrastive learning. NeurIPS 33.
    .. [2] Li Z. et al. (2024). Joint self-supervised and supervised contrastive learning
       for multimodal MRI data. Artificial Intelligence in Medicine 157:102993.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SupConLoss
    >>> f = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> round(SupConLoss(temperature=1.0)(f, torch.tensor([0, 0, 1, 1])).item(), 6)
    0.551445
    """

    def __init__(
        self, temperature: float = 0.7, *, no_positive: Literal["skip", "zero"] = "skip"
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.no_positive = no_positive

    def forward(self, f: Tensor, y: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Mean loss over the anchors.

        Parameters
        ----------
        f : Tensor of shape (n_samples, n_components)
            One embedding per subject.
        y : Tensor of shape (n_samples,)
            Class codes; a subject with -1 takes no part.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor
            Scalar; 0 when no anchor has a positive.
        """
        logits = cosine_logits(f, self.temperature)
        pairs, _ = log_weights(len(f), sample_weight, logits)
        labeled = y >= 0
        pairs = pairs + removed_where(~labeled, logits)
        repulsion = torch.logsumexp(logits + pairs, dim=-1)
        weight = pairs.exp() * (y[:, None] == y)
        count = weight.sum(-1)
        attraction = (weight * logits).sum(-1) / count.clamp_min(torch.finfo(logits.dtype).tiny)
        has_positive = labeled & (count > 0)
        loss = torch.where(has_positive, repulsion - attraction, torch.zeros_like(repulsion))
        valid = labeled if self.no_positive == "zero" else has_positive
        return mean_over_anchors(loss, valid, sample_weight)
