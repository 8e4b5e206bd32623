"""Tokens of each place of a subject, which are the same places in all views."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks._encoders import EncoderSpec, ReconstructingEncoder, on_zeros
from skmmcl.networks._multiview import MultiviewNetwork, apply_to_present, view_mask
from skmmcl.networks._regions import RegionEncoder
from skmmcl.networks._standardize import InputStage
from skmmcl.networks._token_decoders import make_token_decoder

N_SLOTS = 8  # tokens where no modality has places
# Shifts would make regions similar across modalities whatever the data are.
REGIONS = partial(RegionEncoder, hidden=(64,), shifts=False)


class TokenNetwork(MultiviewNetwork):
    """Encode each view of the subjects as tokens that are the same places in all views.

    An encoder with a map of local features gives a token for each place of the map: a box of
    voxels in a volume, a region in a matrix. All others, as those of vectors, give as many tokens
    without a place, by a linear map of the representation. "auto" of a matrix is a
    `RegionEncoder`. A representation is the mean of the tokens, or all of them.

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
        stages: Mapping[str, InputStage] | None = None,
        pooling: Literal["mean", "flatten"] = "mean",
        reconstructs: bool = True,
    ) -> None:
        given = encoders or {}
        specs = {name: _spec(given.get(name, "auto"), shape) for name, shape in shapes.items()}
        super().__init__(views, shapes, n_components, encoders=specs, stages=stages)
        self.pooling = pooling
        self.gives = ("h", "z", "tokens", *(("x_hat", "x_seen") if reconstructs else ()))
        tried = [
            _tried(encoder, shape, len(self.shapes[name]))
            for name, encoder, shape in zip(views, self.encoders, self._seen_shapes(), strict=True)
        ]
        self.grid = _common_grid(views, [grid for grid, _, _ in tried])
        self.n_tokens = math.prod(self.grid)
        self.to_tokens = nn.ModuleList(
            _ToTokens(self.n_tokens, n_components, n_features if grid else None)
            for grid, n_features, _ in tried
        )
        self.decoders: Any = None
        if reconstructs:
            self.decoders = nn.ModuleList(
                make_token_decoder(seen, n_components, self.n_tokens, grid)
                for grid, _, seen in tried
            )

    def forward_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        read = self._seen(x)
        tokens = self._tokens(read, mask)
        h = self._pooled(tokens)
        out = {"h": h, "z": h, "tokens": tokens}
        if self.decoders is None:
            return out
        decoded = enumerate(zip(self.decoders, tokens[0], strict=True))
        found = {str(k): decode(of_view)[None] for k, (decode, of_view) in decoded}
        encoded = enumerate(zip(self.encoders, read, strict=True))
        seen = {str(k): _read_by(encoder, value) for k, (encoder, value) in encoded}
        return {**out, "x_hat": found, "x_seen": seen}

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        return self._pooled(self._tokens(self._seen(x), mask))

    def _tokens(self, read: Sequence[Tensor], mask: Tensor | None) -> Tensor:
        views = enumerate(zip(self.encoders, self.to_tokens, read, strict=True))
        tokens = [
            apply_to_present(partial(_to_tokens, encoder, convert), x, view_mask(mask, k))
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


def _spec(spec: EncoderSpec, shape: Sequence[int]) -> EncoderSpec:
    return REGIONS if spec == "auto" and len(shape) == 2 else spec


def _read_by(encoder: nn.Module, x: Tensor) -> Tensor:
    """Return what the encoder proper reads: subjects reconstructed from their scores."""
    return encoder.scaler.inverse(x) if isinstance(encoder, ReconstructingEncoder) else x


def _local(encoder: Any, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the representation and the map of local features, None without one."""
    return encoder.forward_local(x) if encoder.has_local else (encoder(x), None)


def _to_tokens(encoder: nn.Module, convert: nn.Module, x: Tensor) -> Tensor:
    return convert(*_local(encoder, x))


def _tried(
    encoder: Any, shape: Sequence[int], n_axes: int
) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """Return the grid of the places (empty for none), features of a place, and shape of the input.

    Features of vectors, and of maps with another number of axes than the space of the subject,
    have no place.
    """
    like = next(encoder.parameters(), torch.empty(0))
    zeros = torch.zeros(1, 2, *shape, dtype=like.dtype, device=like.device)
    seen = tuple(_read_by(encoder, zeros).shape[2:])
    local = on_zeros(encoder, shape, "forward_local")[1] if encoder.has_local else None
    if local is None or local.shape[3:].numel() < 2 or n_axes < 2:
        return (), 0, seen
    grid = tuple(local.shape[3:])
    fits = len(grid) == 1 if n_axes == 2 else len(grid) in (2, 3)
    return (grid, local.shape[2], seen) if fits else ((), 0, seen)


def _common_grid(views: Sequence[str], grids: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the places of all views that have places; raise if they differ."""
    placed = {name: grid for name, grid in zip(views, grids, strict=True) if grid}
    if len(set(placed.values())) > 1:
        found = ", ".join(f"{n!r} has {' x '.join(map(str, g))}" for n, g in placed.items())
        raise ModalityError(
            f"The tokens of the modalities do not align: {found}. Token t must be the same place "
            "in all: give volumes on one grid and matrices of one atlas, or choose with "
            "modalities=[...] those that belong together."
        )
    return next(iter(placed.values()), (N_SLOTS,))
