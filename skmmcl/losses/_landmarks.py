"""Rows that stand for all where there are too many."""

from __future__ import annotations

import torch
from torch import Tensor

# Rows of more columns are measured along their largest principal axes.
MOST_AXES = 8


def landmarks(rows: Tensor, weight: Tensor, n_landmarks: int) -> tuple[Tensor, Tensor]:
    """Rows that lie far from each other, and the weight of those that are nearest to each.

    Each is the row farthest from those chosen before, so that none of the others is far from
    all, and nothing is drawn.

    Parameters
    ----------
    rows : Tensor of shape (n_rows, n_columns)
        Different from each other.
    weight : Tensor of shape (n_rows,)
        How often each occurs.
    n_landmarks : int
        How many to choose at most.

    Returns
    -------
    chosen : Tensor of int
        Numbers of the rows.
    count : Tensor
        Sums of the weights.
    """
    x = _axes(rows)
    distance = torch.full_like(weight, torch.inf)
    nearest = torch.zeros(len(x), dtype=torch.long)
    chosen: list[int] = []
    farthest = int(x.square().sum(1).argmax())
    while len(chosen) < n_landmarks and distance[farthest] > 0:
        to_this = (x - x[farthest]).square_().sum(1)
        nearest.masked_fill_(to_this < distance, len(chosen))
        torch.minimum(distance, to_this, out=distance)
        chosen.append(farthest)
        farthest = int(distance.argmax())
    count = weight.new_zeros(len(chosen)).index_add_(0, nearest, weight)
    return torch.tensor(chosen), count


def _axes(rows: Tensor) -> Tensor:
    x = rows - rows.mean(0)
    deviation = x.square().mean(0).sqrt()
    x = x / torch.where(deviation > 0, deviation, 1)
    if x.shape[1] <= MOST_AXES:
        return x
    return x @ torch.linalg.eigh(x.mT @ x)[1][:, -MOST_AXES:]
