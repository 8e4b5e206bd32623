"""Encoders of matrices whose rows are regions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.networks._lanes import Laned, LaneLinear
from skmmcl.networks._mlp import MLP


def _check_matrix(name: str, shape: Sequence[int]) -> None:
    if len(shape) != 2:
        raise ValueError(
            f"encoder {name!r} takes matrices (regions, features), not shape {tuple(shape)}"
        )


class ConnectomeAttention(Laned):
    """Self-attention encoder with regions as tokens :cite:p:`li2024joint`.

    It has one attention layer without residual, norm or dropout, a linear map of each region to
    its local features, and a linear map of these to the output. The order of regions matters.

    Parameters
    ----------
    shape : tuple (n_regions, n_features)
        Shape of one subject.
    n_components : int
        Width of the output.
    n_heads : int, default=1
        Number of attention heads, by which ``n_features`` must be divisible.
    region_components : int, default=8
        Number of local features of each region.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import ConnectomeAttention
    >>> encoder = ConnectomeAttention((87, 100), 8)
    >>> sum(p.numel() for p in encoder.parameters())
    46784
    >>> encoder(torch.zeros(2, 87, 100)).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        n_heads: int = 1,
        region_components: int = 8,
    ) -> None:
        super().__init__(shape)
        _check_matrix("attention", shape)
        n_regions, n_features = shape
        if n_features % n_heads:
            raise ValueError(f"n_features={n_features} is not divisible by n_heads={n_heads}.")
        self.n_heads = n_heads
        self.query = LaneLinear(n_features, n_features)
        self.key = LaneLinear(n_features, n_features)
        self.value = LaneLinear(n_features, n_features)
        self.dense = LaneLinear(n_features, n_features)
        self.fc1 = LaneLinear(n_features, region_components)
        self.fc2 = LaneLinear(n_regions * region_components, n_components)

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        regions = self._one_head(x) if self.n_heads == 1 else self._heads(x)
        h = self.fc2(regions.reshape(*x.shape[:2], -1))
        return h, regions.reshape(*x.shape[:3], -1).mT

    def _one_head(self, x: Tensor) -> Tensor:
        """Attend with the products of consecutive linear maps.

        Only query times key and value times dense times fc1 matter. The key's bias adds the
        same number to all scores of a region, which cancels in the softmax.
        """
        keys = self.key.weight.mT / math.sqrt(self.shape[-1])
        to_scores, score_bias = _through(self.query, keys)
        tokens, by_subject = x.flatten(1, 2), x.flatten(0, 1)
        asked = torch.baddbmm(score_bias, tokens, to_scores).view_as(by_subject)
        attention = torch.bmm(asked, by_subject.mT).softmax(-1)
        to_regions, dense_bias = _through(self.dense, self.fc1.weight)
        to_regions, value_bias = _through(self.value, to_regions)
        values = torch.bmm(tokens, to_regions).view(len(attention), self.shape[0], -1)
        regions = torch.bmm(attention, values).view(*x.shape[:3], -1)
        return regions + (value_bias + dense_bias + self.fc1.bias).unsqueeze(1)

    def _heads(self, x: Tensor) -> Tensor:
        tokens = x.flatten(1, 2)
        query, key, value = (
            layer(tokens)
            .view(-1, self.shape[0], self.n_heads, self.shape[1] // self.n_heads)
            .transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.fc1(self.dense(attended.transpose(1, 2).reshape(tokens.shape)))


def _through(layer: LaneLinear, after: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a layer followed by a matrix, in one product.

    A bias alone, of one row, would be multiplied by another routine, whose bits depend on the
    row's address.
    """
    product = torch.bmm(torch.cat([layer.weight, layer.bias], 1), after)
    return product[:, :-1], product[:, -1:]


class RegionEncoder(Laned):
    """Small network of each region's features, with weights that all regions share.

    The outputs of the regions are the local features, and their mean is the representation.

    Parameters
    ----------
    shape : tuple (n_regions, n_features)
        Shape of one subject.
    n_components : int
        Width of the output.
    hidden : sequence of int, default=()
        Widths of the hidden layers; empty for a linear map.
    shifts : bool, default=True
        Whether each region has a learned shift of its own.

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
        _check_matrix("regions", shape)
        self.each = MLP((shape[1],), n_components, hidden=hidden)
        self.shift = None
        if shifts:
            self.shift = nn.Parameter(0.02 * torch.randn(1, 1, shape[0], n_components))

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        regions = self.each(x.flatten(1, 2)).view(*x.shape[:3], -1)
        if self.shift is not None:
            regions = regions + self.shift
        return regions.mean(2), regions.mT
