"""Base class of encoders of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from skmmcl.utils._docs import add_parameters

INHERITED = {
    "shape": "tuple (depth, height, width) or (channels, depth, height, width)\n"
    "    Shape of one subject.",
    "n_components": "int\n    Width of the output.",
}


class VolumeEncoder(nn.Module):
    """Base class of encoders of volumes, which apply their layers in the order of definition.

    A subclass defines the layers in ``__init__``. Volumes without an axis of channels get one.

    Parameters
    ----------
    shape : tuple (depth, height, width) or (channels, depth, height, width)
        Shape of one subject.
    local_layer : str
        Name of the layer whose output is the map of local features.
    min_side : int, default=1
        Smallest number of voxels along an axis; smaller volumes are an error.

    Attributes
    ----------
    in_channels : int
        Number of channels of the first layer's input.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from skmmcl.networks import VolumeEncoder
    >>> class Tiny(VolumeEncoder):
    ...     def __init__(self, shape, n_components):
    ...         super().__init__(shape, local_layer="conv")
    ...         self.conv = nn.Conv3d(self.in_channels, 4, kernel_size=2, stride=2)
    ...         self.flat = nn.Flatten()
    ...         self.fc = nn.LazyLinear(n_components)
    >>> h, local = Tiny((6, 6, 6), 2).forward_local(torch.zeros(5, 6, 6, 6))
    >>> h.shape, local.shape
    (torch.Size([5, 2]), torch.Size([5, 4, 3, 3, 3]))
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        add_parameters(cls, INHERITED, first=True)

    def __init__(self, shape: Sequence[int], *, local_layer: str, min_side: int = 1) -> None:
        super().__init__()
        self.shape, self.local_layer = tuple(shape), local_layer
        name = type(self).__name__
        if len(shape) not in (3, 4):
            raise ValueError(
                f"{name} takes volumes of shape (depth, height, width) or (channels, depth, "
                f"height, width) per subject, not {self.shape}"
            )
        if min(shape[-3:]) < min_side:
            raise ValueError(
                f"{name} takes volumes with sides of at least {min_side} voxels, not "
                f"{tuple(shape[-3:])}"
            )
        self.in_channels = 1 if len(shape) == 3 else shape[0]

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n_samples, *shape)`` to (n_samples, n_components)."""
        x = self._with_channels(x)
        for layer in self.children():
            x = layer(x)
        return x

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode volumes, and return the local features on the way.

        Parameters
        ----------
        x : Tensor of shape ``(n_samples, *shape)``
            The volumes.

        Returns
        -------
        h : Tensor of shape (n_samples, n_components)
            The representation, as a call returns it.
        local : Tensor of shape (n_samples, n_features, depth, height, width)
            Output of ``local_layer``, on its coarser grid.
        """
        if self.local_layer not in self._modules:
            raise ValueError(
                f"local_layer={self.local_layer!r} is none of the layers of {type(self).__name__}: "
                f"{list(self._modules)}."
            )
        x = self._with_channels(x)
        for name, layer in self.named_children():
            x = layer(x)
            if name == self.local_layer:
                local = x
        return x, local

    def _with_channels(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1) if len(self.shape) == 3 else x


def normed(convolution: nn.Conv3d | nn.ConvTranspose3d) -> list[nn.Module]:
    """Return a convolution followed by batch normalization and a ReLU."""
    return [convolution, nn.BatchNorm3d(convolution.out_channels), nn.ReLU(inplace=True)]


def draw_weights(network: nn.Module) -> None:
    """Initialize the convolutions so that activations keep their variance through ReLUs."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
