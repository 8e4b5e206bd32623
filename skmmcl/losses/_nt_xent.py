"""NT-Xent: contrast of each pair of views by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import (
    present_views,
    safe_divide,
    self_weights,
    subject_counts,
    unit_vectors,
    view_similarities,
    weighted_sum,
)
from skmmcl.losses._parts._gram import log_sums
from skmmcl.losses._parts._learned_temperature import sharpened
from skmmcl.losses._parts._stacking import TemperatureLoss, loss_parameters, stacked_temperature


@loss_parameters
class PairwiseCMCLoss(TemperatureLoss):
    """Mean over all pairs of views of the NT-Xent loss; with two views NT-Xent itself.

    Within a pair of views every one of the 2 n_samples embeddings i is an anchor, the same
    subject's other view j its positive, and all other embeddings of both views its negatives:
    ``- log(exp(s_ij) / sum_{k != i} exp(s_ik))``, Eq. 1 of :cite:t:`chen2020simple`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import PairwiseCMCLoss
    >>> z = torch.eye(2).expand(2, 2, 2)
    >>> round(PairwiseCMCLoss(temperature=1.0)(z).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)

    is_cross_view = True  # canonical correlations of the modalities solve it

    def forward(
        self,
        z: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        log_scale: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss over the pairs of views; 0 with fewer than two subjects.

        A subject takes part in the pairs of which it has both views. ``log_scale`` (...) is the
        logarithm of a learned factor of the similarities, up to a temperature of 0.01.
        """
        u = unit_vectors(z)
        if log_scale is not None:
            u = sharpened(u, log_scale, self.temperature)
        counts = subject_counts(u, z.shape[-2], sample_weight)
        shifted = self.shifted or log_scale is not None
        loss = nt_xent(u, counts, mask, self.scale(u.dtype), shifted=shifted)
        return loss.view(z.shape[:-3])


@loss_parameters
class SelfContrastLoss(TemperatureLoss):
    """Mean over the views of the NT-Xent loss of two augmented copies of that view.

    The loss of each view is that of `PairwiseCMCLoss`, Eq. 1 of :cite:t:`chen2020simple`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SelfContrastLoss
    >>> z = torch.eye(2).expand(3, 2, 2)  # three modalities of two subjects
    >>> round(SelfContrastLoss(temperature=1.0)(z, z).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss over the views; 0 with fewer than two subjects.

        ``one`` and ``other`` are the embeddings (..., n_views, n_samples, n_components) of both
        copies.
        """
        pairs = torch.stack([one, other], -3)
        if mask is not None:
            mask = torch.stack([mask, mask], -1)
        return contrast_of_copies(self, pairs, mask, sample_weight).mean(-1)


def contrast_of_copies(
    loss: TemperatureLoss, pairs: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Tensor:
    """Return the NT-Xent loss of each pair of copies, (..., n_pairs).

    Each pair is computed as a model of its own, all at once.

    Parameters
    ----------
    loss : TemperatureLoss
        Gives the temperature.
    pairs : Tensor of shape (..., n_pairs, 2, n_samples, n_components)
    mask : Tensor of shape (..., n_samples, n_pairs, 2), optional
    sample_weight : Tensor of shape (..., n_samples), optional
    """
    n_pairs, n_samples = pairs.shape[-4], pairs.shape[-2]
    if mask is not None:
        mask = mask.movedim(-3, -2)
    if sample_weight is not None:
        sample_weight = sample_weight[..., None, :].expand(*pairs.shape[:-3], -1)
    u = unit_vectors(pairs)
    scale = loss.scale(u.dtype)
    if isinstance(scale, Tensor):
        scale = scale.repeat_interleave(n_pairs, 0)
    counts = subject_counts(u, n_samples, sample_weight)
    return nt_xent(u, counts, mask, scale, shifted=loss.shifted).view(pairs.shape[:-3])


def nt_xent(
    u: Tensor, counts: Tensor, mask: Tensor | None, scale: float | Tensor, *, shifted: bool
) -> Tensor:
    """Return `PairwiseCMCLoss` (n_models,) of unit vectors (n_models, views, samples, _)."""
    n_views, self_weight = u.shape[1], self_weights(counts)[:, None, None]
    same = torch.eye(n_views, dtype=u.dtype, device=u.device)
    counts = counts_in_pairs(u, counts, mask)
    # An anchor meets its own view (its own subject reduced) and the pair's other view.
    in_pair = (same[:, None] + same)[..., None]
    columns = (counts[:, :, :, None] * in_pair).flatten(-2)
    self_weights_of_views = 1 - same[..., None] * (1 - self_weight)
    denominator = log_sums(u, scale, columns, self_weights_of_views, shifted=shifted)
    positive = view_similarities(u) * scale
    anchors = counts * _meets_another(counts, self_weight)
    totals = anchors.sum(-1, keepdim=True)
    n_pairs = max(1, n_views * (n_views - 1) // 2)
    share = safe_divide(anchors, totals + totals.transpose(1, 2)) / n_pairs
    return weighted_sum(denominator - positive, share)


def counts_in_pairs(u: Tensor, counts: Tensor, mask: Tensor | None) -> Tensor:
    """Return how often a subject counts in a pair of views, (n_models, view, view, subject)."""
    same = torch.eye(u.shape[1], dtype=u.dtype, device=u.device)
    counts = (1 - same)[..., None] * counts[:, None, None]
    if mask is None:
        return counts
    present = present_views(mask, u)
    return counts * (present[:, :, None] & present[:, None])


def _meets_another(counts: Tensor, self_weight: Tensor) -> Tensor:
    """Return whether a pair of views has another subject, or a copy of this one, as a negative."""
    counted = (counts > 0).to(counts.dtype)
    others = counted.sum(-1, keepdim=True) - counted
    return (others > 0) | (self_weight > 0)
