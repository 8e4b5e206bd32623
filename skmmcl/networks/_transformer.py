"""Layers of the fusion network: a transformer over tokens, and its projection head."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.networks._lanes import Laned, LaneLinear

EPS = 1e-5


class FusionTransformer(nn.Module):
    """Pre-norm transformer over tokens :cite:p:`dufumier2025`; the output is a learned token's.

    It has ``n_heads`` attention heads, or fewer if the width is not divisible by that number.
    """

    def __init__(self, width: int, *, n_layers: int = 1, n_heads: int = 8) -> None:
        super().__init__()
        n_heads = next(k for k in range(min(n_heads, width), 0, -1) if width % k == 0)
        self.cls = nn.Parameter(torch.randn(1, 1, 1, width))
        self.blocks = nn.ModuleList(_Block(width, n_heads, n_layers) for _ in range(n_layers))
        self.norm = LaneNorm(width)

    def forward_lanes(self, tokens: Tensor, visible: Tensor) -> Tensor:
        """Fuse the visible ones of tokens (n_lanes, n_samples, n_tokens, width), for each choice.

        ``visible`` is (n_lanes or 1, n_samples or 1, n_choices, n_tokens), the result (n_lanes,
        n_choices, n_samples, width).
        """
        n_lanes, n_samples, _, width = tokens.shape
        n_choices = visible.shape[2]
        own = self.cls.expand(n_lanes, n_samples, 1, width)
        x = torch.cat([own, tokens], 2).flatten(0, 1)
        visible = F.pad(visible, (1, 0), value=True)
        visible = visible.expand(n_lanes, n_samples, -1, -1).flatten(0, 1)
        if len(self.blocks) > 1:  # the inner layers differ between choices
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
    """Layer normalization of the last axis, with a scale and a shift per lane."""

    def __init__(self, width: int) -> None:
        super().__init__((width,))
        self.weight = nn.Parameter(torch.ones(1, 1, width))
        self.bias = nn.Parameter(torch.zeros(1, 1, width))

    def forward_lanes(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.bias, F.layer_norm(x, x.shape[-1:]), self.weight)


class _Block(nn.Module):
    """Residual block: attention of some tokens to others, and a small MLP of each token."""

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
        """Map (n_lanes * n_samples, n_asked, width), which attend to visible tokens of ``x``."""
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
        hidden = self.fc1(self.norm2(out))
        out = out + self.fc2(hidden * torch.sigmoid(1.702 * hidden))  # QuickGELU
        return out.view(*asked.shape)

    forward = forward_lanes


def _linear(n_in: int, n_out: int, std: float) -> LaneLinear:
    layer = LaneLinear(n_in, n_out)
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    return layer


class NormalizedHead(nn.Module):
    """Projection head of three layers with batch normalization over the present subjects.

    It keeps no running statistics, since only the loss reads it: held-out subjects are normalized
    among themselves.
    """

    def __init__(self, width: int, projection_dim: int) -> None:
        super().__init__()
        hidden = 2 * projection_dim
        self.layer1, self.norm1 = LaneLinear(width, hidden), _SubjectNorm(hidden)
        self.layer2, self.norm2 = LaneLinear(hidden, hidden), _SubjectNorm(hidden)
        self.layer3 = LaneLinear(hidden, projection_dim)

    def forward_lanes(self, z: Tensor, count: Tensor | None = None) -> Tensor:
        """Map (n_lanes, ..., n_samples, width), each set of subjects by itself.

        ``count`` are the weights of the subjects, 0 for absent ones.
        """
        z = torch.relu(self.norm1(_each(self.layer1, z), count))
        z = torch.relu(self.norm2(_each(self.layer2, z), count))
        return _each(self.layer3, z)

    forward = forward_lanes


class _SubjectNorm(nn.Module):
    """Layer that standardizes each feature over the subjects of the batch."""

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
