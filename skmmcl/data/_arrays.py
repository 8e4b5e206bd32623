"""One modality of the whole cohort: its base array, its columns, and who has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skmmcl.data._frames import as_series, frame_ids, frame_to_array, is_frame
from skmmcl.data._rows import Rows, is_whole, pick_rows, row_blocks
from skmmcl.exceptions import DataError
from skmmcl.utils._plain import is_absent, numbers_of


class Modality:
    """A base array of all subjects, shared by every slice of a container, never written to.

    `columns` are names. `present` marks the subjects who have the modality, unless their row is
    NaN. `categories` has the categories of columns of codes, by the number of the column.
    """

    __slots__ = ("_complete", "_present", "array", "categories", "columns")

    def __init__(self, array, columns=None, present=None, categories=None):
        self.array = array
        self.columns = columns
        self.categories = categories or {}
        self._present = present
        self._complete = False

    @property
    def is_lazy(self) -> bool:
        """Whether rows are read only when asked for."""
        return not isinstance(self.array, np.ndarray)

    @property
    def present(self) -> np.ndarray:
        """Presence mask of the subjects; rows of NaN are found once, for all slices."""
        if not self._complete:
            self._present = _find_present(self.array, self._present)
            self._complete = True
        return self._present

    def restrict(self, present: np.ndarray) -> Modality:
        """Return the same modality, missing wherever `present` is False."""
        return self.with_array(self.array, self.present & present)

    def with_array(self, array, present) -> Modality:
        """Return another array with the same columns."""
        return Modality(array, self.columns, present, self.categories)

    def take(self, rows: Rows):
        """Return these rows: a view for a `range`, one gather for an array."""
        if self.is_lazy and is_whole(rows, len(self.array)):
            return self.array
        return pick_rows(self.array, rows)

    def copy(self) -> Modality:
        """Return the modality with its own array; a lazy one stays as it is."""
        array = self.array if self.is_lazy else np.array(self.array, order="C")
        return self.with_array(array, self.present.copy())

    def __getstate__(self):
        # Presence is always shipped, so that a hash does not depend on who looked at it first.
        return self.array, self.columns, self.present, self.categories

    def __setstate__(self, state):
        array, self.columns, self._present, self.categories = state
        self.array = np.asarray(array) if isinstance(array, np.ndarray) else array
        self._complete = True


def read_modality(name: str, value) -> tuple[Modality, np.ndarray | None]:
    """Return the modality that the user gave, and the subject ids that it carries."""
    columns = ids = categories = None
    if issparse(value):
        raise DataError(f"Modality {name!r} is a sparse matrix; give it as .toarray().")
    if isinstance(value, Mapping):
        raise DataError(
            f"Modality {name!r} is a {type(value).__name__} of its own; modalities cannot be "
            "nested: give each array its own name."
        )
    value = as_series(value)
    if is_frame(value):
        ids = frame_ids(value)
        value, columns, categories = frame_to_array(name, value)
    if _is_lazy(name, value):
        ids = getattr(value, "ids", None)
        array = value if ids is None else value.without_ids()
        array = array if hasattr(array, "__len__") else BareRows(array)
    else:
        array = _to_array(name, value)
    _check_form(name, array)
    return Modality(array, columns, categories=categories), ids


def _is_lazy(name: str, value) -> bool:
    """Return whether this is a lazy array-like; refuse arrays of other libraries."""
    if isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "shape"):
        return False
    is_numpy = isinstance(getattr(value, "dtype", None), np.dtype)
    if not is_numpy or hasattr(value, "__array_namespace__"):
        raise DataError(
            f"Modality {name!r} is a {type(value).__module__}.{type(value).__name__}; give a numpy "
            "array, for example by .cpu().numpy() for a tensor or np.asarray(...)."
        )
    return True


def _to_array(name: str, value) -> np.ndarray:
    if isinstance(value, np.ma.MaskedArray):
        dtype = value.dtype if value.dtype.kind in "fc" else np.float64
        value = np.ma.filled(value.astype(dtype), np.nan)
    is_objects = isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1
    if isinstance(value, (list, tuple)) or is_objects:
        value = _stack_subjects(name, list(value))
    array = np.asarray(value)
    if array.dtype == object:
        numbers = numbers_of(array)
        array = array if numbers is None else numbers
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # longdouble, which torch lacks
        with np.errstate(over="ignore"):  # infinite values are found before training
            array = array.astype(np.float64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array[:, None] if array.ndim == 1 else array


def _stack_subjects(name: str, rows: list) -> np.ndarray:
    """Stack one array per subject; None marks a subject without the modality."""
    if not any(map(is_absent, rows)):
        try:
            return np.stack(rows) if rows and isinstance(rows[0], np.ndarray) else np.asarray(rows)
        except ValueError:
            pass  # shapes differ: find out where, below
    arrays = {i: _subject_array(name, i, row) for i, row in enumerate(rows) if not is_absent(row)}
    if not arrays:
        raise DataError(
            f"Modality {name!r} is None for every subject, so that its shape is unknown; leave it "
            "out, or give rows of NaN."
        )
    first, model = next(iter(arrays.items()))
    for i, array in arrays.items():
        if array.shape != model.shape:
            raise DataError(
                f"Modality {name!r}: subject {i} has shape {array.shape}, subject {first} has "
                f"{model.shape}; all subjects of a modality must have the same shape."
            )
    dtype = np.result_type(*arrays.values())
    if dtype.kind in "biu":
        dtype = np.dtype(np.float64)
    stacked = np.full((len(rows), *model.shape), np.nan, dtype=dtype)
    stacked[list(arrays)] = list(arrays.values())
    return stacked


def _subject_array(name: str, subject: int, row) -> np.ndarray:
    try:
        array = np.asarray(row)
    except ValueError:
        raise DataError(f"Modality {name!r}: subject {subject} is a ragged list.") from None
    numbers = numbers_of(array) if array.dtype == object else None
    array = array if numbers is None else numbers
    _check_numbers(name, array.dtype)
    return array


def _check_form(name: str, array) -> None:
    _check_numbers(name, array.dtype)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        raise DataError(f"Modality {name!r} is lazy and of {array.dtype}; give float64 or less.")
    if len(array.shape) == 0:
        raise DataError(f"Modality {name!r} is a single number; give one row per subject.")
    if len(array.shape) == 1:  # a lazy one: arrays were made columns before
        raise DataError(f"Modality {name!r} is lazy and 1-D; give shape (n_subjects, ...).")
    if math.prod(array.shape[1:]) == 0:
        raise DataError(
            f"Modality {name!r} is empty: shape {tuple(array.shape)} has no value per subject."
        )


def _check_numbers(name: str, dtype: np.dtype) -> None:
    advice = {
        "c": "is complex; give its real part, its imaginary part or np.abs of it",
        "U": "holds text; encode it as numbers, or put it into meta=",
        "S": "holds text; encode it as numbers, or put it into meta=",
        "V": "is a structured array; give each field as a modality, as as_multimodal does",
        "O": "is an array of Python objects; give numbers, or a list of arrays and None",
    }
    if dtype.kind not in "biuf":
        found = advice.get(dtype.kind, "holds no numbers; convert it")
        raise DataError(f"Modality {name!r} {found} (dtype {dtype}).")


def _find_present(array, given: np.ndarray | None) -> np.ndarray:
    present = np.ones(len(array), dtype=bool) if given is None else given
    if not isinstance(array, np.ndarray):
        own = getattr(array, "present", None)
        return present if own is None else present & np.asarray(own, dtype=bool)
    return present & ~_nan_rows(array) if array.dtype.kind == "f" else present


def _nan_rows(array: np.ndarray) -> np.ndarray:
    """Return rows that are wholly NaN; only those that begin with NaN are read wholly."""
    first: Any = (slice(None), *(0,) * (array.ndim - 1))
    missing = np.isnan(array[first])
    for block in row_blocks(np.flatnonzero(missing), array[:1].nbytes):
        missing[block] = np.isnan(array[block]).all(axis=tuple(range(1, array.ndim)))
    return missing


class BareRows:
    """An array-like of an object with no more than ``shape``, ``dtype`` and ``array[rows]``."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape, self.dtype = tuple(array.shape), array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key):
        return self.array[key]

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.array[:], dtype=dtype)
