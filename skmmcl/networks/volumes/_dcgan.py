"""Encoder and decoder of volumes as in DCGAN."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from skmmcl.networks.volumes._encoder import VolumeEncoder, normed

LEVELS = {32: 3, 64: 4, 128: 5}  # halvings down to a grid of 4
SLOPE = 0.2


class DCGANEncoder(VolumeEncoder):
    """Strided convolutions down to one voxel :cite:p:`radford2016unsupervised`.

    As in :cite:t:`fedorov2021multimodal`, the local features are the output of the third
    convolution, before its normalization.

    Parameters
    ----------
    shape : tuple (side, side, side) or (channels, side, side, side)
        Shape of one subject; sides of 32, 64 or 128 voxels.
    n_components : int
        Width of the output.
    width : int, default=32
        Channels of the first convolution; each further one has twice as many.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import DCGANEncoder
    >>> encoder = DCGANEncoder((64, 64, 64), 64)
    >>> sum(p.numel() for p in encoder.parameters())
    3804032
    >>> h, local = encoder.forward_local(torch.zeros(1, 64, 64, 64))
    >>> h.shape, local.shape
    (torch.Size([1, 64]), torch.Size([1, 128, 8, 8, 8]))
    """

    def __init__(self, shape: Sequence[int], n_components: int, *, width: int = 32) -> None:
        super().__init__(shape, local_layer="conv2")
        self.width = width
        channels = [self.in_channels, *_widths(self, shape, width)]
        for k, (n_in, n_out) in enumerate(pairwise(channels)):
            self.add_module(f"conv{k}", nn.Conv3d(n_in, n_out, 4, stride=2, padding=1, bias=False))
            if k:
                self.add_module(f"norm{k}", nn.BatchNorm3d(n_out))
            self.add_module(f"relu{k}", nn.LeakyReLU(SLOPE))
        last = nn.Conv3d(channels[-1], n_components, kernel_size=4, bias=False)
        self.add_module(f"conv{len(channels) - 1}", last)
        self.flat = nn.Flatten()
        _draw(self, nn.init.calculate_gain("leaky_relu", SLOPE))


class DCGANDecoder(nn.Module):
    """Mirror of `DCGANEncoder` :cite:p:`fedorov2021multimodal`.

    Parameters
    ----------
    shape : tuple (side, side, side) or (channels, side, side, side)
        Shape of one subject; sides of 32, 64 or 128 voxels.
    n_components : int
        Width of the representation.
    width : int, default=32
        Channels before the last convolution; each earlier one has twice as many.
    output_activation : Module, optional
        Activation of the output, such as ``nn.Sigmoid()`` for voxels between 0 and 1; None for
        z-scored volumes.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import DCGANDecoder
    >>> decoder = DCGANDecoder((64, 64, 64), 64)
    >>> sum(p.numel() for p in decoder.parameters())
    3804096
    >>> decoder(torch.zeros(2, 64)).shape
    torch.Size([2, 64, 64, 64])
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        width: int = 32,
        output_activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        widths = _widths(self, shape, width)[::-1]
        layers: list[nn.Module] = [nn.Unflatten(1, (n_components, 1, 1, 1))]
        layers += normed(nn.ConvTranspose3d(n_components, widths[0], 4, bias=False))
        for n_in, n_out in pairwise(widths):
            layers += normed(nn.ConvTranspose3d(n_in, n_out, 4, stride=2, padding=1, bias=False))
        n_channels = 1 if len(shape) == 3 else shape[0]
        layers.append(nn.ConvTranspose3d(width, n_channels, 4, stride=2, padding=1, bias=False))
        self.layers = nn.Sequential(*layers, output_activation or nn.Identity())
        _draw(self, nn.init.calculate_gain("relu"))

    def forward(self, h: Tensor) -> Tensor:
        """Map (n_samples, n_components) to volumes ``(n_samples, *shape)``."""
        return self.layers(h).reshape(-1, *self.shape)


def _widths(network: nn.Module, shape: Sequence[int], width: int) -> list[int]:
    """Return the channels after each halving of the grid."""
    sides = tuple(shape[-3:])
    if len(shape) not in (3, 4) or len(set(sides)) > 1 or sides[0] not in LEVELS:
        raise ValueError(
            f"{type(network).__name__} takes volumes of shape (side, side, side) or (channels, "
            f"side, side, side) with a side of {', '.join(map(str, LEVELS))}, not {tuple(shape)}; "
            "pad, crop or resample them, or take another encoder, for example 'small_cnn'"
        )
    return [width * 2**k for k in range(LEVELS[sides[0]])]


def _draw(network: nn.Module, gain: float) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d):
            nn.init.xavier_uniform_(layer.weight, gain)
