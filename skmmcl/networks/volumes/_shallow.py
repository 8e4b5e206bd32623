"""Shallow networks of volumes: AlexNet and the tiny VGG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import nn

from skmmcl.networks.volumes._encoder import VolumeEncoder, draw_weights, normed


class AlexNet3d(VolumeEncoder):
    """AlexNet with 3D convolutions, as for brain images in :cite:t:`abrol2021deep`.

    Features are pooled by their maximum over the last grid, so that volumes may have any sides of
    at least 33 voxels.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import AlexNet3d
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = AlexNet3d((64, 64, 64), 1)
    >>> sum(p.numel() for p in encoder.parameters())
    2562049
    """

    def __init__(self, shape: Sequence[int], n_components: int) -> None:
        super().__init__(shape, local_layer="conv5", min_side=33)
        self.conv1 = _convolution(self.in_channels, 64, kernel_size=5, stride=2)
        self.pool1 = nn.MaxPool3d(3)
        self.conv2 = _convolution(64, 128, kernel_size=3)
        self.pool2 = nn.MaxPool3d(3)
        self.conv3 = _convolution(128, 192, kernel_size=3, padding=1)
        self.conv4 = _convolution(192, 192, kernel_size=3, padding=1)
        self.conv5 = _convolution(192, 128, kernel_size=3, padding=1)
        self.maxpool = nn.AdaptiveMaxPool3d(1)
        self.flat = nn.Flatten()
        self.dropout = nn.Dropout()
        self.fc = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, n_components))
        draw_weights(self)


def _convolution(n_in: int, n_out: int, **options: Any) -> nn.Sequential:
    return nn.Sequential(*normed(nn.Conv3d(n_in, n_out, **options)))


class TinyVGG3d(VolumeEncoder):
    """The tiny VGG of the benchmark of :cite:t:`dufumier2021benchmarking`.

    The linear map depends on the position of a feature, which suits images in a common space; it
    has more weights for larger volumes.

    Parameters
    ----------
    widths : sequence of int, default=(8, 16, 32, 64, 128)
        Channels of the pairs of convolutions; the grid is halved after each pair.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import TinyVGG3d
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = TinyVGG3d((128, 128, 128), 1)
    >>> sum(p.numel() for p in encoder.parameters())
    892409
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        widths: Sequence[int] = (8, 16, 32, 64, 128),
    ) -> None:
        super().__init__(shape, local_layer=f"block{len(widths)}", min_side=2 ** len(widths))
        for k, (n_in, n_out) in enumerate(pairwise([self.in_channels, *widths]), start=1):
            self.add_module(f"block{k}", _two_convolutions(n_in, n_out))
        grid = [side // 2 ** len(widths) for side in shape[-3:]]
        self.flat = nn.Flatten()
        self.fc = nn.Linear(widths[-1] * math.prod(grid), n_components)
        draw_weights(self)


def _two_convolutions(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(n_in, n_out, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv3d(n_out, n_out, kernel_size=3, padding=1),
        nn.BatchNorm3d(n_out),
        nn.ReLU(inplace=True),
        nn.MaxPool3d(2),
    )
