"""Sums over the similarity matrix of many embeddings, with gradients in closed form.

The matrix has one row per anchor: (n_views n_samples)^2 entries for each lane. It is
passed over as seldom as possible, and never stands whole in memory once it is large.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
MAX_PIECE_BYTES = 16 * 2**20

# All lanes' matrices together are kept for the backward pass up to this many bytes, and
# computed once more beyond it.
MAX_KEPT_BYTES = 64 * 2**20

LOG2_E = math.log2(math.e)


class Piece(NamedTuple):
    """Rows of the matrix that are computed at once."""

    lanes: slice
    views: slice
    samples: slice


def pieces(shape: tuple[int, ...], itemsize: int) -> Iterator[Piece]:
    """Cover the rows of the matrix of embeddings of ``shape`` (lanes, views, samples, _)."""
    n_lanes, n_views, n_samples, _ = shape
    row_bytes = n_views * n_samples * itemsize
    lane_bytes = n_views * n_samples * row_bytes
    every = slice(None)
    if n_lanes * lane_bytes <= MAX_KEPT_BYTES and lane_bytes <= MAX_PIECE_BYTES:
        yield Piece(every, every, every)
    elif lane_bytes <= MAX_PIECE_BYTES:
        step = MAX_PIECE_BYTES // lane_bytes
        for k in range(0, n_lanes, step):
            yield Piece(slice(k, k + step), every, every)
    else:
        step = max(1, MAX_PIECE_BYTES // row_bytes)
        for k in range(n_lanes):
            for v in range(n_views):
                for i in range(0, n_samples, step):
                    yield Piece(slice(k, k + 1), slice(v, v + 1), slice(i, i + step))


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
    weight : Tensor of shape (n_lanes or 1, n_views or 1, n_sums, n_views * n_samples)
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
    n_lanes, n_views, n_samples, _ = u.shape
    weight = weight.to(u.dtype).expand(n_lanes, -1, -1, -1)
    own = own.to(u.dtype).expand(n_lanes, n_views, n_views, n_samples)
    if not shifted:
        return _LogSums.apply(u, scale, weight, own, False)
    # What is the largest differs from sum to sum.
    return torch.cat([_LogSums.apply(u, scale, w, own, True) for w in weight.split(1, 2)], 2)


class _LogSums(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, u: Tensor, scale: float | Tensor, weight: Tensor, own: Tensor, shifted: bool
    ) -> Tensor:
        parts = list(pieces(u.shape, u.element_size()))
        sums = u.new_empty(*u.shape[:2], weight.shape[2], u.shape[2])
        shifts = torch.zeros_like(sums) if shifted else None
        matrix = None
        for part in parts:
            matrix, shift = _exponentials(u, scale, weight, own, part, shifted)
            sums[part.lanes, part.views, :, part.samples] = _row_sums(matrix, weight, part, sums)
            if shifts is not None:
                shifts[part.lanes, part.views, :, part.samples] = shift
        ctx.scale, ctx.shifted, ctx.parts = scale, shifted, parts
        ctx.save_for_backward(u, weight, own, sums, matrix if len(parts) == 1 else None)
        logs = sums.log()
        return (logs if shifts is None else logs + shifts).clamp_min_(REMOVED)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        u, weight, own, sums, matrix = ctx.saved_tensors
        share = (grad / sums).masked_fill_(sums == 0, 0)
        total = torch.zeros_like(u)
        symmetric = not ctx.shifted and weight.shape[1:3] == (1, 1)
        for part in ctx.parts:
            piece = matrix
            if piece is None:
                piece, _ = _exponentials(u, ctx.scale, weight, own, part, ctx.shifted)
            if symmetric and part.views == slice(None):
                _pull_symmetric(total, piece, u, weight, share, part)
            else:
                _pull(total, piece, u, weight, share, part)
        return total * ctx.scale, None, None, None, None


def _exponentials(
    u: Tensor, scale: float | Tensor, weight: Tensor, own: Tensor, part: Piece, shifted: bool
) -> tuple[Tensor, Tensor | None]:
    """Exponentials of a piece (lanes, rows, columns), and the logarithms taken out of them."""
    lanes, views, samples = part
    rows = u[lanes, views, samples]
    # exp2 is a third faster than exp.
    rows = rows * (_of_lanes(scale, lanes) * LOG2_E)
    matrix = torch.bmm(rows.flatten(1, 2), u[lanes].flatten(1, 2).mT)
    blocks = matrix.view(*rows.shape[:3], *u.shape[1:3])
    # Of a subject with itself: (lanes, views of the row, views of the column, samples).
    selves = blocks[..., samples].diagonal(dim1=2, dim2=4)
    own = own[lanes, views, :, samples]
    shift = None
    if shifted:
        columns = _weight_of(weight, part)
        selves.masked_fill_(own == 0, REMOVED)
        matrix.view(*columns.shape[:2], -1, columns.shape[-1]).masked_fill_(columns == 0, REMOVED)
        largest = matrix.amax(-1, keepdim=True)
        matrix.sub_(largest)
        shift = largest.view(*rows.shape[:2], 1, rows.shape[2]) / LOG2_E
    matrix.exp2_()
    selves.mul_(own)
    return matrix, shift


def _of_lanes(scale: float | Tensor, lanes: slice) -> float | Tensor:
    return scale[lanes] if isinstance(scale, Tensor) else scale


def _weight_of(weight: Tensor, part: Piece) -> Tensor:
    """Weights (lanes, views or 1, n_sums, columns) of a piece."""
    return weight[part.lanes, part.views if weight.shape[1] > 1 else slice(None)]


def _row_sums(matrix: Tensor, weight: Tensor, part: Piece, like: Tensor) -> Tensor:
    """Weighted sums of a piece's rows, of shape (lanes, views, n_sums, samples)."""
    columns = _weight_of(weight, part)
    rows = matrix.view(columns.shape[0] * columns.shape[1], -1, matrix.shape[-1])
    # This way round, since a matrix times a thin one is slow.
    sums = torch.bmm(columns.flatten(0, 1), rows.mT)
    n_samples = like[0, 0, 0, part.samples].shape[0]
    sums = sums.view(*columns.shape[:3], -1, n_samples).transpose(2, 3)
    return sums.reshape(columns.shape[0], -1, columns.shape[2], n_samples)


