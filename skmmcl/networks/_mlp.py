"""Fully connected encoder, and the linear shortcut around an encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._lanes import Laned, LaneLinear

GATE_SCALE = 0.1  # slows the gate: Adam takes steps of equal size for all parameters


class MLP(Laned):
    """Fully connected encoder; arrays with more dimensions are flattened.

    The local features are the outputs of the first layer before the activation, at a single place,
    since the first layer sees the whole subject.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.
    n_components : int
        Width of the output.
    hidden : sequence of int, default=(64,)
        Widths of the hidden layers; empty for a linear encoder.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import MLP
    >>> MLP((100,), 8)(torch.zeros(2, 100)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self, shape: Sequence[int], n_components: int, *, hidden: Sequence[int] = (64,)
    ) -> None:
        super().__init__(shape)
        self.hidden = tuple(hidden)
        widths = [math.prod(shape), *self.hidden, n_components]
        self.layers = nn.ModuleList(LaneLinear(*pair) for pair in pairwise(widths))

    @property
    def has_local(self) -> bool:
        """Whether there is a hidden layer."""
        return bool(self.hidden)

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = first = self.layers[0](x.flatten(2))
        for layer in self.layers[1:]:
            x = layer(torch.relu(x))
        return x, first.unsqueeze(-1)


class LinearShortcut(Laned):
    """Sum of a linear map of the input and an encoder that is scaled by a learned gate.

    The gate starts at 0 (ReZero, Bachlechner et al. 2021), so that training starts from a linear
    encoder and learns how much ``encoder`` adds.
    """

    def __init__(self, encoder: nn.Module, shape: Sequence[int], n_components: int) -> None:
        super().__init__(shape)
        self.encoder: Any = encoder
        self.linear = LaneLinear(math.prod(shape), n_components)
        self.gate = nn.Parameter(torch.zeros(1, 1, 1))

    @property
    def has_local(self) -> bool:
        """Whether the encoder has local features."""
        return self.encoder.has_local

    def forward_lanes(self, x: Tensor) -> Tensor:
        return self._sum(x, self.encoder(x))

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, local = self.encoder.forward_local(x)
        return self._sum(x, h), local

    def _sum(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.addcmul(self.linear(x.flatten(2)), self.gate, h, value=GATE_SCALE)


def embedding_width(width: int, projection_dim: Any) -> int:
    """Return the width of the embeddings that losses see."""
    if projection_dim is None or isinstance(projection_dim, Integral):
        return int(projection_dim or width)
    return projection_dim[-1]


def projection_head(width: int, projection_dim: Any) -> MLP:
    """Build the MLP between representation and losses.

    ``projection_dim`` is the width of its output, with a hidden layer as wide as the
    representation, or the widths of all its layers.
    """
    if isinstance(projection_dim, Integral):
        return MLP((width,), int(projection_dim), hidden=(width,))
    widths = list(projection_dim)
    if not widths or any(not isinstance(n, Integral) or n < 1 for n in widths):
        raise ValueError(
            f"projection_dim={projection_dim!r} must be a width of at least 1, or the widths of "
            "the head's layers, such as (512, 128)."
        )
    *hidden, last = map(int, widths)
    return MLP((width,), last, hidden=hidden)
