"""Checks of targets, weights, groups and parameters of the solvers."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.utils._targets import is_unlabeled

FEWEST = 3  # labeled subjects
EXACT_BYTES = 2**32  # of memory that kernel_features="exact" may take


def as_target(target: Any, n_samples: int) -> np.ndarray:
    """Return the targets in float64; raise for infinite ones."""
    target = _as_matrix(target, n_samples, "target")
    if np.isinf(target).any():
        raise DataError("The target is infinite for some subjects; NaN marks unlabeled ones.")
    return target


def as_nuisance(nuisance: Any, n_samples: int) -> np.ndarray | None:
    """Return the nuisance in float64; raise where it is unknown."""
    if nuisance is None:
        return None
    nuisance = _as_matrix(nuisance, n_samples, "nuisance")
    if not np.isfinite(nuisance).all():
        raise DataError(
            f"The nuisance is unknown for {np.sum(~np.isfinite(nuisance).all(axis=1))} subjects. "
            "Give unknown sites a dummy of their own."
        )
    return nuisance


def as_weight(weight: Any, n_samples: int) -> np.ndarray:
    """Return the weights in float64; 1 by default."""
    if weight is None:
        return np.ones(n_samples)
    weight = np.asarray(weight, dtype=np.float64)
    if weight.shape != (n_samples,):
        raise DataError(f"Expected {n_samples} weights, found the shape {weight.shape}.")
    if not (np.isfinite(weight).all() and (weight >= 0).all() and (weight > 0).any()):
        raise DataError("Weights are finite, not negative, and not all 0.")
    return weight


def as_group_codes(groups: Any, n_samples: int) -> np.ndarray | None:
    """Return integers for the groups; a subject of unknown group has one of its own."""
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (n_samples,):
        raise DataError(f"Expected {n_samples} groups, found the shape {groups.shape}.")
    codes: dict[Any, int] = {}
    owners = zip(groups.tolist(), is_unlabeled(groups, None), strict=True)
    keys = (object() if is_unknown else group for group, is_unknown in owners)
    return np.array([codes.setdefault(key, len(codes)) for key in keys])


def as_penalties(penalties: Any) -> np.ndarray:
    """Return the penalties in float64, finite and not negative."""
    penalties = np.asarray(penalties, dtype=np.float64)
    if penalties.ndim != 1 or not len(penalties) or not (penalties >= 0).all():
        raise ValueError(f"penalties must be a list of numbers of at least 0, got {penalties}.")
    return penalties


def check_number(value: Any, name: str, kind: type, *, at_least: float) -> None:
    """Raise unless a parameter is a finite number of this kind and size."""
    if not isinstance(value, kind) or not at_least <= value < np.inf:  # type: ignore[operator]
        raise ValueError(f"{name}={value!r}: expected a finite {kind.__name__} from {at_least}.")


def check_labeled(labeled: np.ndarray, groups: np.ndarray | None) -> None:
    """Raise if too few subjects are labeled, or all would be left out together."""
    if labeled.sum() < FEWEST:
        raise DataError(
            f"Found {labeled.sum()} labeled subjects with data and a positive weight; the "
            f"discriminants need at least {FEWEST}."
        )
    if groups is not None and len(np.unique(groups[labeled])) < 2:
        raise DataError(
            "All labeled subjects are in one group: no subject is left to learn from without it. "
            "Give at least two groups, or none to leave out each subject alone."
        )


def check_exact(n_labeled: int, widths: list[int], instead: int) -> None:
    """Raise if the exact kernel would take too much memory."""
    needed = 8 * (n_labeled**2 * (len(widths) + 4) + n_labeled * sum(widths))
    if needed > EXACT_BYTES:
        raise DataError(
            f"The exact kernel of {n_labeled} labeled subjects with {sum(widths)} features takes "
            f"{needed / 2**30:.0f} GiB of memory. Set kernel_features={instead} for random "
            "features, whose memory is bounded."
        )


def _as_matrix(values: Any, n_samples: int, what: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or len(values) != n_samples or not values.shape[1]:
        raise DataError(
            f"Expected a {what} of shape ({n_samples}, number of columns), found {values.shape}."
        )
    return values
