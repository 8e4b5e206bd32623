"""Fully connected encoder and projection head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Sequential):
    """Fully connected encoder; arrays with more dimensions are flattened.

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
        widths = [math.prod(shape), *hidden]
        layers: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
        for width_in, width_out in pairwise(widths):
            layers += [nn.Linear(width_in, width_out), nn.ReLU()]
        super().__init__(*layers, nn.Linear(widths[-1], n_components))


class ProjectionHead(nn.Sequential):
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
        super().__init__(
            nn.Linear(n_components, n_components),
            nn.ReLU(),
            nn.Linear(n_components, projection_dim),
        )

    def forward(self, h: Tensor) -> Tensor:
        """Project representations (n_samples, n_components)."""
        return super().forward(h)
