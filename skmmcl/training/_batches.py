"""Subjects on the device, and the order in which they are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmmcl.training._stored import StoredRows, subtracted

MULTIPLE = 8  # padded batches hold a multiple of it, so that most folds fit together


def to_tensor(
    array: np.ndarray,
    present: np.ndarray,
    fill: np.ndarray,
    net: Any,
    origin: np.ndarray | None = None,
) -> Tensor:
    """Return an array in the net's dtype and on its device, with ``fill`` in absent rows.

    The array is shared, not copied, where dtype, device and presence allow it. An origin is
    subtracted in float64, before any rounding.
    """
    dtype = next(net.module_.parameters()).dtype
    name = str(dtype).removeprefix("torch.")
    if origin is not None:
        array, fill = subtracted(array, origin, name), fill - origin
    if not present.all():
        with np.errstate(over="ignore"):  # absent rows may hold anything
            array = np.array(array, dtype=name)
        array[~present] = fill
    elif not (array.flags.writeable and array.dtype.isnative):  # torch shares no other memory
        array = np.array(array, dtype=name)
    return torch.as_tensor(np.ascontiguousarray(array)).to(net.device, dtype)


def prepared(
    name: str,
    array: Any,
    present: np.ndarray,
    fill: np.ndarray,
    net: Any,
    origin: np.ndarray | None = None,
    n_rows: int = 4096,
) -> Tensor | StoredRows:
    """Return a modality as the encoder reads it, in blocks where it is reduced to scores.

    Volumes in files stay there.
    """
    if not isinstance(array, np.ndarray) and len(array.shape) > 3:
        dtype = next(net.module_.parameters()).dtype
        return StoredRows(array, present, fill, dtype, net.device, origin)
    compressed = getattr(net.module_, "compressed", ())
    if name not in compressed:
        return to_tensor(np.asarray(array[:]), present, fill, net, origin)
    whole = torch.empty(0)
    with torch.no_grad():
        for start in range(0, len(present), n_rows):
            rows = slice(start, start + n_rows)
            block = to_tensor(np.asarray(array[rows]), present[rows], fill, net, origin)
            scores = net.module_.prepare({name: block})[name]
            if not len(whole):
                whole = scores.new_empty(len(present), *scores.shape[1:])
            whole[rows] = scores
    return whole


@dataclass(frozen=True)
class TrainingData:
    """All data of a fit, on the device.

    Attributes
    ----------
    x : dict of Tensor or StoredRows ``(n_samples, *shape)``
        The modalities, prepared by the network; absent ones hold finite numbers that the
        mask hides.
    y : Tensor of int64 (n_samples,)
        Class codes, -1 for unlabeled subjects; batches hold every class.
    mask : Tensor of bool (n_samples, n_views) or None
        Which views a subject has; None if all have all.
    sample_weight : Tensor (n_samples,) or None
        How often a subject counts.
    targets : Tensor (n_samples, n_columns) or None
        Numbers known of the subjects, in addition to a class or instead; NaN where unknown.
    """

    x: Mapping[str, Tensor | StoredRows]
    y: Tensor
    mask: Tensor | None = None
    sample_weight: Tensor | None = None
    targets: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class SubjectSet:
    """Some subjects of the training data, in batches.

    Parameters
    ----------
    data : TrainingData
        All subjects.
    rows : ndarray of int
        The subjects of this set.
    batch_size : int
        Largest number of subjects in a batch, except for rare classes (see
        `class_aware_batches`).
    rng : numpy Generator, optional
        Draws the order anew in each pass; without it the order is fixed.
    balanced : bool, default=False
        Whether each pass sees the same number of subjects of every class, some repeatedly.
    """

    data: TrainingData
    rows: np.ndarray
    batch_size: int
    rng: np.random.Generator | None = None
    balanced: bool = False

    @classmethod
    def everyone(
        cls,
        x: Mapping[str, Tensor | StoredRows],
        codes: np.ndarray,
        mask: np.ndarray | None,
        sample_weight: np.ndarray | None,
        targets: np.ndarray | None = None,
    ) -> SubjectSet:
        """Return all subjects in one batch, with their side arrays as tensors."""
        like = next(iter(x.values()))
        data = TrainingData(
            x=x,
            y=torch.as_tensor(codes, dtype=torch.int64, device=like.device),
            mask=None if mask is None else torch.as_tensor(mask, device=like.device),
            sample_weight=None
            if sample_weight is None
            else torch.as_tensor(sample_weight).to(like.device, like.dtype),
            targets=None
            if targets is None
            else torch.as_tensor(targets).to(like.device, like.dtype),
        )
        return cls(data, np.arange(len(codes)), batch_size=len(codes))

    @cached_property
    def codes(self) -> np.ndarray:
        """Class codes of the subjects of this set."""
        return self.data.y.cpu().numpy()[self.rows]

    @cached_property
    def layout(self) -> tuple[int, int]:
        """Number of batches, and the width to which they are padded."""
        rng = np.random.default_rng(0)
        dealt = class_aware_batches(self.codes[self._drawn(rng)], self.batch_size, rng)
        widest = max(len(batch) for batch in dealt)
        return len(dealt), -(-widest // MULTIPLE) * MULTIPLE

    def __len__(self) -> int:
        return len(self.rows)

    def deal(self) -> list[np.ndarray]:
        """Deal the subjects into the batches of an epoch.

        Returns
        -------
        list of ndarray of int
            Rows of the data, for each batch.
        """
        rng = self.rng or np.random.default_rng(0)
        drawn = self._drawn(rng)
        batches = class_aware_batches(self.codes[drawn], self.batch_size, rng)
        return [self.rows[drawn[batch]] for batch in batches]

    def _drawn(self, rng: np.random.Generator) -> np.ndarray:
        """Return the positions of the subjects that a pass sees."""
        return balanced_draw(self.codes, rng) if self.balanced else np.arange(len(self))


def balanced_draw(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the same number of subjects from every class, that of the largest.

    Parameters
    ----------
    codes : ndarray of int (n_samples,)
        Class codes; the unlabeled, -1, are a class of their own.
    rng : numpy Generator
        Draws those of smaller classes, with replacement.

    Returns
    -------
    ndarray of int
        Positions; those of the largest class appear once.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.training import balanced_draw
    >>> codes = np.array([0, 0, 0, 0, 1])
    >>> np.bincount(codes[balanced_draw(codes, np.random.default_rng(0))]).tolist()
    [4, 4]
    """
    members = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    largest = max(map(len, members))
    return np.concatenate(
        [rows if len(rows) == largest else rng.choice(rows, largest) for rows in members]
    )


