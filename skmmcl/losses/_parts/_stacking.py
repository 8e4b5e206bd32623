"""Losses of many fits at once: hyperparameters of which each fit has its own value."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform, get_args, get_origin

import numpy as np
import torch
from torch import Tensor, nn

from skmmcl.losses._parts._gram import LARGEST_PLAIN_LOGIT

C = TypeVar("C", bound=type)


@dataclass_transform(eq_default=False)
def loss_parameters(cls: C) -> C:
    """Give a loss an ``__init__`` of its annotated parameters."""
    loss: Any = dataclass(eq=False, repr=False)(cls)
    hints = inspect.get_annotations(cls, eval_str=True).items()
    own = {name: get_args(hint) for name, hint in hints if get_origin(hint) is Literal}
    loss.choices = {**loss.choices, **own}  # those of its bases as well
    return cls


class Loss(nn.Module):
    """Base of losses with `loss_parameters`."""

    choices: ClassVar[dict[str, tuple[Any, ...]]] = {}  # of the parameters that are one of few

    def __new__(cls, *_: Any, **__: Any) -> Any:
        """Make a module before the dataclass sets its attributes."""
        loss = super().__new__(cls)
        nn.Module.__init__(loss)
        return loss

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.choices and value not in self.choices[name]:
            raise ValueError(f"{name} must be one of {self.choices[name]}, got {value!r}.")
        super().__setattr__(name, value)

    def extra_repr(self) -> str:
        """Return the parameters, which ``repr`` shows.

        Returns
        -------
        str
            Names and values.
        """
        return ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))  # type: ignore[arg-type]


class StackedParameter:
    """Default and storage of a hyperparameter: a number, numbers, or a tensor of one per fit.

    A tensor becomes a buffer, so that it follows the loss to another device.
    """

    def __init__(self, default: Any, above: float | None, least: float | None) -> None:
        self.default, self.above, self.least = default, above, least

    def __set_name__(self, owner: Any, name: str) -> None:
        self.slot = f"_{name}"
        owner.stacked_parameters = (*getattr(owner, "stacked_parameters", ()), name)

    def __get__(self, loss: nn.Module | None, owner: type | None = None) -> Any:
        return self.default if loss is None else getattr(loss, self.slot)

    def __set__(self, loss: nn.Module, value: Any) -> None:
        self._check(torch.as_tensor(value), value)
        if hasattr(loss, self.slot):
            delattr(loss, self.slot)
        if isinstance(value, Tensor):
            loss.register_buffer(self.slot, value, persistent=False)
        else:
            loss.__dict__[self.slot] = float(value) if isinstance(value, Real) else tuple(value)

    def _check(self, numbers: Tensor, value: Any) -> None:
        name = self.slot.removeprefix("_")
        if self.above is not None and not (numbers > self.above).all():
            raise ValueError(f"{name} must be above {self.above}, got {value!r}.")
        if self.least is not None and not (numbers >= self.least).all():
            raise ValueError(f"{name} must be at least {self.least}, got {value!r}.")


class StackedTemperature(StackedParameter):
    """A temperature, which also decides how sums over similarities are computed."""

    def __set__(self, loss: Any, value: Any) -> None:
        super().__set__(loss, value)
        # Read here, once: in `forward` a device would have to be waited for.
        smallest = value.min().item() if isinstance(value, Tensor) else value
        loss.shifted = bool(1 / smallest > LARGEST_PLAIN_LOGIT)


# Typed as what they hold, since the fields of dataclasses are annotated so.
def stacked(default: Any, *, above: float | None = None, least: float | None = None) -> Any:
    """Return a hyperparameter of which each of several stacked fits may have its own."""
    return StackedParameter(default, above, least)


def stacked_temperature(default: float) -> Any:
    """Return the temperature of a loss of cosine similarities."""
    return StackedTemperature(default, above=0, least=None)


class TemperatureLoss(Loss):
    """Base of losses whose similarities are divided by a ``temperature``."""

    temperature: float | Tensor
    shifted: bool

    def scale(self, dtype: torch.dtype) -> float | Tensor:
        """Return the inverse temperature, as the sums over similarities take it."""
        if not isinstance(self.temperature, Tensor):
            return 1 / self.temperature
        return self.temperature.reciprocal().to(dtype).view(-1, 1, 1, 1)


def per_model(value: float | Tensor, like: Tensor, n_dims: int = 3) -> Tensor:
    """Return a number as a tensor of shape (n_models or 1, 1, ...), of ``n_dims`` dimensions."""
    if not isinstance(value, Tensor):
        # By way of double precision, as what `merge_losses` makes of it.
        value = torch.full((1,), value, dtype=torch.float64, device=like.device)
    return value.to(like.dtype).reshape(-1, *(1,) * (n_dims - 1))


def per_column(value: float | tuple[float, ...] | Tensor, like: Tensor) -> Tensor:
    """Return `per_model`, or (n_models or 1, 1, n_columns) if each column has a number."""
    if isinstance(value, tuple):
        value = torch.tensor(value, dtype=torch.float64, device=like.device)[None]
    if not isinstance(value, Tensor) or value.numel() in (1, len(like)):
        return per_model(value, like)
    n_models = len(like) if value.numel() % len(like) == 0 and value.ndim > 1 else 1
    return value.to(like.dtype).reshape(n_models, 1, -1)


def merge_losses(losses: Sequence[nn.Module]) -> nn.Module | None:
    """Merge the losses of several fits, or return None if they cannot be computed together.

    Parameters
    ----------
    losses : sequence of nn.Module
        One for each fit. They can be merged if they are of one type that names its
        ``stacked_parameters``, agree in everything else, and have no parameters or buffers of
        their own. Of a ``stacked_parameter`` all need the same number of values.

    Returns
    -------
    nn.Module or None
        A copy of the first with tensors of shape (n_models,) for ``stacked_parameters``. The
        bits of a fit are those of its own loss merged alone.

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
    for name in first.stacked_parameters:
        values = [getattr(loss, name) for loss in losses]
        # Double, so that the arithmetic of a fit is that of a Python float.
        setattr(merged, name, torch.tensor(values, dtype=torch.float64))
    return merged


def loss_signature(loss: Any) -> tuple[Any, ...] | None:
    """Return what losses that can be merged have in common.

    Parameters
    ----------
    loss : nn.Module or callable
        Any loss.

    Returns
    -------
    tuple or None
        Type, settings other than the ``stacked_parameters``, and the shapes of these; None for a
        loss that cannot be merged.

    Examples
    --------
    >>> from skmmcl.losses import CMCLoss, loss_signature
    >>> loss_signature(CMCLoss(0.5)) == loss_signature(CMCLoss(0.7))
    True
    """
    names = getattr(loss, "stacked_parameters", None)
    if names is None or [*loss.parameters(), *loss.buffers(), *loss.children()]:
        return None
    settings = {
        name: value
        for name, value in vars(loss).items()
        if not name.startswith("_") and name not in names
    }
    shapes = tuple(np.shape(getattr(loss, name)) for name in names)
    return type(loss), tuple(sorted(settings.items())), shapes
