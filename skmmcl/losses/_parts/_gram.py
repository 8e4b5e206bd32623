"""Sums over the similarity matrix of many embeddings, with gradients in closed form.

The matrix has one row per anchor: (n_views n_samples)^2 entries for each model. It is passed
over as rarely as possible, and is never whole in memory once it is large.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Logarithm of a sum of nothing. Unlike -inf, it gives no NaN gradient.
REMOVED = -1e30

# Up to this logit, exponentials need no shift: they take half of single precision's range and
# leave the other half to weights and counts. One rule for all dtypes, so that which fits are
# computed together does not depend on the dtype.
LARGEST_PLAIN_LOGIT = 44.0

# A model's matrix of more bytes is computed in pieces of rows. This must not depend on the
# other models: it changes the order of summation, hence the bits.
MAX_PIECE_BYTES = 8 * 2**20

# All matrices together are kept for the backward pass up to this many bytes, and computed once
# more beyond it.
MAX_KEPT_BYTES = 64 * 2**20

LOG2_E = math.log2(math.e)


class Piece(NamedTuple):
    """Rows of the matrix that are computed at once."""

    models: slice
    views: slice
    samples: slice


EVERY = slice(None)
WHOLE = Piece(EVERY, EVERY, EVERY)


def pieces(shape: tuple[int, ...], itemsize: int) -> list[Piece]:
    """Cover the rows of the matrix of embeddings of ``shape`` (models, views, samples, _)."""
    n_models, n_views, n_samples, _ = shape
    row_bytes = n_views * n_samples * itemsize
    model_bytes = n_views * n_samples * row_bytes
    if model_bytes > MAX_PIECE_BYTES:
        step = max(1, MAX_PIECE_BYTES // row_bytes)
        return [
            Piece(slice(k, k + 1), slice(v, v + 1), slice(i, i + step))
            for k in range(n_models)
            for v in range(n_views)
            for i in range(0, n_samples, step)
        ]
    if n_models * model_bytes <= MAX_KEPT_BYTES:
        return [WHOLE]
    step = MAX_PIECE_BYTES // model_bytes
    return [Piece(slice(k, k + step), EVERY, EVERY) for k in range(0, n_models, step)]


def log_sums(
    u: Tensor, scale: float | Tensor, weight: Tensor, self_weight: Tensor, *, shifted: bool = False
) -> Tensor:
    """Return logarithms of weighted sums of the exponentiated similarities of each anchor.

    ``R[k, v, q, i] = log sum_wj weight[k, v, q, wj] o exp(scale_k u[k, v, i] . u[k, w, j])``
    where ``o = self_weight[k, v, w, i]`` if j = i, else 1. Only ``u`` is differentiated.

    Parameters
    ----------
    u : Tensor of shape (n_models, n_views, n_samples, n_components)
        Unit vectors.
    scale : float or Tensor of shape (n_models, 1, 1, 1)
        Inverse temperature.
    weight : Tensor of shape (n_models, n_views or 1, n_sums, n_views * n_samples)
        Weights of the columns in each sum, not negative. With one row for all views and one
        sum, ``self_weight`` must be the same for (v, w) as for (w, v).
    self_weight : Tensor, broadcast to (n_models, n_views, n_views, n_samples)
        Share of their weight that a subject's own columns count; not negative.
    shifted : bool, default=False
        Whether the largest similarity of a sum is taken out of it; needed where ``scale``
        passes `LARGEST_PLAIN_LOGIT`.

    Returns
    -------
    Tensor of shape (n_models, n_views, n_sums, n_samples)
        `REMOVED`, with gradient 0, where the weights of a sum are all 0.
    """
    self_weight = self_weight.expand(*u.shape[:2], *u.shape[1:3])
    if not shifted:
        return _LogSums.apply(u, scale, weight, self_weight, False)
    # What is the largest differs from sum to sum.
    sums = [_LogSums.apply(u, scale, w, self_weight, True) for w in weight.split(1, 2)]
    return torch.cat(sums, 2)


class Part(NamedTuple):
    """Everything that a piece is computed from."""

    rows: Tensor  # models, views of the rows, samples of the rows, components
    u: Tensor  # models, views, samples, components
    scale: float | Tensor
    weight: Tensor  # models, views of the rows or 1, sums, columns
    self_weight: Tensor  # models, views of the rows, views, samples of the rows
    samples: slice


def take(
    u: Tensor, scale: float | Tensor, weight: Tensor, self_weight: Tensor, piece: Piece = WHOLE
) -> Part:
    """Return what a piece is computed from."""
    if piece is WHOLE:
        return Part(u, u, scale, weight, self_weight, EVERY)
    models, views, samples = piece
    return Part(
        u[models, views, samples],
        u[models],
        scale[models] if isinstance(scale, Tensor) else scale,
        weight[models, views if weight.shape[1] > 1 else EVERY],
        self_weight[models, views, :, samples],
        samples,
    )


class _LogSums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        scale: float | Tensor,
        weight: Tensor,
        self_weight: Tensor,
        shifted: bool,
    ) -> Tensor:
        plan = pieces(u.shape, u.element_size())
        matrix = None
        if plan == [WHOLE]:
            part = take(u, scale, weight, self_weight)
            matrix, shift = exponentials(part, shifted)
            sums = row_sums(matrix, part)
            logs = logarithms(sums, shift)
        else:
            sums = u.new_empty(*u.shape[:2], weight.shape[2], u.shape[2])
            logs = torch.empty_like(sums)
            for piece in plan:
                part = take(u, scale, weight, self_weight, piece)
                total, shift = _sums_of_piece(part, shifted)
                models, views, samples = piece
                sums[models, views, :, samples] = total
                logs[models, views, :, samples] = logarithms(total, shift)
        ctx.scale, ctx.shifted, ctx.plan = scale, shifted, plan
        ctx.save_for_backward(u, weight, self_weight, sums, matrix)
        return logs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        u, weight, self_weight, sums, matrix = ctx.saved_tensors
        grad = (grad / sums).masked_fill_(sums == 0, 0)
        if matrix is not None:
            part = take(u, ctx.scale, weight, self_weight)
            to_rows, to_columns = gradients(matrix, part, grad, ctx.shifted)
            return (to_rows + to_columns).mul_(ctx.scale), None, None, None, None
        grad_u = torch.zeros_like(u)
        for piece in ctx.plan:
            part = take(u, ctx.scale, weight, self_weight, piece)
            matrix, _ = exponentials(part, ctx.shifted)
            models, views, samples = piece
            grad_of_piece = grad[models, views, :, samples]
            to_rows, to_columns = gradients(matrix, part, grad_of_piece, ctx.shifted)
            grad_u[piece] += to_rows
            grad_u[models] += to_columns
        return grad_u.mul_(ctx.scale), None, None, None, None


def _sums_of_piece(part: Part, shifted: bool) -> tuple[Tensor, Tensor | None]:
    """Return the sums of a piece whose exponentials are not kept."""
    matrix, shift = exponentials(part, shifted)
    return row_sums(matrix, part), shift


def logarithms(sums: Tensor, shift: Tensor | None) -> Tensor:
    """Return the logarithms of sums from which a shift was taken out."""
    logs = sums.log()
    return (logs if shift is None else logs + shift).clamp_min_(REMOVED)


def exponentials(part: Part, shifted: bool) -> tuple[Tensor, Tensor | None]:
    """Return the exponentials (models, rows, columns), and the logarithms taken out of them."""
    # exp2 is a third faster than exp.
    rows = part.rows * (part.scale * LOG2_E)
    matrix = torch.bmm(rows.flatten(1, 2), part.u.flatten(1, 2).mT)
    blocks = matrix.view(*rows.shape[:3], *part.u.shape[1:3])
    # Of a subject with itself: (models, views of the row, views of the column, samples).
    selves = blocks[..., part.samples].diagonal(dim1=2, dim2=4)
    shift = _take_out_largest(matrix, selves, part) if shifted else None
    matrix.exp2_()
    selves.mul_(part.self_weight)
    return matrix, shift


def _take_out_largest(matrix: Tensor, selves: Tensor, part: Part) -> Tensor:
    """Subtract what is the largest in a row among what counts there."""
    columns = part.weight
    selves.masked_fill_(part.self_weight == 0, REMOVED)
    matrix.view(*columns.shape[:2], -1, columns.shape[-1]).masked_fill_(columns == 0, REMOVED)
    largest = matrix.amax(-1, keepdim=True)
    matrix.sub_(largest)
    n_models, n_views, n_samples, _ = part.rows.shape
    return largest.view(n_models, n_views, 1, n_samples) / LOG2_E


def row_sums(matrix: Tensor, part: Part) -> Tensor:
    """Return weighted sums of a piece's rows, of shape (models, views, sums, samples)."""
    n_models, n_views, n_samples, _ = part.rows.shape
    by_view = matrix.view(-1, matrix.shape[1] // part.weight.shape[1], matrix.shape[2])
    # This way round, since a matrix times a thin one is slow.
    sums = torch.bmm(part.weight.flatten(0, 1), by_view.mT)
    n_sums = part.weight.shape[2]
    if part.weight.shape[1] == n_views or n_sums == 1:
        return sums.view(n_models, n_views, n_sums, n_samples)
    return sums.view(n_models, n_sums, n_views, n_samples).transpose(1, 2)


def gradients(matrix: Tensor, part: Part, grad: Tensor, shifted: bool) -> tuple[Tensor, Tensor]:
    """Return the gradient of a piece over its scale, to the rows' embeddings and to all columns'.

    The gradient of the similarities is the sum over q of grad_iq E_ij weight_qj.
    """
    u, rows, weight = part.u, part.rows, part.weight
    if weight.shape[1:3] == (1, 1) and rows.shape == u.shape and not shifted:
        # Both factors go to the thin sides, and the symmetric matrix is read once.
        by_column = weight.view(*u.shape[:3], 1) * u
        by_row = grad.view(*u.shape[:3], 1)
        both = torch.cat([by_column, by_row * u], -1).flatten(1, 2)
        to_rows, to_columns = torch.bmm(matrix, both).view(*u.shape[:3], -1).chunk(2, -1)
        return by_row * to_rows, weight.view(*u.shape[:3], 1) * to_columns
    grad = grad.transpose(1, 2).reshape(len(u), grad.shape[2], weight.shape[1], -1)
    slope = torch.bmm(grad.permute(0, 2, 3, 1).flatten(0, 1), weight.flatten(0, 1))
    slope = slope.view_as(matrix).mul_(matrix)
    to_rows = torch.bmm(slope, u.flatten(1, 2)).view_as(rows)
    return to_rows, torch.bmm(slope.mT, rows.flatten(1, 2)).view_as(u)
