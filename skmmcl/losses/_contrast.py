"""Weighted InfoNCE of embeddings, with value and gradient from one pass over the matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from skmmcl.losses._gram import EVERY, WHOLE, _cut, _exponentials, _logs, _pull, _row_sums, pieces
from skmmcl.losses._guided import (
    Subjects,
    own_columns,
    repulsion,
    scale_of_anchors,
    weighted_contrast,
)
from skmmcl.losses._similarity import over, weighted_sum


def contrast(batch: Subjects, scale: float | Tensor, weights: Tensor, *, shifted: bool) -> Tensor:
    """Weighted InfoNCE of each lane, as `weighted_contrast` gives it, in fewer calls.

    A lane so large that its matrix is computed in pieces is left to that, which sums up
    before it differentiates.
    """
    u = batch.u
    if pieces(u.shape, u.element_size())[0].views != EVERY:
        against = repulsion(batch, scale, shifted=shifted)
        return weighted_contrast(batch, against, scale, weights)
    return _Contrast.apply(u, batch.anchors, batch.own, scale, weights, shifted)


class _Contrast(torch.autograd.Function):
    """A lane's value is one number, so that its gradient is known before it is asked for."""

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        anchors: Tensor,
        own: Tensor,
        scale: float | Tensor,
        weights: Tensor,
        shifted: bool,
    ) -> Tensor:
        values, slopes = [], []
        batch = Subjects(u, anchors, own)
        for lanes, *_ in pieces(u.shape, u.element_size()):
            part = batch if lanes == EVERY else Subjects(*(x[lanes] for x in batch))
            scale_of_part = scale[lanes] if isinstance(scale, Tensor) else scale
            value, slope = _of_lanes(part, scale_of_part, weights[lanes], shifted)
            values.append(value)
            slopes.append(slope)
        ctx.save_for_backward(slopes[0] if len(slopes) == 1 else torch.cat(slopes))
        return values[0] if len(values) == 1 else torch.cat(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * grad[:, None, None, None], None, None, None, None, None


def _of_lanes(
    batch: Subjects, scale: float | Tensor, weights: Tensor, shifted: bool
) -> tuple[Tensor, Tensor]:
    """Value of each lane, and its slope along the embeddings."""
    u, anchors, own = batch
    off, diagonal = weights.clone(), weights.diagonal(dim1=1, dim2=2)[:, None]
    off.diagonal(dim1=1, dim2=2).zero_()
    pulled = _pulled(anchors[..., None] * u, own[..., None], off, diagonal[..., None])
    total = _total(anchors, own, off, diagonal)
    counted = anchors * (total > 0)
    share = over(counted, counted.flatten(1).sum(1)[:, None, None])
    columns = anchors.flatten(1)[:, None, None]
    part = _cut(u, scale, columns, own_columns(batch), WHOLE)
    matrix, shift = _exponentials(part, shifted)
    sums = _row_sums(matrix, part)
    attracted = share / total.masked_fill(total == 0, 1)
    similar = (u * pulled).sum(-1) * scale_of_anchors(scale)
    value = weighted_sum(_logs(sums, shift)[:, :, 0], share) - weighted_sum(similar, attracted)
    repelled = over(share[:, :, None], sums)
    to_rows, to_columns = _pull(matrix, part, repelled, shifted)
    attracted = attracted[..., None]
    met = _pulled(attracted * u, own[..., None], off.mT, diagonal[..., None])
    slope = to_rows + to_columns - attracted * pulled - anchors[..., None] * met
    return value, slope * scale


def _pulled(counted: Tensor, own: Tensor, off: Tensor, diagonal: Tensor) -> Tensor:
    """Weighted sum of what is counted of others, and of a subject's own views."""
    everyone = counted.sum(1)
    own_views = (everyone[:, None] - counted) + counted * own[:, None]
    return torch.bmm(off, everyone)[:, None] + diagonal * own_views


def _total(anchors: Tensor, own: Tensor, off: Tensor, diagonal: Tensor) -> Tensor:
    """The same of the weights themselves; not a product, whose order of summation varies."""
    views = anchors.sum(1)
    own_views = (views[:, None] - anchors) + anchors * own[:, None]
    return (off * views[:, None]).sum(-1)[:, None] + diagonal * own_views
