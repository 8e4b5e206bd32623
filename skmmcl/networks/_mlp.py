"""Fully connected encoder and projection head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from skmmcl.networks._lane_linear import LaneLinear
from skmmcl.networks._lanes import LanedEncoder


class MLP(LanedEncoder):
    """Fully connected encoder; arrays with more dimensions are flattened.

    Its local features are what the first layer gives, before its activation: those of one
    place, for the first layer sees all of a subject.

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
        widths = [math.prod(shape), *hidden, n_components]
        self.layers = nn.ModuleList(LaneLinear(*pair) for pair in pairwise(widths))

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = first = self.layers[0](x.flatten(2))
        for layer in self.layers[1:]:
            x = layer(torch.relu(x))
        return x, first.unsqueeze(-1)


class ProjectionHead(MLP):
    """Two layers between the representation and the embedding that the loss sees.

    Parameters
    ----------
    n_components : int
        Width of the representation.
    projection_dim : int
        Width of the embedding.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import ProjectionHead
    >>> ProjectionHead(8, 4)(torch.zeros(2, 8)).shape
    torch.Size([2, 4])
    """

    def __init__(self, n_components: int, projection_dim: int) -> None:
        super().__init__((n_components,), projection_dim, hidden=(n_components,))
