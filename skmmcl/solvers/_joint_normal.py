"""Imputation of absent blocks of columns, given those that a subject has."""

from __future__ import annotations

import numpy as np

# EM iterations, where training subjects lack blocks. With few subjects, more iterations impute less
# well, since the shrinkage does not know how few subjects have each pair of blocks.
N_ROUNDS = 3


class JointNormal:
    """Joint normal distribution of blocks of columns, learned from subjects who lack some.

    The covariance is estimated by a few iterations of the EM algorithm, with the shrinkage of
    Ledoit and Wolf [1]_, which makes `fill` a ridge regression.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_columns)
        The training subjects; anything finite where absent.
    blocks : ndarray of int (n_columns,)
        The block of each column. Each block is scaled to a variance of 1 on average, so that its
        own columns keep their proportions.
    present : ndarray of bool (n_samples, n_blocks)
        Presence mask; at least one subject has each block.
    sample_weight : ndarray of shape (n_samples,), optional
        A subject of weight w counts as w subjects.

    References
    ----------
    .. [1] Ledoit O., Wolf M. (2004). A well-conditioned estimator for large-dimensional covariance
       matrices. Journal of Multivariate Analysis 88(2):365-411.
    """

    def __init__(
        self,
        rows: np.ndarray,
        blocks: np.ndarray,
        present: np.ndarray,
        sample_weight: np.ndarray | None = None,
    ) -> None:
        weight = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, float)
        self.blocks = blocks
        share = present[:, blocks] * weight[:, None]
        share = share / np.maximum(share.sum(axis=0), np.finfo(float).tiny)
        self.mean = np.sum(share * rows, axis=0)
        variance = np.sum(share * (rows - self.mean) ** 2, axis=0)
        of_block = np.bincount(blocks, variance) / np.maximum(np.bincount(blocks), 1)
        self.scale = np.sqrt(np.where(of_block > 0, of_block, 1.0))[blocks]
        self.covariance = np.eye(len(blocks))
        for _ in range(1 if present.all() else N_ROUNDS):
            filled, unknown = self._expect((rows - self.mean) / self.scale, present, weight)
            self.covariance = _shrunk_covariance(filled, unknown, weight)

    def fill(self, rows: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Impute the absent blocks of subjects, given the blocks that they have.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_columns)
            The subjects; anything finite where absent.
        present : ndarray of bool (n_samples, n_blocks)
            Presence mask.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            The rows with imputed blocks; the mean where a subject has no block.
        """
        scaled = (rows - self.mean) / self.scale
        filled, _ = self._expect(scaled, present, np.zeros(len(rows)))
        return np.where(present[:, self.blocks], rows, filled * self.scale + self.mean)

    def _expect(
        self, scaled: np.ndarray, present: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return expected rows, and the sum of the conditional covariances of absent blocks."""
        filled, unknown = scaled.copy(), np.zeros_like(self.covariance)
        for pattern in np.unique(present, axis=0):
            if pattern.all():
                continue
            subjects = np.flatnonzero((present == pattern).all(axis=1))
            seen = pattern[self.blocks]
            seen_columns, absent = np.flatnonzero(seen), np.flatnonzero(~seen)
            with_seen = self.covariance[np.ix_(seen_columns, absent)]
            slopes = np.linalg.solve(self.covariance[np.ix_(seen_columns, seen_columns)], with_seen)
            filled[np.ix_(subjects, absent)] = scaled[np.ix_(subjects, seen_columns)] @ slopes
            left_open = self.covariance[np.ix_(absent, absent)] - with_seen.T @ slopes
            unknown[np.ix_(absent, absent)] += weight[subjects].sum() * left_open
        return filled, unknown


def _shrunk_covariance(rows: np.ndarray, unknown: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the estimate of Ledoit and Wolf for centered rows; a weight of w counts as w rows."""
    n_rows, identity = weight.sum(), np.eye(rows.shape[1])
    of_rows = (rows.T * weight) @ rows / n_rows
    covariance = of_rows + unknown / n_rows
    target = np.trace(covariance) / len(covariance) * identity
    lengths = np.sum(rows**2, axis=1)
    error = (np.average(lengths**2, weights=weight) - np.sum(of_rows**2)) / n_rows
    distance = np.sum((covariance - target) ** 2)
    # At least a little, so that the covariance is invertible.
    shrinkage = np.clip(error / distance if distance > 0 else 1.0, 1e-6, 1.0)
    return shrinkage * (target + 1e-12 * identity) + (1 - shrinkage) * covariance
