"""Side data of subjects, some of which may be unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmmcl.utils._plain import numbers_of
from skmmcl.utils._targets import is_unlabeled, seem_measured


def known_values(values: Any) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return which entries are known, these, as numbers if they all are, and if they are measured.

    None and NaN are unknown. Measured values, such as ages, are drawn and predicted as numbers;
    others, such as sites, as classes.
    """
    values = np.asarray(values)
    known = ~is_unlabeled(values, None)
    kept = values[known]
    numbers = numbers_of(kept) if kept.dtype == object else None
    kept = kept if numbers is None else numbers
    return known, kept, seem_measured(kept)
