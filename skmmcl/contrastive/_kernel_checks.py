"""Checks of kernels of metadata: what a function gives, bandwidths, and what weights can guide."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from skmmcl.base._parameters import Bandwidth
from skmmcl.exceptions import DataError
from skmmcl.kernels import estimate_bandwidth
from skmmcl.kernels._distance import PROFILES
from skmmcl.losses._realizability import unmet_share
from skmmcl.utils._named import named

# Median entropy of the weights, as a part of the most possible, beyond which they say nothing.
LEAST_ENTROPY, MOST_ENTROPY = 0.05, 0.98

# Part of what the weights say beyond which a warning says that a sphere has no room for it. Of
# ages under a hundredth is missed at a temperature of 0.1, a quarter to a half at 1.
MOST_UNMET = 0.25

# So many subjects are shown to a kernel that is a function, to see what it gives.
MOST_SHOWN = 500


def warned_if_degenerate(weights: torch.Tensor, bandwidth: np.ndarray, names: list[str]) -> bool:
    """Return whether weights guide nothing, after a warning."""
    share = weights / weights.sum(-1, keepdim=True)
    entropy = float(torch.special.entr(share).sum(-1).median()) / np.log(len(weights))
    if LEAST_ENTROPY <= entropy <= MOST_ENTROPY:
        return False
    narrow = entropy < LEAST_ENTROPY
    effect = "are alike to themselves alone" if narrow else "are all alike"
    warnings.warn(
        f"The kernel is degenerate: with the bandwidth {bandwidth.round(4).tolist()} subjects "
        f"{effect}, so that the metadata {names} guide nothing (the weights in a batch have "
        f"{entropy:.3f} of the largest possible entropy). Give a "
        f"{'larger' if narrow else 'smaller'} bandwidth.",
        UserWarning,
        stacklevel=9,
    )
    return True


def warn_if_unmet(weights: torch.Tensor, temperature: float, names: list[str]) -> None:
    """Warn of weights that cosines on a sphere cannot follow."""
    unmet = unmet_share(weights, temperature, tolerated=MOST_UNMET)
    if unmet > MOST_UNMET:
        warnings.warn(
            f"A sphere has no room for these weights: with temperature={temperature} embeddings "
            f"can tell no more than {1 - unmet:.0%} of what the weights of {names} tell in a "
            "batch, whatever the encoder. Lower the temperature or widen what counts as alike; "
            "WeightedContrastiveEmbedder(scheme='euclidean') has no such limit.",
            UserWarning,
            stacklevel=9,
        )


def check_function(kernel: Callable[..., torch.Tensor], values: np.ndarray) -> None:
    """Raise if a kernel given as a function does not weigh the pairs of some of the subjects."""
    known = torch.as_tensor(values[~np.isnan(values).any(1)][:MOST_SHOWN])[None]
    try:
        weights = kernel(known)
    except Exception as error:
        raise ValueError(
            f"kernel={kernel!r} fails for metadata of shape {tuple(known.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    expected = (1, known.shape[1], known.shape[1])
    if not isinstance(weights, torch.Tensor) or weights.shape != expected:
        found = getattr(weights, "shape", type(weights).__name__)
        raise ValueError(
            f"kernel={kernel!r} must give weights of shape {expected} for metadata of shape "
            f"{tuple(known.shape)}; found {found}."
        )
    bad = ~(weights >= 0) | weights.isinf()
    if bad.any():
        raise ValueError(
            f"kernel={kernel!r} must give numbers of 0 or more; found {weights[bad][0]:.4g}, and "
            f"others in {int(bad.sum())} of {weights.numel()} pairs of subjects."
        )


def bandwidths(
    values: np.ndarray,
    kernels: Sequence[Any],
    bandwidth: Bandwidth,
    sample_weight: np.ndarray | None,
) -> np.ndarray:
    """The bandwidth of each column; 1 where the kernel has none."""
    widths = np.ones(len(kernels))
    measured = [k for k, kernel in enumerate(kernels) if kernel in PROFILES]
    if isinstance(bandwidth, str):
        if measured:
            widths[measured] = estimate_bandwidth(values[:, measured], bandwidth, sample_weight)
        return widths
    with named("bandwidth", "a number above 0, or one for each column of metadata"):
        given = np.asarray(bandwidth, dtype=np.float64)
    if given.ndim and given.shape != widths.shape:
        raise DataError(
            f"bandwidth={bandwidth!r} has {given.size} numbers for {len(kernels)} columns of "
            "metadata."
        )
    if not ((given > 0) & (given < np.inf)).all():
        raise ValueError(f"bandwidth={bandwidth!r} must be above 0 and finite in every column.")
    return widths * given
