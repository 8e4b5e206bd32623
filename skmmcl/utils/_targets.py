"""Class labels, some of which may be unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

UNLABELED = -1


def is_unlabeled(y: np.ndarray) -> np.ndarray:
    """Where ``y`` is -1, NaN or None.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._targets import is_unlabeled
    >>> is_unlabeled(np.array(["a", None], dtype=object)).tolist()
    [False, True]
    """
    if y.dtype.kind in "fiu":
        return np.isnan(y) | (y == UNLABELED) if y.dtype.kind == "f" else y == UNLABELED
    if y.dtype.kind == "O":
        return np.array([_is_unknown(label) for label in y], dtype=bool)
    return np.zeros(len(y), dtype=bool)


def _is_unknown(label: Any) -> bool:
    if label is None or type(label).__name__ == "NAType":  # pandas.NA refuses comparison
        return True
    is_nan = label != label  # noqa: PLR0124
    return is_nan or (not isinstance(label, str) and label == UNLABELED)


def as_labels(y: Any) -> np.ndarray:
    """Make a 1-D array of labels that keeps NaN, None and -1 beside text as they are.

    Examples
    --------
    >>> from skmmcl.utils._targets import as_labels
    >>> as_labels(["case", -1]).tolist()
    ['case', -1]
    """
    if isinstance(y, (list, tuple)) and any(isinstance(label, str) for label in y):
        y = np.array(y, dtype=object)  # numpy by itself would make text of all
    return column_or_1d(y, warn=True)


def encode_classes(y: Any, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Turn labels into codes from 0; unlabelled subjects get -1.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels; -1, NaN or None where unknown.
    classes : ndarray, optional
        The classes of an earlier call; all of ``y`` must be among them.

    Returns
    -------
    codes : ndarray of int64 (n_samples,)
    classes : ndarray

    Raises
    ------
    ValueError
        If ``y`` is continuous or holds a class that is not among ``classes``.

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
    if len(known):
        check_classification_targets(known)
    found = np.unique(known)
    if classes is None:
        classes = found
    elif len(unknown := np.setdiff1d(found, classes)):
        raise ValueError(f"y holds {unknown.tolist()}, not among the classes {classes.tolist()}.")
    codes = np.full(len(y), -1, dtype=np.int64)
    codes[labeled] = np.searchsorted(classes, known)
    return codes, classes
