"""One encoder per view, and the named outputs of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.exceptions import ModalityError
from skmmcl.networks._encoders import EncoderSpec, make_encoder, on_zeros, reads_scores
from skmmcl.networks._lanes import LaneLinear, of_lane
from skmmcl.networks._mlp import projection_head
from skmmcl.networks._standardize import InputScaler, InputStage
from skmmcl.networks._vmap import unstacked_modules

ViewKey = str | tuple[str, int]


class MultiviewNetwork(nn.Module):
    """Encode each view of the subjects and give the outputs by name.

    ``views`` names the modality that each view reads; several may read the same. ``shapes`` has
    the shape of one subject in each modality, ``encoders`` what `make_encoder` takes ("auto"
    without an entry), ``stages`` how modalities are scaled. Modalities to which ``shared`` gives
    one name have one encoder. The embedding ``z`` comes from a projection head of width
    ``projection_dim``, or is the representation ``h``. With ``normalize_each`` each embedding is
    projected to the unit sphere before they are joined.

    Training works on batches with an axis of lanes, of modalities that were prepared once. A batch
    holds all subjects once for each of ``copies``, which says whether a copy is augmented in
    training. In ``z`` each copy of a view is a view of its own, and those of a view follow one
    another; ``mask`` is given for these. Next to augmented copies an original is alone in ``z``.
    With ``apart`` the objective is computed on the copies of each view by themselves.
    """

    gives: tuple[str, ...] = ("h", "z", "z_fused")
    fuses = False  # whether ``h`` is of all views together

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        encoders: Mapping[str, EncoderSpec] | None = None,
        stages: Mapping[str, InputStage] | None = None,
        projection_dim: int | Sequence[int] | None = None,
        normalize_each: bool = False,
        copies: tuple[bool, ...] = (True,),
        apart: bool = False,
        shared: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.views, self.n_components = list(views), n_components
        self.copies, self.apart = tuple(copies), apart
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.normalize_each = normalize_each
        self._key = {name: str(k) for k, name in enumerate(shapes)}  # torch forbids some names
        specs, stages = encoders or {}, stages or {}
        self.scalers = nn.ModuleDict()
        for name, stage in stages.items():
            if stage.standardize or stage.axes is not None:
                invertible = not reads_scores(specs.get(name, "auto"), shapes[name])
                scaler = InputScaler(shapes[name], stage, invertible=invertible)
                self.scalers[self._key[name]] = scaler
        self.encoders = nn.ModuleList(self._make_encoders(specs, shared or {}))
        self.heads = None
        if projection_dim is not None:
            self.heads = nn.ModuleList(projection_head(n_components, projection_dim) for _ in views)

    def _make_encoders(
        self, specs: Mapping[str, EncoderSpec], shared: Mapping[str, str]
    ) -> Iterator[nn.Module]:
        """Build the encoder of each view."""
        made: dict[str, nn.Module] = {}
        for name in self.views:
            if shared.get(name) in made:
                yield made[shared[name]]
                continue
            spec, shape = specs.get(name, "auto"), self.shapes[name]
            encoder = _tried_encoder(name, spec, shape, self.n_components, self._scaler(name))
            if name in shared:
                made[shared[name]] = encoder
            yield encoder

    @property
    def n_joined(self) -> int:
        """Number of copies of each view that are views in ``z``."""
        return len(self.copies) if self.copies[0] else 1

    @property
    def compressed(self) -> list[str]:
        """The modalities that `prepare` replaces by component scores."""
        return [name for name in self._key if self._n_axes(name)]

    @property
    def view_keys(self) -> list[ViewKey]:
        """Keys of the views in a batch: the modality, or (modality, k) for its k-th further view.

        Without an entry of its own, a further view reads that of the modality.
        """
        before = (self.views[:k].count(name) for k, name in enumerate(self.views))
        return [(name, n) if n else name for name, n in zip(self.views, before, strict=True)]

    def extra_repr(self) -> str:
        text = f"views={self.views}, shapes={self.shapes}, normalize_each={self.normalize_each}"
        return text + (f", copies={self.copies}, apart={self.apart}" * (self.copies != (True,)))

    def _scaler(self, name: str) -> Any:
        """Return the scaler of a modality; None without one."""
        key = self._key[name]
        return self.scalers[key] if key in self.scalers else None  # noqa: SIM401  has no get

    def _n_axes(self, name: str) -> int | None:
        scaler = self._scaler(name)
        return None if scaler is None else scaler.n_axes

    def forward(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Tensor]:
        """Encode a batch of subjects ``(n_samples, *shape)`` by modality.

        ``mask`` (n_samples, n_views) is True where the subject has the view. Returned are ``h``
        (n_views, n_samples, n_components), ``z`` (n_views, n_samples, projection_dim), and
        ``z_fused`` (n_samples, n_views * projection_dim) with zeros for absent views.
        """
        prepared = {name: value[None] for name, value in self.prepare(x).items()}
        out = self.forward_lanes(prepared, None if mask is None else mask[None])
        return of_lane(out, 0)

    def prepare(self, x: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Replace modalities by their component scores, which are the same in each epoch."""
        return {n: self._scaler(n)(value) if self._n_axes(n) else value for n, value in x.items()}

    def scale_in_place(self, x: Mapping[str, Tensor], sizes: Sequence[int]) -> None:
        """Scale the prepared data in place, once; later batches are expected to be scaled.

        ``x`` has the subjects of all lanes, one lane of ``sizes`` after the other.
        """
        for name, value in x.items():
            if self._scaler(name) is not None and not self._n_axes(name):
                scaler: Any = self.scalers.pop(self._key[name])
                for k, rows in enumerate(value.split(list(sizes))):
                    torch.addcmul(scaler.shift[k], rows, scaler.factor[k], out=rows)

    def encode(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Return the representations (n_views, n_samples, n_components) of a batch."""
        mask = None if mask is None else mask[None]
        return self.encode_lanes({k: v[None] for k, v in self.prepare(x).items()}, mask)[0]

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Encode a prepared batch of each lane; as `forward` with a leading axis of lanes.

        ``x`` has all copies of the subjects, ``mask`` the subjects once.
        """
        return self._outputs(self.encode_lanes(x, self._of_copies(mask)), mask)

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Encode a prepared batch of each lane, without projection heads.

        ``x`` is indexed by `view_keys`. Encoders that may normalize over the batch see only the
        subjects that have the view.
        """
        return torch.stack(self._encode_views(x, mask), dim=1)

    def _encode_views(self, x: Mapping[Any, Tensor], mask: Tensor | None) -> list[Tensor]:
        """Return the output of each view's encoder, (n_lanes, n_samples, ...)."""
        views = zip(self._seen(x), self.encoders, strict=True)
        return [apply_to_view(m, seen, mask, k) for k, (seen, m) in enumerate(views)]

    def _seen(self, x: Mapping[Any, Tensor]) -> list[Tensor]:
        """Return the input of each view's encoder, from prepared modalities."""
        scaled = {}
        for key, value in x.items():
            scaler = self._scaler(_modality(key))
            is_ready = scaler is None or scaler.n_axes
            scaled[key] = value if is_ready else scaler(value)
        return [scaled[key if key in scaled else _modality(key)] for key in self.view_keys]

    def _seen_shapes(self) -> list[tuple[int, ...]]:
        """Return the shape of a subject as the input of each view's encoder."""
        axes = [self._n_axes(name) for name in self.views]
        return [(n,) if n else self.shapes[v] for n, v in zip(axes, self.views, strict=True)]

    def contrasts(self, named: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the named outputs on which the objective is computed, once or for each view."""
        if not self.apart:
            return [named]
        width = named["z_fused"].shape[-1] // len(self.views)
        return [
            {
                **named,
                "h": named["h"][:, k : k + 1],
                "z": named["z"].unflatten(1, (-1, self.n_joined))[:, k],
                "z_fused": named["z_fused"][..., k * width : (k + 1) * width],
                "mask": None
                if named["mask"] is None
                else named["mask"].unflatten(-1, (-1, self.n_joined))[..., k, :],
            }
            for k in range(len(self.views))
        ]

    def _outputs(self, h: Tensor, mask: Tensor | None) -> dict[str, Any]:
        """Return the outputs that follow from representations (n_lanes, n_views, ...)."""
        z = h
        if self.heads is not None:
            views = zip(self.heads, h.unbind(1), strict=True)
            z = torch.stack([head(h_view) for head, h_view in views], dim=1)
        if len(self.copies) == 1:
            return {"h": h, "z": z, "z_fused": self._fuse(z, mask)}
        if mask is not None:
            mask = mask.repeat_interleave(self.n_joined, -1)
        embeddings = self._joined(z)
        fused = self._fuse(embeddings["z"], mask)
        return {"h": self._by_copy(h)[:, :, 0], **embeddings, "z_fused": fused, "mask": mask}

    def _joined(self, z: Tensor) -> dict[str, Tensor]:
        """Return the embeddings of all copies as views."""
        return {"z": self._by_copy(z)[:, :, : self.n_joined].flatten(1, 2)}

    def _of_copies(self, mask: Tensor | None) -> Tensor | None:
        """Return who has what (n_lanes, n_copies * n_samples, n_views)."""
        n_copies = len(self.copies)
        return mask if mask is None or n_copies == 1 else mask.repeat(1, n_copies, 1)

    def _by_copy(self, values: Tensor) -> Tensor:
        """Return (n_lanes, n_views, n_copies, n_samples, ...), from the samples of all copies."""
        return values.unflatten(2, (len(self.copies), -1))

    def _fuse(self, z: Tensor, mask: Tensor | None) -> Tensor:
        if self.normalize_each:
            z = F.normalize(z, dim=-1, eps=1e-12)
        if mask is not None:
            z = z * mask.mT.unsqueeze(-1)
        return z.transpose(1, 2).flatten(2)


class PredictionNetwork(MultiviewNetwork):
    """Multiview network whose ``z`` is a linear map of each representation to ``n_outputs``."""

    def __init__(self, *args: Any, n_outputs: int, **layout: Any) -> None:
        super().__init__(*args, **layout)
        heads = (LaneLinear(self.n_components, n_outputs) for _ in self.views)
        self.heads = nn.ModuleList(heads)


def _modality(key: ViewKey) -> str:
    return key if isinstance(key, str) else key[0]


def apply_to_view(module: nn.Module, x: Tensor, mask: Tensor | None, view: int) -> Tensor:
    """Apply a module to a view; one with batch statistics sees only the subjects who have it."""
    if mask is None or all(each.stackable for each in unstacked_modules(module)):
        return module(x)
    return apply_to_present(module, x, mask, view)


def apply_to_present(apply: Any, x: Tensor, mask: Tensor | None, view: int) -> Any:
    """Apply a function to those who have a view; the others get any finite numbers."""
    if mask is None:
        return apply(x)
    (rows,) = mask[0, :, view].nonzero(as_tuple=True)
    if len(rows) in (0, 1, x.shape[1]):  # a lone one has no variance
        return apply(x)
    found = apply(x[:, rows])
    if isinstance(found, Tensor):
        return _scatter_rows(found, rows, x.shape[1])
    return tuple(_scatter_rows(part, rows, x.shape[1]) for part in found)


def _scatter_rows(values: Tensor, rows: Tensor, n_samples: int) -> Tensor:
    mean = values.detach().mean(1, keepdim=True)
    return mean.expand(-1, n_samples, *values.shape[2:]).index_copy(1, rows, values)


def _tried_encoder(
    name: str, spec: EncoderSpec, shape: Sequence[int], n_components: int, scaler: Any
) -> nn.Module:
    """Build an encoder and try it on two subjects, which also sizes lazy layers."""
    n_axes = None if scaler is None else scaler.n_axes
    try:
        encoder = make_encoder(spec, shape, n_components, scaler)
        if n_axes:
            encoder.to(scaler.weight.dtype)
        made = on_zeros(encoder, (n_axes,) if n_axes else shape)
        found = tuple(made.shape)[1:]
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
