"""Guidance by classes: one per subject, with a bias to remove, or several labels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from skmmcl.base import ClassGuide
from skmmcl.contrastive._columns import (
    as_codes,
    as_labels_of_sets,
    check_varied,
    single_column,
    warn_of_lone,
)
from skmmcl.contrastive._guides import MetadataGuide
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError


class ContrastedClasses(ClassGuide):
    """Guidance by the class of each subject, of ``y`` or of one column of the side data."""

    def __init__(self, metadata: str | Sequence[str] | None) -> None:
        super().__init__(
            without_y=" To use a class in X.meta instead, set metadata='sex', for example."
        )
        self.metadata, self.is_required = metadata, metadata is None

    def labels(self, y: Any, data: MultimodalData) -> Any:
        """Return the classes."""
        return y if self.metadata is None else single_column(data, self.metadata)

    def see_classes(self, codes: np.ndarray) -> None:
        """Warn of classes of one subject."""
        warn_of_lone(codes, "classes", stacklevel=9)


class BiasedClasses(ContrastedClasses):
    """Guidance by classes and, if one is named, by a column whose effect is to be removed."""

    def __init__(self, metadata: str | None, bias: str | None) -> None:
        super().__init__(metadata)
        self.bias = bias

    def values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        """Return the codes of the bias; None without one."""
        if self.bias is None:
            return None
        return as_codes(single_column(data, self.bias), self.bias)[:, None]

    def learn(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        """Raise if the bias is constant, and warn of groups of one subject."""
        check_varied(values, [str(self.bias)])
        warn_of_lone(values, f"groups of bias={self.bias!r}", stacklevel=8)


class LabelsGuide(MetadataGuide):
    """Guidance by several labels of each subject."""

    def as_numbers(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Return zeros and ones, (n_samples, n_labels)."""
        if self.metadata is None and len(columns) > 1:
            return as_labels_of_sets(columns)
        codes = [as_codes(values, name, warn_of_numbers=True) for name, values in columns.items()]
        return np.column_stack([one_hot(column) for column in codes])

    def learn(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        """Raise unless there are at least two different sets of labels."""
        known = values[~np.isnan(values).any(1)]
        empty = np.sum(~known.any(1))
        if empty:
            raise DataError(
                f"{empty} of {len(values)} subjects have no label at all, every entry is 0. Leave "
                "them out, give them a label of their own, or mark them unlabeled by -1."
            )
        n_sets = len(np.unique(known, axis=0))
        if n_sets < 2:
            raise DataError(
                f"{self.user} needs at least two different sets of labels, found "
                f"{n_sets}, with {len(values) - len(known)} unlabeled subjects."
            )
        lone = int((known.sum(0) == 1).sum())
        if lone:
            warnings.warn(
                f"{lone} of the {known.shape[1]} labels belong to a single subject, which shares "
                "them with no other.",
                UserWarning,
                stacklevel=7,
            )


def one_hot(codes: np.ndarray) -> np.ndarray:
    """Return a column of zeros and ones for each class; NaN where the code is."""
    classes = np.unique(codes[~np.isnan(codes)])
    return np.where(np.isnan(codes)[:, None], np.nan, codes[:, None] == classes)
