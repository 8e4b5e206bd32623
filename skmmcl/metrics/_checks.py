"""Checks of the input of metrics."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from skmmcl.data._who import check_same_subjects
from skmmcl.utils._named import named
from skmmcl.utils._plain import plain_column
from skmmcl.utils._targets import is_unlabeled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def check_numbers(values: ArrayLike, name: str, expected: str, **options: Any) -> NDArray:
    """Return finite numbers, by the options of scikit-learn's `check_array`; refuse dates."""
    with named(name, expected), np.errstate(all="ignore"):
        if np.asarray(values).dtype.kind in "Mm":
            raise TypeError("dates and spans of time are no numbers")
        return check_array(values, input_name=name, **options)


def check_matrix(X: ArrayLike, name: str, least: int = 2) -> NDArray:
    """Return a finite matrix of `least` subjects or more, in its own floating type."""
    expected = "numbers of shape (n_samples, n_features)"
    dtypes = [np.float64, np.float32]
    return check_numbers(X, name, expected, dtype=dtypes, ensure_min_samples=least)


def check_subjects(**arrays: ArrayLike | None) -> None:
    """Raise unless all arrays that are given have one entry for each of the same subjects."""
    with named(", ".join(arrays), "one entry for each of the same subjects"):
        check_consistent_length(*arrays.values())
    check_same_subjects(arrays)


def check_known(values: ArrayLike, name: str) -> NDArray:
    """Return one value for each subject, in a plain type; raise where one is missing."""
    if isinstance(values, (list, tuple)) and any(isinstance(value, str) for value in values):
        values = np.array(values, dtype=object)  # numpy by itself would make text of NaN
    column = check_column(values, name)
    # What numpy makes of NaN next to text.
    missing = is_unlabeled(column, None) | np.isin(column.astype(str), ["", "nan", "<NA>", "NaT"])
    if missing.any():
        one = name.removesuffix("s")
        raise ValueError(
            f"The {one} of {missing.sum()} of {len(column)} subjects is missing: {name} must be "
            "known."
        )
    return plain_column(column, name)


def check_column(values: ArrayLike, name: str) -> NDArray:
    """Return one value for each subject, of any type."""
    with named(name, "one value for each subject"):
        column = np.asarray(values)
    if column.ndim == 2 and column.shape[1] == 1:
        return column[:, 0]
    if column.ndim != 1:
        raise ValueError(f"{name} must hold one value for each subject, got shape {column.shape}.")
    return column


def check_ages(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return true and predicted ages of the same subjects, in float64."""
    check_subjects(y_true=y_true, y_pred=y_pred)
    options: dict[str, Any] = {"dtype": np.float64, "ensure_2d": False}
    options["expected"] = "one number of years for each subject"
    true = check_numbers(check_column(y_true, "y_true"), "y_true", **options)
    return true, check_numbers(check_column(y_pred, "y_pred"), "y_pred", **options)


def check_finite(result: Any, **given: NDArray) -> Any:
    """Return a result; if it left the range of numbers, raise and say how large the input is."""
    if np.isfinite(result).all():
        return result
    sizes = ", ".join(f"{name} up to {np.abs(x).max():.3g}" for name, x in given.items())
    raise ValueError(f"The result leaves the range of numbers ({sizes}); rescale the input.")


def check_positive(value: float, name: str) -> float:
    """Return a number that is above zero and finite."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be above zero and finite, got {value!r}.")
    return float(value)


def check_fraction(value: float, name: str) -> float:
    """Return a number from 0 to 1."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a fraction from 0 to 1, no percentage, got {value!r}.")
    return float(value)
