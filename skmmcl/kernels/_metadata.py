"""Metadata as kernels take them: checks, which losses ask once, shapes and missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def as_columns(y: Tensor) -> Tensor:
    """Return metadata as (..., n_samples, n_columns), in single precision at least."""
    if not y.is_floating_point():
        y = y.to(torch.get_default_dtype())
    elif y.dtype in (torch.float16, torch.bfloat16):
        y = y.float()
    return y[:, None] if y.ndim == 1 else y


def isolate(weights: Tensor, known: Tensor) -> Tensor:
    """Return weights (..., n, n) where those not ``known`` are similar to themselves alone."""
    both = known[..., :, None] & known[..., None, :]
    alone = torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    return torch.where(both, weights, alone)


def unit_rows(x: Tensor) -> Tensor:
    """Return rows of length 1 along the last dimension, and zeros where a row is zero."""
    largest = x.abs().amax(-1, keepdim=True)
    # Their squares would leave the range of numbers.
    is_extreme = (largest > 1e15) | ((largest < 1e-15) & (largest > 0))
    return F.normalize(x / torch.where(is_extreme, largest, 1), dim=-1)


def check_metadata(y: Any, name: str = "y", shape: str = "n_samples, n_columns") -> None:
    """Raise unless metadata are a tensor of that shape, of finite numbers or NaN."""
    least = 1 if shape == "n_samples, n_columns" else shape.count(",") + 1
    expected = f"{name} must be a torch.Tensor of shape (..., {shape})"
    if not isinstance(y, Tensor):
        raise TypeError(f"{expected}, got {type(y).__name__}; torch.as_tensor makes one.")
    if y.is_complex():
        raise TypeError(f"{expected} of real numbers, got {y.dtype}.")
    if y.ndim < least:
        raise ValueError(f"{expected}, got shape {tuple(y.shape)}.")
    if y.is_floating_point() and y.isinf().any():
        raise ValueError(f"{name} has {int(y.isinf().sum())} infinite numbers; NaN is missing.")


def check_labels(y: Tensor, name: str = "y") -> None:
    """Raise unless sets of labels hold zeros and ones, or NaN and negative numbers if missing."""
    odd = y[(y > 0) & (y != 1)]
    if len(odd):
        raise ValueError(f"{name} must hold labels of 0 or 1; found {odd[0].item():.4g}.")


def check_bandwidth(bandwidth: Any, y: Tensor) -> None:
    """Raise unless a bandwidth is above 0, and one number or one for each column of ``y``."""
    expected = "bandwidth must be a number above 0, or a torch.Tensor of one for each column"
    if isinstance(bandwidth, Tensor) and not bandwidth.is_complex():
        values = bandwidth
    elif isinstance(bandwidth, (int, float, np.integer, np.floating)):
        values = torch.tensor(float(bandwidth), dtype=torch.float64)
    else:
        raise TypeError(f"{expected}; got {bandwidth!r}.")
    if not ((values > 0) & (values < torch.inf)).all():
        raise ValueError(f"{expected}; got {bandwidth!r}.")
    columns = y.shape if y.ndim > 1 else (*y.shape, 1)
    if not _fits(tuple(values.shape), tuple(columns)):
        raise ValueError(
            f"{expected}; got shape {tuple(values.shape)} for y of shape {tuple(y.shape)}."
        )


def _fits(shape: tuple[int, ...], of: tuple[int, ...]) -> bool:
    """Return whether a shape broadcasts to another one without changing it."""
    try:
        return np.broadcast_shapes(shape, of) == of  # torch's imports sympy, for a second
    except ValueError:
        return False


def check_weights(kernel: Any, y: Tensor) -> Tensor:
    """Return what a kernel that is a function returns; raise unless it weighs all known pairs."""
    try:
        weights = kernel(y)
    except Exception as error:
        raise ValueError(
            f"kernel={kernel!r} fails for metadata of shape {tuple(y.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    expected = (*y.shape[:-1], y.shape[-2])
    if not isinstance(weights, Tensor) or weights.shape != expected:
        found = getattr(weights, "shape", type(weights).__name__)
        raise ValueError(
            f"kernel={kernel!r} must return weights of shape {expected} for metadata of shape "
            f"{tuple(y.shape)}; found {found}."
        )
    known = ~y.isnan().any(-1)
    both = known[..., :, None] & known[..., None, :]
    if not weights[both].isfinite().all():
        raise ValueError(f"kernel={kernel!r} must return finite numbers; found NaN or infinity.")
    return weights
