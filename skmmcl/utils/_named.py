"""Names of parameters in the errors of scikit-learn's and numpy's checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from skmmcl.exceptions import DataError, ModalityError


@contextmanager
def named(name: str, expected: str = "") -> Iterator[None]:
    """Add a name, and what is expected, to errors that do not contain the name.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._named import named
    >>> with named("bins", "rising edges"):
    ...     np.asarray("a", dtype=float)
    Traceback (most recent call last):
        ...
    ValueError: bins: could not convert string to float: 'a'; expected rising edges
    """
    try:
        yield
    except (DataError, ModalityError, AttributeError):  # such as NotFittedError of scikit-learn
        raise
    except (TypeError, ValueError, OverflowError) as error:
        text = str(error)
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            raise
        kind = TypeError if not isinstance(error, ValueError | OverflowError) else ValueError
        what = f"; expected {expected}" if expected else ""
        raise kind(f"{name}: {text}{what}") from error


def check_whole(value: Any, name: str, least: int) -> int:
    """Return a whole number that is not below the least."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def check_n_jobs(n_jobs: Any) -> None:
    """Raise unless it is a number of jobs for joblib."""
    if not (n_jobs is None or (isinstance(n_jobs, Integral) and n_jobs != 0)):
        raise ValueError(f"n_jobs must be a whole number that is not 0, or None; got {n_jobs!r}.")
