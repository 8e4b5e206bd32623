"""Sums over the subjects of one class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from skmmcl.losses._gram import pieces


def class_sums(x: Tensor, y: Tensor, own: Tensor) -> Tensor:
    """Sum of ``x`` over the subjects of each subject's class, its own row times ``own``.

    Parameters
    ----------
    x : Tensor of shape (n_lanes, n_samples, n_columns)
        What is summed.
    y : Tensor of shape (n_lanes, n_samples)
        Class codes.
    own : Tensor, broadcast to (n_lanes, n_samples)
        Factor of a subject's own row.

    Returns
    -------
    Tensor of shape (n_lanes, n_samples, n_columns)
    """
    return _ClassSums.apply(x, y, own.to(x.dtype).expand(y.shape))


class _ClassSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, own: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(y, own)
        return _sum_by_class(x, y, own)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        # Being of one class is symmetric.
        return _sum_by_class(grad, *ctx.saved_tensors), None, None


def _sum_by_class(x: Tensor, y: Tensor, own: Tensor) -> Tensor:
    sums = torch.empty_like(x)
    for lanes, _, rows in pieces(x[:, None].shape, x.element_size()):
        same = (y[lanes, rows, None] == y[lanes, None]).to(x.dtype)
        same[..., rows].diagonal(dim1=1, dim2=2).mul_(own[lanes, rows])
        sums[lanes, rows] = torch.bmm(same, x[lanes])
    return sums
