"""Contrast of each pair of views by itself: NT-Xent and CLIP."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import (
    check_mask,
    present_views,
    safe_divide,
    self_weights,
    subject_counts,
    unit_vectors,
    view_similarities,
    weighted_sum,
)
from skmmcl.losses._parts._gram import log_sums
from skmmcl.losses._parts._stacking import TemperatureLoss

MAX_SCALE = 100.0  # inverse temperature beyond which nothing is learned, as in CLIP


class ViewPairsLoss(TemperatureLoss):
    """Base of the losses of pairs of modalities, with or without negatives of the anchor's own."""

    is_cross_view = True  # canonical correlations of the modalities solve it
    own_view: ClassVar[bool]
    decoupled: bool = False  # whether the positive is left out of the denominator

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
        check_mask(mask, z)
        u, shifted = unit_vectors(z), self.shifted
        if log_scale is not None:
            u, shifted = sharpened(u, log_scale, self.temperature), True
        counts = subject_counts(u, z.shape[-2], sample_weight)
        kind = {"own_view": self.own_view, "decoupled": self.decoupled}
        loss = contrast_views(u, counts, mask, self.scale(u.dtype), shifted=shifted, **kind)
        return loss.view(z.shape[:-3])


def contrast_views(
    u: Tensor,
    counts: Tensor,
    mask: Tensor | None,
    scale: float | Tensor,
    *,
    shifted: bool,
    own_view: bool = True,
    decoupled: bool = False,
) -> Tensor:
    """Return the mean loss (n_models,) of unit vectors (n_models, views, samples, _).

    Tensors have the dimensions (models, anchor's view, other view of the pair, ..., samples).
    """
    n_views, self_weight = u.shape[1], self_weights(counts)[:, None, None]
    same = torch.eye(n_views, dtype=u.dtype, device=u.device)
    counts = (1 - same)[..., None] * counts[:, None, None]
    if mask is not None:
        present = present_views(mask, u)
        counts = counts * (present[:, :, None] & present[:, None])
    # An anchor meets the pair's other view, and its own view (its own subject reduced).
    in_pair = (same[:, None] + same if own_view else same)[..., None]
    columns = (counts[:, :, :, None] * in_pair).flatten(-2)
    # The subject itself is a negative as often as there are others that are identical.
    self_pairs = self_weight if decoupled else 1 - same[..., None] * (1 - self_weight)
    denominator = log_sums(u, scale, columns, self_pairs, shifted=shifted)
    loss = denominator - view_similarities(u) * scale
    anchors = counts
    if own_view:
        # It must meet another subject, or a copy of its own, as a negative.
        others = (counts > 0).sum(-1, keepdim=True) > 1
        anchors = counts * (others | (self_weight > 0))
    n_pairs = max(1, n_views * (n_views - 1))
    share = safe_divide(anchors, anchors.sum(-1, keepdim=True)) / n_pairs
    return weighted_sum(loss * (anchors > 0), share)


def contrast_copies(
    loss: TemperatureLoss, pairs: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Tensor:
    """Return the NT-Xent loss (..., n_pairs) of pairs (..., n_pairs, 2, n_samples, n_components).

    Each pair is computed as a model of its own, all at once. The mask is (..., n_pairs,
    n_samples, 2), the sample weight (..., n_samples); ``loss`` has the temperature.
    """
    check_mask(mask, pairs)
    u = unit_vectors(pairs)
    scale = loss.scale(u.dtype)
    if isinstance(scale, Tensor):
        scale = scale.repeat_interleave(pairs.shape[-4], 0)
    if sample_weight is not None:
        sample_weight = sample_weight[..., None, :].expand(*pairs.shape[:-3], -1)
    counts = subject_counts(u, pairs.shape[-2], sample_weight)
    return contrast_views(u, counts, mask, scale, shifted=loss.shifted).view(pairs.shape[:-3])


def sharpened(u: Tensor, log_scale: Tensor, temperature: float | Tensor) -> Tensor:
    """Return unit vectors times the root of a learned factor of their similarities.

    Its logarithm ``log_scale`` is of shape (n_models,) or (); the factor over the temperature is
    at most `MAX_SCALE`.
    """
    ceiling = torch.as_tensor(temperature, dtype=torch.float64, device=u.device) * MAX_SCALE
    log_scale = log_scale.reshape(-1).to(u.dtype).clone()
    excess = (log_scale - ceiling.log().to(u.dtype)).clamp_min(0).detach()
    if log_scale.requires_grad:
        # At its ceiling a scale may fall, but grows no further.
        log_scale.register_hook(lambda grad: grad.masked_fill((excess > 0) & (grad < 0), 0))
    # One for each subject, because exponentials round by where in memory they stand.
    each = (log_scale - excess).view(-1, 1, 1, 1).expand(-1, 1, u.shape[2], 1)
    return u * (each / 2).contiguous().exp()
