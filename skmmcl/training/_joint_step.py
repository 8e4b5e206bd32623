"""The steps of the optimizers of several fits, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

# These update each weight by itself, whatever else is in its group.
ALIKE = (torch.optim.Adam, torch.optim.AdamW, torch.optim.RAdam, torch.optim.SGD)


class JointStep:
    """One optimizer in place of several of one kind: the same steps in fewer calls.

    Each keeps its state, and callbacks and schedules go on using it.

    Parameters
    ----------
    optimizers : sequence of Optimizer
        One for each fit.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = list(optimizers)
        kinds = {type(optimizer) for optimizer in self.optimizers}
        self.possible = len(self.optimizers) > 1 and len(kinds) == 1 and kinds <= set(ALIKE)
        self.joint: Optimizer | None = None
        self.settings: list[Any] = []  # of each optimizer, when they were last put together

    def step(self, who: Iterable[int]) -> bool:
        """Make a step of some of the optimizers, if they can act as one.

        Parameters
        ----------
        who : iterable of int
            Positions of the optimizers.

        Returns
        -------
        bool
            False if each has to act by itself, as in the first step, which creates its state.
        """
        acting = [self.optimizers[k] for k in who]
        if not self.possible or not all(optimizer.state for optimizer in acting):
            return False
        settings = [(id(optimizer), _settings(optimizer)) for optimizer in acting]
        if self.joint is None or settings != self.settings:
            self.joint, self.settings = _put_together(acting), settings
        self.joint.step()
        return True


def _settings(optimizer: Optimizer) -> list[tuple[Any, ...]]:
    """Return the settings of each group of an optimizer, without the weights."""
    return [tuple(v for name, v in group.items() if name != "params")
            for group in optimizer.param_groups]  # fmt: skip


def _put_together(optimizers: Sequence[Optimizer]) -> Optimizer:
    """Return one optimizer with the weights and states of all, and one group per settings."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for optimizer in optimizers:
        for group, settings in zip(optimizer.param_groups, _settings(optimizer), strict=True):
            merged = groups.setdefault(settings, {**group, "params": []})
            merged["params"] += group["params"]
    kind: Any = type(optimizers[0])
    joint: Optimizer = kind(list(groups.values()))
    for optimizer in optimizers:
        joint.state.update(optimizer.state)
    return joint
