"""Tokens: what a network has to say of each place of a subject, not of the subject as a whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks._encoders import EncoderSpec
from skmmcl.networks._local import has_local
from skmmcl.networks._multiview import MultiviewNetwork, at_rows, seen_rows
from skmmcl.networks._regions import RegionEncoder
from skmmcl.networks._standardize import InputStage, Reconstruction
from skmmcl.networks._token_decoders import make_token_decoder

N_SLOTS = 8  # tokens where no modality has places
REGIONS = partial(RegionEncoder, hidden=(64,), shifts=False)


class TokenNetwork(MultiviewNetwork):
    """Encode each view of the subjects as tokens that are the same places in all views.

    An encoder with a map of local features gives a token for each place of the map: of a
    volume a box of voxels, of a matrix a region. All others, as those of vectors, give
    tokens without a place, by a linear map of the representation: as many as the places of
    the other views.

    Parameters
    ----------
    views : sequence of str
        The modality that each view reads; a modality may be read by several views.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    n_components : int
        Width of a token.
    encoders : mapping of str to encoder specification, default={}
        See `make_encoder`; "auto" of a matrix is a `RegionEncoder` without shifts, by which
        regions would be alike in all modalities whatever the data say.
    stages : mapping of str to InputStage, default={}
        For each modality that is to be standardised or restricted.
    pooling : {"mean", "flatten"}, default="mean"
        Whether a representation is the mean of the tokens, or all of them.
    reconstructs : bool, default=True
        Whether there are decoders from the tokens.

    Raises
    ------
    ModalityError
        If an encoder does not take its modality, or places of two modalities differ.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import TokenNetwork
    >>> network = TokenNetwork(["fc", "age"], {"fc": (6, 6), "age": (1,)}, 2)
    >>> out = network({"fc": torch.zeros(4, 6, 6), "age": torch.zeros(4, 1)})
    >>> out["h"].shape, out["tokens"].shape
    (torch.Size([2, 4, 2]), torch.Size([2, 4, 6, 2]))
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

    def forward(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        """Encode a batch.

        Parameters
        ----------
        x : dict of Tensor ``(n_samples, *shape)``
            The modalities.
        mask : Tensor of shape (n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        dict
            ``h`` and ``z`` (n_views, n_samples, width); ``tokens`` (n_views, n_samples, n_tokens,
            n_components); and, by the number of the view as a string, ``x_hat`` and
            ``x_seen`` ``(n_samples, *shape)``, what the tokens tell of the input of the
            encoder, and that input.
        """
        prepared = {name: value[None] for name, value in self.prepare(x).items()}
        out = self.forward_lanes(prepared, None if mask is None else mask[None])
        return {name: _first_lane(value) for name, value in out.items()}

    def forward_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        """Encode a prepared batch; there is one lane.

        Parameters
        ----------
        x : dict of Tensor ``(1, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (1, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        dict
            As `forward` gives, with a leading axis of lanes.
        """
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
        """Encode a prepared batch, and pool the tokens.

        Parameters
        ----------
        x : dict of Tensor ``(1, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (1, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        Tensor of shape (1, n_views, n_samples, width)
            The representations.
        """
        return self._pooled(self._tokens(self._seen(x), mask))

    def _tokens(self, read: Sequence[Tensor], mask: Tensor | None) -> Tensor:
        present = [None] * len(read) if mask is None else mask.unbind(-1)
        views = zip(self.encoders, self.to_tokens, read, present, strict=True)
        return torch.stack([_of_present(*view) for view in views], dim=1)

    def _pooled(self, tokens: Tensor) -> Tensor:
        return tokens.mean(-2) if self.pooling == "mean" else tokens.flatten(-2)


class _ToTokens(nn.Module):
    """From a representation and a map of local features to (n_lanes, n_samples, tokens, width)."""

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
    """What the encoder proper reads: subjects that are reconstructed from their scores."""
    if isinstance(encoder, nn.Sequential) and isinstance(encoder[0], Reconstruction):
        return encoder[0](x)
    return x


def _local(encoder: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """Representation and, from an encoder that has such, the map of local features."""
    last: Any = encoder
    return last.forward_local(x) if has_local(encoder) else (last(x), None)


def _of_present(
    encoder: nn.Module, to_tokens: nn.Module, x: Tensor, present: Tensor | None
) -> Tensor:
    """Tokens of those who are there; some encoders normalise over the batch."""
    rows = seen_rows(present)
    if rows is None:
        return to_tokens(*_local(encoder, x))
    return at_rows(to_tokens(*_local(encoder, x[:, rows])), rows, x.shape[1])


def _tried(
    encoder: nn.Module, shape: Sequence[int], n_axes: int
) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """Grid of the places (empty for none), features of a place, and shape of what is seen.

    Of vectors, and of maps with another number of axes than the space of the subject, the
    features have no place.
    """
    like = next(encoder.parameters(), torch.empty(0))
    zeros = torch.zeros(1, 2, *shape, dtype=like.dtype, device=like.device)
    training = encoder.training
    with torch.no_grad():
        _, local = _local(encoder.eval(), zeros)
        seen = tuple(_read_by(encoder, zeros).shape[2:])
    encoder.train(training)
    if local is None or local.shape[3:].numel() < 2 or n_axes < 2:
        return (), 0, seen
    grid = tuple(local.shape[3:])
    fits = len(grid) == 1 if n_axes == 2 else len(grid) in (2, 3)
    return (grid, local.shape[2], seen) if fits else ((), 0, seen)


def _common_grid(views: Sequence[str], grids: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The places of all views that have places; raises if they differ."""
    placed = {name: grid for name, grid in zip(views, grids, strict=True) if grid}
    if len(set(placed.values())) > 1:
        found = ", ".join(f"{n!r} has {' x '.join(map(str, g))}" for n, g in placed.items())
        raise ModalityError(
            f"The tokens of the modalities do not align: {found}. Token t must be the same place "
            "in all: give volumes on one grid and matrices of one atlas, or choose with "
            "modalities=[...] those that belong together."
        )
    return next(iter(placed.values()), (N_SLOTS,))


def _first_lane(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: item[0] for name, item in value.items()}
    return value[0]
