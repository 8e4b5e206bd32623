"""Network that fuses the tokens of all views of a subject by a transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.networks._encoders import ReconstructingEncoder, on_zeros
from skmmcl.networks._lanes import Laned, LaneLinear
from skmmcl.networks._mlp import MLP, LinearShortcut
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._transformer import FusionTransformer, NormalizedHead
from skmmcl.networks._vmap import VmapModule


class FusionNetwork(MultiviewNetwork):
    """Multiview network whose transformer fuses all tokens of a subject, and those of each view.

    It takes two augmented copies of each subject, one copy of all subjects after the other. Outputs
    are ``h`` (1, n_samples, n_components), the representation of the first copy; ``z`` and
    ``z_other`` (n_views + 1, n_samples, projection_dim), the embeddings of both copies by each view
    alone and by all views; ``subsets`` (n_samples, n_views + 1), whether the subject has any of
    these views. At most ``n_heads`` attention heads are used. With ``mask_tokens``, a learned token
    replaces each view that is not used.
    """

    gives = ("h", "z", "z_other", "subsets")
    fuses = True
    n_joined = 1  # the copies are separate outputs
    reads = ("sample_weight",)  # the head normalizes over the subjects

    def __init__(
        self,
        *args: Any,
        n_layers: int = 1,
        n_heads: int = 8,
        projection_dim: int = 64,
        mask_tokens: bool = False,
        **layout: Any,
    ) -> None:
        super().__init__(*args, copies=(True, True), **layout)
        n_components = self.n_components
        self.encoders = nn.ModuleList(
            TokenConverter(encoder, shape, n_components)
            for encoder, shape in zip(self.encoders, self._seen_shapes(), strict=True)
        )
        self.fusion = FusionTransformer(n_components, n_layers=n_layers, n_heads=n_heads)
        self.head = NormalizedHead(n_components, projection_dim)
        self.stand_in = None
        if mask_tokens:
            self.stand_in = nn.Parameter(0.02 * torch.randn(1, 1, len(self.views), n_components))

    def forward_lanes(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> dict[str, Tensor]:
        like = next(iter(x.values()))
        n_samples = like.shape[1] // len(self.copies)
        if mask is None:
            mask = like.new_ones(len(like), n_samples, len(self.views), dtype=torch.bool)
        subsets = F.pad(mask, (0, 1))
        subsets[..., -1] = mask.any(-1)
        h = self._by_copy(self._fused(x, self._of_copies(mask), self._subsets(mask)))
        count = subsets.mT if sample_weight is None else subsets.mT * sample_weight[:, None]
        one, other = self.head(h, count.unsqueeze(2)).unbind(2)
        return {"h": h[:, -1:, 0], "z": one, "z_other": other, "subsets": subsets}

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        like = next(iter(x.values()))
        return self._fused(x, mask, like.new_ones(1, len(self.views), dtype=torch.bool))

    def _subsets(self, mask: Tensor) -> Tensor:
        """Return the subsets of one view each and the set of all views, (n_views + 1, n_views)."""
        alone = torch.eye(len(self.views), dtype=torch.bool, device=mask.device)
        return torch.cat([alone, alone.any(0, keepdim=True)])

    def _fused(self, x: Mapping[str, Tensor], mask: Tensor | None, subsets: Tensor) -> Tensor:
        """Return the representations by each subset, from those of its views that are present."""
        tokens = self._encode_views(x, mask)
        visible = subsets[None, None]
        if mask is not None:
            visible = visible & mask.unsqueeze(2)
        each = [
            seen.unsqueeze(-1).expand(-1, -1, -1, t.shape[2])
            for seen, t in zip(visible.unbind(-1), tokens, strict=True)
        ]
        if self.stand_in is not None:
            tokens.append(self.stand_in.expand(*tokens[0].shape[:2], -1, -1))
            each.append(~visible)
        return self.fusion(torch.cat(tokens, 2), torch.cat(each, -1))


class TokenConverter(Laned):
    """Encoder whose outputs are tokens.

    A map of local features becomes one token for each place, to which a fixed code of the place is
    added; any other output becomes a single token.
    """

    def __init__(self, encoder: nn.Module, shape: Sequence[int], width: int) -> None:
        super().__init__(shape)
        self.encoder: Any = encoder
        self.n_tokens = 1
        self.project: nn.Module | None = None
        core = encoder.encoder if isinstance(encoder, ReconstructingEncoder) else encoder
        # An encoder next to a shortcut is gated as a whole, so its local features cannot be used.
        if not self.encoder.has_local or isinstance(core, LinearShortcut | MLP):
            return
        if isinstance(core, VmapModule):
            core.stackable = False  # its local features cannot be stacked
        n_features, *grid = on_zeros(encoder, shape, "forward_local")[1].shape[2:]
        code = place_code(grid, width)
        self.n_tokens = len(code)
        self.project = LaneLinear(n_features, width)
        self.register_buffer("code", code[None, None])

    def forward_lanes(self, x: Tensor) -> Tensor:
        if self.project is None:
            return self.encoder(x).unsqueeze(2)
        places = self.encoder.forward_local(x)[1].flatten(3).mT
        tokens = self.project(places.flatten(1, 2)).view(*places.shape[:3], -1)
        return tokens + self.code


def place_code(grid: Sequence[int], width: int) -> Tensor:
    """Return fixed sines and cosines of the places of a grid, (n_places, width).

    Each axis has an equal part of the width, with frequencies from 1 to 1 / 10000 per place; the
    remaining entries are 0.
    """
    n_waves = max(1, width // (2 * len(grid)))
    waves = 10000.0 ** -(torch.arange(n_waves) / n_waves)
    places = torch.cartesian_prod(*(torch.arange(n) for n in grid)).view(-1, len(grid))
    angles = (places[:, :, None] * waves).flatten(1)
    code = torch.zeros(len(places), width)
    values = torch.cat([angles.sin(), angles.cos()], 1)[:, :width]
    code[:, : values.shape[1]] = values
    return code
