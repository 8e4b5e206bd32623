"""Projection head that normalizes over the subjects of a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skmmcl.networks._lane_linear import LaneLinear

EPS = 1e-5


class NormalizedHead(nn.Module):
    """Three layers with batch normalization, in which only present subjects count.

    It serves the loss alone, so that it keeps no running statistics: held-out subjects are
    normalized among themselves.
    """

    def __init__(self, width: int, projection_dim: int) -> None:
        super().__init__()
        hidden = 2 * projection_dim
        self.layer1, self.norm1 = LaneLinear(width, hidden), _SubjectNorm(hidden)
        self.layer2, self.norm2 = LaneLinear(hidden, hidden), _SubjectNorm(hidden)
        self.layer3 = LaneLinear(hidden, projection_dim)

    def forward_lanes(self, z: Tensor, count: Tensor | None = None) -> Tensor:
        """Map (n_lanes, ..., n_samples, width), each stack of subjects by itself.

        ``count`` says how often a subject counts, 0 for one that is absent.
        """
        z = torch.relu(self.norm1(_each(self.layer1, z), count))
        z = torch.relu(self.norm2(_each(self.layer2, z), count))
        return _each(self.layer3, z)

    forward = forward_lanes


class _SubjectNorm(nn.Module):
    """Center and scale each feature by the subjects of the batch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(1, 1, width))

    def forward_lanes(self, z: Tensor, count: Tensor | None) -> Tensor:
        """Normalize over the last axis but one."""
        share = z.new_ones(()).expand(z.shape[-2]) if count is None else count.to(z)
        share = (share / share.sum(-1, keepdim=True).clamp_min(EPS)).unsqueeze(-1)
        centered = z - (z * share).sum(-2, keepdim=True)
        variance = (centered.square() * share).sum(-2, keepdim=True)
        scaled = (centered * (variance + EPS).rsqrt()).flatten(1, -2)
        return torch.addcmul(self.bias, scaled, self.weight).view(z.shape)

    forward = forward_lanes


def _each(layer: LaneLinear, z: Tensor) -> Tensor:
    return layer(z.flatten(1, -2)).unflatten(1, z.shape[1:-1])
