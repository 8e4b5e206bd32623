"""Subjects who were in the pretraining, found by their identifiers."""

from __future__ import annotations

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.data._seen import subject_keys


def seen_before(
    data: MultimodalData, pretrained_on: np.ndarray | None, tuned_on: np.ndarray | None = None
) -> np.ndarray:
    """Return who was in the pretraining and not in the fine-tuning; nobody where it is not known.

    Parameters
    ----------
    data : MultimodalData
        Subjects; only those with an ``index`` can be known.
    pretrained_on, tuned_on : ndarray of uint64 or None
        Digests of identifiers.

    Returns
    -------
    ndarray of bool
        One for each subject.

    Examples
    --------
    >>> from skmmcl.data._seen import subject_keys
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.ensemble._overlap import seen_before
    >>> X = MultimodalData(fc=[[0.5], [0.1]], index=["sub-01", "sub-02"])
    >>> seen_before(X, subject_keys([1])).tolist()
    [True, False]
    """
    keys = subject_keys(data.index)
    if keys is None or pretrained_on is None:
        return np.zeros(len(data), dtype=bool)
    seen = np.isin(keys, pretrained_on)
    return seen if tuned_on is None else seen & ~np.isin(keys, tuned_on)


def overlap_of(seen: np.ndarray, data: MultimodalData) -> str:
    """Return what is to be said of subjects who were seen; empty if there are none."""
    if not seen.any():
        return ""
    names = ", ".join(map(str, np.asarray(data.index)[seen][:5]))
    names += ", ..." if seen.sum() > 5 else ""
    return (
        f"{seen.sum()} of {len(seen)} subjects to be predicted were in the pretraining: {names}. "
        "What is measured on them is no measure for new subjects. Pretrain without them, or "
        "inside each fold by pretrain=."
    )
