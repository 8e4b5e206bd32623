"""Matrices over all pairs of embeddings of a batch: (n_models, rows, rows), rows = views * samples.

For losses in which an anchor has another denominator for each positive, which no sum over a
row's similarities gives.
"""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import Batch, safe_divide
from skmmcl.losses._parts._gram import REMOVED


def products(batch: Batch) -> Tensor:
    """Return the products of all embeddings, which are cosines of unit vectors."""
    u = batch.u.flatten(1, 2)
    return torch.bmm(u, u.mT)


def squared_distances(x: Tensor) -> Tensor:
    """Return the squared distances between rows (n_models, rows, n_components)."""
    squares = x.square().sum(-1)
    return squares[:, :, None] + squares[:, None] - 2 * torch.bmm(x, x.mT)


def pair_counts(batch: Batch) -> Tensor:
    """Return how often each embedding counts for each anchor."""
    keys = batch.anchors.flatten(1)
    counts = keys[:, None].expand(-1, keys.shape[1], -1).clone()
    self_weight = batch.self_weight[:, None].expand_as(batch.anchors).flatten(1)
    counts.diagonal(dim1=1, dim2=2).mul_(self_weight)
    return counts


def for_views(weights: Tensor, batch: Batch) -> Tensor:
    """Repeat weights of pairs of subjects (n_models, samples, samples) for all their views."""
    n_views = batch.u.shape[1]
    return weights.repeat(1, n_views, n_views)


def add_log_counts(logits: Tensor, counts: Tensor) -> Tensor:
    """Add the logarithms of counts; `REMOVED` where a count is 0."""
    none = counts == 0
    return (logits + counts.masked_fill(none, 1).log()).masked_fill(none, REMOVED)


def log_sum(logits: Tensor, weights: Tensor) -> Tensor:
    """Return the logarithm of the weighted sum of exponentials over the last dimension.

    `REMOVED`, with gradient 0, where the weights are all 0.
    """
    return torch.logsumexp(add_log_counts(logits, weights), -1)


def log_add(a: Tensor, b: Tensor) -> Tensor:
    """Return the logarithm of the sum of two exponentials.

    Not `torch.logaddexp`: its bits depend on where in memory a number stands.
    """
    return torch.maximum(a, b) + torch.log1p(torch.exp(-(a - b).abs()))


def log_mean(logs: Tensor, anchors: Tensor, counted: Tensor, divisor: Tensor) -> Tensor:
    """Return the logarithm of the rows' sum over their divisor in each model; 0 where none is."""
    total = (anchors * divisor).sum(-1)
    there_is = (anchors * counted).sum(-1) > 0
    logs = log_sum(logs, anchors * counted) - torch.where(there_is, total, 1).log()
    return torch.where(there_is, logs, 0)


def row_mean(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted mean over the last dimension (0 without weight), and the weight."""
    total = weights.sum(-1)
    return safe_divide((values * weights).sum(-1), total), total
