"""Residual networks of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from skmmcl.networks.volumes._encoder import VolumeEncoder, draw_weights

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)


class ResNet3d(VolumeEncoder):
    """Residual network of 18, 34 or 50 layers, with 3D convolutions.

    Layers are named and stacked as torchvision's are in 2D. The linear layer at the end
    maps the 512 (ResNet50: 2048) averaged features to the output; ``encoder.fc =
    nn.Identity()`` gives the features themselves.

    Parameters
    ----------
    shape : tuple (depth, height, width) or (channels, depth, height, width)
        Shape of one subject.
    n_components : int
        Width of the output.
    depth : {18, 34, 50}, default=18
        Number of layers.

    References
    ----------
    .. [1] He K. et al. (2016). Deep residual learning for image recognition. CVPR.
    .. [2] Dufumier B. et al. (2021). Benchmarking CNN on 3D anatomical brain MRI:
       architectures, data augmentation and deep ensemble learning. arXiv 2106.01132.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import ResNet3d
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = ResNet3d((64, 64, 64), 1)
    >>> sum(p.numel() for p in encoder.parameters())
    33160513
    """

    def __init__(self, shape: Sequence[int], n_components: int, *, depth: int = 18) -> None:
        if depth not in BLOCKS:
            raise ValueError(f"depth={depth} is none of {list(BLOCKS)}.")
        super().__init__(shape, local_layer="layer4")
        block = _Bottleneck if depth >= 50 else _Basic
        self.conv1 = nn.Conv3d(self.in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool3d(kernel_size=3, stride=2, padding=1)
        n_in = 64
        for k, (width, n_blocks) in enumerate(zip(WIDTHS, BLOCKS[depth], strict=True), start=1):
            blocks = []
            for i in range(n_blocks):
                blocks.append(block(n_in, width, stride=2 if k > 1 and i == 0 else 1))
                n_in = width * block.expansion
            self.add_module(f"layer{k}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.flat = nn.Flatten()
        self.fc = nn.Linear(n_in, n_components)
        draw_weights(self)


class _Block(nn.Module):
    """Adds what its convolutions make of the input to the input."""

    expansion: ClassVar[int] = 1

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__()
        n_out = width * self.expansion
        self.downsample: nn.Sequential | None = None
        if stride > 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                nn.Conv3d(n_in, n_out, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm3d(n_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        beside = x if self.downsample is None else self.downsample(x)
        return torch.relu_(self._residual(x) + beside)

    def _residual(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class _Basic(_Block):
    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__(n_in, width, stride)
        self.conv1 = nn.Conv3d(n_in, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)

    def _residual(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))


class _Bottleneck(_Block):
    expansion = 4

    def __init__(self, n_in: int, width: int, stride: int) -> None:
        super().__init__(n_in, width, stride)
        self.conv1 = nn.Conv3d(n_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, self.expansion * width, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(self.expansion * width)

    def _residual(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.bn1(self.conv1(x)))
        x = torch.relu_(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))
