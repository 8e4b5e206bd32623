"""The input of an estimator: any accepted form becomes `MultimodalData`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from skmmcl.data import MultimodalData, as_multimodal, check_values, is_multimodal, split_columns
from skmmcl.data._frames import is_pandas, is_table
from skmmcl.data._layout import Layout
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing import MaskedZScore, ModalityTransformer
from skmmcl.utils._named import named
from skmmcl.utils._plain import numbers_of
from skmmcl.utils._sklearn import check_sample_weight

LONE_MODALITY = "x"


def read_input(estimator: Any, X: Any, *, reset: bool) -> MultimodalData:
    """Return the modalities in their order, of the right shapes; raise before any training.

    Parameters
    ----------
    estimator : BaseEmbedder
        Its parameter ``modalities`` says what to read. With ``reset`` it gets
        ``modalities_``, ``shapes_``, ``n_features_in_`` and, for a DataFrame,
        ``feature_names_in_``; otherwise X is checked against these.
    X : MultimodalData, mapping, list of records, DataFrame or array
        The user's input.
    reset : bool
        Whether this is a fit.

    Returns
    -------
    MultimodalData
    """
    table = not is_multimodal(X)
    data = (_read_table if table else _read_multimodal)(estimator, X, reset=reset)
    if reset:
        _learn_layout(estimator, data, table=table)
    else:
        data = _check_layout(estimator, data)
    check_n_subjects(data, 2 if reset else 1, type(estimator).__name__)
    return _scaled_by_image(data) if estimator.standardize == "image" else data


def _scaled_by_image(data: MultimodalData) -> MultimodalData:
    """Return the subjects with each volume or image z-scored by its own values."""
    images = [name for name, shape in data.shapes.items() if len(shape) > 2]
    if not images:
        raise ModalityError(
            f"standardize='image' z-scores volumes, and images with channels, each by itself; the "
            f"modalities have the shapes {data.shapes}. Take True for vectors and matrices."
        )
    there = [name for name in images if data.mask[:, data.modalities.index(name)].any()]
    scale = ModalityTransformer(dict.fromkeys(there, MaskedZScore("all")))
    return scale.fit_transform(data) if there else data


def read_known(estimator: Any, X: Any, keep: Collection[str] = ()) -> MultimodalData:
    """Return the modalities of new subjects that a fitted estimator knows and a subject has.

    Parameters
    ----------
    estimator : BaseEmbedder
        Fitted.
    X : MultimodalData, mapping, list of records, DataFrame or array
        The user's input; multimodal input may lack modalities.
    keep : collection of str
        Modalities that stay even if no subject has them.

    Returns
    -------
    MultimodalData
    """
    if not is_multimodal(X):
        data = read_input(estimator, X, reset=False)
    else:
        data = as_multimodal(X, shapes=estimator.shapes_)
        if estimator.modalities is not None:
            data = data[[name for name in data.modalities if name in estimator.modalities_]]
        names = [name for name in estimator.modalities_ if name in data.modalities]
        _check_names(names or estimator.modalities_, data.modalities, extra_allowed=False)
        data = _check_shapes(estimator, data[names])
    has = dict(zip(data.modalities, np.any(data.mask, axis=0).tolist(), strict=True))
    names = [name for name in data.modalities if has[name] or name in keep]
    return data[names] if names else data


def _read_multimodal(estimator: Any, X: Any, *, reset: bool) -> MultimodalData:
    data = as_multimodal(X, shapes=None if reset else estimator.shapes_)
    if estimator.modalities is None:
        return data
    wanted = list(estimator.modalities)
    if not wanted:
        raise ModalityError(f"modalities={estimator.modalities!r} is empty; None means all.")
    _check_names(wanted, data.modalities, extra_allowed=True)
    return data[wanted]


def _read_table(estimator: Any, X: Any, *, reset: bool) -> MultimodalData:
    """Split the columns of a 2-D array or DataFrame."""
    selectors = estimator.modalities
    is_names = selectors is not None and not hasattr(selectors, "keys")
    if is_names and reset:
        raise ModalityError(
            f"modalities={selectors!r} names modalities, but X is one table. Give the columns "
            "of each: modalities={'smri': slice(0, 100), 'fc': 'fc_*', 'clinical': ['age']}."
        )
    X = _plain_table(X)
    frame = selectors is not None and not is_names and hasattr(X, "columns")
    with named("X", "named modalities, or a table of numbers"):
        checked = validate_data(
            estimator, X, reset=reset, skip_check_array=frame, dtype=None if frame else "numeric",
            ensure_all_finite=False, ensure_min_samples=2 if reset else 1,
        )  # fmt: skip
    if not reset and (selectors is None or is_names):
        return _split_flat(estimator.shapes_, checked)
    if selectors is None:
        return MultimodalData({LONE_MODALITY: checked})
    return split_columns(checked, selectors, getattr(estimator, "feature_names_in_", None))


def _split_flat(shapes: dict[str, tuple[int, ...]], X: np.ndarray) -> MultimodalData:
    """Undo the flat concatenation of the modalities that were seen in fit."""
    edges = np.cumsum([0, *map(math.prod, shapes.values())])
    return MultimodalData(
        {
            name: X[:, start:stop].reshape(len(X), *shape)
            for (name, shape), start, stop in zip(shapes.items(), edges, edges[1:], strict=False)
        }
    )


def _learn_layout(estimator: Any, data: MultimodalData, *, table: bool) -> None:
    estimator.modalities_ = list(data.modalities)
    estimator.shapes_ = {name: tuple(shape) for name, shape in data.shapes.items()}
    estimator._layout = Layout.of(data)
    if not table:
        estimator.n_features_in_ = data.shape[1]
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_


def _check_layout(estimator: Any, data: MultimodalData) -> MultimodalData:
    _check_names(estimator.modalities_, data.modalities, extra_allowed=False)
    return _check_shapes(estimator, data[estimator.modalities_])


def _check_shapes(estimator: Any, data: MultimodalData) -> MultimodalData:
    for name, shape in data.shapes.items():
        if tuple(shape) != tuple(estimator.shapes_[name]):
            raise ModalityError(
                f"Modality {name!r} has shape {tuple(shape)} per subject, but "
                f"{type(estimator).__name__} was fitted on {tuple(estimator.shapes_[name])}."
            )
    return estimator._layout.apply(data)


def _plain_table(X: Any) -> Any:
    """Return a table with NaN for pandas' NA among objects; raise for names that occur twice."""
    if isinstance(X, np.ndarray) and X.dtype == object:
        numbers = numbers_of(X)
        return X if numbers is None else numbers
    if not is_table(X):
        return X
    names = [name for name in X.columns if isinstance(name, str)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ModalityError(f"X has several columns named {', '.join(twice)}; rename them.")
    of_objects = is_pandas(X) and np.dtype(object) in set(X.dtypes)
    return X.where(X.notna(), np.nan) if of_objects else X


def _check_names(expected: Any, found: Any, *, extra_allowed: bool) -> None:
    missing = [name for name in expected if name not in found]
    extra = [] if extra_allowed else [name for name in found if name not in expected]
    if missing or extra:
        raise ModalityError(
            f"Expected the modalities {list(expected)}, found {list(found)}"
            + (f"; missing: {missing}" if missing else "")
            + (f"; unknown: {extra}" if extra else "")
            + (
                ". A modality that no subject has is given as rows of NaN, or None in each record."
                if missing
                else "."
            )
        )


def check_n_subjects(data: MultimodalData, minimum: int, user: str) -> None:
    """Raise if there are too few subjects."""
    if len(data) < minimum:
        raise DataError(
            f"Found array with {len(data)} sample(s) (shape={data.shape}) while a minimum of "
            f"{minimum} is required by {user}."
        )


def checked_weight(sample_weight: Any, data: MultimodalData) -> np.ndarray:
    """Return the weights of subjects; raise unless they are numbers that can be summed."""
    with named("sample_weight", "one number of 0 or more for each subject"):
        weight = check_sample_weight(sample_weight, data, ensure_non_negative=True)
    largest = weight.max()
    if not 1e-30 < largest < 1e30:
        raise DataError(
            f"sample_weight has numbers up to {largest:.3g}; expected the number of subjects for "
            "which one counts. Divide them by their mean."
        )
    return weight


def check_subjects(data: MultimodalData, dtype: str, *, empty_allowed: bool = False) -> None:
    """Raise for values that cannot be used and for subjects without any modality."""
    check_values(data, dtype)
    empty = np.logical_not(data.mask.any(axis=1))
    if empty.any() and not empty_allowed:
        raise DataError(
            f"{empty.sum()} subject(s) have no modality at all, every entry is NaN or marked "
            f"missing: {ids_of(data, empty)}. Leave them out; in transform, on_empty='nan' gives "
            "rows of NaN for them."
        )


def warn_if_unpaired(data: MultimodalData, user: str) -> None:
    """Warn if there are several modalities, and no subject has two."""
    if len(data.modalities) > 1 and data.mask.sum(axis=1).max() < 2:
        warnings.warn(
            f"No subject has two of the modalities {list(data.modalities)}, so that {user} cannot "
            "learn what they share.",
            UserWarning,
            stacklevel=6,
        )


def only_modality(modality: str, data: MultimodalData) -> MultimodalData:
    """Return the same subjects without any other modality."""
    if modality not in data.modalities:
        raise ModalityError(f"modality={modality!r} is none of {list(data.modalities)}.")
    nobody = {
        name: np.broadcast_to(np.float32(np.nan), (len(data), *shape))
        for name, shape in data.shapes.items()
        if name != modality
    }
    return data.assign(nobody) if nobody else data


def check_have(data: MultimodalData, name: str) -> None:
    """Raise for subjects without a modality, the only one to be read."""
    lack = ~data[[name]].mask[:, 0]
    if lack.any():
        raise DataError(
            f"{lack.sum()} subject(s) do not have modality {name!r}: {ids_of(data, lack)}. Leave "
            "them out; on_empty='nan' gives rows of NaN for them."
        )


def ids_of(data: MultimodalData, rows: np.ndarray) -> str:
    """Return the ids, else the positions, of the first few subjects."""
    names = np.flatnonzero(rows) if data.index is None else data.index[rows]
    return ", ".join(map(str, names[:5])) + (", ..." if len(names) > 5 else "")


def check_finite(representation: np.ndarray, data: MultimodalData) -> None:
    """Raise if the representation of subjects that have been read is not finite."""
    odd = ~np.isfinite(representation).all(axis=1) & data.mask.any(axis=1)
    if odd.any():
        raise DataError(
            f"The representation of {odd.sum()} subject(s) is not finite: {ids_of(data, odd)}. A "
            f"modality of {list(data.modalities)} holds values that are not finite, or far beyond "
            "those of fit."
        )
