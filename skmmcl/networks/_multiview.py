"""Network with one encoder per view, and its named outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.networks._encoders import EncoderSpec, make_tried_encoder, reads_scores
from skmmcl.networks._lanes import LaneLinear, of_lane
from skmmcl.networks._mlp import projection_head
from skmmcl.networks._standardize import InputScaler, InputStage
from skmmcl.networks._vmap import unstacked_modules

ViewKey = str | tuple[str, int]


class MultiviewNetwork(nn.Module):
    """Network that encodes each view of the subjects and returns named outputs.

    ``views`` are the modalities that the views read; several views may read the same. ``shapes``
    has the shape of one subject in each modality, ``encoders`` what `make_encoder` takes ("auto"
    without an entry), ``stages`` how modalities are scaled. Modalities to which ``shared`` gives
    the same name share an encoder. The embedding ``z`` comes from a projection head of width
    ``projection_dim``, or is the representation ``h``. With ``normalize_each``, each embedding is
    projected to the unit sphere before they are concatenated.

    Training works on batches with an axis of lanes, of modalities that were prepared once. A batch
    holds all subjects once for each of ``copies``, which are True for copies that are augmented in
    training. In ``z`` each copy of a view is a view of its own, next to the other copies of that
    view, and ``mask`` is returned for these views. If the first copy is not augmented, ``z`` has
    that copy alone. With ``apart``, the objective is computed on the copies of each view by
    themselves.
    """

    gives: tuple[str, ...] = ("h", "z", "z_fused")
    fuses = False  # whether ``h`` represents all views together

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
        specs = encoders or {}
        self.scalers = nn.ModuleDict()
        for name, stage in (stages or {}).items():
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
    ) -> list[nn.Module]:
        """Build the encoder of each view."""
        made: dict[Any, nn.Module] = {}
        keys = [shared.get(name, k) for k, name in enumerate(self.views)]
        for key, name in zip(keys, self.views, strict=True):
            if key not in made:
                spec, scaler = specs.get(name, "auto"), self._scaler(name)
                made[key] = make_tried_encoder(
                    name, spec, self.shapes[name], self.n_components, scaler
                )
        return [made[key] for key in keys]

    @property
    def n_joined(self) -> int:
        """Number of views in ``z`` for each view."""
        return len(self.copies) if self.copies[0] else 1

    @property
    def compressed(self) -> list[str]:
        """Modalities that `prepare` replaces by component scores."""
        return [name for name in self._key if self._n_axes(name)]

    @property
    def prepared_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one subject in each modality after `prepare`."""
        axes = {name: self._n_axes(name) for name in self.shapes}
        return {name: (n,) if (n := axes[name]) else shape for name, shape in self.shapes.items()}

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
        return self.scalers[key] if key in self.scalers else None  # noqa: SIM401  no method get

    def _n_axes(self, name: str) -> int | None:
        scaler = self._scaler(name)
        return None if scaler is None else scaler.n_axes

    def forward(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Tensor]:
        """Encode a batch of subjects ``(n_samples, *shape)`` by modality.

        ``mask`` (n_samples, n_views) is True where the subject has the view. The outputs are ``h``
        (n_views, n_samples, n_components), ``z`` (n_views, n_samples, projection_dim), and
        ``z_fused`` (n_samples, n_views * projection_dim) with zeros for absent views.
        """
        prepared = {name: value[None] for name, value in self.prepare(x).items()}
        return of_lane(self.forward_lanes(prepared, None if mask is None else mask[None]), 0)

    def prepare(self, x: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Replace compressed modalities by their component scores, the same in each epoch."""
        return {n: self._scaler(n)(value) if self._n_axes(n) else value for n, value in x.items()}

    def scale_in_place(self, x: Mapping[str, Tensor], sizes: Sequence[int]) -> None:
        """Scale the prepared data in place, once; later batches are expected to be scaled.

        ``x`` has the subjects of all lanes, one lane after another, of ``sizes`` subjects each.
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
        """Encode a prepared batch of each lane, like `forward` with a leading axis of lanes.

        ``x`` has all copies of the subjects, ``mask`` has each subject once.
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
            scaler = self._scaler(modality_of(key))
            is_ready = scaler is None or scaler.n_axes
            scaled[key] = value if is_ready else scaler(value)
        return [scaled[key if key in scaled else modality_of(key)] for key in self.view_keys]

    def _seen_shapes(self) -> list[tuple[int, ...]]:
        """Return the shape of a subject as the input of each view's encoder."""
        shapes = self.prepared_shapes
        return [shapes[name] for name in self.views]

    def contrasts(self, named: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the named outputs on which the objective is computed, once or for each view."""
        if not self.apart:
            return [named]
        masks: Sequence[Tensor | None] = [None] * len(self.views)
        if named["mask"] is not None:
            masks = named["mask"].unflatten(-1, (-1, self.n_joined)).unbind(-2)
        parts = {
            "h": named["h"].split(1, dim=1),
            "z": named["z"].unflatten(1, (-1, self.n_joined)).unbind(1),
            "z_fused": named["z_fused"].chunk(len(self.views), dim=-1),
            "mask": masks,
        }
        views = zip(*parts.values(), strict=True)
        return [{**named, **dict(zip(parts, view, strict=True))} for view in views]

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
        """Return the mask of all copies, (n_lanes, n_copies * n_samples, n_views)."""
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
    """Multiview network whose ``z`` are ``n_outputs`` linear maps of each representation."""

    def __init__(self, *args: Any, n_outputs: int, **layout: Any) -> None:
        super().__init__(*args, **layout)
        heads = (LaneLinear(self.n_components, n_outputs) for _ in self.views)
        self.heads = nn.ModuleList(heads)


def modality_of(key: ViewKey) -> str:
    """Return the modality of a view's key."""
    return key if isinstance(key, str) else key[0]


def mean_of_present(h: Tensor, mask: Tensor | None) -> Tensor:
    """Average (n_lanes, n_views, n_samples, n_components) over the views that a subject has."""
    if mask is None:
        return h.mean(1)
    weight = mask.mT.unsqueeze(-1).to(h.dtype)
    return (h * weight).sum(1) / weight.sum(1).clamp_min(1)


def apply_to_view(module: nn.Module, x: Tensor, mask: Tensor | None, view: int) -> Tensor:
    """Apply a module to a view; one with batch statistics sees only the subjects who have it."""
    if mask is None or all(each.stackable for each in unstacked_modules(module)):
        return module(x)
    return apply_to_present(module, x, mask, view)


def apply_to_present(apply: Any, x: Tensor, mask: Tensor | None, view: int) -> Any:
    """Apply a function to the subjects who have a view; others get their mean, without gradient."""
    if mask is None:
        return apply(x)
    (rows,) = mask[0, :, view].nonzero(as_tuple=True)
    if len(rows) in (0, 1, x.shape[1]):  # a single subject has no variance
        return apply(x)
    found = apply(x[:, rows])
    if isinstance(found, Tensor):
        return _scatter_rows(found, rows, x.shape[1])
    return tuple(_scatter_rows(part, rows, x.shape[1]) for part in found)


def _scatter_rows(values: Tensor, rows: Tensor, n_samples: int) -> Tensor:
    mean = values.detach().mean(1, keepdim=True)
    return mean.expand(-1, n_samples, *values.shape[2:]).index_copy(1, rows, values)
