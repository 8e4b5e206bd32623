"""Residual networks of volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from skmmcl.networks.volumes._encoder import VolumeEncoder, draw_weights

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)


class ResNet3d(VolumeEncoder):
    """Residual network of 18, 34 or 50 layers with 3D convolutions :cite:p:`he2016deep`.

    With ``depth=50, groups=32, width_per_group=4`` it is ResNeXt50 :cite:p:`xie2017aggregated`.
    Layers have the names and order of torchvision's ResNets. With ``encoder.fc = nn.Identity()``
    the output is the 512 (ResNet50: 2048) averaged features.

    Parameters
    ----------
    depth : {18, 34, 50}, default=18
        Number of layers.
    groups : int, default=1
        Number of groups of channels in the middle convolutions of ``depth=50``.
    width_per_group : int, default=64
        Number of channels of a group in the first blocks.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import ResNet3d
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = ResNet3d((64, 64, 64), 1)
    >>> sum(p.numel() for p in encoder.parameters())
    33160513
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        depth: int = 18,
        groups: int = 1,
        width_per_group: int = 64,
    ) -> None:
        if depth not in BLOCKS:
            raise ValueError(f"depth={depth} must be one of {list(BLOCKS)}.")
        if depth < 50 and (groups, width_per_group) != (1, 64):
            raise ValueError(f"groups and width_per_group need depth=50, not depth={depth}.")
        super().__init__(shape, local_layer="layer4")
        bottleneck = partial(_Bottleneck, groups=groups, per_group=width_per_group)
        block: Callable[..., _Block] = bottleneck if depth >= 50 else _Basic
        self.conv1 = nn.Conv3d(self.in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool3d(kernel_size=3, stride=2, padding=1)
        n_in = 64
        for k, (width, n_blocks) in enumerate(zip(WIDTHS, BLOCKS[depth], strict=True), start=1):
            blocks = []
            for i in range(n_blocks):
                blocks.append(block(n_in, width, stride=2 if k > 1 and i == 0 else 1))
                n_in = blocks[-1].n_out
            self.add_module(f"layer{k}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.flat = nn.Flatten()
        self.fc = nn.Linear(n_in, n_components)
        draw_weights(self)


class _Block(nn.Module):
    """Sum of the input and the output of convolutions of the given kernels."""

    kernels: ClassVar[tuple[int, ...]]
    strided: ClassVar[int]  # the convolution with the stride
    expansion: ClassVar[int] = 1

    def __init__(
        self, n_in: int, width: int, stride: int, groups: int = 1, per_group: int = 64
    ) -> None:
        super().__init__()
        self.n_out = n_out = width * self.expansion
        inner = width * per_group * groups // 64
        self.downsample: nn.Sequential | None = None
        if stride > 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                nn.Conv3d(n_in, n_out, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm3d(n_out),
            )
        widths = [n_in, *[inner] * (len(self.kernels) - 1), n_out]
        for k, (kernel, pair) in enumerate(zip(self.kernels, pairwise(widths), strict=True), 1):
            step = stride if k == self.strided else 1
            n_groups = groups if kernel > 1 else 1
            conv = nn.Conv3d(
                *pair, kernel, stride=step, padding=kernel // 2, groups=n_groups, bias=False
            )
            self.add_module(f"conv{k}", conv)
            self.add_module(f"bn{k}", nn.BatchNorm3d(pair[1]))

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for k in range(1, len(self.kernels) + 1):
            out = getattr(self, f"bn{k}")(getattr(self, f"conv{k}")(out))
            out = torch.relu_(out) if k < len(self.kernels) else out
        return torch.relu_(out + (x if self.downsample is None else self.downsample(x)))


class _Basic(_Block):
    kernels, strided = (3, 3), 1


class _Bottleneck(_Block):
    kernels, strided, expansion = (1, 3, 1), 2, 4
