"""Sums over the subjects of one class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from skmmcl.losses._gram import WHOLE, Piece, pieces


def class_sums(u: Tensor, y: Tensor, weight: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sums of ``u`` over the subjects of each subject's class, and their weight.

    Parameters
    ----------
    u : Tensor of shape (n_lanes, n_samples, n_components)
        What is summed, and alone is differentiated.
    y : Tensor of shape (n_lanes, n_samples)
        Class codes.
    weight : Tensor of shape (n_lanes, n_samples)
        Of the subjects in the sum.
    own : Tensor of shape (n_lanes, n_samples)
        What a subject counts in its own sum, as a share of its weight.

    Returns
    -------
    sums : Tensor of shape (n_lanes, n_samples, n_components)
    count : Tensor of shape (n_lanes, n_samples)
    """
    return _ClassSums.apply(u, y, weight, own)


class _ClassSums(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, u: Tensor, y: Tensor, weight: Tensor, own: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.plan = pieces(u[:, None].shape, u.element_size())
        sums, count = torch.empty_like(u), torch.empty_like(weight)
        for piece in ctx.plan:
            matrix = _same_class(y, weight, own, piece)
            lanes, _, rows = piece
            sums[lanes, rows] = torch.bmm(matrix, u[lanes])
            count[lanes, rows] = matrix.sum(-1)
        ctx.save_for_backward(y, weight, own, matrix if ctx.plan == [WHOLE] else None)
        ctx.mark_non_differentiable(count)
        return sums, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        y, weight, own, matrix = ctx.saved_tensors
        if matrix is not None:
            return torch.bmm(matrix.mT, grad), None, None, None
        pulled = torch.zeros_like(grad)
        for piece in ctx.plan:
            matrix = _same_class(y, weight, own, piece)
            pulled[piece.lanes] += torch.bmm(matrix.mT, grad[piece.lanes, piece.samples])
        return pulled, None, None, None


def _same_class(y: Tensor, weight: Tensor, own: Tensor, piece: Piece) -> Tensor:
    """Weights (lanes, rows, columns) of the subjects of a row's class."""
    lanes, _, rows = piece
    matrix = (y[lanes, rows, None] == y[lanes, None]) * weight[lanes, None]
    matrix[..., rows].diagonal(dim1=1, dim2=2).mul_(own[lanes, rows])
    return matrix
