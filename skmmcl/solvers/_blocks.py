"""Modalities as z-scored blocks of rows, read in chunks of subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils._moments import weighted_moments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHUNK = 2**17  # entries of a chunk of rows, in float64
FEWEST_CARRIERS = 3  # subjects who must have a modality for it to be used


class Standardizer:
    """Weighted z-scores of each block, divided by the root of its number of varying features.

    The covariance of a block then has trace 1, and two subjects have a squared distance of 2 on
    average: a Gaussian kernel needs no other bandwidth.

    Parameters
    ----------
    blocks : dict of str to array-like of shape (n_samples, n_features)
    mask : ndarray of bool (n_samples, n_blocks)
        Presence mask.
    weight : ndarray of shape (n_samples,)
    """

    def __init__(self, blocks: Mapping[str, Any], mask: np.ndarray, weight: np.ndarray) -> None:
        self.names = tuple(blocks)
        self.means, self.factors = [], []
        for index, (name, block) in enumerate(blocks.items()):
            present = mask[:, index] & (weight > 0)
            if not present.any():
                raise ModalityError(
                    f"Modality {name!r} is absent from all training subjects of positive weight. "
                    "Leave it out."
                )
            mean, scale = weighted_moments(block, present, weight)
            if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
                n_bad = np.sum(~np.isfinite(mean + scale))
                raise DataError(
                    f"Modality {name!r} has {n_bad} features with NaN, infinite or huge values. "
                    "Impute them, or mark subjects who lack the modality in the mask."
                )
            # The mean of fewer subjects would reveal their values.
            varying = (scale > 0) & (present.sum() >= FEWEST_CARRIERS)
            mean = mean if present.sum() >= FEWEST_CARRIERS else np.zeros_like(mean)
            divisor = np.where(varying, scale, 1.0) * np.sqrt(max(varying.sum(), 1))
            self.means.append(mean)
            self.factors.append(varying / divisor)

    @property
    def widths(self) -> list[int]:
        """Number of features of each block."""
        return [len(mean) for mean in self.means]

    def check(self, blocks: Mapping[str, Any]) -> None:
        """Raise if blocks are not those of the training subjects."""
        if set(blocks) != set(self.names):
            raise ModalityError(
                f"Expected the modalities {list(self.names)}, found {list(blocks)}."
            )
        for name, width in zip(self.names, self.widths, strict=True):
            if blocks[name].shape[1:] != (width,):
                raise ModalityError(
                    f"Modality {name!r} had {width} features in the training subjects, and has the "
                    f"shape {tuple(blocks[name].shape)} now."
                )

    def rows_of(
        self, index: int, blocks: Mapping[str, Any], mask: np.ndarray, rows: np.ndarray | slice
    ) -> np.ndarray:
        """Return some rows of one block in float64, z-scored; 0 where absent."""
        rows = _as_slice(rows)
        block = blocks[self.names[index]][rows]
        result = np.subtract(block, self.means[index], dtype=np.float64)
        result *= self.factors[index]
        if not (present := mask[rows, index]).all():
            result[~present] = 0.0
        return result


def _as_slice(rows: np.ndarray | slice) -> np.ndarray | slice:
    """Return a slice for consecutive positions, which makes a view instead of a copy."""
    if isinstance(rows, slice) or not len(rows) or rows[-1] - rows[0] != len(rows) - 1:
        return rows
    return slice(rows[0], rows[-1] + 1) if (np.diff(rows) == 1).all() else rows


def as_mask(blocks: Mapping[str, Any], mask: np.ndarray | None) -> np.ndarray:
    """Check the numbers of rows, and return the presence mask."""
    if not blocks:
        raise ModalityError("Expected at least one modality, found none.")
    lengths = {name: block.shape[0] for name, block in blocks.items()}
    n_samples = next(iter(lengths.values()))
    for name, length in lengths.items():
        if length != n_samples or len(blocks[name].shape) != 2:
            raise ModalityError(
                f"Blocks are matrices with the same subjects: expected {n_samples} rows in "
                f"{name!r}, found the shape {tuple(blocks[name].shape)}."
            )
    if mask is None:
        return np.ones((n_samples, len(blocks)), dtype=bool)
    mask = np.asarray(mask)
    if mask.shape != (n_samples, len(blocks)):
        raise DataError(f"Expected a mask of shape {(n_samples, len(blocks))}, found {mask.shape}.")
    if not np.isin(mask, [0, 1]).all():
        raise DataError(f"Expected a mask of True and False, found {np.unique(mask)[:5].tolist()}.")
    return mask.astype(bool)


def row_slices(n_rows: int, n_features: int) -> Iterator[slice]:
    """Cut rows into chunks of bounded memory."""
    step = rows_per_chunk(n_features)
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def rows_per_chunk(n_features: int) -> int:
    """Return the number of rows of a chunk of bounded memory."""
    return max(1, CHUNK // max(n_features, 1))
