"""Numbers that come as Python objects: None, NA, Decimal, fractions and others among them."""

from __future__ import annotations

import sys
from decimal import Decimal
from numbers import Real

import numpy as np


def is_absent(value) -> bool:
    """Return whether a value is None or the NA of pandas."""
    pandas = sys.modules.get("pandas")
    return value is None or (pandas is not None and value is pandas.NA)


def numbers_of(array: np.ndarray) -> np.ndarray | None:
    """Return an object array as float64 with NaN for what is absent; None if it holds else.

    Examples
    --------
    >>> from decimal import Decimal
    >>> import numpy as np
    >>> from skmmcl.utils._objects import numbers_of
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
