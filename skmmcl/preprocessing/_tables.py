"""Between containers and the tables that scikit-learn's transformers take and give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import get_tags

from skmmcl.data import MultimodalData, as_multimodal, is_multimodal
from skmmcl.exceptions import ModalityError
from skmmcl.utils._site import SiteLinkMixin


def name_columns(values: np.ndarray, columns: Sequence[str] | None) -> Any:
    """Return a DataFrame of these columns; the array itself without names or without pandas."""
    if columns is None or find_spec("pandas") is None:
        return values
    import pandas as pd

    return pd.DataFrame(values, columns=columns)


def present_rows(X: MultimodalData, name: str, *, flat: bool = True) -> tuple[Any, np.ndarray]:
    """Return a modality as a table of the subjects who have it, and their mask.

    With ``flat=False`` subjects keep their shape.
    """
    present = X.mask[:, X.modalities.index(name)]
    values = np.asarray(X[name])
    values = values if present.all() else values[present]
    if not flat:
        return values, present
    table = values.reshape(len(values), math.prod(X.shapes[name]))
    return name_columns(table, X.columns[name]), present


def names_out(transformer: Any, width: int) -> list[str] | None:
    """Return the column names that a transformer gives, if it can."""
    try:
        names = transformer.get_feature_names_out()
    except (AttributeError, ValueError):
        return None
    return list(names) if len(names) == width else None


def takes_shape(transformer: Any) -> bool:
    """Return whether a transformer, or the first of a pipeline, is for more than tables."""
    while hasattr(transformer, "steps"):
        transformer = transformer.steps[0][1]
    if not hasattr(transformer, "__sklearn_tags__"):
        return False
    return get_tags(transformer).input_tags.three_d_array


def nobody_has(name: str, choice: Any) -> ModalityError:
    """Return the error of a transformer that has nobody to be fitted on."""
    return ModalityError(
        f"No subject has the modality {name!r}, so {choice!r} cannot be fitted on it; "
        "pass it through or drop it."
    )


class ContainerTransformer(  # type: ignore[call-arg]
    SiteLinkMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Base of transformers that take and give containers."""

    def set_output(self, *, transform: Any = None) -> Self:
        """Do nothing: the output is a container, whatever the output of other steps.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Not used; here so that ``set_output`` of a pipeline reaches its other steps.

        Returns
        -------
        self : object
            This transformer.
        """
        return self

    def _container(
        self, X: Any, shapes: Mapping[str, tuple[int, ...]] | None = None
    ) -> MultimodalData:
        """Return named modalities as a container; refuse anything else."""
        if not is_multimodal(X):
            raise ModalityError(
                f"{type(self).__name__} takes MultimodalData, a dict of arrays, records or a "
                f"structured array, got {type(X).__name__}; make one by skmmcl.data.split_columns."
            )
        return as_multimodal(X, shapes=shapes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.dict = True
        return tags


def check_modalities(X: MultimodalData, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise unless a container has the modalities that fit saw, and no others."""
    missing = [name for name in shapes if name not in X]
    extra = [name for name in X.modalities if name not in shapes]
    if missing or extra:
        raise ModalityError(
            f"X has the modalities {X.modalities}, fit saw {tuple(shapes)}: missing {missing}, "
            f"not expected {extra}."
        )
    check_shapes(X, shapes)


def check_shapes(X: MultimodalData, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise unless the modalities of a container have the shapes per subject that fit saw."""
    for name, shape in shapes.items():
        if tuple(X.shapes[name]) != tuple(shape):
            raise ModalityError(
                f"Modality {name!r} has shape {X.shapes[name]} per subject, fit saw {shape}."
            )
