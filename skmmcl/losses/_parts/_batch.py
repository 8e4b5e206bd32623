"""Batches of subjects: unit vectors, how often each subject counts, and their metadata.

Stacked fits have one leading axis, n_models, throughout.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

# Matrix products and exponentials round in ways that depend on where in memory a number
# stands, relative to the 64 bytes of a vector register. With this many subjects, or a
# multiple, every fit starts where it would start alone.
SUBJECTS_ALIGNED = 16
SMALLEST_LENGTH = 1e-12


class Batch(NamedTuple):
    """Embeddings of subjects, and how often each counts."""

    u: Tensor  # (models, views, samples, components)
    anchors: Tensor  # (models, views, samples); 0 where absent
    self_weight: Tensor  # (models, samples): share that an anchor counts of itself as a key


def make_batch(
    z: Tensor,
    mask: Tensor | None,
    sample_weight: Tensor | None,
    *,
    self_pairs: bool = False,
    normalize: bool = True,
) -> Batch:
    """Return the batch of embeddings (..., n_views, n_samples, n_components)."""
    check_mask(mask, z)
    u = unit_vectors(z) if normalize else padded(z)
    counts = subject_counts(u, z.shape[-2], sample_weight)
    anchors = counts[:, None].expand(-1, u.shape[1], -1)
    if mask is not None:
        anchors = anchors * present_views(mask, u)
    return Batch(u, anchors, torch.ones_like(counts) if self_pairs else self_weights(counts))


def pad_subjects(x: Tensor, dim: int, value: float = 0) -> Tensor:
    """Append as many subjects along ``dim`` (< 0) as make a whole number of vectors."""
    extra = -x.shape[dim] % SUBJECTS_ALIGNED
    return F.pad(x, (0, 0) * (-1 - dim) + (0, extra), value=value) if extra else x


def at_least_single(x: Tensor) -> Tensor:
    """Cast up from half precision: logits reach +-14 at temperature 0.07."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def padded(z: Tensor) -> Tensor:
    """Return embeddings (..., v, n, d) as (n_models, v, n padded, d)."""
    return pad_subjects(at_least_single(z).reshape(-1, *z.shape[-3:]), -2)


def unit_vectors(z: Tensor) -> Tensor:
    """Return embeddings (..., v, n, d) on the unit sphere, as (n_models, v, n padded, d)."""
    return _UnitVectors.apply(padded(z))


class _UnitVectors(torch.autograd.Function):
    """A third of the kernels of plain torch, which count on a GPU and where fits are small."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(z, dim=-1, keepdim=True).clamp_min_(SMALLEST_LENGTH)
        u = z / length
        ctx.save_for_backward(u, length)
        return u

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        u, length = ctx.saved_tensors
        along = (grad * u).sum(-1, keepdim=True)
        return (grad - u * along).div_(length)


def check_mask(mask: Tensor | None, z: Tensor) -> None:
    """Raise unless a mask has a row for each subject and a column for each view."""
    if mask is not None and mask.shape[-2:] != z.shape[-3:-1][::-1]:
        n_views, n_samples = z.shape[-3:-1]
        raise ValueError(
            f"mask must have shape (..., {n_samples}, {n_views}), a row for each subject and a "
            f"column for each view; got {tuple(mask.shape)}."
        )


def present_views(mask: Tensor, u: Tensor) -> Tensor:
    """Return a mask (..., n_samples, n_views) as (n_models, n_views, n_samples padded)."""
    return pad_subjects(mask.bool().reshape(len(u), -1, u.shape[1]), -2).mT


def subject_counts(u: Tensor, n_samples: int, sample_weight: Tensor | None) -> Tensor:
    """Return how many subjects each stands for, of shape (n_models, n_samples padded)."""
    if sample_weight is None:
        counts = u.new_ones(len(u), n_samples)
    else:
        counts = sample_weight.to(u.dtype).reshape(len(u), n_samples)
    return pad_subjects(counts, -1)


def self_weights(counts: Tensor) -> Tensor:
    """Return what a subject counts among its own negatives, as a share of its weight.

    A subject of weight w stands for w identical subjects, so it meets w - 1 further copies
    of itself.
    """
    return (1 - counts.reciprocal()).clamp_min(0)


def metadata(y: Tensor, z: Tensor, u: Tensor, n_trailing: int = 1) -> Tensor:
    """Return metadata as (n_models, n_samples padded, ...) with NaN where missing.

    Integers are codes, of which the negative are missing.
    """
    if y.ndim == z.ndim - 2:
        y = y[..., None]
    values = y.to(u.dtype)
    if not y.is_floating_point() and y.dtype != torch.bool:
        values = values.masked_fill(y < 0, torch.nan)
    values = values.reshape(len(u), z.shape[-2], *y.shape[y.ndim - n_trailing :])
    return pad_subjects(values, -1 - n_trailing, value=torch.nan)


def view_similarities(u: Tensor) -> Tensor:
    """Return the cosines of a subject's views, (n_models, n_views, n_views, n_samples).

    Not by `torch.bmm`, which is slow for many small products.
    """
    return (u[:, :, None] * u[:, None]).sum(-1)


def safe_divide(weight: Tensor, total: Tensor) -> Tensor:
    """Return ``weight / total``; zero where there is no weight at all."""
    return weight / total.clamp_min(torch.finfo(weight.dtype).tiny)


def weighted_sum(values: Tensor, weight: Tensor) -> Tensor:
    """Return sums (n_models,) over all but the first dimension.

    Not a product of vectors, which for one fit takes another order than for more.
    """
    return (values.flatten(1) * weight.flatten(1)).sum(1)


def mean_over(anchors: Tensor, values: Tensor) -> Tensor:
    """Return the weighted mean (n_models,); 0 where there is no weight."""
    total = anchors.flatten(1).sum(1).view(-1, *(1,) * (anchors.ndim - 1))
    return weighted_sum(values, safe_divide(anchors, total))


def mean_of_subjects(
    values: Tensor, sample_weight: Tensor | None, counted: Tensor | None = None
) -> Tensor:
    """Return the weighted mean over one fit's subjects (n_samples,), of those that are counted."""
    weight = torch.ones_like(values) if sample_weight is None else sample_weight.to(values.dtype)
    weight = weight if counted is None else weight * counted
    return (values * safe_divide(weight, weight.sum())).sum()
