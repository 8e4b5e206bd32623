"""Conversion of subjects' values, such as None, NA and Decimal, to plain types."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from skmmcl.exceptions import DataError


def is_absent(value) -> bool:
    """Return whether a value is None or the NA of pandas."""
    pandas = sys.modules.get("pandas")
    return value is None or (pandas is not None and value is pandas.NA)


def numbers_of(array: np.ndarray) -> np.ndarray | None:
    """Return an object array as float64, NaN where absent; None if it holds other values.

    Examples
    --------
    >>> from decimal import Decimal
    >>> import numpy as np
    >>> from skmmcl.utils._plain import numbers_of
    >>> numbers_of(np.array([1, None, Decimal("0.5")], dtype=object))
    array([1. , nan, 0.5])
    >>> numbers_of(np.array([1, "a"], dtype=object)) is None
    True
    """
    items = array.ravel().tolist()
    known = [item for item in items if not is_absent(item)]
    if not known or not all(isinstance(item, (Real, Decimal, np.bool_)) for item in known):
        return None
    try:
        floats = [np.nan if is_absent(item) else float(item) for item in items]
    except (OverflowError, ValueError):  # a signaling NaN, or beyond float64
        return None
    return np.array(floats, dtype=np.float64).reshape(array.shape)


def plain_column(values: Any, name: str) -> np.ndarray:
    """Return one known value per subject, in the plainest type that holds it.

    Numbers of any type become int64 or float64, text and bytes become text, dates and spans of
    any unit have microseconds. Errors call the values `name`.

    Raises
    ------
    DataError
        For several values of a subject, infinite ones, and values of several kinds or of none.

    Examples
    --------
    >>> import numpy as np
    >>> from decimal import Decimal
    >>> from skmmcl.utils._plain import plain_column
    >>> plain_column(np.array([Decimal("1.5"), 2], dtype=object), "dose")
    array([1.5, 2. ])
    """
    column = np.asarray(values)
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise DataError(
            f"Side data {name!r} have shape {column.shape[1:]} per subject; expected one value."
        )
    if column.dtype.kind == "O":
        column = _of_objects(column.tolist(), name)
    column = _in_plain_type(column, name)
    if column.dtype.kind == "f" and np.isinf(column).any():
        row = int(np.argmax(np.isinf(column)))
        raise DataError(
            f"Side data {name!r} have {np.isinf(column).sum()} infinite values, the first in row "
            f"{row}; give a number, or leave these subjects out."
        )
    return column


def plain_labels(values: Any, name: str) -> np.ndarray:
    """Return the text of known labels, in which 1, 1.0 and True are the same.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._plain import plain_labels
    >>> plain_labels(np.array([1.0, 1.5, 3.0], dtype=np.float32), "tesla").tolist()
    ['1', '1.5', '3']
    """
    column = plain_column(values, name)
    if column.dtype.kind != "f":
        return column.astype(str)
    texts = [str(int(x)) if x.is_integer() else f"{x:.7g}" for x in column.tolist()]
    return np.array(texts, dtype=str)


def _in_plain_type(column: np.ndarray, name: str) -> np.ndarray:
    kind = column.dtype.kind
    if kind == "S":
        return np.char.decode(column, "utf-8", "replace")
    if kind in "bi" or (kind == "u" and column.dtype.itemsize < 8):
        return column.astype(np.int64)
    if kind in "uf":
        with np.errstate(over="ignore"):  # what overflows is infinite, and found to be
            return column.astype(np.float64)
    if kind in "Mm":
        return column.astype(f"{column.dtype.kind}8[us]")
    if kind != "U":
        raise DataError(
            f"Side data {name!r} are of type {column.dtype}; expected numbers, text or dates."
        )
    return column


def _of_objects(values: list, name: str) -> np.ndarray:
    """Return Python objects as an array one of numbers, text, dates or spans."""
    if _all(values, str, bytes):
        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
        return np.array(texts, dtype=str)
    if _all(values, Integral, np.bool_) and all(-(2**63) <= v < 2**63 for v in values):
        return np.array([int(v) for v in values], dtype=np.int64)
    if _all(values, Real, Decimal, np.bool_):
        return np.array([_as_float(v) for v in values])
    if _all(values, date, np.datetime64):  # timestamps are dates
        return np.array([_naive(v) for v in values], dtype="M8[us]")
    if _all(values, timedelta, np.timedelta64):
        return np.array(values, dtype="m8[us]")
    kinds = {type(v).__name__: v for v in values}
    shown = ", ".join(f"{kind} ({v!r:.30})" for kind, v in sorted(kinds.items())[:4])
    raise DataError(
        f"Side data {name!r} are no numbers, text or dates alone, but {shown}; make them of one "
        "kind, for example by .astype(str)."
    )


def _all(values: list, *types: type) -> bool:
    return all(isinstance(value, types) for value in values)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _naive(value: Any) -> Any:
    """Return a time in UTC without its zone, which numpy does not support."""
    offset = value.utcoffset() if hasattr(value, "utcoffset") else None
    return value if offset is None else value.replace(tzinfo=None) - offset
