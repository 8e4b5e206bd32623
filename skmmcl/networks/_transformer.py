"""Transformer that fuses tokens into one representation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.networks._lane_linear import LaneLinear
from skmmcl.networks._lanes import Laned


class FusionTransformer(nn.Module):
    """Pre-norm transformer over tokens, read out at a learned token of its own.

    It has at most ``n_heads`` attention heads, fewer where the width is not divisible.

    References
    ----------
    .. [1] Dufumier B., Castillo-Navarro J., Tuia D., Thiran J.-P. (2025). What to align in
       multimodal contrastive learning? ICLR.
    """

    def __init__(self, width: int, *, n_layers: int = 1, n_heads: int = 8) -> None:
        super().__init__()
        n_heads = next(k for k in range(min(n_heads, width), 0, -1) if width % k == 0)
        self.cls = nn.Parameter(torch.randn(1, 1, 1, width))
        self.blocks = nn.ModuleList(_Block(width, n_heads, n_layers) for _ in range(n_layers))
        self.norm = LaneNorm(width)

    def forward_lanes(self, tokens: Tensor, visible: Tensor) -> Tensor:
        """Fuse the tokens (n_lanes, n_samples, n_tokens, width) that are visible in each choice.

        ``visible`` is (n_lanes or 1, n_samples or 1, n_choices, n_tokens), the result (n_lanes,
        n_choices, n_samples, width).
        """
        n_lanes, n_samples, _, width = tokens.shape
        n_choices = visible.shape[2]
        own = self.cls.expand(n_lanes, n_samples, 1, width)
        x = torch.cat([own, tokens], 2).flatten(0, 1)
        visible = F.pad(visible, (1, 0), value=True)
        visible = visible.expand(n_lanes, n_samples, -1, -1).flatten(0, 1)
        if len(self.blocks) > 1:  # what tokens become depends on which others are seen
            x = x.repeat_interleave(n_choices, 0)
            visible = visible.flatten(0, 1).unsqueeze(1)
            for block in self.blocks[:-1]:
                x = block(x, x, visible, n_lanes)
            asked = x[:, :1]
        else:
            asked = x[:, :1].expand(-1, n_choices, -1)
        out = self.norm(self.blocks[-1](asked, x, visible, n_lanes).reshape(n_lanes, -1, width))
        return out.view(n_lanes, n_samples, n_choices, width).transpose(1, 2)

    forward = forward_lanes


class LaneNorm(Laned):
    """Layer normalization of the last axis, with scale and shift for each lane."""

    def __init__(self, width: int) -> None:
        super().__init__((width,))
        self.weight = nn.Parameter(torch.ones(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(1, 1, width))

    def forward_lanes(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.bias, F.layer_norm(x, x.shape[-1:]), self.weight)


class _Block(nn.Module):
    """Attention of some tokens to others and a small MLP on each, both added to the input."""

    def __init__(self, width: int, n_heads: int, n_layers: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        out_std = width**-0.5 * (2 * n_layers) ** -0.5
        self.norm1, self.norm2 = LaneNorm(width), LaneNorm(width)
        self.query = _linear(width, width, width**-0.5)
        self.key_value = _linear(width, 2 * width, width**-0.5)
        self.attended = _linear(width, width, out_std)
        self.fc1 = _linear(width, 4 * width, (2 * width) ** -0.5)
        self.fc2 = _linear(4 * width, width, out_std)

    def forward_lanes(self, asked: Tensor, x: Tensor, visible: Tensor, n_lanes: int) -> Tensor:
        """Map (n_lanes * n_samples, n_asked, width), which attend to the visible among ``x``."""
        as_lanes = (n_lanes, -1, asked.shape[-1])
        query = self.query(self.norm1(asked.reshape(as_lanes))).view(*asked.shape)
        both = self.key_value(self.norm1(x.reshape(as_lanes))).view(*x.shape[:2], -1)
        q, k, v = (
            part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for part in (query, *both.chunk(2, -1))
        )
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=visible.unsqueeze(1))
        found = self.attended(found.transpose(1, 2).reshape(as_lanes))
        out = asked.reshape(as_lanes) + found
        out = out + self.fc2(_quick_gelu(self.fc1(self.norm2(out))))
        return out.view(*asked.shape)

    forward = forward_lanes


def _linear(n_in: int, n_out: int, std: float) -> LaneLinear:
    layer = LaneLinear(n_in, n_out)
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    return layer


def _quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)
