"""CLIP: contrast of two views whose negatives are of the other view only."""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.losses._nt_xent import counts_in_pairs
from skmmcl.losses._parts._batch import (
    safe_divide,
    subject_counts,
    unit_vectors,
    view_similarities,
    weighted_sum,
)
from skmmcl.losses._parts._gram import log_sums
from skmmcl.losses._parts._learned_temperature import sharpened
from skmmcl.losses._parts._stacking import TemperatureLoss, loss_parameters, stacked_temperature


@loss_parameters
class CLIPLoss(TemperatureLoss):
    """Symmetric cross-entropy of matching subjects across each pair of modalities.

    For subject i in views v and w, ``- log(exp(s(vi, wi)) / sum_j exp(s(vi, wj)))`` (the
    pseudocode of Fig. 3 of :cite:t:`radford2021learning`): unlike in `PairwiseCMCLoss`, all
    negatives are of the other modality.

    Parameters
    ----------
    temperature : float or Tensor, default=0.07
        Temperature of the softmax. Small values focus on hard negatives.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CLIPLoss
    >>> z = torch.eye(2).expand(2, 2, 2)
    >>> round(CLIPLoss(temperature=1.0)(z).item(), 6)
    0.313262
    """

    temperature: float | Tensor = stacked_temperature(0.07)

    is_cross_view = True  # canonical correlations of the modalities solve it

    def forward(
        self,
        z: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        log_scale: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss over the ordered pairs of views, as `PairwiseCMCLoss` is called."""
        u = unit_vectors(z)
        if log_scale is not None:
            u = sharpened(u, log_scale, self.temperature)
        n_views, scale = u.shape[1], self.scale(u.dtype)
        counts = counts_in_pairs(u, subject_counts(u, z.shape[-2], sample_weight), mask)
        # For an anchor's view and another, the columns of that other view.
        same = torch.eye(n_views, dtype=u.dtype, device=z.device)
        columns = (counts[:, :, :, None] * same[..., None]).flatten(-2)
        shifted = self.shifted or log_scale is not None
        denominator = log_sums(u, scale, columns, u.new_ones(1, 1, 1, 1), shifted=shifted)
        positive = view_similarities(u) * scale
        n_pairs = max(1, n_views * (n_views - 1))
        share = safe_divide(counts, counts.sum(-1, keepdim=True)) / n_pairs
        return weighted_sum((denominator - positive) * (counts > 0), share).view(z.shape[:-3])
