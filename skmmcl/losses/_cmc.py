"""CMC: the modalities of a subject contrasted with those of all other subjects."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import make_batch, mean_over, present_views, view_similarities
from skmmcl.losses._parts._gram import REMOVED, log_sums
from skmmcl.losses._parts._stacking import TemperatureLoss, loss_parameters, stacked_temperature


@loss_parameters
class CMCLoss(TemperatureLoss):
    """Contrastive multimodal coding over all modalities of a subject at once.

    The anchor a is one modality of one subject; its positives P(a) are the other modalities of
    the same subject, its negatives Q(a) every modality of every other subject:
    ``- mean_a log(sum_{p in P(a)} exp(s_ap) / sum_{q in Q(a)} exp(s_aq))`` :cite:p:`li2024joint`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.7
        Temperature of the softmax. Small values focus on hard negatives.
    denominator : {"negatives", "all"}, default="negatives"
        Embeddings in the denominator: the negatives alone, as in the paper's code, or positives
        and negatives, which bounds the loss below by zero.
    positives : {"in", "out"}, default="in"
        Whether the positives are summed inside the logarithm, or the logarithms averaged
        over the positives.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CMCLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> round(CMCLoss(temperature=1.0)(z).item(), 6)
    -0.306853
    """

    temperature: float | Tensor = stacked_temperature(0.7)
    _: KW_ONLY
    denominator: Literal["negatives", "all"] = "negatives"
    positives: Literal["in", "out"] = "in"

    is_cross_view = True  # canonical correlations of the modalities solve it

    def forward(
        self, z: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the mean loss over the anchors; 0 when none has a positive and a negative.

        An absent embedding is neither anchor, positive nor negative.
        """
        u, anchors, self_weight = make_batch(z, mask, sample_weight)
        no_positive = torch.eye(u.shape[1], dtype=torch.bool, device=z.device)[..., None]
        if mask is not None:
            no_positive = no_positive | ~present_views(mask, u)[:, None]
        scale = self.scale(u.dtype)
        columns = anchors.flatten(1)[:, None, None]
        negatives = log_sums(u, scale, columns, self_weight[:, None, None], shifted=self.shifted)
        negatives = negatives[:, :, 0]
        loss = self._contrast(view_similarities(u) * scale, no_positive, negatives)
        counted = negatives > REMOVED / 2
        if mask is not None or u.shape[1] == 1:  # else every view has another
            counted = counted & ~no_positive.all(-2)
        return mean_over(anchors * counted, loss).view(z.shape[:-3])

    def _contrast(self, positive: Tensor, no_positive: Tensor, negatives: Tensor) -> Tensor:
        """Return the loss of each anchor from its similarities (models, views, views, samples)."""
        numerator = torch.logsumexp(positive.masked_fill(no_positive, REMOVED), dim=-2)
        denominator = negatives
        if self.denominator == "all":
            # Not logaddexp: its bits depend on where in memory a number stands.
            denominator = torch.logsumexp(torch.stack([negatives, numerator], -1), dim=-1)
        if self.positives == "out":
            count = (~no_positive).sum(-2).clamp_min(1)
            numerator = positive.masked_fill(no_positive, 0).sum(-2) / count
        return denominator - numerator
