"""From representations back to subjects."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from skmmcl.networks._dcgan import DCGANDecoder, DCGANEncoder
from skmmcl.networks._each_lane import EachLane
from skmmcl.networks._lanes import Laned
from skmmcl.networks._mlp import MLP
from skmmcl.networks._shortcut import LinearShortcut
from skmmcl.networks._standardize import Reconstructed


class MLPDecoder(Laned):
    """Fully connected decoder.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.
    n_components : int
        Width of the representation.
    hidden : sequence of int, default=(64,)
        Widths of the hidden layers; empty for a linear decoder.
    shortcut : bool, default=False
        Whether a linear map stands beside the layers, as in `LinearShortcut`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import MLPDecoder
    >>> MLPDecoder((5, 6), 2)(torch.zeros(3, 2)).shape
    torch.Size([3, 5, 6])
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        hidden: Sequence[int] = (64,),
        shortcut: bool = False,
    ) -> None:
        super().__init__((n_components,))
        self.to_shape, n_entries = tuple(shape), math.prod(shape)
        self.layers: Laned = MLP((n_components,), n_entries, hidden=hidden)
        if shortcut:
            self.layers = LinearShortcut(self.layers, (n_components,), n_entries)

    def forward_lanes(self, h: Tensor) -> Tensor:
        return self.layers(h).unflatten(-1, self.to_shape)


def make_decoder(
    shape: Sequence[int], n_components: int, encoder: nn.Module | None = None
) -> nn.Module:
    """Build the decoder that mirrors an encoder.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject as the encoder sees it.
    n_components : int
        Width of the representation.
    encoder : Module, optional
        As `make_encoder` gives it. A `DCGANEncoder` is mirrored by a `DCGANDecoder`, an
        `MLP` by one with the same hidden layers, with a linear map beside it where there
        is one beside the encoder; all others by an MLP with one hidden layer.

    Returns
    -------
    Module
        Maps (n_lanes, n_samples, n_components) to ``(n_lanes, n_samples, *shape)``.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import make_decoder, make_encoder
    >>> encoder = make_encoder("dcgan", (32, 32, 32), 4)
    >>> make_decoder((32, 32, 32), 4, encoder)(torch.zeros(1, 2, 4)).shape
    torch.Size([1, 2, 32, 32, 32])
    """
    core = encoder[-1] if isinstance(encoder, Reconstructed) else encoder
    if isinstance(core, EachLane) and isinstance(core.module, DCGANEncoder):
        decoder = DCGANDecoder(shape, n_components, width=core.module.width)
        return EachLane(decoder, (n_components,))
    shortcut = isinstance(core, LinearShortcut)
    core = core.encoder if isinstance(core, LinearShortcut) else core
    hidden = core.hidden[::-1] if isinstance(core, MLP) else (64,)
    return MLPDecoder(shape, n_components, hidden=hidden, shortcut=shortcut)
