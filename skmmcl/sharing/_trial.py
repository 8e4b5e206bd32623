"""Check that the parts of a loaded model fit together, by a subject of zeros."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skmmcl.base import BaseEmbedder
from skmmcl.data import MultimodalData
from skmmcl.exceptions import ModelFileError
from skmmcl.training._lanes import forward_lanes, in_copies
from skmmcl.training._seeds import draws_globally

MOST_VALUES = 2**25  # of a subject, above which networks are not tried
MANY_VALUES = 2**18  # of a subject, above which only the representation is tried


def check_fits_together(model: Any) -> None:
    """Raise if the shapes of a model's arrays do not fit each other."""
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
    coef = getattr(part, "coef_", None) if n_features is not None else None
    is_linear = type(part).__module__.startswith("sklearn.linear_model")
    if is_linear and isinstance(coef, np.ndarray) and n_features not in coef.shape:
        raise ModelFileError(
            f"coef_ of {type(part).__name__} has the shape {coef.shape}, "
            f"and it takes {n_features} features"
        )
    if isinstance(part, BaseEmbedder) and hasattr(part, "_trained"):
        _encode_zeros(part)


def _encode_zeros(embedder: BaseEmbedder) -> None:
    """Encode a subject with all modalities and, for each modality, one without it."""
    names, shapes = list(embedder.shapes_), list(embedder.shapes_.values())
    if not all(type(k) is int and k > 0 for shape in shapes for k in shape):
        raise ModelFileError(f"the modalities have the shapes {shapes!r:.200}")
    size = sum(map(math.prod, shapes))
    if size > MOST_VALUES:
        return
    n_absent = len(names) if len(names) > 1 and size < MANY_VALUES else 0
    mask = np.vstack([np.ones((1, len(names)), bool), ~np.eye(len(names), dtype=bool)[:n_absent]])
    zeros = {name: np.zeros((len(mask), *shape)) for name, shape in zip(names, shapes, strict=True)}
    data = MultimodalData(zeros, mask=mask)
    found = [np.zeros((1, 0))]
    if embedder._solution is not None:  # noqa: SLF001
        found.append(embedder._solution.transform(data))  # noqa: SLF001
    if (trained := embedder._trained) is not None:  # noqa: SLF001
        found.append(trained.transform(data, embedder.impute))
        network = trained.net.module_
        if size < MANY_VALUES and not (getattr(network, "reads", ()) or draws_globally(network)):
            _through_the_heads(network, trained.subjects(data).data)
    if not all(np.isfinite(columns[:1]).all() for columns in found):
        raise ModelFileError(f"{type(embedder).__name__} gives NaN or infinite values")


def _through_the_heads(network: Any, subjects: Any) -> None:
    """Compute all outputs, including those that only training needs."""
    x = in_copies({name: values[None] for name, values in subjects.x.items()}, network)
    with torch.no_grad():
        forward_lanes(
            network, {"x": x, "mask": None if subjects.mask is None else subjects.mask[None]}
        )
