"""Rows of subjects, read when needed, and their products."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.solvers._blocks import Standardizer, as_mask, row_slices
from skmmcl.solvers._checks import as_weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEPT = 2**24  # entries of subjects' rows that are kept in memory while fitting
WIDE = 256  # number of chunks that are kept while the others are read once more


@dataclass
class Cohort:
    """Blocks of subjects, with their scaling.

    Parameters
    ----------
    blocks : dict of str to array-like of shape (n_samples, n_features)
    mask : ndarray of bool (n_samples, n_blocks)
    scale : Standardizer
    weight : ndarray of shape (n_samples,)
    """

    blocks: Mapping[str, Any]
    mask: np.ndarray
    scale: Standardizer
    weight: np.ndarray

    @classmethod
    def read(cls, blocks: Any, mask: Any = None, sample_weight: Any = None) -> Cohort:
        """Learn how to scale blocks; a cohort is returned as it is."""
        if isinstance(blocks, Cohort):
            return blocks
        mask = as_mask(blocks, mask)
        weight = as_weight(sample_weight, len(mask))
        return cls(blocks, mask, Standardizer(blocks, mask, weight), weight)

    @classmethod
    def of_new(cls, blocks: Mapping[str, Any], mask: Any, scale: Standardizer) -> Cohort:
        """Return new subjects, scaled as those of the training."""
        mask = as_mask(blocks, mask)
        scale.check(blocks)
        mask = mask[:, [list(blocks).index(name) for name in scale.names]]
        return cls(blocks, mask, scale, np.ones(len(mask)))

    def rows(self, rows: np.ndarray | slice) -> list[np.ndarray]:
        """Return some rows of each block."""
        return [self.rows_of(index, rows) for index in range(len(self.scale.names))]

    def rows_of(self, index: int, rows: np.ndarray | slice) -> np.ndarray:
        """Return some rows of one block."""
        return self.scale.rows_of(index, self.blocks, self.mask, rows)

    def subset(self, subjects: np.ndarray) -> Rows:
        """Return the rows of some subjects; the same object if asked for them again."""
        last = vars(self).get("_last")
        if last is None or not np.array_equal(last.subjects, subjects):
            # A copy, since objects that hold each other stay in memory until garbage collection.
            last = self._last = Rows(replace(self), subjects)
        return last


@dataclass
class Rows:
    """Rows of some subjects, kept in memory if small, else read whenever they are needed.

    Parameters
    ----------
    cohort : Cohort
    subjects : ndarray of int (n_rows,)
        Their positions.
    """

    cohort: Cohort
    subjects: np.ndarray
    _grams: dict[int, np.ndarray] = field(default_factory=dict)

    @cached_property
    def kept(self) -> list[np.ndarray]:
        """Rows of each block."""
        return self.cohort.rows(self.subjects)

    @property
    def grams(self) -> list[np.ndarray]:
        """Products of all rows of each block."""
        return [self.gram(index) for index in range(len(self.cohort.scale.names))]

    @property
    def squares(self) -> list[np.ndarray]:
        """Squared lengths of the rows of each block."""
        return [np.diagonal(gram).copy() for gram in self.grams]

    @property
    def are_kept(self) -> bool:
        """Whether all rows are in memory."""
        widths = self.cohort.scale.widths
        return "kept" in vars(self) or len(self.subjects) * sum(widths) <= KEPT

    def chunks(self, index: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of the rows of one block."""
        if self.are_kept:
            yield slice(0, len(self.subjects)), self.kept[index]
            return
        for part in row_slices(len(self.subjects), self.cohort.scale.widths[index]):
            yield part, self.cohort.rows_of(index, self.subjects[part])

    def products(self, index: int, weights: np.ndarray) -> np.ndarray:
        """Return the transposed rows of one block times weights, (n_features, n_columns)."""
        # A product with few rows on the left is faster than its transpose.
        return sum(weights[part].T @ rows for part, rows in self.chunks(index)).T

    def gram(self, index: int) -> np.ndarray:
        """Return the products of all rows of one block, which callers must not change."""
        if index not in self._grams:
            self._grams[index] = self._gram(index)
        return self._grams[index]

    def _gram(self, index: int) -> np.ndarray:
        if self.are_kept:
            return self.kept[index] @ self.kept[index].T
        n_rows, width = len(self.subjects), self.cohort.scale.widths[index]
        result = np.empty((n_rows, n_rows))
        for wide in row_slices(n_rows, width // WIDE):
            rows = self.cohort.rows_of(index, self.subjects[wide])
            result[wide, wide] = rows @ rows.T
            for part in row_slices(wide.start, width):
                others = self.cohort.rows_of(index, self.subjects[part])
                result[wide, part] = rows @ others.T
                result[part, wide] = result[wide, part].T
        return result
