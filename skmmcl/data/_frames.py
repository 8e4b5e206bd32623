"""pandas and polars tables as arrays of numbers, without importing either of them first."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.utils._plain import numbers_of


def _is_from(value, library: str, kind: str) -> bool:
    module = sys.modules.get(library)
    return module is not None and isinstance(value, getattr(module, kind))


def is_pandas(value) -> bool:
    """Return whether this is a pandas DataFrame or Series."""
    return _is_from(value, "pandas", "DataFrame") or _is_from(value, "pandas", "Series")


def is_table(value) -> bool:
    """Return whether this is a DataFrame of pandas or polars."""
    return _is_from(value, "pandas", "DataFrame") or _is_from(value, "polars", "DataFrame")


def is_frame(value) -> bool:
    """Return whether this is a DataFrame or Series of pandas or polars."""
    return is_pandas(value) or is_table(value) or _is_from(value, "polars", "Series")


def as_series(value):
    """Return an index or an array of pandas as a Series, all else as it is."""
    is_index = _is_from(value, "pandas", "Index")
    if not is_index and not _is_from(value, "pandas.api.extensions", "ExtensionArray"):
        return value
    import pandas as pd

    return pd.Series(value, index=range(len(value)))


def as_table(value):
    """Return a Series as a DataFrame of one column, a DataFrame as it is."""
    return value if is_table(value) else value.to_frame()


def take_columns(table, columns: slice | np.ndarray):
    """Return some columns of a DataFrame, by position."""
    if is_pandas(table):
        return table.iloc[:, columns]
    return table[:, np.arange(table.shape[1])[columns].tolist()]


def drop_index(table):
    """Return a DataFrame whose rows go by position."""
    return table.reset_index(drop=True) if is_pandas(table) else table


def frame_ids(value) -> np.ndarray | None:
    """Return subject ids that a pandas index carries; None for 0, 1, 2, ... and for polars."""
    if not is_pandas(value):
        return None
    ids = index_of(value)
    if ids.dtype.kind in "iu" and np.array_equal(ids, np.arange(len(ids))):
        return None
    return ids


def index_of(value) -> np.ndarray:
    """Return a pandas index as text, numbers or, of several levels, tuples."""
    ids = plain(value.index.to_numpy())
    is_whole = ids.dtype == object and len(ids) and all(type(item) is int for item in ids)
    return ids.astype(np.int64) if is_whole else ids


def find_axis(sources):
    """Return the first pandas index that is ids, or that of the first table with ids."""
    for source in sources:
        if _is_from(source, "pandas", "Index"):
            return source
        if frame_ids(source) is not None:
            return source.index
    return None


def plain(values) -> np.ndarray:
    """Return an array in which text has a text dtype rather than `object`."""
    array = np.asarray(values)
    if array.dtype == object and array.size and all(isinstance(item, str) for item in array.flat):
        return array.astype(str)
    return array


def side_column(column) -> np.ndarray:
    """Return a column of any type; numbers with gaps become floats with NaN."""
    number = _numbers(column)
    return plain(column.to_numpy()) if number is None or _is_category(column) else number


def column_names(labels) -> list[str]:
    """Return column labels as text; those of several levels joined, as in ``fc_1``."""
    return [
        "_".join(map(str, label)) if isinstance(label, tuple) else str(label) for label in labels
    ]


def frame_to_array(name: str, value) -> tuple[np.ndarray, list[str] | None, dict[int, list]]:
    """Return the numbers of a DataFrame or Series, its column names, and its categories."""
    unnamed = not is_table(value) and value.name in (None, "")
    table = as_table(value)
    names = column_names(table.columns)
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise DataError(f"Modality {name!r} has two columns named {', '.join(twice)}.")
    values, categories = _table_values(name, table, names)
    return values, None if unnamed else names, categories


def _table_values(name: str, table, names: list[str]) -> tuple[np.ndarray, dict[int, list]]:
    if is_pandas(table) and len(set(table.dtypes)) == 1:
        dtype = table.dtypes.iloc[0]
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
            return table.to_numpy(), {}  # a view of the table
    columns = [pick_column(table, position) for position in range(len(names))]
    numbers: list = [_numbers(column) for column in columns]
    bad = [
        f"{column!r} ({series.dtype}{_first_text(series)})"
        for column, series, values in zip(names, columns, numbers, strict=True)
        if values is None
    ]
    if bad:
        raise DataError(
            f"Modality {name!r}: columns without numbers: {', '.join(bad[:10])}. Encode them (for "
            "example with pandas.get_dummies) or leave them out, and write missing numbers as NaN "
            "('n/a' in a file); what is no modality, such as a site, goes into meta=."
        )
    values = np.column_stack(numbers) if numbers else np.empty((len(table), 0))
    return values, {k: named for k, series in enumerate(columns) if (named := _coded(series))}


def _first_text(column) -> str:
    """Return the first entry of a column that is no number, for a message."""
    texts = [item for item in column.to_list() if isinstance(item, str)]
    for item in texts:
        try:
            float(item)
        except ValueError:
            return f", such as {item!r}"
    return f"; {texts[0]!r} is text: convert it by .astype(float)" if texts else ""


def pick_column(table, position: int):
    """Return one column of a DataFrame, by position."""
    return table.iloc[:, position] if is_pandas(table) else table.to_series(position)


def _is_category(column) -> bool:
    return is_pandas(column) and _is_from(column.dtype, "pandas", "CategoricalDtype")


def _numbers(column) -> np.ndarray | None:
    """Return the numbers of one column with NaN for gaps, or None where there are none."""
    if not is_pandas(column):
        return _polars_numbers(column)
    import pandas as pd

    if _is_category(column):
        return _category_numbers(column)
    dtype = column.dtype
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        return (
            numbers_of(column.to_numpy()) if column.notna().any() else np.full(len(column), np.nan)
        )
    if not pd.api.types.is_numeric_dtype(dtype):
        return None
    if isinstance(dtype, np.dtype) or not column.isna().any():
        return np.asarray(column.to_numpy())
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _coded(column) -> list:
    """Return the meanings of the codes of a column; an empty list if its values are numbers."""
    categories = column.cat.categories.to_numpy() if _is_category(column) else np.empty(0)
    return [] if categories.dtype.kind in "biuf" else categories.tolist()


def _category_numbers(column) -> np.ndarray | None:
    """Return numeric categories as their values, ordered or two-valued ones as their codes."""
    categories = column.cat.categories.to_numpy()
    if named := _coded(column):
        if len(named) > 2 and not column.cat.ordered:
            return None
        categories = np.arange(len(named))
    codes = column.cat.codes.to_numpy()
    if (codes < 0).any():
        categories = np.append(categories.astype(np.float64), np.nan)
    return categories[codes]


def _polars_numbers(column) -> np.ndarray | None:
    import polars as pl

    if column.dtype == pl.Boolean and column.null_count():
        column = column.cast(pl.Float64)
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.to_numpy()
    return np.full(len(column), np.nan) if column.dtype == pl.Null else None
