"""Subjects of a fit, as digests of their identifiers, which identify no person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from skmmcl.data._identifiers import canonical


def subject_keys(ids: Iterable[Any] | None, earlier: np.ndarray | None = None) -> np.ndarray | None:
    """Return a digest of each identifier, equal for all its spellings; None without identifiers.

    With ``earlier``, digests of a training that goes on, those follow.

    Examples
    --------
    >>> from skmmcl.data._seen import subject_keys
    >>> bool(subject_keys(["sub-007"]) == subject_keys([7]))
    True
    """
    if ids is None:
        return earlier
    items = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
    keys = np.array([_digest(canonical(item)) for item in items], dtype=np.uint64)
    return keys if earlier is None else np.union1d(keys, earlier)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
