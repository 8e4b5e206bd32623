"""Whether the parts of a loaded model fit together: networks see one subject of zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skmmcl.base import BaseEmbedder
from skmmcl.exceptions import ModelFileError


def check_fits_together(model: Any) -> None:
    """Raise if a part of a model has arrays of a shape that the others do not suit."""
    for part in _estimators(model, set()):
        try:
            _check(part)
        except ModelFileError:
            raise
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            text = f"{type(error).__name__}: {error}"
            raise ModelFileError(
                f"the parts of {type(part).__name__} do not fit together ({text:.300})"
            ) from error


def _estimators(value: Any, seen: set[int]) -> Iterator[BaseEstimator]:
    if id(value) in seen:
        return
    seen.add(id(value))
    parts: Any = ()
    if isinstance(value, BaseEstimator):
        yield value
        parts = vars(value).values()
    elif isinstance(value, Mapping):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    for part in parts:
        yield from _estimators(part, seen)


def _check(part: BaseEstimator) -> None:
    n_features = getattr(part, "n_features_in_", None)
    coef = getattr(part, "coef_", None)
    is_linear = isinstance(coef, np.ndarray) and coef.ndim in (1, 2) and n_features is not None
    if is_linear and type(part).__module__.startswith("sklearn.linear_model"):
        if n_features not in (coef.shape[-1], *coef.shape):
            raise ModelFileError(
                f"coef_ of {type(part).__name__} has the shape {coef.shape}, "
                f"and it takes {n_features} features"
            )
    if isinstance(part, BaseEmbedder) and getattr(part, "_trained", None) is not None:
        _encode_zeros(part)


def _encode_zeros(embedder: BaseEmbedder) -> None:
    X = {name: np.zeros((1, *shape)) for name, shape in embedder.shapes_.items()}
    with torch.no_grad():
        embedder.transform(X)
