"""Columns of the common and the salient space, and back from them to subjects."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np
import torch

from skmmcl.base._input import LONE_MODALITY
from skmmcl.data import MultimodalData

N_ROWS = 256

# The part that `transform` has just given to scikit-learn, which asks for names next.
ASKED: ContextVar[str | None] = ContextVar("part", default=None)


def columns_of(part: Any, n_common: int, n_salient: int) -> slice:
    """Return the columns of a space among all; None for both."""
    columns = {
        None: slice(None),
        "common": slice(n_common),
        "salient": slice(n_common, n_common + n_salient),
    }
    if not (part is None or isinstance(part, str)) or part not in columns:
        raise ValueError(f"part={part!r}; expected 'common', 'salient', or None for both.")
    return columns[part]


def decoded(estimator: Any, latent: np.ndarray, index: Any = None) -> Any:
    """Return the subjects of latent variables (n_samples, n_common + n_salient), in own units.

    A container, or the array of a lone modality that came without a name.
    """
    trained, network = estimator._trained, estimator.net_.module_.eval()
    like = next(network.parameters())
    parts: list[list[np.ndarray]] = [[] for _ in estimator.modalities_]
    for start in range(0, len(latent), N_ROWS):
        rows = torch.as_tensor(latent[start : start + N_ROWS]).to(like)[None]
        with torch.inference_mode():
            out = network.decode_lanes(rows[..., : network.n_common], rows[..., network.n_common :])
        for k, name in enumerate(estimator.modalities_):
            parts[k].append(_in_own_units(trained, network, name, out[k][0]))
    arrays = {
        name: np.concatenate(part).astype(estimator._dtype)
        for name, part in zip(estimator.modalities_, parts, strict=True)
    }
    if list(arrays) == [LONE_MODALITY]:
        return arrays[LONE_MODALITY]
    return MultimodalData(arrays, index=index)


def _in_own_units(trained: Any, network: Any, name: str, seen: torch.Tensor) -> np.ndarray:
    """Undo what was done to a modality before its encoder."""
    seen = seen.double().cpu().numpy()
    unit, mean, shape = trained.units[name], trained.means[name], network.shapes[name]
    key = network._key[name]
    if key in network.scores:
        scores = network.scores[key]  # the weight is that of orthonormal axes, over both units
        axes = scores.weight[0].double().cpu().numpy().T
        flat = (seen @ axes).reshape(-1, *shape) * (scores.unit * unit) ** 2
        return flat + mean
    return seen * unit + mean if key in network.scalers else seen
