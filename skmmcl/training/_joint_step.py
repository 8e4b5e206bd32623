"""The steps of the optimizers of several fits, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

# They treat each weight by itself, so that it does not matter who else is in a group.
ALIKE = (torch.optim.Adam, torch.optim.AdamW, torch.optim.RAdam, torch.optim.SGD)


class JointStep:
    """Let optimizers of one kind act as one, which makes the same steps in fewer calls.

    Each keeps its state, and goes on being what its callbacks and schedules know.

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
        """Let some of the optimizers act, if they can as one.

        Parameters
        ----------
        who : iterable of int
            Their places.

        Returns
        -------
        bool
            False if each is to act by itself, as in its first step, which makes its state.
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
    """All that the groups of an optimizer are told, beside their weights."""
    return [tuple(v for name, v in group.items() if name != "params")
            for group in optimizer.param_groups]  # fmt: skip


def _put_together(optimizers: Sequence[Optimizer]) -> Optimizer:
    """One optimizer with the weights and the state of all; groups of equal settings are one."""
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
