"""Plain stacks of 3D convolutions: the small CNN, VGG and SFCN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from skmmcl.networks.volumes._encoder import VolumeEncoder, draw_weights, normed

GRID = 4  # sides of the last feature map of the small CNN
PER_GROUP = 8  # channels that are normalized together


class SmallCNN3d(VolumeEncoder):
    """Small convolutional encoder of volumes that trains on a CPU.

    It has convolutions of stride 2, each with group normalization and ReLU, until no side is
    longer than 4 voxels, and a linear map. Each subject is normalized by itself
    :cite:p:`wu2018group`, so that batches may be small. The linear map depends on the position of
    a feature, which suits images in a common space.

    Parameters
    ----------
    width : int, default=16
        Channels of the first convolution, a multiple of 8; each further one has twice as many, up
        to eight times ``width``.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import SmallCNN3d
    >>> encoder = SmallCNN3d((32, 40, 32), 8)
    >>> encoder(torch.zeros(2, 32, 40, 32)).shape
    torch.Size([2, 8])
    >>> encoder.forward_local(torch.zeros(2, 32, 40, 32))[1].shape
    torch.Size([2, 128, 2, 3, 2])
    """

    def __init__(self, shape: Sequence[int], n_components: int, *, width: int = 16) -> None:
        if width % PER_GROUP:
            raise ValueError(f"width={width} must be a multiple of {PER_GROUP}.")
        n_stages = max(1, math.ceil(math.log2(max(shape[-3:]) / GRID)))
        super().__init__(shape, local_layer=f"stage{n_stages}")
        channels = [self.in_channels, *(width * 2 ** min(k, 3) for k in range(n_stages))]
        for k, (n_in, n_out) in enumerate(pairwise(channels), start=1):
            self.add_module(f"stage{k}", _stage(n_in, n_out))
        grid = [-(-side // 2**n_stages) for side in shape[-3:]]
        self.flat = nn.Flatten()
        self.fc = nn.Linear(channels[-1] * math.prod(grid), n_components)
        draw_weights(self)


def _stage(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(n_in, n_out, kernel_size=3, stride=2, padding=1, bias=False),
        nn.GroupNorm(n_out // PER_GROUP, n_out),
        nn.ReLU(),
    )


class VGG3d(VolumeEncoder):
    """VGG with batch normalization and 3D convolutions, by default VGG11.

    The network of :cite:t:`simonyan2015very` in 3D.

    Parameters
    ----------
    blocks : sequence of int, default=(1, 1, 2, 2, 2)
        Number of convolutions before each halving of the grid; (2, 2, 3, 3, 3) is VGG16.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import VGG3d
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = VGG3d((64, 64, 64), 1)
    >>> sum(p.numel() for p in encoder.parameters())
    50153601
    """

    def __init__(
        self, shape: Sequence[int], n_components: int, *, blocks: Sequence[int] = (1, 1, 2, 2, 2)
    ) -> None:
        last, min_side = f"block{len(blocks)}", 2 ** (len(blocks) - 1)
        super().__init__(shape, local_layer=last, min_side=min_side)
        n_in = self.in_channels
        for k, n_convolutions in enumerate(blocks):
            n_out = min(64 * 2**k, 512)
            if k:
                self.add_module(f"pool{k}", nn.MaxPool3d(2))
            self.add_module(f"block{k + 1}", _convolutions(n_in, n_out, n_convolutions))
            n_in = n_out
        self.avgpool = nn.AdaptiveAvgPool3d(7)
        self.flat = nn.Flatten()
        widths = (n_in * 7**3, 128)
        hidden = [part for n in widths for part in (nn.Linear(n, 128), nn.ReLU(), nn.Dropout())]
        self.fc = nn.Sequential(*hidden, nn.Linear(128, n_components))
        draw_weights(self)


def _convolutions(n_in: int, n_out: int, n_convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for k in range(n_convolutions):
        layers += normed(nn.Conv3d(n_out if k else n_in, n_out, kernel_size=3, padding=1))
    return nn.Sequential(*layers)


class SFCN(VolumeEncoder):
    """Simple fully convolutional network for brain age :cite:p:`peng2021accurate`.

    Parameters
    ----------
    widths : sequence of int, default=(32, 64, 128, 256, 256)
        Channels of the convolutions that halve the grid.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import SFCN
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = SFCN((64, 64, 64), 40)
    >>> sum(p.numel() for p in encoder.parameters())
    2952936
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        widths: Sequence[int] = (32, 64, 128, 256, 256),
    ) -> None:
        super().__init__(shape, local_layer=f"conv_{len(widths)}", min_side=2 ** len(widths))
        n_in = self.in_channels
        for k, n_out in enumerate(widths):
            conv = nn.Conv3d(n_in, n_out, kernel_size=3, padding=1)
            norm, relu = nn.BatchNorm3d(n_out), nn.ReLU()
            self.add_module(f"conv_{k}", nn.Sequential(conv, norm, nn.MaxPool3d(2), relu))
            n_in = n_out
        last = nn.Sequential(nn.Conv3d(n_in, 64, 1), nn.BatchNorm3d(64), nn.ReLU())
        self.add_module(f"conv_{len(widths)}", last)
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.dropout = nn.Dropout()
        self.fc = nn.Conv3d(64, n_components, kernel_size=1)
        self.flat = nn.Flatten()
        draw_weights(self)
