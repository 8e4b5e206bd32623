"""Between containers and the tables that scikit-learn's transformers take and give."""

import math
from importlib.util import find_spec

import numpy as np
from sklearn.utils import get_tags

from skmmcl.data import as_multimodal, is_multimodal
from skmmcl.exceptions import ModalityError


def name_columns(values, columns):
    """Return a DataFrame of these columns; the array itself without names or without pandas."""
    if columns is None or find_spec("pandas") is None:
        return values
    import pandas as pd

    return pd.DataFrame(values, columns=columns)


def present_rows(X, name, *, flat=True):
    """Return a modality as a table of the subjects who have it, and who they are.

    With ``flat=False`` subjects keep their shape.
    """
    present = X.mask[:, X.modalities.index(name)]
    values = np.asarray(X[name])
    values = values if present.all() else values[present]
    if not flat:
        return values, present
    table = values.reshape(len(values), math.prod(X.shapes[name]))
    return name_columns(table, X.columns[name]), present


def names_out(transformer, width):
    """Return the column names that a transformer gives, if it can."""
    try:
        names = transformer.get_feature_names_out()
    except (AttributeError, ValueError):
        return None
    return list(names) if len(names) == width else None


def as_container(X, user, shapes=None):
    """Return named modalities as a container, as `as_multimodal`; refuse anything else."""
    if not is_multimodal(X):
        raise ModalityError(
            f"{user} takes MultimodalData, a dict of arrays, records or a structured array, "
            f"got {type(X).__name__}; make one by skmmcl.data.split_columns."
        )
    return as_multimodal(X, shapes=shapes)


def takes_shape(transformer):
    """Whether a transformer, or the first of a pipeline, is for more than tables."""
    while hasattr(transformer, "steps"):
        transformer = transformer.steps[0][1]
    if not hasattr(transformer, "__sklearn_tags__"):
        return False
    return get_tags(transformer).input_tags.three_d_array


def nobody_has(name, choice):
    """Return the error of a transformer that has nobody to be fitted on."""
    return ModalityError(
        f"No subject has the modality {name!r}, so {choice!r} cannot be fitted on it; "
        "pass it through or drop it."
    )


def check_like_fit(X, shapes):
    """Raise unless a container has the modalities that fit saw, of these shapes per subject."""
    missing = [name for name in shapes if name not in X]
    extra = [name for name in X.modalities if name not in shapes]
    if missing or extra:
        raise ModalityError(
            f"X has the modalities {X.modalities}, fit saw {tuple(shapes)}: "
            f"missing {missing}, not expected {extra}."
        )
    for name, shape in shapes.items():
        if X.shapes[name] != shape:
            raise ModalityError(
                f"Modality {name!r} has shape {X.shapes[name]} per subject, fit saw {shape}."
            )
