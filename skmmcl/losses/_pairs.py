"""Similarities of all pairs of embeddings of a batch, as a matrix for each lane.

For losses in which what an anchor is held against differs from positive to positive, which
no sum over a row's similarities gives.
"""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.losses._gram import REMOVED
from skmmcl.losses._guided import Subjects


def cosines(batch: Subjects) -> Tensor:
    """Products of all embeddings: (lanes, rows, rows), with rows = views * samples."""
    u = batch.u.flatten(1, 2)
    return torch.bmm(u, u.mT)


def pair_counts(batch: Subjects) -> Tensor:
    """How often each embedding counts for each anchor: (lanes, rows, rows)."""
    keys = batch.anchors.flatten(1)
    counts = keys[:, None].expand(-1, keys.shape[1], -1).clone()
    own = batch.own[:, None].expand_as(batch.anchors).flatten(1)
    counts.diagonal(dim1=1, dim2=2).mul_(own)
    return counts


def of_views(weights: Tensor, batch: Subjects) -> Tensor:
    """Weights of pairs of subjects (lanes, samples, samples) for all their views."""
    n_views = batch.u.shape[1]
    return weights.repeat(1, n_views, n_views)


def log_sum(logits: Tensor, weights: Tensor) -> Tensor:
    """Logarithm of the weighted sum of exponentials over the last dimension.

    `REMOVED`, with gradient 0, where the weights are all 0.
    """
    none = weights == 0
    logs = weights.masked_fill(none, 1).log()
    summed = torch.logsumexp((logits + logs).masked_fill(none, REMOVED), -1)
    return torch.where(none.all(-1), REMOVED, summed)


def log_add(a: Tensor, b: Tensor) -> Tensor:
    """Logarithm of the sum of two exponentials.

    Not `torch.logaddexp`: its bits depend on where in memory a number stands.
    """
    return torch.maximum(a, b) + torch.log1p(torch.exp(-(a - b).abs()))


def row_mean(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean over the last dimension (0 if there is no weight), and the weight."""
    total = weights.sum(-1)
    smallest = torch.finfo(total.dtype).tiny
    return (values * weights).sum(-1) / total.clamp_min(smallest), total
