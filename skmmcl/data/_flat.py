"""Arrays in which NaN marks the modalities that a subject lacks."""

from __future__ import annotations

import math

import numpy as np


def flat_array(X, dtype=None) -> np.ndarray:
    """Return all modalities side by side, of shape ``X.shape``."""
    mask = X.mask
    is_complete = bool(mask.all())
    kinds = [d if is_complete or d.kind == "f" else np.dtype(np.float64) for d in X.dtypes.values()]
    flat = np.empty(X.shape, dtype=np.result_type(*kinds) if dtype is None else dtype)
    start = 0
    for present, (name, shape) in zip(mask.T, X.shapes.items(), strict=True):
        stop = start + math.prod(shape)
        flat[:, start:stop] = np.asarray(X[name]).reshape(len(X), stop - start)
        if not is_complete:
            flat[~present, start:stop] = np.nan
        start = stop
    return flat


def blank(array, present: np.ndarray):
    """Return one modality with NaN in absent rows, copied only if they hold something else."""
    if present.all():
        return array
    if hasattr(array, "restrict"):  # lazy volumes stay in their files
        return array.restrict(present)
    array = np.asarray(array)
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    elif np.isnan(array[~present]).all():
        return array
    else:
        array = array.copy()
    array[~present] = np.nan
    return array
