"""What every contrastive loss needs around its sums: unit vectors, weights and a safe mean."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def unit_vectors(z: Tensor) -> Tensor:
    """Embeddings of shape (..., v, n, d) on the unit sphere, of shape (n_lanes, v, n, d).

    Half precision is cast up: logits reach +-14 at temperature 0.07.
    """
    z = z.float() if z.dtype in (torch.float16, torch.bfloat16) else z
    return F.normalize(z.reshape(-1, *z.shape[-3:]), dim=-1, eps=1e-12)


def view_similarities(u: Tensor) -> Tensor:
    """Cosines of a subject's views, of shape (n_lanes, n_samples, n_views, n_views)."""
    n_lanes, n_views, n_samples, n_components = u.shape
    by_subject = u.transpose(1, 2).reshape(-1, n_views, n_components)
    cosines = torch.bmm(by_subject, by_subject.mT)
    return cosines.view(n_lanes, n_samples, n_views, n_views)


def share_of_own(weight: Tensor) -> Tensor:
    """What a subject counts among its own negatives, as a share of its weight.

    A subject of weight w stands for w identical subjects, so it meets w - 1 further copies
    of itself.
    """
    return (1 - weight.reciprocal()).clamp_min(0)


def weighted_sum(values: Tensor, weight: Tensor) -> Tensor:
    """Sums (n_lanes,) over all but the first dimension.

    A product for each lane: a reduction may take another order if there are more lanes.
    """
    return torch.bmm(weight.flatten(1)[:, None], values.flatten(1)[..., None]).view(-1)


def over(weight: Tensor, total: Tensor) -> Tensor:
    """``weight / total``; zero where there is no weight at all."""
    return weight / total.clamp_min(torch.finfo(weight.dtype).tiny)
