"""Checks of the settings of training, before any data are read."""

from __future__ import annotations

from typing import Any

import torch
from skorch.callbacks import Callback
from torch import nn

from skmmcl.training._schedules import played
from skmmcl.training._seeds import check_device


def check_settings(settings: Any) -> None:
    """Raise for a device, an optimizer, a schedule or callbacks that cannot be trained with.

    Parameters
    ----------
    settings : object
        Has the engine's parameters as attributes: an estimator.

    Raises
    ------
    TypeError
        If the optimizer or the schedule is no such thing, or a callback is none of skorch's.
    ValueError
        If the device is not available.
    """
    check_device(settings.device)
    for callback in settings.callbacks or []:
        _check_callback(callback)
    if not isinstance(settings.optimizer, str):
        _check_optimizer(settings.optimizer, settings)
    if callable(settings.lr_schedule):
        played(settings.lr_schedule, settings.lr, n_epochs=1)


def _check_callback(callback: Any) -> None:
    is_named = isinstance(callback, tuple) and len(callback) == 2 and isinstance(callback[0], str)
    found = callback[1] if is_named else callback
    if isinstance(found, Callback) or (isinstance(found, type) and issubclass(found, Callback)):
        return
    raise TypeError(
        "callbacks must be a list of skorch callbacks, or pairs of a name and one; got "
        f"{callback!r} among them."
    )


def _check_optimizer(optimizer: Any, settings: Any) -> None:
    """Build the optimizer for a single weight, and make a step."""
    expected = (
        f"optimizer={optimizer!r} must be 'adam', 'adamw', 'radam', 'sgd' or a class of "
        "torch.optim that takes parameters, lr and weight_decay"
    )
    weight = nn.Parameter(torch.zeros(1))
    try:
        made = optimizer([weight], lr=settings.lr, weight_decay=settings.weight_decay)
    except Exception as error:
        raise TypeError(f"{expected}; it fails: {error}") from error
    if not isinstance(made, torch.optim.Optimizer):
        raise TypeError(f"{expected}; it gives {type(made).__name__}.")
    weight.grad = torch.zeros(1)
    try:
        made.step()
    except Exception as error:
        raise TypeError(f"{expected}, and needs no closure; its step fails: {error}") from error
