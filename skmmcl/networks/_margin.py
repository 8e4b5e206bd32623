"""Multiview network with a margin that is learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._multiview import MultiviewNetwork

SLOWNESS = 0.1  # scales the margin and its gradient: SGD learns it at a hundredth of its rate


class MarginNetwork(MultiviewNetwork):
    """Multiview network with a learned output ``widening`` (n_lanes,), added to a loss's margin.

    It starts at 0 and is learned slowly; weight decay pulls it back to 0.
    """

    def __init__(self, *args: Any, **layout: Any) -> None:
        super().__init__(*args, **layout)
        self.widened = nn.Parameter(torch.zeros(1))
        self.gives = (*self.gives, "widening")

    @property
    def widening(self) -> Tensor:
        """Addition to the margin in each lane."""
        return SLOWNESS * self.widened

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        return {**super().forward_lanes(x, mask), "widening": self.widening}
