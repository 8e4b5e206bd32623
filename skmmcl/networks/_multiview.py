"""One encoder per view, and what becomes of their outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.exceptions import ModalityError
from skmmcl.networks._encoders import EncoderSpec, make_encoder
from skmmcl.networks._mlp import ProjectionHead
from skmmcl.networks._standardize import PrincipalSpan, Standardize


class MultiviewNetwork(nn.Module):
    """Encode each view of the subjects and give the outputs by name.

    Parameters
    ----------
    views : sequence of str
        The modality that each view reads; a modality may be read by several views.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    n_components : int
        Width of each representation.
    encoders : mapping of str to encoder specification, default={}
        See `make_encoder`; "auto" where a modality is not named.
    moments : mapping of str to (mean, scale), default={}
        For each modality that is to be standardised, see `Standardize`.
    axes : mapping of str to (axes, center), default={}
        For each modality that is to be restricted, see `PrincipalSpan`.
    projection_dim : int, optional
        Width of the embedding after a projection head; None for no head.
    normalize_each : bool, default=False
        Whether each embedding is put on the unit sphere before they are joined.

    Raises
    ------
    ModalityError
        If an encoder does not take its modality or gives another shape than
        (n_samples, n_components).

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import MultiviewNetwork
    >>> network = MultiviewNetwork(["a", "b"], {"a": (3,), "b": (5, 5)}, 2)
    >>> out = network({"a": torch.zeros(4, 3), "b": torch.zeros(4, 5, 5)})
    >>> {name: tuple(value.shape) for name, value in out.items()}
    {'h': (2, 4, 2), 'z': (2, 4, 2), 'z_fused': (4, 4)}
    """

    gives = ("h", "z", "z_fused")

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        encoders: Mapping[str, EncoderSpec] | None = None,
        moments: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
        axes: Mapping[str, tuple[np.ndarray, np.ndarray | float]] | None = None,
        projection_dim: int | None = None,
        normalize_each: bool = False,
    ) -> None:
        super().__init__()
        self.views = list(views)
        self.modalities = list(shapes)
        self.normalize_each = normalize_each
        moments, axes = moments or {}, axes or {}
        self.scalers = nn.ModuleList(
            nn.Sequential(
                *([Standardize(*moments[name])] if name in moments else []),
                *([PrincipalSpan(*axes[name])] if name in axes else []),
            )
            for name in shapes
        )
        specs = encoders or {}
        self.encoders = nn.ModuleList(
            _tried_encoder(name, specs.get(name, "auto"), shapes[name], n_components)
            for name in views
        )
        self.heads = None
        if projection_dim is not None:
            self.heads = nn.ModuleList(ProjectionHead(n_components, projection_dim) for _ in views)

    def forward(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Tensor]:
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
            ``h`` (n_views, n_samples, n_components), ``z`` (n_views, n_samples,
            projection_dim), ``z_fused`` (n_samples, n_views * projection_dim) with zeros
            for what is absent.
        """
        h = self.encode(x)
        z = h
        if self.heads is not None:
            z = torch.stack([head(h_view) for head, h_view in zip(self.heads, h, strict=True)])
        return {"h": h, "z": z, "z_fused": self._fuse(z, mask)}

    def encode(self, x: Mapping[str, Tensor]) -> Tensor:
        """Encode a batch, without projection heads.

        Parameters
        ----------
        x : dict of Tensor ``(n_samples, *shape)``
            The modalities.

        Returns
        -------
        Tensor of shape (n_views, n_samples, n_components)
            The representations.
        """
        scaled = {
            name: scale(x[name]) for name, scale in zip(self.modalities, self.scalers, strict=True)
        }
        pairs = zip(self.views, self.encoders, strict=True)
        return torch.stack([encoder(scaled[name]) for name, encoder in pairs])

    def _fuse(self, z: Tensor, mask: Tensor | None) -> Tensor:
        if self.normalize_each:
            z = F.normalize(z, dim=-1, eps=1e-12)
        if mask is not None:
            z = z * mask.T[..., None]
        return z.transpose(0, 1).flatten(1)


def _tried_encoder(
    name: str, spec: EncoderSpec, shape: Sequence[int], n_components: int
) -> nn.Module:
    """Build an encoder and see that it takes two subjects; this also sizes lazy layers."""
    try:
        encoder = make_encoder(spec, shape, n_components)
        training = encoder.training
        like = next(encoder.parameters(), torch.empty(0))
        with torch.no_grad():
            zeros = torch.zeros(2, *shape, dtype=like.dtype, device=like.device)
            found = tuple(encoder.eval()(zeros).shape)
        encoder.train(training)
    except Exception as error:
        raise ModalityError(
            f"The encoder of modality {name!r} does not take arrays of shape "
            f"(n_samples, {', '.join(map(str, shape))}): {error}"
        ) from error
    if found != (2, n_components):
        raise ModalityError(
            f"The encoder of modality {name!r} gave an output of shape {found} for 2 subjects; "
            f"expected (2, {n_components}). Set n_components to the encoder's width or end the "
            "encoder with a linear layer."
        )
    return encoder
