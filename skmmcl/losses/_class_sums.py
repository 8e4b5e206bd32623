"""Sums over the subjects of one class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from skmmcl.losses._gram import EVERY, WHOLE, pieces


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
    def forward(
        ctx: Any, u: Tensor, y: Tensor, weight: Tensor, own: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.plan = pieces(u[:, None].shape, u.element_size())
        matrix = None
        if ctx.plan == [WHOLE]:
            matrix = _same_class(y, y, weight, own, EVERY)
            sums, count = torch.bmm(matrix, u), matrix.sum(-1)
        else:
            sums, count = torch.empty_like(u), torch.empty_like(weight)
            for lanes, _, rows in ctx.plan:
                part = _same_class_of_piece(y, weight, own, lanes, rows)
                sums[lanes, rows] = torch.bmm(part, u[lanes])
                count[lanes, rows] = part.sum(-1)
        ctx.save_for_backward(y, weight, own, matrix)
        ctx.mark_non_differentiable(count)
        return sums, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        y, weight, own, matrix = ctx.saved_tensors
        if matrix is not None:
            return torch.bmm(matrix.mT, grad), None, None, None
        pulled = torch.zeros_like(grad)
        for lanes, _, rows in ctx.plan:
            part = _same_class_of_piece(y, weight, own, lanes, rows)
            pulled[lanes] += torch.bmm(part.mT, grad[lanes, rows])
        return pulled, None, None, None


def _same_class_of_piece(
    y: Tensor, weight: Tensor, own: Tensor, lanes: slice, rows: slice
) -> Tensor:
    return _same_class(y[lanes, rows], y[lanes], weight[lanes], own[lanes, rows], rows)


def _same_class(y_of_rows: Tensor, y: Tensor, weight: Tensor, own: Tensor, rows: slice) -> Tensor:
    """Weights (lanes, rows, columns) of the subjects of a row's class."""
    matrix = (y_of_rows[..., None] == y[:, None]) * weight[:, None]
    matrix[..., rows].diagonal(dim1=1, dim2=2).mul_(own)
    return matrix
