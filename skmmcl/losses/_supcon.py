"""SupCon: supervised contrast across subjects."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import make_batch, pad_subjects, safe_divide, weighted_sum
from skmmcl.losses._parts._gram import log_sums
from skmmcl.losses._parts._guided import TargetLoss
from skmmcl.losses._parts._stacking import loss_parameters, stacked_temperature


@loss_parameters
class SupConLoss(TargetLoss):
    """Supervised contrast: subjects of one class attract, all others repel.

    ``mean_i [log sum_{a != i} exp(s_ia) - 1 / |P(i)| sum_{p in P(i)} s_ip]``, Eq. 2 of
    :cite:t:`khosla2020supervised`. On the concatenated embeddings of all modalities this is the
    CSS term of CMC+CSS :cite:p:`li2024joint`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.7
        Temperature of the softmax. Small values focus on hard negatives.
    no_positive : {"skip", "zero"}, default="skip"
        Whether an anchor that is alone in its class is left out of the mean or counts
        as zero.

    Notes
    -----
    The target is the regular simplex: each class collapses onto a vertex, with cosines
    ``-1 / (n_classes - 1)``, in n_classes - 1 columns. It is exact for classes of one size, and
    the limit of small temperatures for others.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SupConLoss
    >>> f = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> round(SupConLoss(temperature=1.0)(f, torch.tensor([0, 0, 1, 1])).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.7)
    _: KW_ONLY
    no_positive: Literal["skip", "zero"] = "skip"

    def forward(self, f: Tensor, y: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the mean loss over the anchors; 0 when no anchor has a positive.

        ``f`` has shape (..., n_samples, n_components), one embedding per subject; a subject
        whose class code ``y`` is -1 takes no part.
        """
        u, counts, self_weight = make_batch(f[..., None, :, :], None, sample_weight)
        y = pad_subjects(y.reshape(len(u), -1), -1, value=-1)
        anchors = counts[:, 0] * (y >= 0)
        scale = self.scale(u.dtype)
        columns = anchors[:, None, None], self_weight[:, None, None]
        denominator = log_sums(u, scale, *columns, shifted=self.shifted)
        u = u[:, 0]
        positives = (y[:, :, None] == y[:, None]) * anchors[:, None]
        positives.diagonal(dim1=1, dim2=2).mul_(self_weight)
        count = positives.sum(-1)
        numerator = safe_divide((u * torch.bmm(positives, u)).sum(-1), count)[:, None, None] * scale
        has_positive = anchors * (count > 0)
        counted = has_positive if self.no_positive == "skip" else anchors
        share = safe_divide(has_positive, counted.sum(-1, keepdim=True))
        return weighted_sum(denominator - numerator, share).view(f.shape[:-2])
