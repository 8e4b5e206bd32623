"""Metadata of the subjects, from ``y`` or from the container, as columns of numbers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.data._frames import column_names, pick_column
from skmmcl.exceptions import DataError
from skmmcl.utils._targets import encode_classes, is_unlabeled, warn_if_measured


def columns_of_y(y: Any) -> dict[str, np.ndarray]:
    """Return the columns of ``y`` by name."""
    if hasattr(y, "columns"):
        names = column_names(y.columns)
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"y has several columns named {', '.join(twice)}; rename them.")
        return {name: pick_column(y, k).to_numpy() for k, name in enumerate(names)}
    # As objects, because numpy would convert numbers next to text to text.
    array = np.array(y, dtype=object) if isinstance(y, (list, tuple)) else np.asarray(y)
    if array.ndim == 1:
        return {str(getattr(y, "name", None) or "y"): array}
    if array.ndim != 2 or not array.shape[1]:
        raise DataError(
            f"y has shape {array.shape}; expected (n_samples,) or (n_samples, n_columns)."
        )
    return {f"y[:, {k}]": column for k, column in enumerate(array.T)}


def columns_of_meta(data: MultimodalData, names: str | Sequence[str]) -> dict[str, np.ndarray]:
    """Return columns of the side data by name."""
    wanted = [names] if isinstance(names, str) else list(names)
    if not wanted:
        raise DataError("metadata=[] names no column; set metadata=None to use y.")
    meta = data.meta
    columns = {name: np.asarray(meta[name]) for name in wanted}
    for name, values in columns.items():
        if values.ndim != 1:
            raise DataError(
                f"metadata={names!r}: X.meta[{name!r}] has shape {values.shape[1:]} per subject; "
                "expected one value."
            )
    return columns


def single_column(data: MultimodalData, names: str | Sequence[str]) -> np.ndarray:
    """Return the one column of the side data that is named."""
    columns = columns_of_meta(data, names)
    if len(columns) > 1:
        raise DataError(
            f"The class must be one column of X.meta; metadata={names!r} names several."
        )
    return next(iter(columns.values()))


def as_codes(values: np.ndarray, name: str, *, warn_of_numbers: bool = False) -> np.ndarray:
    """Return class codes as floats, NaN where unknown; warn if they look like an age."""
    try:
        codes, classes = encode_classes(values)
    except ValueError as error:
        raise DataError(
            f"Column {name!r} of the metadata is to be compared as classes: {error} Compare "
            "numbers by the kernel 'gaussian', or cut them into classes by "
            "skmmcl.preprocessing.metadata_labels."
        ) from error
    if warn_of_numbers:
        advice = "skmmcl.preprocessing.metadata_labels cuts numbers into a few classes."
        known = classes[codes[codes >= 0]]
        warn_if_measured(known, f"column {name!r} of the metadata", advice, stacklevel=7)
    return np.where(codes < 0, np.nan, codes)


def as_floats(values: np.ndarray, name: str) -> np.ndarray:
    """Return numbers, NaN where unknown."""
    unknown = is_unlabeled(values, None)
    known = values[~unknown].tolist()
    text = [value for value in known if isinstance(value, (str, bytes))]
    if text:
        raise DataError(
            f"Column {name!r} of the metadata holds text, for example {text[0]!r}, between which "
            "there is no distance. Compare classes by the kernel 'delta', or convert them to "
            "labels by skmmcl.preprocessing.metadata_labels."
        )
    floats = np.full(len(values), np.nan)
    try:
        floats[~unknown] = np.array(known, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Column {name!r} of the metadata holds no numbers: {error}") from error
    if np.isinf(floats).any():
        raise DataError(f"Column {name!r} of the metadata holds infinite numbers.")
    return floats


def as_labels_of_sets(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return zeros and ones of sets of labels, (n_samples, n_labels); NaN in unknown rows."""
    labels = np.column_stack([as_floats(values, name) for name, values in columns.items()])
    labels[(labels == -1).any(1)] = np.nan
    known = labels[~np.isnan(labels).any(1)]
    odd = np.setdiff1d(known, (0, 1))
    if len(odd):
        raise DataError(f"Labels must be 0 or 1, and -1 or NaN if unknown; found {odd[:5]}.")
    return labels


def check_varied(values: np.ndarray, names: Sequence[str]) -> None:
    """Raise if a column is constant over its known entries."""
    for name, column in zip(names, values.T, strict=True):
        known = np.unique(column[~np.isnan(column)])
        if len(known) < 2:
            raise DataError(
                f"Column {name!r} of the metadata has fewer than two different values: "
                f"{known.tolist()}, with {np.isnan(column).sum()} of {len(column)} unknown."
            )


def warn_of_lone(codes: np.ndarray, groups: str, *, stacklevel: int) -> None:
    """Warn of groups that have a single subject."""
    found, sizes = np.unique(codes[codes >= 0], return_counts=True)
    if n_lone := int(np.sum(sizes < 2)):
        warnings.warn(
            f"{n_lone} of the {len(found)} {groups} have a single subject, which therefore has no "
            "positives among other subjects.",
            UserWarning,
            stacklevel=stacklevel,
        )
