"""A trained network with a linear head, whose last parts or all parts are trained further."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmmcl.networks._lanes import LaneLinear, of_lane
from skmmcl.networks._mlp import LinearShortcut
from skmmcl.networks._multiview import MultiviewNetwork


class TunedNetwork(nn.Module):
    """Linear head on the representations of all views of a network that was trained before.

    Representations are z-scored by the subjects of the new training, as they were before it
    (`learn_scale`); an absent view is 0, their mean. ``layers`` says what is trained: the head,
    the last blocks as well, or all. What is not trained stays in evaluation mode, so that batch
    statistics and dropout leave it as it was.

    Outputs are ``h`` (1, n_samples, width), the z-scored representations of all views side by side,
    and ``z`` (1, n_samples, n_outputs), the output of the head; ``joint_mask`` is None, as all
    subjects have this one view.
    """

    gives = ("h", "z", "joint_mask")
    fuses = True
    center: Tensor
    factor: Tensor

    def __init__(
        self, base: MultiviewNetwork, modalities: Sequence[str], n_outputs: int, *, layers: str
    ) -> None:
        super().__init__()
        self.base, self.layers = base, layers
        trained = _cut(base, modalities)
        self.views = [name for name in base.views if name in modalities]
        self.shapes = {name: base.shapes[name] for name in modalities}
        n_blocks, width = trained.shape
        self.register_buffer("center", torch.zeros(1, n_blocks, 1, width))
        self.register_buffer("factor", torch.ones(1, n_blocks, 1, width))
        self.head = LaneLinear(n_blocks * width, n_outputs)
        self.trained = _freeze(base, layers)

    def extra_repr(self) -> str:
        return f"views={self.views}, layers={self.layers}"

    @property
    def compressed(self) -> list[str]:
        """The modalities that `prepare` replaces by component scores."""
        return self.base.compressed

    @property
    def view_keys(self) -> list[Any]:
        """Keys of the views in a batch, as those of the network beneath."""
        return [key for key in self.base.view_keys if _modality(key) in self.shapes]

    def prepare(self, x: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Replace modalities by their component scores."""
        return self.base.prepare(x)

    def scale_in_place(self, x: Mapping[str, Tensor], sizes: Sequence[int]) -> None:
        """Scale the prepared data in place, once."""
        self.base.scale_in_place(x, sizes)

    def train(self, mode: bool = True) -> TunedNetwork:
        """Set the mode of what is trained; the rest stays in evaluation mode."""
        super().train(mode)
        self.base.eval()
        for name in self.trained:
            self.base.get_submodule(name).train(mode)
        return self

    def learn_scale(self, h: np.ndarray, weight: np.ndarray) -> None:
        """Have representations z-scored from now on.

        ``h`` are those of the training subjects so far, (n_blocks, n_samples, width), and
        ``weight`` (n_blocks, n_samples) how often each counts, 0 where it is absent.
        """
        share = weight / np.maximum(weight.sum(1, keepdims=True), np.finfo(float).tiny)
        mean = np.einsum("bn,bnd->bd", share, h)
        spread = np.sqrt(np.einsum("bn,bnd->bd", share, (h - mean[:, None]) ** 2))
        varies = spread > 1e-6 * np.abs(h).max(initial=1e-30)
        factor = np.where(varies, 1 / np.where(varies, spread, 1), 0.0)
        for buffer, values in ((self.center, mean), (self.factor, factor)):
            buffer.copy_(torch.as_tensor(values[None, :, None]))

    def forward(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        """Return the outputs of subjects ``(n_samples, *shape)`` by modality."""
        lane = {name: value[None] for name, value in self.prepare(x).items()}
        out = self.forward_lanes(lane, None if mask is None else mask[None])
        return of_lane(out, 0)

    def forward_lanes(self, x: Mapping[Any, Tensor], mask: Tensor | None = None) -> dict[str, Any]:
        h = self.encode_lanes(x, mask)
        return {"h": h, "z": self.head(h[:, 0]).unsqueeze(1), "joint_mask": None}

    def encode_lanes(self, x: Mapping[Any, Tensor], mask: Tensor | None = None) -> Tensor:
        """Return the z-scored representations, (n_lanes, 1, n_samples, width)."""
        h = (self.blocks(x, mask) - self.center) * self.factor
        if mask is not None and not self.base.fuses:
            h = h * mask.mT.unsqueeze(-1)
        return h.transpose(1, 2).flatten(2).unsqueeze(1)

    def blocks(self, x: Mapping[Any, Tensor], mask: Tensor | None = None) -> Tensor:
        """Return the representations as they come, (n_lanes, n_blocks, n_samples, width)."""
        if len(self.views) == len(self.base.views):
            return self.base.encode_lanes(x, mask)
        like = next(iter(x.values()))
        n_lanes, n_samples = like.shape[:2]
        seen = [name in self.shapes for name in self.base.views]
        every = torch.zeros(n_lanes, n_samples, len(seen), dtype=torch.bool, device=like.device)
        every[..., seen] = True if mask is None else mask
        absent = {
            name: like.new_zeros(1, 1, *shape).expand(n_lanes, n_samples, *shape)
            for name, shape in _read_shapes(self.base).items()
            if name not in self.shapes
        }
        return self.base.encode_lanes({**x, **absent}, every)


def _modality(key: Any) -> str:
    return key if isinstance(key, str) else key[0]


def _read_shapes(base: MultiviewNetwork) -> dict[str, tuple[int, ...]]:
    """Return the shape of a subject in each modality, once it is prepared."""
    axes = {name: base._n_axes(name) for name in base.shapes}  # noqa: SLF001
    return {name: (n,) if (n := axes[name]) else shape for name, shape in base.shapes.items()}


def _cut(base: MultiviewNetwork, modalities: Sequence[str]) -> Tensor:
    """Leave what the representation of these modalities depends on; return one of zeros.

    Where views are not fused, those of other modalities go. So do heads, decoders and whatever
    else the representation does not depend on.
    """
    if not base.fuses:
        kept = [k for k, name in enumerate(base.views) if name in modalities]
        for name, child in list(base.named_children()):
            if isinstance(child, nn.ModuleList) and len(child) == len(base.views):
                setattr(base, name, nn.ModuleList(child[k] for k in kept))
        base.views = [base.views[k] for k in kept]
    like = next(base.parameters())
    x = {name: like.new_zeros(1, 2, *shape) for name, shape in _read_shapes(base).items()}
    base.requires_grad_(True).eval()
    weights = list(base.parameters())
    with torch.enable_grad():
        h = base.encode_lanes(x)
        grads = torch.autograd.grad(h.sum(), weights, allow_unused=True)
    used = {id(weight) for weight, grad in zip(weights, grads, strict=True) if grad is not None}
    for name, child in list(base.named_children()):
        own = [id(weight) for weight in child.parameters()]
        if own and used.isdisjoint(own):
            setattr(base, name, None)
    for weight in base.parameters():
        weight.requires_grad_(id(weight) in used)
    return h.detach()[0, :, 0]


def _freeze(base: MultiviewNetwork, layers: str) -> list[str]:
    """Freeze what is not to be trained; return the names of the parts that are."""
    if layers == "all":
        return [""]
    usable = {id(weight) for weight in base.parameters() if weight.requires_grad}
    base.requires_grad_(False)
    if layers == "head":
        return []
    names = list(_last_parts(base, usable))
    for name in names:
        for weight in base.get_submodule(name).parameters():
            weight.requires_grad_(id(weight) in usable)
        if name.endswith("linear"):  # the gate of a shortcut belongs to it
            shortcut = base.get_submodule(name.rpartition(".")[0])
            if isinstance(shortcut, LinearShortcut):
                shortcut.gate.requires_grad_(True)
    return names


def _last_parts(base: MultiviewNetwork, usable: set[int]) -> Iterator[str]:
    """Yield the names of what follows the encoders, else of the last block of each."""
    after = [
        name
        for name, child in base.named_children()
        if name != "encoders" and any(id(weight) in usable for weight in child.parameters())
    ]
    if after:
        yield from after
        return
    for k, encoder in enumerate(base.encoders):
        yield from (f"encoders.{k}.{name}".rstrip(".") for name in last_block(encoder))


def last_block(encoder: nn.Module) -> list[str]:
    """Return the names of the last block of an encoder and of what follows it.

    Without blocks of several layers it is the last layer. Next to a linear shortcut, it is that
    of the encoder and the shortcut.

    Examples
    --------
    >>> from skmmcl.networks import MLP, DenseNet3d
    >>> from skmmcl.networks._tuned import last_block
    >>> last_block(MLP((5,), 2))
    ['layers.1']
    >>> last_block(DenseNet3d((32, 32, 32), 2, blocks=(2, 2)))
    ['denseblock2', 'norm5', 'fc']
    """
    if isinstance(encoder, LinearShortcut):
        return [f"encoder.{name}" for name in last_block(encoder.encoder)] + ["linear"]
    parts = [(name, child) for name, child in encoder.named_children() if _has_weights(child)]
    if not parts:
        return [""]
    if len(parts) == 1:
        name, child = parts[0]
        return [f"{name}.{inner}".rstrip(".") for inner in last_block(child)]
    has_layers = [len(list(_weighted(child))) > 1 for _, child in parts]
    start = len(parts) - 1 - has_layers[::-1].index(True) if any(has_layers) else len(parts) - 1
    return [name for name, _ in parts[start:]]


def _has_weights(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _weighted(module: nn.Module) -> Iterator[nn.Module]:
    return (m for m in module.modules() if list(m.parameters(recurse=False)))
