"""Subjects who were in the pretraining, found by their identifiers."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.data._seen import subject_keys
from skmmcl.exceptions import DataError

OnOverlap = Literal["raise", "warn", "ignore"]


def seen_before(
    data: MultimodalData, pretrained_on: np.ndarray | None, tuned_on: np.ndarray | None = None
) -> np.ndarray:
    """Return which subjects were in the pretraining and not in the fine-tuning.

    Parameters
    ----------
    data : MultimodalData
        Subjects; only those with an ``index`` can be found.
    pretrained_on, tuned_on : ndarray of uint64 or None
        Digests of identifiers; None where they are not known.

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


def report_overlap(seen: np.ndarray, data: MultimodalData, on_overlap: OnOverlap) -> None:
    """Refuse, or warn of, subjects to be predicted who were in the pretraining."""
    if on_overlap == "ignore" or not seen.any():
        return
    names = ", ".join(map(str, np.asarray(data.index)[seen][:5]))
    names += ", ..." if seen.sum() > 5 else ""
    text = (
        f"{seen.sum()} of {len(seen)} subjects to be predicted were in the pretraining: {names}. "
        "Scores of these subjects do not hold for new subjects. Pretrain without them, or inside "
        "each fold by pretrain=."
    )
    if on_overlap == "raise":
        raise DataError(f"{text} on_overlap='warn' continues nevertheless.")
    warnings.warn(text, UserWarning, stacklevel=4)
