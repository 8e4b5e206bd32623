"""Views with local maps and reconstructions, for Deep InfoMax and autoencoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks._decoders import make_decoder
from skmmcl.networks._local import LocalHead, has_local, n_local_features
from skmmcl.networks._multiview import MultiviewNetwork, at_rows, of_view, passed, seen_rows


class InfoMaxNetwork(MultiviewNetwork):
    """A multiview network that also gives local maps and reconstructions of its views.

    Parameters
    ----------
    views : sequence of str
        The modality that each view reads.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    n_components : int
        Width of each representation.
    local_for : sequence of str, default=()
        Objectives that compare local maps; without any, none are made.
    decode : bool, default=False
        Whether each representation is decoded.
    projection_dim : int, optional
        Width of the embedding after a projection head, and of a local map; None for no
        head and a width of ``n_components``.
    **layout
        Further parameters of `MultiviewNetwork`.

    Raises
    ------
    ModalityError
        If local maps are asked of an encoder that has none.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import InfoMaxNetwork
    >>> shapes = {"clinical": (3,), "fc": (6, 5)}
    >>> network = InfoMaxNetwork(["clinical", "fc"], shapes, 2, local_for=["L"], decode=True)
    >>> out = network({"clinical": torch.zeros(4, 3), "fc": torch.zeros(4, 6, 5)})
    >>> out["local"][1].shape, out["x_hat"][1].shape
    (torch.Size([4, 2, 6]), torch.Size([4, 6, 5]))
    """

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        local_for: Sequence[str] = (),
        decode: bool = False,
        projection_dim: int | None = None,
        **layout: Any,
    ) -> None:
        super().__init__(views, shapes, n_components, projection_dim=projection_dim, **layout)
        self.local_heads = self.decoders = None
        if local_for:
            self._check_local(local_for)
            self.gives = (*self.gives, "local")
            self.local_heads = nn.ModuleList(
                LocalHead(n_local_features(encoder, shape), projection_dim or n_components)
                for encoder, shape in zip(self.encoders, self._seen_shapes(), strict=True)
            )
        if decode:
            self.gives = (*self.gives, "x_hat", "x_seen")
            self.decoders = nn.ModuleList(
                make_decoder(shape, n_components, encoder)
                for encoder, shape in zip(self.encoders, self._seen_shapes(), strict=True)
            )

    def forward_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        """Encode a prepared batch of the one lane.

        Parameters
        ----------
        x : dict of Tensor ``(1, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (1, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        dict
            As `MultiviewNetwork` gives, and if asked for, by the number of the view:
            ``local`` (1, n_samples, n_components, n_places), ``x_hat`` and ``x_seen``
            ``(1, n_samples, *shape)``, the latter what the encoder sees and the former
            what is decoded.
        """
        views = self._seen(x)
        h, local = self._encoded(views, mask)
        out = self._outputs(h, mask)
        if self.local_heads is not None:
            out["local"] = local
        if self.decoders is not None:
            out["x_seen"] = dict(enumerate(views))
            out["x_hat"] = {
                k: passed(h[:, k], decoder, of_view(mask, k))
                for k, decoder in enumerate(self.decoders)
            }
        return out

    def _encoded(
        self, views: Sequence[Tensor], mask: Tensor | None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """Representations, and the local map of each view if there are heads for them."""
        h, local = [], {}
        for k, (x, encoder) in enumerate(zip(views, self.encoders, strict=True)):
            present = of_view(mask, k)
            if self.local_heads is None:
                h.append(passed(x, encoder, present))
                continue
            h_of_view, local[k] = _with_local(x, encoder, self.local_heads[k], present)
            h.append(h_of_view)
        return torch.stack(h, dim=1), local

    def _check_local(self, local_for: Sequence[str]) -> None:
        for name, encoder in zip(self.views, self.encoders, strict=True):
            if not has_local(encoder):
                raise ModalityError(
                    f"The objectives {list(local_for)} compare local maps, but the encoder of "
                    f"modality {name!r} has none. The encoders 'auto', 'attention' and 'mlp', "
                    "all of volumes by name and those of timm have; 'linear' has not; a module of "
                    "your own has them by a method forward_local(x) that gives (h, local), of "
                    "shapes (n_samples, n_components) and (n_samples, n_features, *places)."
                )


def _with_local(
    x: Tensor, encoder: Any, head: nn.Module, present: Tensor | None
) -> tuple[Tensor, Tensor]:
    """A view's representation and local map; normalised over those who are present."""
    rows = seen_rows(present)
    h, local = encoder.forward_local(x if rows is None else x[:, rows])
    local = head(local.squeeze(0)).unsqueeze(0)
    if rows is None:
        return h, local
    return at_rows(h, rows, x.shape[1]), at_rows(local, rows, x.shape[1])
