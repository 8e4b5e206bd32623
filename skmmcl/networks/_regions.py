"""An encoder that sees each region by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skmmcl.networks._lanes import Laned
from skmmcl.networks._mlp import MLP


class RegionEncoder(Laned):
    """A small network of each region's features, the same for all regions but for a shift.

    As an encoder by itself it gives the mean over the regions; in a network of tokens each
    region is a token.

    Parameters
    ----------
    shape : tuple (n_regions, n_features)
        Shape of one subject.
    n_components : int
        Width of the output.
    hidden : sequence of int, default=()
        Widths of the hidden layers; empty for a linear map.
    shifts : bool, default=True
        Whether each region has a learnt shift of its own, by which it is known.

    Raises
    ------
    ValueError
        If the shape is not that of a matrix.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import RegionEncoder
    >>> h, local = RegionEncoder((90, 5), 8).forward_local(torch.zeros(2, 90, 5))
    >>> h.shape, local.shape
    (torch.Size([2, 8]), torch.Size([2, 8, 90]))
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        hidden: Sequence[int] = (),
        shifts: bool = True,
    ) -> None:
        super().__init__(shape)
        if len(shape) != 2:
            raise ValueError(
                f"encoder 'regions' takes matrices (regions, features), not shape {tuple(shape)}"
            )
        self.each = MLP((shape[1],), n_components, hidden=hidden)
        self.shift = None
        if shifts:
            self.shift = nn.Parameter(0.02 * torch.randn(1, 1, shape[0], n_components))

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        regions = self.each(x.flatten(1, 2)).view(*x.shape[:3], -1)
        if self.shift is not None:
            regions = regions + self.shift
        return regions.mean(2), regions.mT
