"""Noise of each modality in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.networks._standardize import InputScaler, InputStage
from skmmcl.training import EmbeddingNet
from skmmcl.training._noise import InputNoise, noise_of_entries, noise_of_scores

# Largest difference of two entries of a symmetric matrix, relative to the largest deviation.
ROUNDING = 1e-5


def noise_of(data: MultimodalData, stages: Mapping[str, InputStage]) -> dict[str, InputNoise]:
    """Return the noise of each vector or matrix, scaled as its entries.

    Parameters
    ----------
    data : MultimodalData
        The training subjects, which say whether matrices are symmetric.
    stages : mapping of str to InputStage
        Their statistics of each modality. If it is reduced to component scores, so is the noise.

    Returns
    -------
    dict of str to InputNoise
    """
    found = {}
    for name, array in data.items():
        scale = stages[name].scale
        if scale.ndim not in (1, 2):  # volumes have one for all voxels
            continue
        present = data.mask[:, data.modalities.index(name)]
        symmetric = _is_symmetric(array, present, scale)
        if stages[name].axes is None:
            found[name] = noise_of_entries(scale, symmetric=symmetric)
        else:
            weight = InputScaler(scale.shape, stages[name], invertible=False).weight[0]
            found[name] = noise_of_scores(weight, scale, symmetric=symmetric)
    return found


def _is_symmetric(array: Any, present: np.ndarray, scale: np.ndarray, n_rows: int = 256) -> bool:
    """Return whether all present subjects are symmetric matrices, up to rounding."""
    if len(array.shape) != 3 or array.shape[1] != array.shape[2]:
        return False
    rows = np.flatnonzero(present)
    parts = (
        np.asarray(array[rows[k : k + n_rows]], dtype=float) for k in range(0, len(rows), n_rows)
    )
    rounding = ROUNDING * scale.max()
    return all(np.abs(part - part.transpose(0, 2, 1)).max() <= rounding for part in parts)


def check_noise_is_known(net: EmbeddingNet, input_noise: float) -> None:
    """Raise if training goes on with noise, and began without."""
    if input_noise and net.noise_ is None:
        raise ValueError(
            f"input_noise={input_noise!r}: this training began without noise, and did not learn "
            "the scale of the noise. Set it before the first fit, or leave it at 0."
        )
