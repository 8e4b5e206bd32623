"""Class labels, some of which may be unknown."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from skmmcl.utils._named import named
from skmmcl.utils._plain import numbers_of

UNLABELED = -1
MAX_CODES = 10  # more distinct numbers are taken for measurements, not for codes of classes


class ContinuousError(ValueError):
    """Numbers with fractions were given where classes are expected."""


def is_unlabeled(y: np.ndarray, unlabeled: Any = UNLABELED) -> np.ndarray:
    """Return where ``y``, of any shape, is ``unlabeled``, NaN or None."""
    if y.dtype == object:
        unknown = [_is_unknown(label) or bool(label == unlabeled) for label in y.flat]
        return np.array(unknown, dtype=bool).reshape(y.shape)
    if y.dtype.kind == "U" and isinstance(unlabeled, Integral):
        unlabeled = str(unlabeled)  # what numpy makes of -1 among text
    unknown = y != y  # noqa: PLR0124 (True for NaN)
    return unknown if unlabeled is None else unknown | (y == unlabeled)


def _is_unknown(label: Any) -> bool:
    is_itself = label == label  # noqa: PLR0124 (False for NaN, no bool for pandas.NA)
    return label is None or not isinstance(is_itself, (bool, np.bool_)) or not is_itself


def as_labels(y: Any) -> np.ndarray:
    """Return a 1-D array of labels, in which NaN, None and -1 among text stay as they are."""
    if isinstance(y, (list, tuple)) and any(isinstance(label, str) for label in y):
        y = np.array(y, dtype=object)  # numpy by itself would make text of all
    with named("y", "one label for each subject"):
        return column_or_1d(y, warn=True)


def encode_classes(y: Any, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return codes from 0 for labels, -1 for unlabeled subjects, and the classes.

    Unlabeled are -1, NaN and None. All other labels must be among `classes`, if these are given by
    an earlier call. Continuous numbers are a ValueError.

    Examples
    --------
    >>> from skmmcl.utils._targets import encode_classes
    >>> codes, classes = encode_classes(["case", "control", None])
    >>> codes.tolist(), classes.tolist()
    ([0, 1, -1], ['case', 'control'])
    """
    y = as_labels(y)
    labeled = ~is_unlabeled(y)
    known = y[labeled]
    if known.dtype.kind == "O":
        known = np.array(known.tolist())
        numbers = numbers_of(known) if known.dtype == object else None
        known = known if numbers is None else numbers
    if known.dtype.kind in "mM":
        raise ContinuousError(
            f"Unknown label type: dates or spans of time, for example {known[0]}. Classes are "
            "expected; metadata_labels cuts numbers into classes."
        )
    if has_fractions(known):
        raise ContinuousError(
            "Unknown label type: continuous. Classes are expected, and y holds numbers with "
            f"fractions, for example {known[known != np.trunc(known)][0]}."
        )
    found = np.unique(known)
    is_text = found.dtype.kind in "US"
    if classes is not None and len(found) and is_text != (classes.dtype.kind in "US"):
        raise ValueError(
            f"y holds {found.tolist()[:5]}, but the classes {classes.tolist()} are of another type."
        )
    if classes is None:
        classes = found
    elif len(unknown := np.setdiff1d(found, classes)):
        raise ValueError(f"y holds {unknown.tolist()}, not among the classes {classes.tolist()}.")
    codes = np.full(len(y), -1, dtype=np.int64)
    codes[labeled] = np.searchsorted(classes, known)
    return codes, classes


def has_fractions(known: np.ndarray) -> bool:
    """Return whether known labels are numbers, some of them with a fraction."""
    return known.dtype.kind == "f" and bool((known != np.trunc(known)).any())


def seem_measured(known: np.ndarray) -> bool:
    """Return whether known labels seem to be measured numbers, such as ages in whole years.

    Numbers that count from 0 or 1 without a gap, as codes of classes do, do not.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._targets import seem_measured
    >>> seem_measured(np.arange(20, 60)), seem_measured(np.array([0, 1, 1]))
    (True, False)
    """
    if has_fractions(known):
        return True
    if known.dtype.kind not in "iuf":
        return False
    found = np.unique(known)
    if len(found) <= MAX_CODES:
        return False
    counts_on = found[0] in {0, 1} and found[-1] - found[0] == len(found) - 1
    return not counts_on or len(known) < 2 * len(found)


def class_name(label: Any) -> str:
    """Return a class as text; codes that a gap made floats, as the whole numbers that they are."""
    return f"{label:g}" if isinstance(label, float) else str(label)


def warn_if_measured(known: np.ndarray, what: str, advice: str, *, stacklevel: int) -> None:
    """Warn if numbers that are taken for classes seem to be measured."""
    if seem_measured(known):
        n_values = len(np.unique(known))
        warnings.warn(
            f"The {n_values} different numbers of {what} are taken for classes. {advice} If "
            "they are codes of classes, such as of sites, nothing is wrong.",
            UserWarning,
            stacklevel=stacklevel + 1,
        )
