"""Multiview network with a margin that is learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._multiview import MultiviewNetwork

SLOWNESS = 0.1  # SGD, whose steps are in proportion to slopes, learns it at a hundredth of its rate


class MarginNetwork(MultiviewNetwork):
    """Multiview network with ``epsilon``, a margin between similarities that begins at ``margin``.

    It is learned slowly, and is never negative. Weight decay draws it back to where it began.
    """

    def __init__(self, *args: Any, margin: float, **layout: Any) -> None:
        super().__init__(*args, **layout)
        self.margin = margin
        self.beyond = nn.Parameter(torch.zeros(1))
        self.gives = (*self.gives, "epsilon")

    @property
    def epsilon(self) -> Tensor:
        """The margin of each lane."""
        return (self.margin + SLOWNESS * self.beyond).clamp_min(0)

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        return {**super().forward_lanes(x, mask), "epsilon": self.epsilon}
