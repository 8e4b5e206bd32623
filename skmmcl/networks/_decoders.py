"""Decoders from representations to subjects."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from skmmcl.networks._encoders import ReconstructingEncoder
from skmmcl.networks._lanes import Laned
from skmmcl.networks._mlp import MLP, LinearShortcut
from skmmcl.networks._vmap import VmapModule
from skmmcl.networks.volumes import DCGANDecoder, DCGANEncoder


class MLPDecoder(Laned):
    """Fully connected decoder, optionally with a linear shortcut."""

    def __init__(
        self, shape: Sequence[int], n_components: int, *, hidden: Sequence[int], shortcut: bool
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
    """Build a decoder that mirrors an encoder, of subjects of the shape that the encoder reads.

    The decoder of a `DCGANEncoder` is a `DCGANDecoder`, that of an `MLP` is an MLP with the same
    hidden layers and shortcut, and all others are MLPs with one hidden layer.
    """
    core = encoder.encoder if isinstance(encoder, ReconstructingEncoder) else encoder
    if isinstance(core, VmapModule) and isinstance(core.module, DCGANEncoder):
        decoder = DCGANDecoder(shape, n_components, width=core.module.width)
        return VmapModule(decoder, (n_components,))
    shortcut = isinstance(core, LinearShortcut)
    core = core.encoder if isinstance(core, LinearShortcut) else core
    hidden = core.hidden[::-1] if isinstance(core, MLP) else (64,)
    return MLPDecoder(shape, n_components, hidden=hidden, shortcut=shortcut)
