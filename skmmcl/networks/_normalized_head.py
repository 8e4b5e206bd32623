"""A projection head that normalises over the subjects of a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skmmcl.networks._lane_linear import LaneLinear

EPS = 1e-5


class NormalizedHead(nn.Module):
    """Three layers with batch normalisation, in which only present subjects count.

    It serves the loss alone, so that it keeps no running statistics: held-out subjects are
    normalised by themselves.

    Parameters
    ----------
    width : int
        Width of the representation.
    projection_dim : int
        Width of the embedding; the hidden layers have twice as many units.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import NormalizedHead
    >>> NormalizedHead(8, 4)(torch.zeros(1, 3, 5, 8)).shape  # three subsets of modalities
    torch.Size([1, 3, 5, 4])
    """

    def __init__(self, width: int, projection_dim: int) -> None:
        super().__init__()
        hidden = 2 * projection_dim
        self.layer1, self.norm1 = LaneLinear(width, hidden), _SubjectNorm(hidden)
        self.layer2, self.norm2 = LaneLinear(hidden, hidden), _SubjectNorm(hidden)
        self.layer3 = LaneLinear(hidden, projection_dim)

    def forward_lanes(self, z: Tensor, count: Tensor | None = None) -> Tensor:
        """Map the representations to embeddings.

        Parameters
        ----------
        z : Tensor of shape (n_lanes, ..., n_samples, width)
            Each stack of subjects is normalised by itself.
        count : Tensor that broadcasts with (n_lanes, ..., n_samples), optional
            How often a subject counts, 0 for one that is absent.

        Returns
        -------
        Tensor of shape (n_lanes, ..., n_samples, projection_dim)
            The embeddings.
        """
        z = torch.relu(self.norm1(_each(self.layer1, z), count))
        z = torch.relu(self.norm2(_each(self.layer2, z), count))
        return _each(self.layer3, z)

    forward = forward_lanes


class _SubjectNorm(nn.Module):
    """Centre and scale each feature by the subjects of the batch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(1, 1, width))

    def forward_lanes(self, z: Tensor, count: Tensor | None) -> Tensor:
        """Normalise over the last axis but one."""
        share = z.new_ones(()).expand(z.shape[-2]) if count is None else count.to(z)
        share = (share / share.sum(-1, keepdim=True).clamp_min(EPS)).unsqueeze(-1)
        centred = z - (z * share).sum(-2, keepdim=True)
        variance = (centred.square() * share).sum(-2, keepdim=True)
        scaled = (centred * (variance + EPS).rsqrt()).flatten(1, -2)
        return torch.addcmul(self.bias, scaled, self.weight).view(z.shape)

    forward = forward_lanes


def _each(layer: LaneLinear, z: Tensor) -> Tensor:
    return layer(z.flatten(1, -2)).unflatten(1, z.shape[1:-1])
