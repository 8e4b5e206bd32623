"""What every contrastive loss needs around its sums: unit vectors, weights and a safe mean."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

# Matrix products and exponentials round in ways that depend on where in memory a number
# stands, relative to the 64 bytes of a vector register. With this many subjects, or a
# multiple, every lane starts where it would start alone.
SUBJECTS_ALIGNED = 16


def pad_subjects(x: Tensor, dim: int, value: float = 0) -> Tensor:
    """``x`` with as many subjects more along ``dim`` (< 0) as make a whole number of vectors."""
    extra = -x.shape[dim] % SUBJECTS_ALIGNED
    return F.pad(x, (0, 0) * (-1 - dim) + (0, extra), value=value) if extra else x


def at_least_single(x: Tensor) -> Tensor:
    """``x``, cast up from half precision: logits reach +-14 at temperature 0.07."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def subject_counts(u: Tensor, n_samples: int, sample_weight: Tensor | None) -> Tensor:
    """How many subjects each stands for, of shape (n_lanes, n_samples padded)."""
    if sample_weight is None:
        counts = u.new_ones(len(u), n_samples)
    else:
        counts = sample_weight.to(u.dtype).reshape(len(u), n_samples)
    return pad_subjects(counts, -1)


def unit_vectors(z: Tensor) -> Tensor:
    """Embeddings of shape (..., v, n, d) on the unit sphere, of shape (n_lanes, v, n padded, d)."""
    z = at_least_single(z)
    return _UnitVectors.apply(pad_subjects(z.reshape(-1, *z.shape[-3:]), -2))


class _UnitVectors(torch.autograd.Function):
    """Half the calls of `torch.nn.functional.normalize`, which count where lanes are few."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(z, dim=-1, keepdim=True).clamp_min_(1e-12)
        u = z / length
        ctx.save_for_backward(u, length)
        return u

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        u, length = ctx.saved_tensors
        along = (grad * u).sum(-1, keepdim=True)
        return (grad - u * along).div_(length)


def view_similarities(u: Tensor) -> Tensor:
    """Cosines of a subject's views, of shape (n_lanes, n_views, n_samples, n_views)."""
    return _ViewSimilarities.apply(u)


class _ViewSimilarities(torch.autograd.Function):
    """One small product for each subject, back as well as forth."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        by_subject = u.transpose(1, 2).flatten(0, 1)
        cosines = torch.bmm(by_subject, by_subject.mT)
        return cosines.unflatten(0, (u.shape[0], u.shape[2])).transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        slope = (grad + grad.transpose(1, 3)).transpose(1, 2).flatten(0, 1)
        pulled = torch.bmm(slope, u.transpose(1, 2).flatten(0, 1))
        return pulled.unflatten(0, (u.shape[0], u.shape[2])).transpose(1, 2)


def share_of_own(weight: Tensor) -> Tensor:
    """What a subject counts among its own negatives, as a share of its weight.

    A subject of weight w stands for w identical subjects, so it meets w - 1 further copies
    of itself.
    """
    return (1 - weight.reciprocal()).clamp_min(0)


def weighted_sum(values: Tensor, weight: Tensor) -> Tensor:
    """Sums (n_lanes,) over all but the first dimension.

    Not a product of vectors, which for one lane takes another order than for more.
    """
    return (values.flatten(1) * weight.flatten(1)).sum(1)


def over(weight: Tensor, total: Tensor) -> Tensor:
    """``weight / total``; zero where there is no weight at all."""
    return weight / total.clamp_min(torch.finfo(weight.dtype).tiny)
