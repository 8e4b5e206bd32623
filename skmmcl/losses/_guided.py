"""What the losses share that are guided by weights of pairs of subjects.

Weights are those of subjects, (n_lanes, n_samples, n_samples), and hold for all their
views. A subject's own other views have the weight of the diagonal.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from skmmcl.losses._gram import log_sums
from skmmcl.losses._similarity import (
    at_least_single,
    over,
    pad_subjects,
    share_of_own,
    subject_counts,
    unit_vectors,
    weighted_sum,
)


class Subjects(NamedTuple):
    """Embeddings of a batch and how often each counts."""

    u: Tensor  # lanes, views, samples, components
    anchors: Tensor  # lanes, views, samples; 0 where absent
    own: Tensor  # lanes, samples: share that an anchor counts of itself as a key


def subjects(
    z: Tensor,
    mask: Tensor | None,
    sample_weight: Tensor | None,
    *,
    self_pairs: bool = False,
    normalize: bool = True,
) -> Subjects:
    """A batch with lanes in one dimension, padded to whole vectors."""
    if normalize:
        u = unit_vectors(z)
    else:
        z = at_least_single(z)
        u = pad_subjects(z.reshape(-1, *z.shape[-3:]), -2)
    counts = subject_counts(u, z.shape[-2], sample_weight)
    anchors = counts[:, None].expand(-1, u.shape[1], -1)
    if mask is not None:
        present = mask.bool().reshape(len(u), -1, u.shape[1])
        anchors = anchors * pad_subjects(present, -2).mT
    return Subjects(u, anchors, torch.ones_like(counts) if self_pairs else share_of_own(counts))


def metadata(y: Tensor, z: Tensor, u: Tensor, n_trailing: int = 1) -> Tensor:
    """What is known of the subjects, as (n_lanes, n_samples padded, ...) with NaN where missing.

    Of integers, which are codes, the negative are missing.
    """
    if y.ndim == z.ndim - 2:
        y = y[..., None]
    values = y.to(u.dtype)
    if not y.is_floating_point() and y.dtype != torch.bool:
        values = values.masked_fill(y < 0, torch.nan)
    values = values.reshape(len(u), z.shape[-2], *y.shape[y.ndim - n_trailing :])
    return pad_subjects(values, -1 - n_trailing, value=torch.nan)


def repulsion(batch: Subjects, scale: float | Tensor, *, shifted: bool) -> Tensor:
    """Logarithm of the sum over all that an anchor is held against: (lanes, views, samples)."""
    columns = batch.anchors.flatten(1)[:, None, None]
    return log_sums(batch.u, scale, columns, own_columns(batch), shifted=shifted)[:, :, 0]


def own_columns(batch: Subjects) -> Tensor:
    """Share that an anchor counts of its subject's views: (lanes, views, views, samples)."""
    u, _, own = batch
    own = own[:, None, None]
    if u.shape[1] > 1:
        same_view = torch.eye(u.shape[1], dtype=torch.bool, device=u.device)[..., None]
        own = torch.where(same_view, own, 1)
    return own.expand(*u.shape[:2], *u.shape[1:3])


def totals(batch: Subjects, weights: Tensor) -> Tensor:
    """Sum of the weights of all that an anchor meets: (lanes, views, samples)."""
    _, anchors, own = batch
    views = anchors.sum(1)
    others = (_without_diagonal(weights) * views[:, None]).sum(-1)
    own_views = (views[:, None] - anchors) + anchors * own[:, None]
    return others[:, None] + _diagonal(weights)[:, None] * own_views


def attraction(batch: Subjects, weights: Tensor) -> Tensor:
    """Weighted sum of the cosines to all that an anchor meets: (lanes, views, samples).

    Two products with an (n_samples, n_samples) matrix for all views, whose gradient is one.
    """
    u, anchors, own = batch
    counted = anchors[..., None] * u
    everyone = counted.sum(1)
    others = torch.bmm(_without_diagonal(weights), everyone)
    own_views = (everyone[:, None] - counted) + counted * own[:, None, :, None]
    pulled = others[:, None] + _diagonal(weights)[:, None, :, None] * own_views
    return (u * pulled).sum(-1)


def mean_over(anchors: Tensor, values: Tensor) -> Tensor:
    """Weighted mean (n_lanes,); 0 where there is no weight."""
    everything = anchors.flatten(1).sum(1).view(-1, *(1,) * (anchors.ndim - 1))
    return weighted_sum(values, over(anchors, everything))


def weighted_contrast(
    batch: Subjects, against: Tensor, scale: float | Tensor, weights: Tensor
) -> Tensor:
    """Weighted InfoNCE of each lane; anchors without a positive are left out of the mean.

    Cross-entropy, of the softmax of an anchor's similarities, with its weights over their
    sum. ``against`` is the `repulsion`.
    """
    total = totals(batch, weights)
    attracted = over(attraction(batch, weights), total) * scale_of_anchors(scale)
    return mean_over(batch.anchors * (total > 0), against - attracted)


def scale_of_anchors(scale: float | Tensor) -> float | Tensor:
    """Inverse temperature for (lanes, views, samples)."""
    return scale[..., 0] if isinstance(scale, Tensor) else scale


def _diagonal(weights: Tensor) -> Tensor:
    return weights.diagonal(dim1=1, dim2=2)


def _without_diagonal(weights: Tensor) -> Tensor:
    alone = torch.eye(weights.shape[-1], dtype=torch.bool, device=weights.device)
    return weights.masked_fill(alone, 0)
