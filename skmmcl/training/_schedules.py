"""Learning rates that change from epoch to epoch, and begin anew after ``max_epochs``."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from skorch.callbacks import LRScheduler
from torch.optim import lr_scheduler


def lr_callback(settings: Any) -> LRScheduler:
    """The schedule that an estimator asks for.

    Each depends on the number of the epoch alone: epochs of `partial_fit` go on in it.
    """
    if settings.lr_schedule == "cosine":
        factor = partial(_half_cosine, max_epochs=settings.max_epochs)
        return LRScheduler(lr_scheduler.LambdaLR, lr_lambda=factor)
    return LRScheduler(_OneCycle, max_lr=settings.lr, total_steps=settings.max_epochs + 1)


def _half_cosine(epoch: int, max_epochs: int) -> float:
    return (1 + math.cos(math.pi * (epoch % max_epochs) / max_epochs)) / 2


class _OneCycle(lr_scheduler.OneCycleLR):
    """A cycle in every ``max_epochs``; torch's own refuses to go on after the first."""

    def get_lr(self) -> list[Any]:
        epoch = self.last_epoch
        self.last_epoch = epoch % (self.total_steps - 1)
        try:
            return super().get_lr()
        finally:
            self.last_epoch = epoch
