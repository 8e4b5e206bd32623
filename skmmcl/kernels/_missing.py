"""Shapes and missing values, the same for every kernel."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def as_columns(y: Tensor) -> Tensor:
    """Metadata as ``(*lanes, n_samples, n_columns)``, in single precision at least."""
    if not y.is_floating_point():
        y = y.to(torch.get_default_dtype())
    elif y.dtype in (torch.float16, torch.bfloat16):
        y = y.float()
    return y[:, None] if y.ndim == 1 else y


def isolate(weights: Tensor, known: Tensor) -> Tensor:
    """Weights (..., n, n) where those not ``known`` (..., n) are like themselves alone."""
    both = known[..., :, None] & known[..., None, :]
    alone = torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    return torch.where(both, weights, alone)


def unit_rows(x: Tensor) -> Tensor:
    """Rows of length 1 along the last dimension, and zeros where a row is zero."""
    largest = x.abs().amax(-1, keepdim=True)
    # Their squares would leave the range of numbers.
    is_extreme = (largest > 1e15) | ((largest < 1e-15) & (largest > 0))
    return F.normalize(x / torch.where(is_extreme, largest, 1), dim=-1)
