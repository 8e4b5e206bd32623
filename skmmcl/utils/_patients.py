"""Choice of the label that marks the patients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

# Labels of which the larger one marks the patients without a warning.
PLAIN = ([0, 1], [-1, 1])


def label_of_patients(classes: np.ndarray, positive: Any, user: str, *, stacklevel: int = 5) -> Any:
    """Return the label of the patients; warn where it is guessed.

    Parameters
    ----------
    classes : ndarray of shape (2,)
        Both labels, sorted.
    positive : object or None
        The label that the user names; None for the second, without a warning if the labels are 0
        and 1, False and True, or -1 and 1.
    user : str
        Name of the estimator.
    stacklevel : int, default=5
        Stack level of the warning.

    Returns
    -------
    object
        One of ``classes``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.utils._patients import label_of_patients
    >>> label_of_patients(np.array(["HC", "SZ"]), "SZ", "UCSL")
    'SZ'
    """
    labels = classes.tolist()
    if positive is not None:
        if positive not in labels:
            raise ValueError(f"positive={positive!r} is not among the labels {labels} of y.")
        return positive
    if labels not in PLAIN:
        warnings.warn(
            f"y has the labels {labels}: {labels[1]!r} is taken for the patients by {user}. Name "
            f"them by positive={labels[1]!r} or positive={labels[0]!r}.",
            UserWarning,
            stacklevel=stacklevel,
        )
    return labels[1]
