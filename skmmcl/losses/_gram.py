"""Sums over the similarity matrix of many embeddings, with gradients in closed form.

The matrix has one row per anchor: (n_views n_samples)^2 entries for each lane. It is
passed over as seldom as possible, and never stands whole in memory once it is large.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Logarithm of a sum of nothing. Unlike -inf, it gives no NaN gradient.
REMOVED = -1e30

# Up to this logit, exponentials need no shift: they take half of single precision's range
# and leave the other half to weights and counts. One rule for all dtypes, so that which
# lanes are computed alike does not depend on the dtype.
LARGEST_PLAIN_LOGIT = 44.0

# A lane's matrix of more bytes is computed in pieces of rows. This must not depend on the
# other lanes: it changes the order of summation, hence the bits.
MAX_PIECE_BYTES = 8 * 2**20

# All lanes' matrices together are kept for the backward pass up to this many bytes, and
# computed once more beyond it.
MAX_KEPT_BYTES = 64 * 2**20

LOG2_E = math.log2(math.e)


class Piece(NamedTuple):
    """Rows of the matrix that are computed at once."""

    lanes: slice
    views: slice
    samples: slice


EVERY = slice(None)
WHOLE = Piece(EVERY, EVERY, EVERY)


def pieces(shape: tuple[int, ...], itemsize: int) -> list[Piece]:
    """Cover the rows of the matrix of embeddings of ``shape`` (lanes, views, samples, _)."""
    n_lanes, n_views, n_samples, _ = shape
    row_bytes = n_views * n_samples * itemsize
    lane_bytes = n_views * n_samples * row_bytes
    if lane_bytes > MAX_PIECE_BYTES:
        step = max(1, MAX_PIECE_BYTES // row_bytes)
        return [
            Piece(slice(k, k + 1), slice(v, v + 1), slice(i, i + step))
            for k in range(n_lanes)
            for v in range(n_views)
            for i in range(0, n_samples, step)
        ]
    if n_lanes * lane_bytes <= MAX_KEPT_BYTES:
        return [WHOLE]
    step = MAX_PIECE_BYTES // lane_bytes
    return [Piece(slice(k, k + step), EVERY, EVERY) for k in range(0, n_lanes, step)]


def log_sums(
    u: Tensor, scale: float | Tensor, weight: Tensor, own: Tensor, *, shifted: bool = False
) -> Tensor:
    """Logarithms of weighted sums of the exponentiated similarities of each anchor.

    ``R[k, v, q, i] = log sum_wj weight[k, v, q, wj] o exp(scale_k u[k, v, i] . u[k, w, j])``
    where ``o = own[k, v, w, i]`` if j = i, else 1. Only ``u`` is differentiated.

    Parameters
    ----------
    u : Tensor of shape (n_lanes, n_views, n_samples, n_components)
        Unit vectors.
    scale : float or Tensor of shape (n_lanes, 1, 1, 1)
        Inverse temperature.
    weight : Tensor of shape (n_lanes, n_views or 1, n_sums, n_views * n_samples)
        Of the columns, in each of the sums; not negative. With one row for all views and
        one sum, ``own`` must be the same for (v, w) as for (w, v).
    own : Tensor, broadcast to (n_lanes, n_views, n_views, n_samples)
        What a subject's own columns count, as a share of their weight; not negative.
    shifted : bool, default=False
        Whether the largest similarity of a sum is taken out of it; needed where ``scale``
        passes `LARGEST_PLAIN_LOGIT`.

    Returns
    -------
    Tensor of shape (n_lanes, n_views, n_sums, n_samples)
        `REMOVED`, with gradient 0, where the weights of a sum are all 0.
    """
    own = own.expand(*u.shape[:2], *u.shape[1:3])
    if not shifted:
        return _LogSums.apply(u, scale, weight, own, False)
    # What is the largest differs from sum to sum.
    return torch.cat([_LogSums.apply(u, scale, w, own, True) for w in weight.split(1, 2)], 2)


class _Part(NamedTuple):
    """What a piece is computed from."""

    rows: Tensor  # lanes, views of the rows, samples of the rows, components
    u: Tensor  # lanes, views, samples, components
    scale: float | Tensor
    weight: Tensor  # lanes, views of the rows or 1, sums, columns
    own: Tensor  # lanes, views of the rows, views, samples of the rows
    samples: slice


def _cut(u: Tensor, scale: float | Tensor, weight: Tensor, own: Tensor, piece: Piece) -> _Part:
    if piece is WHOLE:
        return _Part(u, u, scale, weight, own, EVERY)
    lanes, views, samples = piece
    return _Part(
        u[lanes, views, samples],
        u[lanes],
        scale[lanes] if isinstance(scale, Tensor) else scale,
        weight[lanes, views if weight.shape[1] > 1 else EVERY],
        own[lanes, views, :, samples],
        samples,
    )


class _LogSums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, u: Tensor, scale: float | Tensor, weight: Tensor, own: Tensor, shifted: bool
    ) -> Tensor:
        plan = pieces(u.shape, u.element_size())
        matrix = None
        if plan == [WHOLE]:
            part = _cut(u, scale, weight, own, WHOLE)
            matrix, shift = _exponentials(part, shifted)
            sums = _row_sums(matrix, part)
            logs = _logs(sums, shift)
        else:
            sums = u.new_empty(*u.shape[:2], weight.shape[2], u.shape[2])
            logs = torch.empty_like(sums)
            for piece in plan:
                part = _cut(u, scale, weight, own, piece)
                total, shift = _piece_sums(part, shifted)
                lanes, views, samples = piece
                sums[lanes, views, :, samples] = total
                logs[lanes, views, :, samples] = _logs(total, shift)
        ctx.scale, ctx.shifted, ctx.plan = scale, shifted, plan
        ctx.save_for_backward(u, weight, own, sums, matrix)
        return logs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        u, weight, own, sums, matrix = ctx.saved_tensors
        share = (grad / sums).masked_fill_(sums == 0, 0)
        if matrix is not None:
            part = _cut(u, ctx.scale, weight, own, WHOLE)
            to_rows, to_columns = _pull(matrix, part, share, ctx.shifted)
            return (to_rows + to_columns).mul_(ctx.scale), None, None, None, None
        pulled = torch.zeros_like(u)
        for piece in ctx.plan:
            part = _cut(u, ctx.scale, weight, own, piece)
            matrix, _ = _exponentials(part, ctx.shifted)
            lanes, views, samples = piece
            share_of_piece = share[lanes, views, :, samples]
            to_rows, to_columns = _pull(matrix, part, share_of_piece, ctx.shifted)
            pulled[piece] += to_rows
            pulled[lanes] += to_columns
        return pulled.mul_(ctx.scale), None, None, None, None


def _piece_sums(part: _Part, shifted: bool) -> tuple[Tensor, Tensor | None]:
    """Sums of a piece whose exponentials are not kept."""
    matrix, shift = _exponentials(part, shifted)
    return _row_sums(matrix, part), shift


def _logs(sums: Tensor, shift: Tensor | None) -> Tensor:
    logs = sums.log()
    return (logs if shift is None else logs + shift).clamp_min_(REMOVED)


def _exponentials(part: _Part, shifted: bool) -> tuple[Tensor, Tensor | None]:
    """Exponentials of a piece (lanes, rows, columns), and the logarithms taken out of them."""
    # exp2 is a third faster than exp.
    rows = part.rows * (part.scale * LOG2_E)
    matrix = torch.bmm(rows.flatten(1, 2), part.u.flatten(1, 2).mT)
    blocks = matrix.view(*rows.shape[:3], *part.u.shape[1:3])
    # Of a subject with itself: (lanes, views of the row, views of the column, samples).
    selves = blocks[..., part.samples].diagonal(dim1=2, dim2=4)
    shift = _take_out_largest(matrix, selves, part) if shifted else None
    matrix.exp2_()
    selves.mul_(part.own)
    return matrix, shift


def _take_out_largest(matrix: Tensor, selves: Tensor, part: _Part) -> Tensor:
    """Subtract what is the largest in a row among what counts there."""
    columns = part.weight
    selves.masked_fill_(part.own == 0, REMOVED)
    matrix.view(*columns.shape[:2], -1, columns.shape[-1]).masked_fill_(columns == 0, REMOVED)
    largest = matrix.amax(-1, keepdim=True)
    matrix.sub_(largest)
    n_lanes, n_views, n_samples, _ = part.rows.shape
    return largest.view(n_lanes, n_views, 1, n_samples) / LOG2_E


def _row_sums(matrix: Tensor, part: _Part) -> Tensor:
    """Weighted sums of a piece's rows, of shape (lanes, views, sums, samples)."""
    n_lanes, n_views, n_samples, _ = part.rows.shape
    by_view = matrix.view(-1, matrix.shape[1] // part.weight.shape[1], matrix.shape[2])
    # This way round, since a matrix times a thin one is slow.
    sums = torch.bmm(part.weight.flatten(0, 1), by_view.mT)
    n_sums = part.weight.shape[2]
    if part.weight.shape[1] == n_views or n_sums == 1:
        return sums.view(n_lanes, n_views, n_sums, n_samples)
    return sums.view(n_lanes, n_sums, n_views, n_samples).transpose(1, 2)


def _pull(matrix: Tensor, part: _Part, share: Tensor, shifted: bool) -> tuple[Tensor, Tensor]:
    """Gradient of a piece over its scale, to the embeddings of its rows and of all columns.

    The gradient of the similarities is the sum over q of share_iq E_ij weight_qj.
    """
    u, rows, weight = part.u, part.rows, part.weight
    if weight.shape[1:3] == (1, 1) and rows.shape == u.shape and not shifted:
        # Both factors go to the thin sides, and the symmetric matrix is read once.
        by_column = weight.view(*u.shape[:3], 1) * u
        by_row = share.view(*u.shape[:3], 1)
        both = torch.cat([by_column, by_row * u], -1).flatten(1, 2)
        to_rows, to_columns = torch.bmm(matrix, both).view(*u.shape[:3], -1).chunk(2, -1)
        return by_row * to_rows, weight.view(*u.shape[:3], 1) * to_columns
    share = share.transpose(1, 2).reshape(len(u), share.shape[2], weight.shape[1], -1)
    slope = torch.bmm(share.permute(0, 2, 3, 1).flatten(0, 1), weight.flatten(0, 1))
    slope = slope.view_as(matrix).mul_(matrix)
    to_rows = torch.bmm(slope, u.flatten(1, 2)).view_as(rows)
    return to_rows, torch.bmm(slope.mT, rows.flatten(1, 2)).view_as(u)
