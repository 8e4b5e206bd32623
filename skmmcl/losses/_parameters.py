"""Numbers of a loss, of which each lane may have its own."""

from __future__ import annotations

from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn


class LaneParameter:
    """Attribute of a loss: a number, numbers, or a tensor of them for each lane.

    A tensor becomes a buffer, so that it follows the loss to another device.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = f"_{name}"

    def __get__(self, loss: nn.Module | None, owner: type | None = None) -> Any:
        return self if loss is None else getattr(loss, self.slot)

    def __set__(self, loss: nn.Module, value: Any) -> None:
        if hasattr(loss, self.slot):
            delattr(loss, self.slot)
        if isinstance(value, Tensor):
            loss.register_buffer(self.slot, value, persistent=False)
        else:
            loss.__dict__[self.slot] = float(value) if isinstance(value, Real) else tuple(value)


def per_lane(value: float | Tensor, like: Tensor, n_dims: int = 3) -> Tensor:
    """A number as a tensor of shape (n_lanes or 1, 1, ...), of ``n_dims`` dimensions."""
    if not isinstance(value, Tensor):
        # By way of double precision, as what `merge_losses` makes of it.
        value = torch.full((1,), value, dtype=torch.float64, device=like.device)
    return value.to(like.dtype).reshape(-1, *(1,) * (n_dims - 1))


def per_column(value: float | tuple[float, ...] | Tensor, like: Tensor) -> Tensor:
    """As `per_lane`, or of shape (n_lanes or 1, 1, n_columns) if there is one for each column."""
    if isinstance(value, tuple):
        value = torch.tensor(value, dtype=torch.float64, device=like.device)[None]
    if not isinstance(value, Tensor) or value.numel() in (1, len(like)):
        return per_lane(value, like)
    n_lanes = len(like) if value.numel() % len(like) == 0 and value.ndim > 1 else 1
    return value.to(like.dtype).reshape(n_lanes, 1, -1)
