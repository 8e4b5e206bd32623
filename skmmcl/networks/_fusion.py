"""Encoders whose outputs a transformer fuses, whatever modalities a subject has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.networks._converter import TokenConverter
from skmmcl.networks._encoders import EncoderSpec
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._normalized_head import NormalizedHead
from skmmcl.networks._standardize import InputStage
from skmmcl.networks._transformer import FusionTransformer


class FusionNetwork(MultiviewNetwork):
    """Turn each view into tokens and fuse those of all views, and those of each alone.

    Parameters
    ----------
    views : sequence of str
        The modality that each view reads.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    n_components : int
        Width of the tokens and of the representation.
    encoders : mapping of str to encoder specification, default={}
        See `make_encoder`. An encoder with a map of local features gives a token for each
        place of it, see `TokenConverter`.
    stages : mapping of str to InputStage, default={}
        For each modality that is to be standardised or restricted.
    n_layers : int, default=1
        Blocks of the transformer.
    n_heads : int, default=8
        At most so many attention heads.
    projection_dim : int, default=64
        Width of the embedding after the projection head.
    mask_tokens : bool, default=False
        Whether a learnt token stands in for each view that is not seen; else nothing does.

    Raises
    ------
    ModalityError
        If an encoder does not take its modality or gives another shape than
        (n_samples, n_components).

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import FusionNetwork
    >>> network = FusionNetwork(["a", "b"], {"a": (3,), "b": (5, 5)}, 8, projection_dim=4)
    >>> x = {"a": torch.zeros(6, 3), "b": torch.zeros(6, 5, 5)}  # two copies of three subjects
    >>> out = network(x, torch.tensor([[True, True], [True, False], [False, True]]))
    >>> {name: tuple(value.shape) for name, value in out.items()}
    {'h': (1, 3, 8), 'z': (3, 3, 4), 'z_other': (3, 3, 4), 'subsets': (3, 3)}
    """

    gives = ("h", "z", "z_other", "subsets")
    fuses = True
    copies = (True, True)  # of each subject, both augmented
    reads = ("sample_weight",)  # the head normalises over the subjects

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        encoders: Mapping[str, EncoderSpec] | None = None,
        stages: Mapping[str, InputStage] | None = None,
        n_layers: int = 1,
        n_heads: int = 8,
        projection_dim: int = 64,
        mask_tokens: bool = False,
    ) -> None:
        super().__init__(views, shapes, n_components, encoders=encoders, stages=stages)
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
        """Fuse two copies of a prepared batch of each lane.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, 2 * n_samples, ...)``
            The modalities, prepared: all subjects, and all once more.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view.
        sample_weight : Tensor of shape (n_lanes, n_samples), optional
            How often a subject counts.

        Returns
        -------
        dict
            ``h`` (n_lanes, 1, n_samples, n_components), the representation of the first
            copy; ``z`` and ``z_other`` (n_lanes, n_views + 1, n_samples, projection_dim),
            both copies' embeddings by each view alone and by all; ``subsets`` (n_lanes,
            n_samples, n_views + 1), whether the subject has any of these views.
        """
        n_samples = next(iter(x.values())).shape[1] // len(self.copies)
        if mask is None:
            n_lanes = next(iter(x.values())).shape[0]
            mask = torch.ones(n_lanes, n_samples, len(self.views), dtype=torch.bool)
            mask = mask.to(next(iter(x.values())).device)
        subsets = F.pad(mask, (0, 1))
        subsets[..., -1] = mask.any(-1)
        h = self._fused(x, mask.repeat(1, len(self.copies), 1), self._subsets(mask))
        h = h.unflatten(2, (-1, n_samples))  # lanes, subsets, copies, subjects, components
        count = subsets.mT if sample_weight is None else subsets.mT * sample_weight[:, None]
        one, other = self.head(h, count.unsqueeze(2)).unbind(2)
        return {"h": h[:, -1:, 0], "z": one, "z_other": other, "subsets": subsets}

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Fuse the views that a prepared batch of each lane has.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        Tensor of shape (n_lanes, 1, n_samples, n_components)
            The representations.
        """
        like = next(iter(x.values()))
        everything = torch.ones(1, len(self.views), dtype=torch.bool, device=like.device)
        return self._fused(x, mask, everything)

    def _subsets(self, mask: Tensor) -> Tensor:
        """Each view alone, and all of them: (n_views + 1, n_views)."""
        alone = torch.eye(len(self.views), dtype=torch.bool, device=mask.device)
        return torch.cat([alone, alone.any(0, keepdim=True)])

    def _fused(self, x: Mapping[str, Tensor], mask: Tensor | None, subsets: Tensor) -> Tensor:
        """Representations by each subset, of what of it a subject has."""
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
