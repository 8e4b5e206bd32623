"""Alignment of the embeddings of two models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.sparse import issparse

if TYPE_CHECKING:
    from numpy.typing import NDArray


def procrustes(source: NDArray, target: NDArray, points: NDArray) -> NDArray[np.float64]:
    """Map `points` by the rotation, scale and translation that best map `source` to `target`."""
    source, target = source.astype(np.float64), target.astype(np.float64)
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError(
            "Embeddings with NaN or infinite values cannot be aligned. Use a transformer that "
            "returns finite values, or align=None if coordinates mean the same in every fit."
        )
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source, target = source - source_mean, target - target_mean
    rotation, overlap = orthogonal_procrustes(source, target)
    spread = np.sum(source**2)
    scale = overlap / spread if spread > 0 else 1.0
    return scale * (points - source_mean) @ rotation + target_mean


def dense(embedding: Any) -> NDArray:
    """Return the output of a transformer, whatever its container, as an ndarray."""
    return embedding.toarray() if issparse(embedding) else np.asarray(embedding)


def like(container: Any, values: NDArray) -> Any:
    """Return values in a container of the same type as the given output of a transformer."""
    if hasattr(container, "iloc"):
        return type(container)(values, index=container.index, columns=container.columns)
    if hasattr(container, "with_columns"):
        return type(container)(values, schema=list(container.columns))
    return type(container)(values) if issparse(container) else values
