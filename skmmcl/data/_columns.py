"""Selection of the columns of a table that make each modality."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skmmcl.data._frames import (
    column_names,
    drop_index,
    is_table,
    pick_column,
    side_column,
    take_columns,
)
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils._named import named


def select_columns(X, selectors, feature_names=None) -> tuple[dict, dict]:
    """Return the part of `X` and the column names that make each modality."""
    X = _check_table(X)
    labels = list(X.columns) if is_table(X) else feature_names
    with named("feature_names", "a list of names"):
        names = None if labels is None else _Names(labels)
    if names is not None and len(names) != X.shape[1]:
        raise ModalityError(f"feature_names has {len(names)} names for {X.shape[1]} columns of X.")
    columns = _resolve(selectors, X.shape[1], names, X if is_table(X) else names)
    if is_table(X):
        arrays = {name: take_columns(X, chosen) for name, chosen in columns.items()}
    else:
        arrays = {name: X[:, chosen] for name, chosen in columns.items()}
    return arrays, {
        name: None if names is None else column_names(_picked(names, chosen))
        for name, chosen in columns.items()
    }


class _Names(list):
    """Names of the columns, whose places are found without a search for each."""

    def __init__(self, labels: Iterable) -> None:
        super().__init__(labels)
        self.places: dict[Any, list[int]] = {}
        for place, label in enumerate(self):
            self.places.setdefault(label, []).append(place)
        self.of_levels = any(isinstance(label, tuple) for label in self)
        self.are_text = all(isinstance(label, str) for label in self)

    def find(self, label: Any) -> list[int]:
        """Return the places of a label; none of a tuple of lists or slices, which is no label."""
        try:
            return self.places.get(label, [])
        except TypeError:
            return []


def read_table(df, selectors, meta, index) -> tuple[dict, dict | None, np.ndarray | None]:
    """Return modalities, side data and ids of a table, as MultimodalData takes them."""
    if not is_table(df):
        raise DataError(f"from_dataframe takes a DataFrame; got {type(df).__name__}.")
    labels = list(df.columns)
    names = _labels_of(meta, labels)
    for column in [*names, *([] if index is None else [index])]:
        _check_label(column, labels)
    side = {
        column_names([name])[0]: side_column(pick_column(df, labels.index(name))) for name in names
    }
    ids = None if index is None else df[index].to_numpy()
    arrays, _ = select_columns(df if index is None else drop_index(df), selectors)
    return arrays, side, ids


def _labels_of(meta, labels: list) -> list:
    """Return the labels of the columns of side data; a number or a tuple may be one of them."""
    if meta is None:
        return []
    is_one = isinstance(meta, (str, int, np.integer)) or (
        isinstance(meta, tuple) and meta in labels
    )
    return [meta] if is_one else list(meta)


def _check_label(label, labels: list) -> None:
    """Raise unless this is the label of one column."""
    times = labels.count(label)
    if times == 0:
        raise DataError(_unknown("meta or index", label, labels))
    if times > 1:
        raise DataError(
            f"Column {label!r}, asked for as meta or index, is in the table {times} times; rename "
            "or drop the others."
        )


def _check_table(X):
    if issparse(X):
        raise DataError("Columns cannot be split from a sparse matrix; give it as .toarray().")
    if is_table(X):
        return X
    X = np.asarray(X)
    if X.ndim != 2:
        raise DataError(f"Columns are split from a 2-D array; found shape {X.shape}.")
    return X


def _picked(names: list, chosen: slice | np.ndarray) -> list:
    return names[chosen] if isinstance(chosen, slice) else [names[i] for i in chosen]


def _resolve(selectors, n_columns: int, names: _Names | None, table) -> dict:
    """Return the columns of each modality: a slice where they are a run, else an array."""
    if not isinstance(selectors, Mapping) or not selectors:
        raise ModalityError(
            "modalities must map each name to its columns, as in {'fc': 'fc_*', 'clinical': "
            f"['age', 'iq']}}; got {selectors!r}."
        )
    resolved: dict = {}
    owners: dict[int, str] = {}
    for modality, selector in selectors.items():
        columns = _positions(modality, selector, n_columns, names, table)
        if len(columns) == 0:
            raise ModalityError(f"The selector of {modality!r} selects no column: {selector!r}.")
        _claim(modality, columns, owners, names)
        resolved[modality] = _as_run(columns)
    return resolved


def _claim(modality: str, columns: np.ndarray, owners: dict, names: list | None) -> None:
    """Note whose the columns are; a column belongs to one modality only, once."""
    shared: dict[str, list] = {}
    for column in columns.tolist():
        if column in owners:
            shared.setdefault(owners[column], []).append(column if names is None else names[column])
        owners[column] = modality
    for other, twice in shared.items():
        where = f"are in both {other!r} and" if other != modality else "are twice in"
        listed = ", ".join(map(repr, twice[:5])) + (", ..." if len(twice) > 5 else "")
        raise ModalityError(f"Selectors overlap: columns {listed} {where} {modality!r}.")


def _as_run(columns: np.ndarray) -> slice | np.ndarray:
    steps = np.unique(np.diff(columns))
    if len(columns) == 1 or (len(steps) == 1 and steps[0] > 0):
        step = 1 if len(columns) == 1 else int(steps[0])
        return slice(int(columns[0]), int(columns[-1]) + 1, step)
    return columns


def _positions(modality: str, selector, n_columns: int, names: _Names | None, table) -> np.ndarray:
    if callable(selector):
        with named(f"The selector of {modality!r}", "a function of the table"):
            selector = selector(table)
    if isinstance(selector, slice):
        return _slice_positions(modality, selector, n_columns)
    is_label = isinstance(selector, tuple) and names is not None and names.find(selector)
    is_position = isinstance(selector, (int, np.integer)) and not isinstance(selector, bool)
    if is_label or is_position or isinstance(selector, str):
        selector = [selector]
    items = list(selector) if np.iterable(selector) else [selector]
    if items and all(isinstance(item, (bool, np.bool_)) for item in items):
        if len(items) != n_columns:
            raise ModalityError(
                f"The boolean selector of {modality!r} has {len(items)} entries for {n_columns} "
                "columns."
            )
        return np.flatnonzero(items)
    found = [_item_positions(modality, item, n_columns, names) for item in items]
    return np.concatenate([np.empty(0, dtype=np.int64), *found])


def _slice_positions(modality: str, selector: slice, n_columns: int) -> np.ndarray:
    ends = (selector.start, selector.stop, selector.step)
    if not all(end is None or isinstance(end, (int, np.integer)) for end in ends):
        raise ModalityError(
            f"The slice of {modality!r} must count columns, {selector!r} does not; use a list of "
            "names or a pattern such as 'fc_*'."
        )
    if max(-n_columns, *(end or 0 for end in ends[:2])) > n_columns:
        raise ModalityError(
            f"The slice of {modality!r} goes to column {max(end or 0 for end in ends[:2])}, there "
            f"are {n_columns} columns."
        )
    if selector.step == 0:
        raise ModalityError(f"The slice of {modality!r} has a step of 0: {selector!r}.")
    return np.arange(n_columns)[selector]


def _item_positions(modality: str, item, n_columns: int, names: _Names | None) -> np.ndarray:
    if isinstance(item, (str, tuple)):
        return _name_positions(modality, item, names)
    if isinstance(item, (bool, np.bool_)) or not isinstance(item, (int, np.integer)):
        raise ModalityError(
            f"Columns of {modality!r} are given by a slice, positions, names, a pattern, a boolean "
            f"mask or a callable; got {item!r}."
        )
    if not -n_columns <= item < n_columns:
        raise ModalityError(
            f"Column {item} of {modality!r} is out of range, there are {n_columns} columns."
        )
    _check_unambiguous(modality, int(item), n_columns, names)
    return np.array([item % n_columns])


def _check_unambiguous(modality: str, item: int, n_columns: int, names: _Names | None) -> None:
    """Raise for a position that is the label of another column."""
    place = None if names is None else names.places.get(item, [item % n_columns])[0]
    if names is None or place == item % n_columns:
        return
    raise ModalityError(
        f"Column {item} of {modality!r} is either the one at position {item}, labeled "
        f"{names[item]!r}, or the one labeled {item}, at position {place}. Make the labels text, "
        "for example by df.columns = df.columns.map(str)."
    )


def _name_positions(modality: str, item: str | tuple, names: _Names | None) -> np.ndarray:
    if names is None:
        raise ModalityError(
            f"Columns of {modality!r} are given by name ({item!r}), but X has no column names; "
            "give a DataFrame, or positions."
        )
    if not names.of_levels and not names.are_text:
        raise ModalityError(
            f"Columns of {modality!r} are given by name ({item!r}), but not all column names are "
            "text; rename them with df.columns = df.columns.astype(str)."
        )
    found = names.find(item)
    if len(found) > 1:
        raise ModalityError(
            f"Column {item!r} of {modality!r} is in the table {len(found)} times; rename the "
            "others, or give positions."
        )
    if not found and names.of_levels:  # the first level stands for all below it
        start = item if isinstance(item, tuple) else (item,)
        found = [i for i, name in enumerate(names) if name[: len(start)] == start]
    elif not found and set(item) & set("*?["):
        found = [i for i, name in enumerate(names) if fnmatchcase(name, item)]
        return np.array(found, dtype=np.int64)
    if not found:
        raise ModalityError(_unknown(modality, item, names))
    return np.array(found, dtype=np.int64)


def _unknown(what: str, item, names: list) -> str:
    close = difflib.get_close_matches(str(item), [str(name) for name in names], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"Column {item!r}, asked for as {what}, is not in the table{hint}"
