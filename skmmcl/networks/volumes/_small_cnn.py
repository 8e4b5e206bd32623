"""Default encoder of volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from skmmcl.networks.volumes._encoder import VolumeEncoder, draw_weights

GRID = 4  # sides of the last feature map
PER_GROUP = 8  # channels that are normalized together


class SmallCNN3d(VolumeEncoder):
    """Small convolutional encoder of volumes that trains on a CPU.

    Convolutions of stride 2, each with group normalization and ReLU, until no side is longer
    than 4 voxels, then a linear map. Each subject is normalized by itself
    :cite:p:`wu2018group`, so that batches may be small. The linear map sees the place of a
    feature, which suits images of one common space.

    Parameters
    ----------
    shape : tuple (depth, height, width) or (channels, depth, height, width)
        Shape of one subject.
    n_components : int
        Width of the output.
    width : int, default=16
        Channels of the first convolution, a multiple of 8; each next one has twice as
        many, up to eight times.

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
            raise ValueError(f"width={width} is no multiple of {PER_GROUP}.")
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