def class_aware_batches(
    codes: np.ndarray, batch_size: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Deal subjects into batches that all hold every class.

    Batches differ by at most one subject per class, so that no small last batch is left
    over. A class with too few members to give each batch two appears more than once in
    an epoch, never twice in a batch: a supervised contrast needs a positive for each anchor.

    Parameters
    ----------
    codes : ndarray of int (n_samples,)
        Class codes; -1 is a stratum of its own that is not repeated.
    batch_size : int
        Subjects in a batch.
    rng : numpy Generator
        Draws the order.

    Returns
    -------
    list of ndarray of int

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.training import class_aware_batches
    >>> codes = np.array([0] * 6 + [1] * 2)
    >>> batches = class_aware_batches(codes, 4, np.random.default_rng(0))
    >>> [np.bincount(codes[batch]).tolist() for batch in batches]
    [[3, 2], [3, 2]]
    """
    n_samples = len(codes)
    n_batches = max(1, min(-(-n_samples // batch_size), n_samples // 2))
    if n_batches == 1:
        return [np.arange(n_samples)]
    parts: list[list[np.ndarray]] = [[] for _ in range(n_batches)]
    offset = 0
    for code in np.unique(codes):
        members = rng.permutation(np.flatnonzero(codes == code))
        if code >= 0 and 2 <= len(members) < 2 * n_batches:
            pairs = np.resize(members, 2 * n_batches).reshape(n_batches, 2)
            for part, pair in zip(parts, pairs, strict=True):
                part.append(pair)
            continue
        for k in range(n_batches):
            parts[(k + offset) % n_batches].append(members[k::n_batches])
        offset += len(members)
    batches = [np.concatenate(part) for part in parts]
    return [batches[k] for k in rng.permutation(n_batches)]


def split_subjects(
    codes: np.ndarray, fraction: float | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """Split into rows to train on and, if a fraction is given, rows held out, by class."""
    rows = np.arange(len(codes))
    if not fraction:
        return rows, None
    held_out = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        members = rng.permutation(rows[codes == code])
        held_out[members[: round(fraction * len(members))]] = True
    if min(held_out.sum(), (~held_out).sum()) < 2:
        raise ValueError(
            f"validation_fraction={fraction} of {len(codes)} subjects leaves "
            f"{(~held_out).sum()} for training and {held_out.sum()} for validation; "
            "both need at least 2."
        )
    return rows[~held_out], rows[held_out]
