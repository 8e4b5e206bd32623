"""EfficientNet-B0 of volumes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skmmcl.networks.volumes._encoder import VolumeEncoder, draw_weights

# Stages: number of blocks, side of the kernel, stride, expansion, number of features.
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
STEM, HEAD, SQUEEZED = 32, 1280, 4
DROPOUT = 0.2


class EfficientNet3d(VolumeEncoder):
    """EfficientNet-B0 with 3D convolutions :cite:p:`tan2019efficientnet`.

    This is the T2 encoder in the code of CMC+CSS :cite:p:`li2024joint`, with its number of
    parameters. Convolutions are padded equally on both sides.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import EfficientNet3d
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = EfficientNet3d((64, 64, 64), 8)
    >>> sum(p.numel() for p in encoder.parameters())
    4698628
    """

    def __init__(self, shape: Sequence[int], n_components: int) -> None:
        super().__init__(shape, local_layer="head")
        self.stem = _convolution(self.in_channels, STEM, 3, stride=2)
        n_in, done, n_blocks = STEM, 0, sum(stage[0] for stage in STAGES)
        for k, (n, kernel, stride, expansion, n_out) in enumerate(STAGES, start=1):
            blocks = []
            for i in range(n):
                step = stride if i == 0 else 1
                drop = DROPOUT * (done + i) / n_blocks
                blocks.append(_MBConv(n_in, n_out, kernel, step, expansion, drop))
                n_in = n_out
            done += n
            self.add_module(f"stage{k}", nn.Sequential(*blocks))
        self.head = _convolution(n_in, HEAD, 1)
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.flat = nn.Flatten()
        self.dropout = nn.Dropout(DROPOUT)
        self.fc = nn.Linear(HEAD, n_components)
        draw_weights(self)


class _MBConv(nn.Module):
    """Inverted bottleneck: expansion, depthwise convolution, squeeze-and-excitation, projection."""

    def __init__(
        self, n_in: int, n_out: int, kernel: int, stride: int, expansion: int, drop: float
    ) -> None:
        super().__init__()
        width = n_in * expansion
        self.expand = _convolution(n_in, width, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _convolution(width, width, kernel, stride=stride, groups=width)
        n_squeezed = n_in // SQUEEZED
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool3d(1),
            nn.Conv3d(width, n_squeezed, 1),
            nn.SiLU(),
            nn.Conv3d(n_squeezed, width, 1),
            nn.Sigmoid(),
        )
        self.project = _convolution(width, n_out, 1, active=False)
        self.drop = nn.Dropout(drop) if stride == 1 and n_in == n_out else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.depthwise(self.expand(x))
        out = self.project(out * self.squeeze(out))
        if self.drop is None:
            return out
        return x + out * self.drop(torch.ones_like(out[:, :1, :1, :1, :1]))  # drops whole subjects


def _convolution(
    n_in: int, n_out: int, kernel: int, *, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    conv = nn.Conv3d(
        n_in, n_out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False
    )
    norm = nn.BatchNorm3d(n_out, momentum=0.01, eps=1e-3)
    return nn.Sequential(conv, norm, *([nn.SiLU()] if active else []))
