"""From what the user asked for to an encoder of one modality."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from skmmcl.networks._attention import ConnectomeAttention
from skmmcl.networks._lanes import EachLane, Laned
from skmmcl.networks._mlp import MLP
from skmmcl.networks._shortcut import LinearShortcut
from skmmcl.networks._standardize import Reconstruction

EncoderSpec = str | nn.Module | Callable[..., nn.Module]

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "linear": partial(MLP, hidden=()),
    "attention": ConnectomeAttention,
}


def make_encoder(
    spec: EncoderSpec,
    shape: Sequence[int],
    n_components: int,
    reconstruction: Reconstruction | None = None,
) -> nn.Module:
    """Build the encoder of one modality.

    Parameters
    ----------
    spec : "auto", "mlp", "linear", "attention", Module, or callable
        "auto" is an MLP for vectors and self-attention for matrices, both beside a
        linear shortcut. A module is copied, with its weights. A callable is called as
        ``spec(shape, n_components)``.
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
    if isinstance(spec, str) and spec != "auto" and spec not in ENCODERS:
        raise ValueError(f"unknown encoder {spec!r}; known are 'auto' and {sorted(ENCODERS)}")
    name = _name_by_shape(shape) if spec == "auto" else spec
    seen = tuple(shape) if reconstruction is None else reconstruction.shape
    if name in ("mlp", "linear"):
        encoder = ENCODERS[name](seen, n_components)
    else:
        encoder = _build(name, shape, n_components)
        if reconstruction is not None:
            encoder = nn.Sequential(reconstruction, encoder)
    return LinearShortcut(encoder, seen, n_components) if spec == "auto" else encoder


def _build(spec: EncoderSpec, shape: Sequence[int], n_components: int) -> nn.Module:
    if isinstance(spec, nn.Module):
        encoder = copy.deepcopy(spec)
    elif spec == "attention" and len(shape) != 2:
        raise ValueError(
            f"encoder 'attention' takes matrices (regions, features), not shape {tuple(shape)}"
        )
    else:
        build = ENCODERS[spec] if isinstance(spec, str) else spec
        encoder = build(tuple(shape), n_components)
    return encoder if isinstance(encoder, Laned) else EachLane(encoder)


def encoder_by_shape(shape: Sequence[int], n_components: int) -> nn.Module:
    """Build an MLP for vectors or self-attention for matrices, without a linear shortcut.

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
    if len(shape) > 2:
        raise ValueError(
            f"there is no default encoder for arrays of shape {tuple(shape)} per subject; "
            "give one, for example encoders={'t1': MyCNN()}"
        )
    return "mlp" if len(shape) == 1 else "attention"
