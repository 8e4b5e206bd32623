"""An encoder that sees each region by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skmmcl.networks._lanes import LanedEncoder, LaneLinear


class RegionEncoder(LanedEncoder):
    """A linear map of each region's features, the same for all regions but for a shift.

    As an encoder by itself it gives the mean over the regions; in a fusion network each
    region is a token.

    Parameters
    ----------
    shape : tuple (n_regions, n_features)
        Shape of one subject.
    n_components : int
        Width of the output.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import RegionEncoder
    >>> RegionEncoder((90, 5), 8)(torch.zeros(2, 90, 5)).shape
    torch.Size([2, 8])
    """

    def __init__(self, shape: Sequence[int], n_components: int) -> None:
        super().__init__(shape)
        if len(shape) != 2:
            raise ValueError(
                f"encoder 'regions' takes matrices (regions, features), not shape {tuple(shape)}"
            )
        self.linear = LaneLinear(shape[1], n_components)
        self.shift = nn.Parameter(0.02 * torch.randn(1, 1, shape[0], n_components))

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        regions = self.linear(x.flatten(1, 2)).view(*x.shape[:3], -1) + self.shift
        return regions.mean(2), regions.mT
