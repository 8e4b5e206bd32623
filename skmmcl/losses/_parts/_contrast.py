"""Weighted InfoNCE of embeddings: cross-entropy of an anchor's weights and its softmax.

Weights are those of pairs of subjects, (n_models, n_samples, n_samples), and hold for all
their views. A subject's own other views have the weight of the diagonal.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from skmmcl.losses._parts._batch import Batch, mean_over, safe_divide, weighted_sum
from skmmcl.losses._parts._gram import (
    EVERY,
    exponentials,
    gradients,
    log_sums,
    logarithms,
    pieces,
    row_sums,
    take,
)


def contrast(batch: Batch, scale: float | Tensor, weights: Tensor, *, shifted: bool) -> Tensor:
    """Return the weighted InfoNCE of each model, with value and gradient from one pass.

    A model so large that its matrix is computed in pieces is left to `weighted_contrast`,
    which sums up before it differentiates.
    """
    if pieces(batch.u.shape, batch.u.element_size())[0].views != EVERY:
        denominator = log_denominator(batch, scale, shifted=shifted)
        return weighted_contrast(batch, denominator, scale, weights)
    return _Contrast.apply(*batch, scale, weights, shifted)


def weighted_contrast(
    batch: Batch, denominator: Tensor, scale: float | Tensor, weights: Tensor
) -> Tensor:
    """Return the same with a given `log_denominator`.

    Anchors without a positive are left out of the mean.
    """
    total = total_weights(batch, weights)
    numerator = safe_divide(weighted_cosines(batch, weights), total) * scale_of_anchors(scale)
    return mean_over(batch.anchors * (total > 0), denominator - numerator)


def summed_contrast(
    batch: Batch, scale: float | Tensor, weights: Tensor, *, shifted: bool
) -> tuple[Tensor, Tensor]:
    """Return each anchor's weighted sum of ``-log softmax``, and the sum of its weights."""
    total = total_weights(batch, weights)
    denominator = log_denominator(batch, scale, shifted=shifted) * total
    return denominator - weighted_cosines(batch, weights) * scale_of_anchors(scale), total


def log_denominator(batch: Batch, scale: float | Tensor, *, shifted: bool) -> Tensor:
    """Return the logarithm of an anchor's sum over all others: (models, views, samples)."""
    columns = batch.anchors.flatten(1)[:, None, None]
    return log_sums(batch.u, scale, columns, self_pair_weights(batch), shifted=shifted)[:, :, 0]


def self_pair_weights(batch: Batch) -> Tensor:
    """Return what an anchor counts of its subject's views: (models, views, views, samples)."""
    u, weights = batch.u, batch.self_weight[:, None, None]
    if u.shape[1] > 1:
        same_view = torch.eye(u.shape[1], dtype=torch.bool, device=u.device)[..., None]
        weights = torch.where(same_view, weights, 1)
    return weights.expand(*u.shape[:2], *u.shape[1:3])


def total_weights(batch: Batch, weights: Tensor) -> Tensor:
    """Return the sum of the weights of all that an anchor meets: (models, views, samples)."""
    return _total(batch, *_split(weights))


def weighted_cosines(batch: Batch, weights: Tensor) -> Tensor:
    """Return the weighted sum of the cosines to all that an anchor meets: (models, views, samples).

    Two products with an (n_samples, n_samples) matrix for all views, whose gradient is one.
    """
    return (batch.u * _neighbors(batch, batch.anchors, *_split(weights))).sum(-1)


def scale_of_anchors(scale: float | Tensor) -> float | Tensor:
    """Return the inverse temperature for (models, views, samples)."""
    return scale[..., 0] if isinstance(scale, Tensor) else scale


def _split(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of other subjects, and those of a subject's own views."""
    off = weights.clone()
    off.diagonal(dim1=1, dim2=2).zero_()
    return off, weights.diagonal(dim1=1, dim2=2)[:, None]


def _neighbors(batch: Batch, counts: Tensor, off: Tensor, diagonal: Tensor) -> Tensor:
    """Return the weighted sum of the embeddings of others, and of a subject's own views."""
    counted = counts[..., None] * batch.u
    everyone = counted.sum(1)
    own_views = (everyone[:, None] - counted) + counted * batch.self_weight[:, None, :, None]
    return torch.bmm(off, everyone)[:, None] + diagonal[..., None] * own_views


def _total(batch: Batch, off: Tensor, diagonal: Tensor) -> Tensor:
    """Return the same of the weights themselves; no product, whose order of summation varies."""
    views = batch.anchors.sum(1)
    own_views = (views[:, None] - batch.anchors) + batch.anchors * batch.self_weight[:, None]
    return (off * views[:, None]).sum(-1)[:, None] + diagonal * own_views


class _Contrast(torch.autograd.Function):
    """A model's value is one number, so that its gradient is known before it is asked for."""

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        anchors: Tensor,
        self_weight: Tensor,
        scale: float | Tensor,
        weights: Tensor,
        shifted: bool,
    ) -> Tensor:
        values, slopes = [], []
        batch = Batch(u, anchors, self_weight)
        for models, *_ in pieces(u.shape, u.element_size()):
            part = batch if models == EVERY else Batch(*(x[models] for x in batch))
            scale_of_part = scale[models] if isinstance(scale, Tensor) else scale
            value, slope = _value_and_slope(part, scale_of_part, weights[models], shifted)
            values.append(value)
            slopes.append(slope)
        ctx.save_for_backward(slopes[0] if len(slopes) == 1 else torch.cat(slopes))
        return values[0] if len(values) == 1 else torch.cat(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * grad[:, None, None, None], None, None, None, None, None


def _value_and_slope(
    batch: Batch, scale: float | Tensor, weights: Tensor, shifted: bool
) -> tuple[Tensor, Tensor]:
    """Return the value of each model, and its slope along the embeddings."""
    u, anchors, _ = batch
    off, diagonal = _split(weights)
    positives, total = _neighbors(batch, anchors, off, diagonal), _total(batch, off, diagonal)
    counted = anchors * (total > 0)
    share = safe_divide(counted, counted.flatten(1).sum(1)[:, None, None])
    part = take(u, scale, anchors.flatten(1)[:, None, None], self_pair_weights(batch))
    matrix, shift = exponentials(part, shifted)
    sums = row_sums(matrix, part)
    grad_positives = share / total.masked_fill(total == 0, 1)
    similar = (u * positives).sum(-1) * scale_of_anchors(scale)
    value = weighted_sum(logarithms(sums, shift)[:, :, 0], share)
    value = value - weighted_sum(similar, grad_positives)
    grad_sums = safe_divide(share[:, :, None], sums)
    to_rows, to_columns = gradients(matrix, part, grad_sums, shifted)
    from_others = _neighbors(batch, grad_positives, off.mT, diagonal)
    slope = to_rows + to_columns - grad_positives[..., None] * positives
    return value, (slope - anchors[..., None] * from_others) * scale
