"""Self-attention over the regions of a connectome or of a region-by-feature table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from skmmcl.networks._lane_linear import LaneLinear
from skmmcl.networks._lanes import Laned


class ConnectomeAttention(Laned):
    """Self-attention encoder of Li et al.: regions are tokens, columns their features.

    One attention layer without residual, norm or dropout, a linear map of each region to
    a few numbers, and a linear map of all of them to the output. It is not invariant to
    the order of the regions. The few numbers of each region are its local features.

    Parameters
    ----------
    shape : tuple (n_regions, n_features)
        Shape of one subject.
    n_components : int
        Width of the output.
    n_heads : int, default=1
        Attention heads; ``n_features`` must be divisible by it.
    region_components : int, default=8
        Numbers kept of each region.

    References
    ----------
    .. [1] Li Z. et al. (2024). Joint self-supervised and supervised contrastive learning
       for multimodal MRI data. Artificial Intelligence in Medicine 157:102993.

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
        """Attend with the linear maps that follow one another multiplied out beforehand.

        Only query times key and value times dense times fc1 matter; what the key's bias
        adds to all scores of a region cancels in the softmax.
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
    """Weight and bias of a layer followed by a matrix, in one product.

    By itself, a bias of one row would be multiplied by another routine, whose bits depend
    on where in memory the row stands.
    """
    product = torch.bmm(torch.cat([layer.weight, layer.bias], 1), after)
    return product[:, :-1], product[:, -1:]
