"""Network with a token for each place of a subject, the same places in all views."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.exceptions import ModalityError
from skmmcl.networks._encoders import EncoderSpec, ReconstructingEncoder, on_zeros
from skmmcl.networks._multiview import MultiviewNetwork, apply_to_present
from skmmcl.networks._regions import RegionEncoder

N_SLOTS = 8  # tokens where no modality has places
HIDDEN = 64  # units of the decoders
WIDTH = 16  # channels of their convolutions
# Shifts would make regions similar across modalities, whatever the data.
REGIONS = partial(RegionEncoder, hidden=(64,), shifts=False)


class TokenNetwork(MultiviewNetwork):
    """Multiview network that encodes each view as tokens, at the same places in all views.

    An encoder with a map of local features returns a token for each place of the map: a box of
    voxels in a volume, a region in a matrix. For other encoders, such as those of vectors, a linear
    map of the representation returns the same number of tokens, which have no place. "auto" for a
    matrix is a `RegionEncoder`. A representation is the mean of the tokens, or all of them.

    Outputs are ``h`` and ``z`` (n_views, n_samples, width); ``tokens`` (n_views, n_samples,
    n_tokens, n_components); and, by the number of the view as a string, ``x_seen``, the input
    of the encoder, and ``x_hat``, its reconstruction from the tokens.
    """

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        encoders: Mapping[str, EncoderSpec] | None = None,
        pooling: Literal["mean", "flatten"] = "mean",
        reconstructs: bool = True,
        **layout: Any,
    ) -> None:
        regions = {name: REGIONS for name, shape in shapes.items() if len(shape) == 2}
        given = {name: spec for name, spec in (encoders or {}).items() if spec != "auto"}
        super().__init__(views, shapes, n_components, encoders=regions | given, **layout)
        self.pooling = pooling
        self.gives = ("h", "z", "tokens", *(("x_hat", "x_seen") if reconstructs else ()))
        tried = [
            _tried(encoder, shape, len(self.shapes[name]))
            for name, encoder, shape in zip(views, self.encoders, self._seen_shapes(), strict=True)
        ]
        self.grid = _common_grid(views, [grid for grid, _, _ in tried])
        self.n_tokens = math.prod(self.grid)
        maps: dict[nn.Module, nn.Module] = {}  # by encoder: views may share one
        for encoder, (grid, n_features, _) in zip(self.encoders, tried, strict=True):
            if encoder not in maps:
                maps[encoder] = _ToTokens(self.n_tokens, n_components, n_features if grid else None)
        self.to_tokens = nn.ModuleList(maps[encoder] for encoder in self.encoders)
        self.decoders: Any = None
        if reconstructs:
            made = (make_token_decoder(s, n_components, self.n_tokens, g) for g, _, s in tried)
            self.decoders = nn.ModuleList(made)

    def forward_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        read = self._seen(x)
        tokens = self._tokens(read, mask)
        h = self._pooled(tokens)
        out = {"h": h, "z": h, "tokens": tokens}
        if self.decoders is None:
            return out
        found = {str(k): decode(tokens[0, k])[None] for k, decode in enumerate(self.decoders)}
        seen = {str(k): _read_by(self.encoders[k], value) for k, value in enumerate(read)}
        return {**out, "x_hat": found, "x_seen": seen}

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        return self._pooled(self._tokens(self._seen(x), mask))

    def _tokens(self, read: Sequence[Tensor], mask: Tensor | None) -> Tensor:
        views = enumerate(zip(self.encoders, self.to_tokens, read, strict=True))
        tokens = [
            apply_to_present(partial(_to_tokens, encoder, convert), x, mask, k)
            for k, (encoder, convert, x) in views
        ]
        return torch.stack(tokens, dim=1)

    def _pooled(self, tokens: Tensor) -> Tensor:
        return tokens.mean(-2) if self.pooling == "mean" else tokens.flatten(-2)


class _ToTokens(nn.Module):
    """Map a representation and local features to (n_lanes, n_samples, n_tokens, width)."""

    def __init__(self, n_tokens: int, n_components: int, n_features: int | None) -> None:
        super().__init__()
        self.has_places = n_features is not None
        self.n_tokens = n_tokens
        width = n_components * (1 if self.has_places else n_tokens)
        self.linear = nn.Linear(n_features or n_components, width)

    def forward(self, h: Tensor, local: Tensor | None) -> Tensor:
        if self.has_places and local is not None:
            return self.linear(local.flatten(3).mT)
        return self.linear(h).unflatten(-1, (self.n_tokens, -1))


def _read_by(encoder: nn.Module, x: Tensor) -> Tensor:
    """Return the input of the inner encoder: subjects reconstructed from their scores."""
    return encoder.scaler.inverse(x) if isinstance(encoder, ReconstructingEncoder) else x


def _to_tokens(encoder: Any, convert: nn.Module, x: Tensor) -> Tensor:
    h, local = encoder.forward_local(x) if encoder.has_local else (encoder(x), None)
    return convert(h, local)


def _tried(
    encoder: Any, shape: Sequence[int], n_axes: int
) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """Return the grid of the places (empty for none), features of a place, and shape of the input.

    Features of vectors, and of maps whose number of axes differs from that of the subject's space,
    have no place.
    """
    seen = encoder.scaler.shape if isinstance(encoder, ReconstructingEncoder) else tuple(shape)
    if not encoder.has_local:
        return (), 0, seen
    _, _, n_features, *grid = on_zeros(encoder, shape, "forward_local")[1].shape
    fits = len(grid) in {1: (), 2: (1,)}.get(n_axes, (2, 3)) and math.prod(grid) > 1
    return (tuple(grid), n_features, seen) if fits else ((), 0, seen)


def _common_grid(views: Sequence[str], grids: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the places of all views that have places; raise if they differ."""
    placed = {name: grid for name, grid in zip(views, grids, strict=True) if grid}
    if len(set(placed.values())) > 1:
        found = ", ".join(f"{n!r} has {' x '.join(map(str, g))}" for n, g in placed.items())
        raise ModalityError(
            f"The tokens of the modalities do not align: {found}. Each token must be the same "
            "place in all modalities: give volumes on one grid and matrices of one atlas, or "
            "select modalities that belong together with modalities=[...]."
        )
    return next(iter(placed.values()), (N_SLOTS,))


