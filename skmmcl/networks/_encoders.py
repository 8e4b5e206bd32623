"""From what the user asked for to an encoder of one modality."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from skmmcl.networks._attention import ConnectomeAttention
from skmmcl.networks._dcgan import DCGANEncoder
from skmmcl.networks._densenet3d import DenseNet3d
from skmmcl.networks._each_lane import EachLane
from skmmcl.networks._images import TimmEncoder
from skmmcl.networks._lanes import Laned
from skmmcl.networks._mlp import MLP
from skmmcl.networks._plain3d import SFCN, VGG3d
from skmmcl.networks._regions import RegionEncoder
from skmmcl.networks._resnet3d import ResNet3d
from skmmcl.networks._shortcut import LinearShortcut
from skmmcl.networks._small_cnn import SmallCNN3d
from skmmcl.networks._standardize import Reconstructed, Reconstruction

EncoderSpec = str | nn.Module | Callable[..., nn.Module]

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "linear": partial(MLP, hidden=()),
    "attention": ConnectomeAttention,
    "regions": RegionEncoder,
    "small_cnn": SmallCNN3d,
    "densenet121": DenseNet3d,
    "tiny_densenet": partial(DenseNet3d, blocks=(6, 12, 16), growth=16),
    "resnet18": ResNet3d,
    "resnet34": partial(ResNet3d, depth=34),
    "resnet50": partial(ResNet3d, depth=50),
    "vgg11": VGG3d,
    "vgg16": partial(VGG3d, blocks=(2, 2, 3, 3, 3)),
    "sfcn": SFCN,
    "dcgan": DCGANEncoder,
}
TIMM = "timm/"
BY_AXES = {1: "mlp", 2: "attention", 3: "small_cnn", 4: "small_cnn"}  # of one subject


def make_encoder(
    spec: EncoderSpec,
    shape: Sequence[int],
    n_components: int,
    reconstruction: Reconstruction | None = None,
) -> nn.Module:
    """Build the encoder of one modality.

    Parameters
    ----------
    spec : str, Module or callable
        "auto" is an MLP for vectors and self-attention for matrices, both beside a
        linear shortcut, and a small CNN for volumes. Other names are "mlp", "linear",
        "attention", "regions"; for volumes "small_cnn", "densenet121", "tiny_densenet", "resnet18",
        "resnet34", "resnet50", "vgg11", "vgg16", "sfcn", "dcgan"; for images "timm/"
        before any name of timm, and ":pretrained" after it for timm's weights. A module
        is copied, with its weights. A callable is called as ``spec(shape,
        n_components)``.
    shape : tuple of int
        Shape of one subject.
    n_components : int
        Width of the output.
    reconstruction : Reconstruction, optional
        If given, the encoder takes component scores. MLPs and linear maps read them as
        they are, all others the subjects that are reconstructed from them.

    Returns
    -------
    Module
        Maps ``(n_lanes, n_samples, *shape)`` to (n_lanes, n_samples, n_components).

    Raises
    ------
    ValueError
        If the name is unknown or no encoder fits the shape.

    Examples
    --------
    >>> from skmmcl.networks import make_encoder
    >>> type(make_encoder("auto", (90, 90), 8).encoder).__name__
    'ConnectomeAttention'
    """
    name = _name_by_shape(shape) if spec == "auto" else spec
    seen = tuple(shape) if reconstruction is None else reconstruction.shape
    if name in ("mlp", "linear"):
        encoder = ENCODERS[name](seen, n_components)
    else:
        encoder = _build(name, shape, n_components)
        if reconstruction is not None:
            encoder = Reconstructed(reconstruction, encoder)
    beside = spec == "auto" and len(shape) <= 2
    return LinearShortcut(encoder, seen, n_components) if beside else encoder


def _build(spec: EncoderSpec, shape: Sequence[int], n_components: int) -> nn.Module:
    if isinstance(spec, nn.Module):
        encoder = copy.deepcopy(spec)
    elif spec == "attention" and len(shape) != 2:
        raise ValueError(
            f"encoder 'attention' takes matrices (regions, features), not shape {tuple(shape)}"
        )
    else:
        build = _named(spec) if isinstance(spec, str) else spec
        encoder = build(tuple(shape), n_components)
    return encoder if isinstance(encoder, Laned) else EachLane(encoder, shape)


def _named(name: str) -> Callable[..., nn.Module]:
    if name.startswith(TIMM):
        network, _, weights = name.removeprefix(TIMM).partition(":")
        if weights in ("", "pretrained"):
            return partial(TimmEncoder, name=network, pretrained=weights == "pretrained")
    if name not in ENCODERS:
        raise ValueError(
            f"unknown encoder {name!r}; known are 'auto' and {sorted(ENCODERS)}, and for images "
            "'timm/NAME' or 'timm/NAME:pretrained'"
        )
    return ENCODERS[name]


def encoder_by_shape(shape: Sequence[int], n_components: int) -> nn.Module:
    """Build an MLP for vectors, self-attention for matrices or a small CNN for volumes.

    It is the encoder that "auto" means, without a linear shortcut.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.
    n_components : int
        Width of the output.

    Returns
    -------
    Module
        Maps ``(n_samples, *shape)`` to (n_samples, n_components).

    Raises
    ------
    ValueError
        If no default encoder fits the shape.

    Examples
    --------
    >>> from skmmcl.networks import encoder_by_shape
    >>> type(encoder_by_shape((90, 90), 8)).__name__
    'ConnectomeAttention'
    """
    return ENCODERS[_name_by_shape(shape)](tuple(shape), n_components)


def _name_by_shape(shape: Sequence[int]) -> str:
    if len(shape) not in BY_AXES:
        raise ValueError(
            f"there is no default encoder for arrays of shape {tuple(shape)} per subject; "
            "give one, for example encoders={'t1': MyCNN()}"
        )
    return BY_AXES[len(shape)]
