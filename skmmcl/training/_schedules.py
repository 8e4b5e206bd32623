"""Learning rate schedules, which begin anew after ``max_epochs``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from skorch.callbacks import LRScheduler
from torch import nn
from torch.optim import lr_scheduler

DECAY, DECAY_EVERY = 0.9, 10  # of "step_decay", in epochs
WARMUP, MAX_WARMUP = 0.1, 10  # fraction and largest number of epochs of warmup


def lr_callback(settings: Any) -> LRScheduler:
    """Return the learning rate schedule of an estimator.

    It depends on the number of the epoch alone, so that `partial_fit` continues it.
    """
    asked, max_epochs = settings.lr_schedule, settings.max_epochs
    if asked == "onecycle":
        return LRScheduler(_OneCycle, max_lr=settings.lr, total_steps=max_epochs + 1)
    factor: Callable[[int], float] = (
        partial(FACTORS[asked], max_epochs=max_epochs)
        if isinstance(asked, str)
        else partial(_of_played, factors=played(asked, settings.lr, max_epochs))
    )
    return LRScheduler(lr_scheduler.LambdaLR, lr_lambda=factor)


def played(schedule: Callable[[Any], Any], lr: float, n_epochs: int) -> list[float]:
    """Return the factors by which a scheduler of torch changes the learning rate in each epoch.

    Parameters
    ----------
    schedule : callable
        Returns a scheduler for an optimizer.
    lr : float
        First learning rate.
    n_epochs : int
        Number of epochs.

    Returns
    -------
    list of float

    Raises
    ------
    TypeError
        If it returns no scheduler, or one that needs more than the number of the epoch.
    """
    expected = (
        f"lr_schedule={schedule!r} must give a scheduler of torch for an optimizer, as "
        "functools.partial(torch.optim.lr_scheduler.StepLR, step_size=10) does"
    )
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    try:
        made = schedule(optimizer)
    except Exception as error:
        raise TypeError(f"{expected}; it fails: {error}") from error
    if not isinstance(made, lr_scheduler.LRScheduler):
        raise TypeError(f"{expected}; it gives {type(made).__name__}.")
    factors = []
    for _ in range(n_epochs):
        factors.append(float(optimizer.param_groups[0]["lr"]) / lr)
        optimizer.step()
        try:
            made.step()
        except Exception as error:
            raise TypeError(
                f"{expected}, and may need no more than the number of the epoch. Pass others in "
                f"callbacks, as skorch.callbacks.LRScheduler. Its step fails: {error}"
            ) from error
    return factors


def _of_played(epoch: int, factors: Sequence[float]) -> float:
    return factors[epoch % len(factors)]


def _half_cosine(epoch: int, max_epochs: int) -> float:
    return (1 + math.cos(math.pi * (epoch % max_epochs) / max_epochs)) / 2


def _step_decay(epoch: int, max_epochs: int) -> float:
    return DECAY ** (epoch % max_epochs // DECAY_EVERY)


def _warmup_cosine(epoch: int, max_epochs: int) -> float:
    n_rising = min(max(1, round(WARMUP * max_epochs)), MAX_WARMUP)
    epoch %= max_epochs
    if epoch < n_rising:
        return (epoch + 1) / n_rising
    return _half_cosine(epoch - n_rising, max_epochs - n_rising)


FACTORS: dict[str, Callable[..., float]] = {
    "cosine": _half_cosine,
    "step_decay": _step_decay,
    "warmup_cosine": _warmup_cosine,
}


class _OneCycle(lr_scheduler.OneCycleLR):
    """A cycle in every ``max_epochs``; torch's own refuses to go on after the first."""

    def get_lr(self) -> list[Any]:
        epoch = self.last_epoch
        self.last_epoch = epoch % (self.total_steps - 1)
        try:
            return super().get_lr()
        finally:
            self.last_epoch = epoch
