"""Checks of kernels of metadata: functions, bandwidths, and whether the weights can guide."""

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
from skmmcl.kernels._metadata import check_weights
from skmmcl.losses._realizability import unmet_share
from skmmcl.utils._named import named

# Median entropy of the weights, as a fraction of the largest possible, outside of which they
# carry no information.
MIN_ENTROPY, MAX_ENTROPY = 0.05, 0.98

# Fraction of the weights' information that a sphere cannot represent, above which a warning is
# given. Of ages it is below 0.01 at a temperature of 0.1, and 0.25 to 0.5 at 1.
MAX_UNMET = 0.25

# Number of subjects on which a kernel that is a function is tried.
MAX_TRIED = 500


def warned_if_degenerate(weights: torch.Tensor, bandwidth: np.ndarray, names: list[str]) -> bool:
    """Return whether weights guide nothing, after a warning."""
    share = weights / weights.sum(-1, keepdim=True)
    entropy = float(torch.special.entr(share).sum(-1).median()) / np.log(len(weights))
    if MIN_ENTROPY <= entropy <= MAX_ENTROPY:
        return False
    narrow = entropy < MIN_ENTROPY
    effect = "every subject is similar to itself alone" if narrow else "all subjects are similar"
    warnings.warn(
        f"The kernel is degenerate: with the bandwidth {bandwidth.round(4).tolist()} {effect}, "
        f"and the metadata {names} guide nothing (the weights in a batch have {entropy:.3f} of "
        f"the largest possible entropy). Set a {'larger' if narrow else 'smaller'} bandwidth.",
        UserWarning,
        stacklevel=9,
    )
    return True


def warn_if_unmet(weights: torch.Tensor, temperature: float, names: list[str]) -> None:
    """Warn of weights that cosines on a sphere cannot represent."""
    unmet = unmet_share(weights, temperature, tolerated=MAX_UNMET)
    if unmet > MAX_UNMET:
        warnings.warn(
            f"The weights of {names} cannot be represented on the unit sphere: at "
            f"temperature={temperature}, no encoder can recover more than {1 - unmet:.0%} of "
            "their information. Lower the temperature or widen the bandwidth; "
            "WeightedContrastiveEmbedder(scheme='euclidean') has no such limit.",
            UserWarning,
            stacklevel=9,
        )


def warn_if_classes_unmet(weight: float, temperature: float, n_classes: int) -> None:
    """Warn of a weight between classes that asks for more than opposite places on a sphere."""
    wanted, least = 1 + temperature * np.log(weight), -1 / (n_classes - 1)
    if wanted < least:
        warnings.warn(
            f"between_classes={weight} with temperature={temperature} asks for a cosine of "
            f"{wanted:.3f} between classes; {n_classes} classes can have no less than {least:.3f} "
            "on a sphere, and their angles will differ. Raise between_classes.",
            UserWarning,
            stacklevel=6,
        )


def check_function(kernel: Callable[..., torch.Tensor], values: np.ndarray) -> None:
    """Raise if a kernel that is a function returns no weights for pairs of some subjects."""
    known = torch.as_tensor(values[~np.isnan(values).any(1)][:MAX_TRIED])[None]
    weights = check_weights(kernel, known)
    bad = weights < 0
    if bad.any():
        raise ValueError(
            f"kernel={kernel!r} must return numbers of 0 or more; found {weights[bad][0]:.4g}, and "
            f"others in {int(bad.sum())} of {weights.numel()} pairs of subjects."
        )


def bandwidths(
    values: np.ndarray,
    kernels: Sequence[Any],
    bandwidth: Bandwidth,
    sample_weight: np.ndarray | None,
) -> np.ndarray:
    """Return the bandwidth of each column; 1 where the kernel has none."""
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
