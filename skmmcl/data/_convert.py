"""Conversion of what estimators accept as multimodal input to MultimodalData."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from skmmcl.data._columns import select_columns
from skmmcl.data._container import MultimodalData
from skmmcl.data._parts import collect, merge_names
from skmmcl.exceptions import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pandas import DataFrame


def is_multimodal(X: object) -> bool:
    """Return whether `X` holds named modalities, so that `as_multimodal` takes it.

    Parameters
    ----------
    X : object
        Anything.

    Returns
    -------
    bool
        True for a MultimodalData, a mapping of arrays, a list of records and a structured array.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data import is_multimodal
    >>> is_multimodal({"fc": np.ones((5, 3))}), is_multimodal(np.ones((5, 3)))
    (True, False)
    """
    if issparse(X):  # scipy's dok_array is a dict
        return False
    if isinstance(X, (MultimodalData, Mapping)):
        return True
    return (isinstance(X, np.ndarray) and X.dtype.names is not None) or _is_records(X)


def as_multimodal(
    X: MultimodalData | Mapping[str, Any] | Sequence[Mapping[str, Any]] | np.ndarray,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> MultimodalData:
    """Return `X` as a MultimodalData.

    Parameters
    ----------
    X : MultimodalData, mapping, list of mappings, or structured ndarray
        Named arrays of the same subjects; in a list, one record per subject, in which None or an
        absent key means a missing modality.
    shapes : mapping of str to tuple of int, optional
        Shape of one subject in modalities that are known. Without it, a list with
        None for every subject and a modality that no record has are errors: their shape is unknown.

    Returns
    -------
    MultimodalData
        `X` itself if it is one. Arrays are shared where they can be.

    Raises
    ------
    DataError
        If the arrays cannot be used, or subjects differ in shape.

    Examples
    --------
    >>> from skmmcl.data import as_multimodal
    >>> as_multimodal([{"fc": [0.1, 0.2], "age": 31}, {"age": 28}])
    MultimodalData: 2 subjects, 2 modalities
      fc   (2, 2)  float64  1 missing
      age  (2, 1)  int64
    """
    shapes = shapes or {}
    if isinstance(X, MultimodalData):
        return X
    if issparse(X):
        raise DataError("Sparse matrices are no multimodal input; give arrays by name.")
    if isinstance(X, Mapping):
        arrays = merge_names(X, {})
    elif isinstance(X, np.ndarray) and X.dtype.names is not None:
        arrays = {name: X[name] for name in X.dtype.names}
    elif _is_records(X):
        arrays = _read_records(X, shapes)
    else:
        raise DataError(
            f"Expected named modalities, got {type(X).__name__}: give a MultimodalData, a dict of "
            "arrays, a list of records or a structured array, or say which columns make which "
            "modality (split_columns, or the parameter modalities= of an estimator)."
        )
    return _build({name: _with_shape(value, shapes.get(name)) for name, value in arrays.items()})


def split_columns(
    X: DataFrame | ArrayLike,
    selectors: Mapping[str, Any],
    feature_names: Sequence[str] | None = None,
) -> MultimodalData:
    """Split the columns of one 2-D table into modalities.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_subjects, n_columns)
        The table.
    selectors : dict of str to selector
        Columns of each modality: a slice, a position, a name, a pattern such as ``"fc_*"``, a list
        of these, a boolean mask, or a callable that gets the DataFrame (the column names for an
        array) and returns one of them.
    feature_names : list of str, optional
        Column names of an array.

    Returns
    -------
    MultimodalData
        Evenly spaced columns of an array are views. Columns that no selector names are left out.

    Raises
    ------
    ModalityError
        If selectors overlap, select nothing, or name columns that do not exist.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data import split_columns
    >>> X = np.arange(12.0).reshape(2, 6)
    >>> split_columns(X, {"smri": slice(0, 3), "clinical": [3, 5]}).shapes
    {'smri': (3,), 'clinical': (2,)}
    """
    arrays, columns = select_columns(X, selectors, feature_names)
    return _build(merge_names(arrays, {}), columns)


def _build(arrays: Mapping, columns: Mapping | None = None) -> MultimodalData:
    """Build a container, which may hold repeated ids: a bootstrap of a table has them."""
    parts = collect(arrays, unique_ids=False)
    for name, listed in (columns or {}).items():
        parts.modalities[name].columns = listed
    return MultimodalData._from_parts(parts)  # noqa: SLF001


def _is_records(X: Any) -> bool:
    is_list = isinstance(X, (list, tuple)) or (
        isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    )
    return is_list and len(X) > 0 and isinstance(X[0], Mapping)


def _with_shape(value, shape: Sequence[int] | None):
    """Return rows of NaN for a list of nothing but None."""
    is_list = isinstance(value, (list, tuple)) and len(value) > 0
    if shape is None or not is_list or any(row is not None for row in value):
        return value
    return np.broadcast_to(np.float32(np.nan), (len(value), *shape))


def _read_records(records, known: Iterable[str]) -> dict[str, list]:
    """Turn records into one list per modality: the known ones, and others as they appear."""
    for subject, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise DataError(
                f"Subject {subject} is a {type(record).__name__}, the first one a mapping from "
                "modality to array; every record must be a mapping."
            )
    names = dict.fromkeys([*known, *(name for record in records for name in record)])
    return merge_names({name: [record.get(name) for record in records] for name in names}, {})
