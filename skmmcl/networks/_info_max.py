"""Network with local maps and reconstructions, for Deep InfoMax and autoencoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks._decoders import make_decoder
from skmmcl.networks._encoders import on_zeros
from skmmcl.networks._mlp import embedding_width
from skmmcl.networks._multiview import MultiviewNetwork, apply_to_present, apply_to_view


class InfoMaxNetwork(MultiviewNetwork):
    """Multiview network that also returns local maps and reconstructions of its views.

    ``local_for`` are the names of the objectives that compare local maps; without any, there are no
    local maps. Their width is that of the embedding. With ``decode``, each representation is
    decoded. Outputs by the number of the view are then ``local`` (n_samples, n_components,
    n_places), ``x_seen``, the input of the encoder, and ``x_hat``, its reconstruction.
    """

    def __init__(
        self,
        *args: Any,
        local_for: Sequence[str] = (),
        decode: bool = False,
        projection_dim: Any = None,
        **layout: Any,
    ) -> None:
        super().__init__(*args, projection_dim=projection_dim, **layout)
        self.local_heads = self.decoders = None
        views = list(zip(self.encoders, self._seen_shapes(), strict=True))
        if local_for:
            self._check_local(local_for)
            self.gives = (*self.gives, "local")
            width = embedding_width(self.n_components, projection_dim)
            found = (on_zeros(*view, "forward_local")[1] for view in views)
            self.local_heads = nn.ModuleList(LocalHead(local.shape[2], width) for local in found)
        if decode:
            self.gives = (*self.gives, "x_hat", "x_seen")
            self.decoders = nn.ModuleList(
                make_decoder(shape, self.n_components, encoder) for encoder, shape in views
            )

    def forward_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        views = self._seen(x)
        h, local = self._encoded(views, mask)
        out = self._outputs(h, mask)
        if self.local_heads is not None:
            out["local"] = local
        if self.decoders is not None:
            out["x_seen"] = dict(enumerate(views))
            out["x_hat"] = {
                k: apply_to_view(decoder, h[:, k], mask, k)
                for k, decoder in enumerate(self.decoders)
            }
        return out

    def _encoded(
        self, views: Sequence[Tensor], mask: Tensor | None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """Return representations, and the local map of each view if there are heads for them."""
        h, local = [], {}
        for k, (x, encoder) in enumerate(zip(views, self.encoders, strict=True)):
            if self.local_heads is None:
                h.append(apply_to_view(encoder, x, mask, k))
                continue
            encode = partial(_with_local, encoder, self.local_heads[k])
            h_of_view, local[k] = apply_to_present(encode, x, mask, k)
            h.append(h_of_view)
        return torch.stack(h, dim=1), local

    def _check_local(self, local_for: Sequence[str]) -> None:
        for name, encoder in zip(self.views, self.encoders, strict=True):
            if not encoder.has_local:
                raise ModalityError(
                    f"The objectives {list(local_for)} compare local maps, but the encoder of "
                    f"modality {name!r} has none. The encoders 'auto', 'attention', 'mlp', those "
                    "of volumes and those of timm have local maps; 'linear' does not. A module of "
                    "your own needs a method forward_local(x) that returns (h, local), of shapes "
                    "(n_samples, n_components) and (n_samples, n_features, *places)."
                )


class LocalHead(nn.Module):
    """Normalized sum of 1 x 1 convolutions and a linear map :cite:p:`fedorov2021multimodal`."""

    def __init__(self, n_features: int, n_components: int) -> None:
        super().__init__()
        first = nn.Conv1d(n_features, n_components, 1, bias=False)
        second = nn.Conv1d(n_components, n_components, 1, bias=False)
        self.shortcut = nn.Conv1d(n_features, n_components, 1, bias=False)
        for layer in (first, second):
            nn.init.xavier_uniform_(layer.weight)
        if n_components >= n_features:  # the identity plus a little noise
            noise = torch.empty_like(self.shortcut.weight).uniform_(-0.01, 0.01)
            nn.init.dirac_(self.shortcut.weight).data.add_(noise)
        self.layers = nn.Sequential(first, nn.BatchNorm1d(n_components), nn.ReLU(), second)
        self.norm = nn.BatchNorm1d(n_components)

    def forward(self, local: Tensor) -> Tensor:
        """Map ``(n_samples, n_features, *places)`` to (n_samples, n_components, n_places)."""
        local = local.unsqueeze(-1) if local.dim() == 2 else local.flatten(2)
        return self.norm(self.layers(local) + self.shortcut(local))


def _with_local(encoder: Any, head: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return representation and local map of the only lane."""
    h, local = encoder.forward_local(x)
    return h, head(local.squeeze(0)).unsqueeze(0)
