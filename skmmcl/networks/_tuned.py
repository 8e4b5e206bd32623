"""Fine-tuning: a trained network with a linear head, of which some or all parts are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmmcl.networks._lanes import LaneLinear
from skmmcl.networks._mlp import LinearShortcut
from skmmcl.networks._multiview import MultiviewNetwork, modality_of


class TunedNetwork(nn.Module):
    """Linear head on the representations of all views of a network that was trained before.

    Representations are z-scored by their values before the new training, in its subjects
    (`learn_scale`); an absent view is 0, the mean. ``layers`` is "head" to train the head, "last"
    to train the last blocks too, or "all". Parts that are not trained stay in evaluation mode, so
    that batch statistics and dropout do not change them.

    Outputs are ``h`` (1, n_samples, width), the z-scored representations of all views side by side,
    and ``z`` (1, n_samples, n_outputs), the output of the head; ``joint_mask`` is None, since all
    subjects have this single view.
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
        """Modalities that `prepare` replaces by component scores."""
        return self.base.compressed

    @property
    def view_keys(self) -> list[Any]:
        """Keys of the views in a batch, as in the trained network."""
        return [key for key in self.base.view_keys if modality_of(key) in self.shapes]

    def prepare(self, x: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Replace modalities by their component scores."""
        return self.base.prepare(x)

    def scale_in_place(self, x: Mapping[str, Tensor], sizes: Sequence[int]) -> None:
        """Scale the prepared data in place, once."""
        self.base.scale_in_place(x, sizes)

    def train(self, mode: bool = True) -> TunedNetwork:
        """Set the mode of trained parts; the others stay in evaluation mode."""
        super().train(mode)
        self.base.eval()
        for name in self.trained:
            self.base.get_submodule(name).train(mode)
        return self

    def learn_scale(self, h: np.ndarray, weight: np.ndarray) -> None:
        """Set the mean and the scale by which representations are z-scored.

        ``h`` are the present representations of the training subjects, (n_blocks, n_samples,
        width), and ``weight`` (n_blocks, n_samples) their weights, 0 where a view is absent.
        """
        share = weight / np.maximum(weight.sum(1, keepdims=True), np.finfo(float).tiny)
        mean = np.einsum("bn,bnd->bd", share, h)
        spread = np.sqrt(np.einsum("bn,bnd->bd", share, (h - mean[:, None]) ** 2))
        varies = spread > 1e-6 * np.abs(h).max(initial=1e-30)
        factor = np.where(varies, 1 / np.where(varies, spread, 1), 0.0)
        for buffer, values in ((self.center, mean), (self.factor, factor)):
            buffer.copy_(torch.as_tensor(values[None, :, None]))

    forward: Any = MultiviewNetwork.forward

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
        """Return the representations before scaling, (n_lanes, n_blocks, n_samples, width)."""
        if len(self.views) == len(self.base.views):
            return self.base.encode_lanes(x, mask)
        like = next(iter(x.values()))
        n_lanes, n_samples = like.shape[:2]
        seen = [name in self.shapes for name in self.base.views]
        every = torch.zeros(n_lanes, n_samples, len(seen), dtype=torch.bool, device=like.device)
        every[..., seen] = True if mask is None else mask
        absent = {
            name: like.new_zeros(1, 1, *shape).expand(n_lanes, n_samples, *shape)
            for name, shape in self.base.prepared_shapes.items()
            if name not in self.shapes
        }
        return self.base.encode_lanes({**x, **absent}, every)


def _cut(base: MultiviewNetwork, modalities: Sequence[str]) -> Tensor:
    """Keep the parts on which the representation of these modalities depends.

    Views of other modalities are removed unless views are fused, and so are heads, decoders and
    all other parts without influence. Return the representation of a subject of zeros.
    """
    if not base.fuses:
        kept = [k for k, name in enumerate(base.views) if name in modalities]
        for name, child in list(base.named_children()):
            if isinstance(child, nn.ModuleList) and len(child) == len(base.views):
                setattr(base, name, nn.ModuleList(child[k] for k in kept))
        base.views = [base.views[k] for k in kept]
    like = next(base.parameters())
    x = {name: like.new_zeros(1, 2, *shape) for name, shape in base.prepared_shapes.items()}
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
    """Freeze the parts that are not trained; return the names of the others."""
    if layers == "all":
        return [""]
    usable = {id(weight) for weight in base.parameters() if weight.requires_grad}
    base.requires_grad_(False)
    if layers == "head":
        return []
    names = _last_parts(base, usable)
    for name in names:
        for weight in base.get_submodule(name).parameters():
            weight.requires_grad_(id(weight) in usable)
        if name.endswith("linear"):  # the gate of a shortcut belongs to it
            shortcut = base.get_submodule(name.rpartition(".")[0])
            if isinstance(shortcut, LinearShortcut):
                shortcut.gate.requires_grad_(True)
    return names


def _last_parts(base: MultiviewNetwork, usable: set[int]) -> list[str]:
    """Return the names of the parts after the encoders, or else of each encoder's last block."""
    after = [
        name
        for name, child in base.named_children()
        if name != "encoders" and any(id(weight) in usable for weight in child.parameters())
    ]
    return after or [
        f"encoders.{k}.{name}".rstrip(".")
        for k, encoder in enumerate(base.encoders)
        for name in last_block(encoder)
    ]


def last_block(encoder: nn.Module) -> list[str]:
    """Return the names of the last block of an encoder and of the parts after it.

    Without blocks of several layers, the last layer is the last block. With a linear shortcut, the
    last block of the inner encoder and the shortcut are.

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
    parts = [(name, child) for name, child in encoder.named_children() if _n_layers(child)]
    if not parts:
        return [""]
    if len(parts) == 1:
        name, child = parts[0]
        return [f"{name}.{inner}".rstrip(".") for inner in last_block(child)]
    blocks = [k for k, (_, child) in enumerate(parts) if _n_layers(child) > 1]
    return [name for name, _ in parts[blocks[-1] if blocks else -1 :]]


def _n_layers(module: nn.Module) -> int:
    """Count the modules that have weights of their own."""
    return sum(any(True for _ in m.parameters(recurse=False)) for m in module.modules())