def _pull_symmetric(
    total: Tensor, matrix: Tensor, u: Tensor, weight: Tensor, share: Tensor, part: Piece
) -> None:
    """Add a piece's gradient, for whole symmetric matrices and one sum for all views.

    The gradient of the similarities is share_i E_ij weight_j: both factors go to the thin
    sides, and the matrix itself is read once.
    """
    vectors = u[part.lanes].flatten(1, 2)
    column = weight[part.lanes].flatten(1)[..., None]
    row = share[part.lanes].flatten(1)[..., None]
    pulled = torch.bmm(matrix, torch.cat([column * vectors, row * vectors], -1))
    to_columns, to_rows = pulled.chunk(2, -1)
    total[part.lanes] += (row * to_columns + column * to_rows).view_as(total[part.lanes])


def _pull(
    total: Tensor, matrix: Tensor, u: Tensor, weight: Tensor, share: Tensor, part: Piece
) -> None:
    """Add a piece's gradient to the embeddings of its rows and to those of all columns."""
    lanes, views, samples = part
    columns = _weight_of(weight, part)
    row = share[lanes, views, :, samples].transpose(1, 2)
    row = row.reshape(row.shape[0], row.shape[1], columns.shape[1], -1).permute(0, 2, 3, 1)
    by_view = torch.bmm(row.flatten(0, 1), columns.flatten(0, 1))
    slope = by_view.view_as(matrix).mul_(matrix)
    rows = u[lanes, views, samples]
    total[lanes, views, samples] += torch.bmm(slope, u[lanes].flatten(1, 2)).view_as(rows)
    total[lanes] += torch.bmm(slope.mT, rows.flatten(1, 2)).view_as(total[lanes])
