"""From what an encoder of one modality gives to tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._each_lane import EachLane
from skmmcl.networks._lane_linear import LaneLinear
from skmmcl.networks._lanes import Laned
from skmmcl.networks._local import has_local
from skmmcl.networks._mlp import MLP
from skmmcl.networks._shortcut import LinearShortcut


class TokenConverter(Laned):
    """An encoder, and what makes tokens of its output.

    An encoder with a map of local features (``forward_local``) gives a token for each place
    of the map, with a fixed code of the place added; any other gives one token.

    Parameters
    ----------
    encoder : Module
        From ``(n_lanes, n_samples, *shape)`` to (n_lanes, n_samples, width).
    shape : tuple of int
        Shape of what the encoder is shown of one subject.
    width : int
        Width of the tokens.

    Attributes
    ----------
    n_tokens : int
        Number of tokens.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import TokenConverter, make_encoder
    >>> converter = TokenConverter(make_encoder("small_cnn", (16, 16, 16), 8), (16, 16, 16), 8)
    >>> converter(torch.zeros(1, 2, 16, 16, 16)).shape
    torch.Size([1, 2, 64, 8])
    """

    def __init__(self, encoder: nn.Module, shape: Sequence[int], width: int) -> None:
        super().__init__(shape)
        self.encoder = encoder
        self.n_tokens = 1
        self.project: nn.Module | None = None
        if not _has_places(encoder):
            return
        last = _last(encoder)
        if isinstance(last, EachLane):
            last.stackable = False  # its local features are not
        like = next(encoder.parameters(), torch.empty(0))
        was_training = encoder.training
        with torch.no_grad():
            seen = torch.zeros(1, 2, *shape, dtype=like.dtype, device=like.device)
            n_features, *grid = _local(encoder.eval(), seen).shape[2:]
        encoder.train(was_training)
        code = place_code(grid, width)
        self.n_tokens = len(code)
        self.project = LaneLinear(n_features, width)
        self.register_buffer("code", code[None, None])

    def forward_lanes(self, x: Tensor) -> Tensor:
        if self.project is None:
            return self.encoder(x).unsqueeze(2)
        places = _local(self.encoder, x).flatten(3).mT
        tokens = self.project(places.flatten(1, 2)).view(*places.shape[:3], -1)
        return tokens + self.code


def place_code(grid: Sequence[int], width: int) -> Tensor:
    """Fixed sines and cosines of the places of a grid.

    Each axis has its share of the width, in frequencies from 1 to 1 / 10000 per place.

    Parameters
    ----------
    grid : sequence of int
        Number of places along each axis.
    width : int
        Numbers for each place.

    Returns
    -------
    Tensor of shape (n_places, width)
        What is left of the width by the axes is 0.

    Examples
    --------
    >>> from skmmcl.networks._converter import place_code
    >>> place_code((3, 2), 8).shape
    torch.Size([6, 8])
    """
    n_waves = max(1, width // (2 * len(grid)))
    waves = 10000.0 ** -(torch.arange(n_waves) / n_waves)
    places = torch.cartesian_prod(*(torch.arange(n) for n in grid)).view(-1, len(grid))
    angles = (places[:, :, None] * waves).flatten(1)
    code = torch.zeros(len(places), width)
    values = torch.cat([angles.sin(), angles.cos()], 1)[:, :width]
    code[:, : values.shape[1]] = values
    return code


def _last(encoder: nn.Module) -> Any:
    """The encoder itself, where it is shown subjects reconstructed from scores."""
    return encoder[-1] if isinstance(encoder, nn.Sequential) else encoder


def _has_places(encoder: nn.Module) -> bool:
    """Whether an encoder has a map of local features, and is more than that of a vector.

    What stands beside a linear shortcut is faded in by it, which places cannot be.
    """
    return has_local(encoder) and not isinstance(_last(encoder), LinearShortcut | MLP)


def _local(encoder: Any, x: Tensor) -> Tensor:
    """Map of local features (n_lanes, n_samples, n_features, *grid)."""
    return encoder.forward_local(x)[1]
