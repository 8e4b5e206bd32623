"""Encoders of one modality, built from what the user asks for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks import volumes
from skmmcl.networks._alexnet import AlexNet2d
from skmmcl.networks._images import TimmEncoder
from skmmcl.networks._lanes import Laned
from skmmcl.networks._mlp import MLP, LinearShortcut
from skmmcl.networks._regions import ConnectomeAttention, RegionEncoder
from skmmcl.networks._standardize import InputScaler
from skmmcl.networks._vmap import VmapModule

EncoderSpec = str | nn.Module | Callable[..., nn.Module]

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "linear": partial(MLP, hidden=()),
    "attention": ConnectomeAttention,
    "regions": RegionEncoder,
    "small_cnn": volumes.SmallCNN3d,
    "densenet121": volumes.DenseNet3d,
    "tiny_densenet": partial(volumes.DenseNet3d, blocks=(6, 12, 16), growth=16),
    "resnet18": volumes.ResNet3d,
    "resnet34": partial(volumes.ResNet3d, depth=34),
    "resnet50": partial(volumes.ResNet3d, depth=50),
    "resnext50": partial(volumes.ResNet3d, depth=50, groups=32, width_per_group=4),
    "vgg11": volumes.VGG3d,
    "vgg16": partial(volumes.VGG3d, blocks=(2, 2, 3, 3, 3)),
    "tiny_vgg": volumes.TinyVGG3d,
    "alexnet3d": volumes.AlexNet3d,
    "sfcn": volumes.SFCN,
    "dcgan": volumes.DCGANEncoder,
    "efficientnet_b0": volumes.EfficientNet3d,
    "alexnet": AlexNet2d,
}
# Networks with a ":pooled" form, and the number of its averaged features.
POOLED = {
    "densenet121": 1024,
    "tiny_densenet": 392,
    "resnet18": 512,
    "resnet34": 512,
    "resnet50": 2048,
    "efficientnet_b0": 1280,
    "alexnet": 256,
}
TIMM, TIMM_OPTIONS = "timm/", {"pretrained", "pooled"}
BY_AXES = {1: "mlp", 2: "attention", 3: "small_cnn", 4: "small_cnn"}  # of one subject


class ReconstructingEncoder(Laned):
    """Encoder of subjects that are reconstructed from their component scores."""

    scaler: InputScaler

    def __init__(self, scaler: InputScaler, encoder: nn.Module) -> None:
        super().__init__((scaler.n_axes or 0,))
        self.__dict__["scaler"] = scaler  # not registered: the network has it already
        self.encoder: Any = encoder

    @property
    def has_local(self) -> bool:
        """Whether the encoder has local features."""
        return self.encoder.has_local

    def forward_lanes(self, x: Tensor) -> Tensor:
        return self.encoder(self.scaler.inverse(x))

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.encoder.forward_local(self.scaler.inverse(x))


def make_encoder(
    spec: EncoderSpec, shape: Sequence[int], n_components: int, scaler: InputScaler | None = None
) -> nn.Module:
    """Build the encoder of one modality.

    Parameters
    ----------
    spec : str, Module or callable
        "auto" is an MLP for vectors and self-attention for matrices, each with a linear
        shortcut, and a small CNN for volumes. Other names are "mlp", "linear", "attention",
        "regions"; for volumes "small_cnn", "densenet121", "tiny_densenet", "resnet18",
        "resnet34", "resnet50", "resnext50", "vgg11", "vgg16", "tiny_vgg", "alexnet3d", "sfcn",
        "dcgan", "efficientnet_b0"; for images "alexnet", or "timm/" before any name of timm, and
        ":pretrained" after it for timm's weights. With ":pooled" after their name, as in
        "resnet18:pooled", networks of timm, DenseNets, ResNets, EfficientNet and AlexNet return
        their averaged features, DenseNets without a last normalization, as in y-Aware. A module
        is copied, with its weights. A callable is called as ``spec(shape, n_components)``.
    shape : tuple of int
        Shape of one subject.
    n_components : int
        Width of the output.
    scaler : InputScaler, optional
        If it has components, the encoder takes component scores. MLPs and linear maps read the
        scores, all others the subjects reconstructed from them.

    Returns
    -------
    Module
        Maps ``(n_lanes, n_samples, *shape)`` to (n_lanes, n_samples, n_components), see `Laned`.

    Raises
    ------
    ValueError
        If the name is unknown, or if the encoder does not take the shape.

    Examples
    --------
    >>> from skmmcl.networks import make_encoder
    >>> type(make_encoder("auto", (90, 90), 8).encoder).__name__
    'ConnectomeAttention'
    """
    n_axes = None if scaler is None else scaler.n_axes
    seen = tuple(shape) if n_axes is None else (n_axes,)
    name = _name(spec, shape)
    if reads_scores(name, shape):
        encoder: nn.Module = ENCODERS[name](seen, n_components)
    else:
        encoder = _build(name, shape, n_components)
        if scaler is not None and n_axes is not None:
            encoder = ReconstructingEncoder(scaler, encoder)
    has_shortcut = spec == "auto" and len(shape) <= 2
    return LinearShortcut(encoder, seen, n_components) if has_shortcut else encoder


def reads_scores(spec: EncoderSpec, shape: Sequence[int]) -> bool:
    """Check whether an encoder reads component scores instead of reconstructed subjects."""
    return (BY_AXES.get(len(shape)) if spec == "auto" else spec) in ("mlp", "linear")


def _name(spec: EncoderSpec, shape: Sequence[int]) -> Any:
    """Return the specification, with "auto" replaced by the encoder of the shape."""
    if spec != "auto":
        return spec
    if len(shape) not in BY_AXES:
        raise ValueError(
            f"there is no default encoder for arrays of shape {tuple(shape)} per subject; "
            "give one, for example encoders={'t1': MyCNN()}"
        )
    return BY_AXES[len(shape)]


def _build(spec: EncoderSpec, shape: Sequence[int], n_components: int) -> nn.Module:
    if isinstance(spec, nn.Module):
        encoder = copy.deepcopy(unwrapped(spec))
    else:
        build = _named(spec) if isinstance(spec, str) else spec
        encoder = build(tuple(shape), n_components)
    return encoder if isinstance(encoder, Laned) else VmapModule(encoder, shape)


def unwrapped(encoder: nn.Module) -> nn.Module:
    """Return an encoder without the wrapper that a network may have given it."""
    return unwrapped(encoder.module) if isinstance(encoder, VmapModule) else encoder


def _named(name: str) -> Callable[..., nn.Module]:
    network, *asked = name.removeprefix(TIMM).split(":")
    if name.startswith(TIMM) and set(asked) <= TIMM_OPTIONS:
        options = {option: option in asked for option in TIMM_OPTIONS}
        return partial(TimmEncoder, name=network, **options)  # type: ignore[arg-type]
    if name.removesuffix(":pooled") in POOLED and name not in ENCODERS:
        return partial(_pooled, name=name.removesuffix(":pooled"))
    if name not in ENCODERS:
        raise ValueError(
            f"unknown encoder {name!r}; known are 'auto' and {sorted(ENCODERS)}, for images "
            f"'timm/NAME' or 'timm/NAME:pretrained', and {sorted(POOLED)} followed by ':pooled'"
        )
    return ENCODERS[name]


def _pooled(shape: Sequence[int], n_components: int, *, name: str) -> nn.Module:
    """Build a network without its last linear map."""
    if n_components != POOLED[name]:
        raise ValueError(f"'{name}:pooled' has {POOLED[name]} features: set n_components to it")
    options = {"final_norm": False} if "densenet" in name else {}  # as y-Aware's encoder
    encoder: Any = ENCODERS[name](shape, 1, **options)
    # The averaging of AlexNet is the first part of its ``fc``.
    encoder.fc = encoder.fc[:-1] if isinstance(encoder.fc, nn.Sequential) else nn.Identity()
    return encoder


def encoder_by_shape(shape: Sequence[int], n_components: int) -> nn.Module:
    """Return the encoder of CMC+CSS: "auto" without a linear shortcut, EfficientNet of volumes."""
    name = "efficientnet_b0" if len(shape) > 2 else _name("auto", shape)
    return ENCODERS[name](tuple(shape), n_components)


def on_zeros(encoder: Any, shape: Sequence[int], method: str = "__call__") -> Any:
    """Return the result of a method for two subjects of zeros, in evaluation mode."""
    like = next(encoder.parameters(), torch.empty(0))
    zeros = torch.zeros(1, 2, *shape, dtype=like.dtype, device=like.device)
    was_training = encoder.training
    with torch.no_grad():
        out = getattr(encoder.eval(), method)(zeros)
    encoder.train(was_training)
    return out


def make_tried_encoder(
    name: str,
    spec: EncoderSpec,
    shape: Sequence[int],
    n_components: int,
    scaler: InputScaler | None = None,
) -> nn.Module:
    """Build the encoder of a named modality and try it on two subjects, which sizes lazy layers."""
    n_axes = None if scaler is None else scaler.n_axes
    try:
        encoder = make_encoder(spec, shape, n_components, scaler)
        if scaler is not None and n_axes:
            encoder.to(scaler.weight.dtype)
        made = on_zeros(encoder, (n_axes,) if n_axes else shape)
        found = tuple(made.shape)[1:]
    except (ImportError, OSError):  # a missing package, or weights that cannot be downloaded
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
            f"The encoder of modality {name!r} returns values that are not finite for inputs of "
            "0; it has weights that are NaN, infinite or on the device 'meta'."
        )
    return encoder
