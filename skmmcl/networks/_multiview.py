"""One encoder per view, and what becomes of their outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.exceptions import ModalityError
from skmmcl.networks._encoders import EncoderSpec, make_encoder
from skmmcl.networks._lanes import foreign_modules, of_lane
from skmmcl.networks._mlp import ProjectionHead
from skmmcl.networks._standardize import InputStage, Reconstruction, Standardize

ViewKey = str | tuple[str, int]


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
    stages : mapping of str to InputStage, default={}
        For each modality that is to be standardised or restricted.
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

    gives: tuple[str, ...] = ("h", "z", "z_fused")
    fuses = False  # whether ``h`` is of all views together
    before_training = ("scores",)  # children that training does not pass through

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        encoders: Mapping[str, EncoderSpec] | None = None,
        stages: Mapping[str, InputStage] | None = None,
        projection_dim: int | None = None,
        normalize_each: bool = False,
    ) -> None:
        super().__init__()
        self.views = list(views)
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.normalize_each = normalize_each
        self._key = {name: str(k) for k, name in enumerate(shapes)}  # torch forbids some names
        specs, stages = encoders or {}, stages or {}
        self.scores, self.scalers = nn.ModuleDict(), nn.ModuleDict()
        back: dict[str, Reconstruction] = {}
        for name, stage in stages.items():
            if (scores := stage.scores(shapes[name])) is not None:
                self.scores[self._key[name]] = scores
                back[name] = stage.reconstruction(shapes[name], scores.unit)
            elif stage.standardize:
                self.scalers[self._key[name]] = Standardize(shapes[name], stage.mean, stage.scale)
        self.encoders = nn.ModuleList(
            _tried_encoder(
                name, specs.get(name, "auto"), shapes[name], n_components, back.get(name)
            )
            for name in views
        )
        self.heads = None
        if projection_dim is not None:
            self.heads = nn.ModuleList(ProjectionHead(n_components, projection_dim) for _ in views)

    @property
    def compressed(self) -> list[str]:
        """The modalities that `prepare` replaces by component scores."""
        return [name for name, key in self._key.items() if key in self.scores]

    @property
    def view_keys(self) -> list[ViewKey]:
        """Where views find what they read in a batch: the modality; for its later views (it, 1) ...

        What is not there under the latter is read under the former.
        """
        before = (self.views[:k].count(name) for k, name in enumerate(self.views))
        return [(name, n) if n else name for name, n in zip(self.views, before, strict=True)]

    def extra_repr(self) -> str:
        """Say what the modules do not.

        Returns
        -------
        str
            Views and shapes.
        """
        return f"views={self.views}, shapes={self.shapes}, normalize_each={self.normalize_each}"

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
        prepared = {name: value[None] for name, value in self.prepare(x).items()}
        out = self.forward_lanes(prepared, None if mask is None else mask[None])
        return of_lane(out, 0)

    def prepare(self, x: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Do what is the same in each epoch: replace modalities by their component scores.

        Parameters
        ----------
        x : dict of Tensor ``(n_samples, *shape)``
            The modalities.

        Returns
        -------
        dict of Tensor
            (n_samples, n_axes) for the modalities that are restricted; the others as
            they are.
        """
        return {
            name: self.scores[self._key[name]](value) if self._key[name] in self.scores else value
            for name, value in x.items()
        }

    def scale_in_place(self, x: Mapping[str, Tensor], sizes: Sequence[int]) -> None:
        """Do what is left of the scaling once for all, and expect scaled subjects henceforth.

        Parameters
        ----------
        x : dict of Tensor ``(n_subjects, *shape)``
            The prepared modalities of all lanes, one after the other; they are overwritten.
        sizes : sequence of int
            How many subjects each lane has.
        """
        for name, value in x.items():
            if self._key[name] in self.scalers:
                scaler: Any = self.scalers.pop(self._key[name])
                for k, rows in enumerate(value.split(list(sizes))):
                    torch.addcmul(scaler.shift[k], rows, scaler.factor[k], out=rows)

    def encode(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Encode a batch, without projection heads.

        Parameters
        ----------
        x : dict of Tensor ``(n_samples, *shape)``
            The modalities.
        mask : Tensor of shape (n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        Tensor of shape (n_views, n_samples, n_components)
            The representations.
        """
        mask = None if mask is None else mask[None]
        return self.encode_lanes({k: v[None] for k, v in self.prepare(x).items()}, mask)[0]

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Encode a prepared batch of each lane.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        dict
            As `forward` gives, with a leading axis of lanes.
        """
        return self._outputs(self.encode_lanes(x, mask), mask)

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Encode a prepared batch of each lane, without projection heads.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, n_samples, ...)``
            The modalities, prepared; what later views of one are to read instead, by `view_keys`.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view. Encoders that know no lanes, and may
            normalise over the batch, then see those subjects only.

        Returns
        -------
        Tensor of shape (n_lanes, n_views, n_samples, n_components)
            The representations.
        """
        return torch.stack(self._encode_views(x, mask), dim=1)

    def _encode_views(self, x: Mapping[Any, Tensor], mask: Tensor | None) -> list[Tensor]:
        """What each view's encoder gives, (n_lanes, n_samples, ...)."""
        views = zip(self._seen(x), self.encoders, strict=True)
        return [passed(seen, encoder, of_view(mask, k)) for k, (seen, encoder) in enumerate(views)]

    def _seen(self, x: Mapping[Any, Tensor]) -> list[Tensor]:
        """What the encoder of each view sees of prepared modalities."""
        scaled = {}
        for key, value in x.items():
            of = self._key[_modality(key)]
            scaled[key] = self.scalers[of](value) if of in self.scalers else value
        return [scaled[key if key in scaled else _modality(key)] for key in self.view_keys]

    def _seen_shapes(self) -> list[tuple[int, ...]]:
        """Shape of a subject as each view's encoder is given it."""
        scores: Any = self.scores
        keys = [self._key[name] for name in self.views]
        return [
            (scores[key].weight.shape[-1],) if key in scores else self.shapes[name]
            for name, key in zip(self.views, keys, strict=True)
        ]

    def _outputs(self, h: Tensor, mask: Tensor | None) -> dict[str, Any]:
        """What is made of representations (n_lanes, n_views, n_samples, n_components)."""
        z = h
        if self.heads is not None:
            views = zip(self.heads, h.unbind(1), strict=True)
            z = torch.stack([head(h_view) for head, h_view in views], dim=1)
        return {"h": h, "z": z, "z_fused": self._fuse(z, mask)}

    def _fuse(self, z: Tensor, mask: Tensor | None) -> Tensor:
        if self.normalize_each:
            z = F.normalize(z, dim=-1, eps=1e-12)
        if mask is not None:
            z = z * mask.mT.unsqueeze(-1)
        return z.transpose(1, 2).flatten(2)


def _modality(key: ViewKey) -> str:
    return key if isinstance(key, str) else key[0]


def of_view(mask: Tensor | None, view: int) -> Tensor | None:
    """Who has a view, (n_lanes, n_samples); None if all have all."""
    return None if mask is None else mask[..., view]


def seen_rows(present: Tensor | None) -> Tensor | None:
    """The rows of those whom what normalises over the batch is to see; None for all."""
    if present is None:
        return None
    (rows,) = present[0].nonzero(as_tuple=True)
    return None if len(rows) in (0, 1, present.shape[1]) else rows  # a lone one has no variance


def at_rows(values: Tensor, rows: Tensor, n_samples: int) -> Tensor:
    """Values (1, n_rows, ...) of some rows among all of a batch; any finite ones in the others."""
    unseen = values.detach().mean(1, keepdim=True).expand(-1, n_samples, *values.shape[2:])
    return unseen.index_copy(1, rows, values)


def passed(x: Tensor, module: nn.Module, present: Tensor | None) -> Tensor:
    """What a module makes of a view; where it may normalise over the batch, of who is present."""
    if present is None or all(each.stackable for each in foreign_modules(module)):
        return module(x)
    rows = seen_rows(present)
    return module(x) if rows is None else at_rows(module(x[:, rows]), rows, x.shape[1])


def _tried_encoder(
    name: str,
    spec: EncoderSpec,
    shape: Sequence[int],
    n_components: int,
    reconstruction: Reconstruction | None,
) -> nn.Module:
    """Build an encoder and see that it takes two subjects; this also sizes lazy layers."""
    try:
        encoder = make_encoder(spec, shape, n_components, reconstruction)
        if reconstruction is not None:
            encoder.to(reconstruction.axes.dtype)
        training = encoder.training
        like = next(encoder.parameters(), torch.empty(0))
        seen = shape if reconstruction is None else reconstruction.shape
        with torch.no_grad():
            zeros = torch.zeros(1, 2, *seen, dtype=like.dtype, device=like.device)
            made = encoder.eval()(zeros)
            found = tuple(made.shape)[1:]
        encoder.train(training)
    except (ImportError, OSError):  # a package, or weights to be downloaded
        raise
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
    if any(weight.is_meta for weight in encoder.parameters()) or not made.isfinite().all():
        raise ModalityError(
            f"The encoder of modality {name!r} makes no finite numbers of zeros; it has weights "
            "that are NaN, infinite or on the device 'meta'."
        )
    return encoder
