"""Losses of two modalities over all pairs of them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn


class OverPairs(nn.Module):
    """Mean of a loss of two modalities over all pairs of them."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(
        self, tokens: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        of_pairs = []
        for v, w in combinations(range(len(tokens)), 2):
            both = None if mask is None else mask[:, [v, w]]
            of_pairs.append(self.loss(tokens[v], tokens[w], both, sample_weight))
        return torch.stack(of_pairs).mean()


def two_margins(margins: Any) -> tuple[float, float]:
    if len(margins) != 2 or not all(isinstance(m, (int, float)) and m >= 0 for m in margins):
        raise ValueError(
            f"margins must be two numbers of at least 0, within and between subjects, got "
            f"{margins!r}."
        )
    return float(margins[0]), float(margins[1])
