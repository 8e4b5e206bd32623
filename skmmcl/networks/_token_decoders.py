"""From the tokens of a subject back to the input of the encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

HIDDEN = 64
WIDTH = 16  # channels of the convolutions


def make_token_decoder(
    shape: Sequence[int], n_components: int, n_tokens: int, grid: Sequence[int]
) -> nn.Module:
    """Build a decoder from (n_samples, n_tokens, n_components) to ``(n_samples, *shape)``.

    Regions are decoded one by one and maps by convolutions; where tokens have no place, all
    are decoded together.
    """
    if len(shape) == 2 and tuple(grid) == (shape[0],):
        return _mlp(n_components, shape[1])
    if len(shape) > 2 and len(grid) in (2, 3):
        return MapDecoder(shape, n_components, grid)
    joined = _mlp(n_tokens * n_components, math.prod(shape))
    return nn.Sequential(nn.Flatten(), joined, nn.Unflatten(1, tuple(shape)))


def _mlp(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_out))


class MapDecoder(nn.Module):
    """Convolutions, each followed by a grid twice as fine.

    Each subject is normalised by itself, so that batches may be small.
    """

    def __init__(self, shape: Sequence[int], n_components: int, grid: Sequence[int]) -> None:
        super().__init__()
        self.grid, self.space = tuple(grid), tuple(shape[-len(grid) :])
        self.shape = tuple(shape)
        conv = nn.Conv2d if len(grid) == 2 else nn.Conv3d
        finer = max(side / places for side, places in zip(self.space, grid, strict=True))
        n_stages = max(1, math.ceil(math.log2(max(finer, 1))))
        widths = [n_components] + [WIDTH] * n_stages
        self.stages = nn.ModuleList(
            nn.Sequential(
                conv(n_in, WIDTH, kernel_size=3, padding=1),
                nn.GroupNorm(1, WIDTH),
                nn.LeakyReLU(0.01),
            )
            for n_in in widths[:-1]
        )
        self.last = conv(WIDTH, math.prod(shape[: -len(grid)]), kernel_size=1)

    def forward(self, tokens: Tensor) -> Tensor:
        x = tokens.mT.unflatten(-1, self.grid)
        for k, stage in enumerate(self.stages, start=1):
            is_last = k == len(self.stages)
            size = self.space if is_last else [2**k * places for places in self.grid]
            mode = "bilinear" if len(self.grid) == 2 else "trilinear"
            x = F.interpolate(stage(x), size=list(size), mode=mode)
        return self.last(x).reshape(-1, *self.shape)
