"""Errors of scikit-learn's and numpy's checks, with the name of what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.exceptions import NotFittedError

from skmmcl.exceptions import DataError, ModalityError


@contextmanager
def named(name: str, expected: str = "") -> Iterator[None]:
    """Put a name, and what is expected, before errors that do not say it.

    Parameters
    ----------
    name : str
        What the user calls it.
    expected : str, optional
        What it has to be.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._named import named
    >>> with named("bins", "rising edges"):
    ...     np.asarray("a", dtype=float)
    Traceback (most recent call last):
        ...
    ValueError: bins: could not convert string to float: np.str_('a'); expected rising edges
    """
    try:
        yield
    except (DataError, ModalityError, NotFittedError):
        raise
    except (TypeError, ValueError, OverflowError) as error:
        text = str(error)
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            raise
        kind = TypeError if not isinstance(error, ValueError | OverflowError) else ValueError
        what = f"; expected {expected}" if expected else ""
        raise kind(f"{name}: {text}{what}") from error
