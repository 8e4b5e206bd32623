"""Losses whose hyperparameters differ from lane to lane."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from skmmcl.losses._gram import LARGEST_PLAIN_LOGIT


class TemperatureLoss(nn.Module):
    """A loss with a temperature, which may be one for each lane.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``
        Divides the cosine similarities.
    """

    # What `merge_losses` makes a tensor with a value for each lane.
    shifted: bool  # How the sums over similarities are computed.
    lane_parameters: ClassVar[tuple[str, ...]] = ("temperature",)

    def __init__(self, temperature: float | Tensor) -> None:
        super().__init__()
        self.temperature = temperature

    @property
    def temperature(self) -> float | Tensor:
        """Divides the cosine similarities."""
        return self._temperature

    @temperature.setter
    def temperature(self, temperature: float | Tensor) -> None:
        self.__dict__.pop("_temperature", None)
        self._buffers.pop("_temperature", None)
        if isinstance(temperature, Tensor):
            # Read here, once: in `forward` a device would have to be waited for.
            smallest = temperature.min().item()
            self.register_buffer("_temperature", temperature, persistent=False)
        else:
            smallest = self._temperature = temperature
        self.shifted = bool(1 / smallest > LARGEST_PLAIN_LOGIT)

    def scale(self, dtype: torch.dtype) -> float | Tensor:
        """Inverse temperature, as the sums over similarities take it."""
        if not isinstance(self.temperature, Tensor):
            return 1 / self.temperature
        return self.temperature.reciprocal().to(dtype).view(-1, 1, 1, 1)


def merge_losses(losses: Sequence[nn.Module]) -> nn.Module | None:
    """One loss for as many lanes, or None if the losses cannot be computed together.

    Parameters
    ----------
    losses : sequence of nn.Module
        One for each lane. They can be merged if they are of one type that names its
        ``lane_parameters``, agree in everything else, and have no parameters or buffers
        of their own.

    Returns
    -------
    nn.Module or None
        A copy of the first with tensors of shape (n_lanes,) for ``lane_parameters``. The
        bits of a lane are those of its own loss merged alone.

    Examples
    --------
    >>> from skmmcl.losses import CMCLoss, merge_losses
    >>> merge_losses([CMCLoss(0.5), CMCLoss(0.7)]).temperature
    tensor([0.5000, 0.7000], dtype=torch.float64)
    >>> merge_losses([CMCLoss(denominator="all"), CMCLoss(denominator="negatives")])
    """
    first: Any = losses[0]
    kind = loss_signature(first)
    if kind is None or any(loss_signature(loss) != kind for loss in losses):
        return None
    merged = copy.deepcopy(first)
    for name in first.lane_parameters:
        values = [getattr(loss, name) for loss in losses]
        # Double, so that a lane's arithmetic is that of a Python float.
        setattr(merged, name, torch.tensor(values, dtype=torch.float64))
    return merged


def loss_signature(loss: Any) -> tuple[Any, ...] | None:
    """Tell what losses that can be merged have in common.

    Parameters
    ----------
    loss : nn.Module or callable
        Any loss.

    Returns
    -------
    tuple or None
        Type and settings other than the ``lane_parameters``; None for a loss that cannot be
        merged.

    Examples
    --------
    >>> from skmmcl.losses import CMCLoss, loss_signature
    >>> loss_signature(CMCLoss(0.5)) == loss_signature(CMCLoss(0.7))
    True
    """
    names = getattr(loss, "lane_parameters", None)
    if names is None or _holds_tensors(loss):
        return None
    settings = {
        name: value
        for name, value in vars(loss).items()
        if not name.startswith("_") and name not in names
    }
    return type(loss), tuple(sorted(settings.items()))


def _holds_tensors(loss: nn.Module) -> bool:
    return any(True for part in (loss.parameters(), loss.buffers(), loss.children()) for _ in part)