def make_token_decoder(
    shape: Sequence[int], n_components: int, n_tokens: int, grid: Sequence[int]
) -> nn.Module:
    """Build a decoder from (n_samples, n_tokens, n_components) to ``(n_samples, *shape)``.

    Regions are decoded one by one, and maps by convolutions; tokens without a place are decoded
    together.
    """
    if len(shape) == 2 and tuple(grid) == (shape[0],):
        return _mlp(n_components, shape[1])
    if len(shape) > 2 and len(grid) in (2, 3):
        return MapDecoder(shape, n_components, grid)
    joined = _mlp(n_tokens * n_components, math.prod(shape))
    return nn.Sequential(nn.Flatten(), joined, nn.Unflatten(1, tuple(shape)))


def _mlp(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_out))


class MapDecoder(nn.Module):
    """Decoder of convolutions, each followed by an interpolation to a grid twice as fine.

    Each subject is normalized by itself, so that batches may be small.
    """

    def __init__(self, shape: Sequence[int], n_components: int, grid: Sequence[int]) -> None:
        super().__init__()
        self.grid, self.space = tuple(grid), tuple(shape[-len(grid) :])
        self.shape = tuple(shape)
        conv = nn.Conv2d if len(grid) == 2 else nn.Conv3d
        finer = max(side / places for side, places in zip(self.space, grid, strict=True))
        n_stages = max(1, math.ceil(math.log2(max(finer, 1))))
        widths = [n_components] + [WIDTH] * n_stages
        self.stages = nn.ModuleList(
            nn.Sequential(
                conv(n_in, WIDTH, kernel_size=3, padding=1),
                nn.GroupNorm(1, WIDTH),
                nn.LeakyReLU(0.01),
            )
            for n_in in widths[:-1]
        )
        self.last = conv(WIDTH, math.prod(shape[: -len(grid)]), kernel_size=1)

    def forward(self, tokens: Tensor) -> Tensor:
        x = tokens.mT.unflatten(-1, self.grid)
        for k, stage in enumerate(self.stages, start=1):
            is_last = k == len(self.stages)
            size = self.space if is_last else [2**k * places for places in self.grid]
            mode = "bilinear" if len(self.grid) == 2 else "trilinear"
            x = F.interpolate(stage(x), size=list(size), mode=mode)
        return self.last(x).reshape(-1, *self.shape)
