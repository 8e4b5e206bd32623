"""Self-attention over the regions of a connectome or of a region-by-feature table."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class ConnectomeAttention(nn.Module):
    """Self-attention encoder of Li et al.: regions are tokens, columns their features.

    One attention layer without residual, norm or dropout, a linear map of each region to
    a few numbers, and a linear map of all of them to the output. It is not invariant to
    the order of the regions.

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
        super().__init__()
        n_regions, n_features = shape
        if n_features % n_heads:
            raise ValueError(f"n_features={n_features} is not divisible by n_heads={n_heads}.")
        self.n_heads = n_heads
        self.query = nn.Linear(n_features, n_features)
        self.key = nn.Linear(n_features, n_features)
        self.value = nn.Linear(n_features, n_features)
        self.dense = nn.Linear(n_features, n_features)
        self.fc1 = nn.Linear(n_features, region_components)
        self.fc2 = nn.Linear(n_regions * region_components, n_components)

    def forward(self, x: Tensor) -> Tensor:
        """Encode subjects of shape (n_samples, n_regions, n_features)."""
        query, key, value = (
            layer(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        regions = self.fc1(self.dense(attended.transpose(1, 2).flatten(-2)))
        return self.fc2(regions.flatten(1))
