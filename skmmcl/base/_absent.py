"""Representations of absent modalities, from those of the present ones."""

from __future__ import annotations

import numpy as np

N_ROUNDS = 5  # of filling in and estimating anew, where training subjects lack modalities


def learn_covariance(
    h: np.ndarray, present: np.ndarray, mean: np.ndarray, sample_weight: np.ndarray | None
) -> np.ndarray:
    """Shrunk covariance of the representations of the training subjects.

    The amount of shrinkage, which is that of the ridge regressions that `fill_absent` makes,
    is Ledoit and Wolf's.

    Parameters
    ----------
    h : ndarray of shape (n_blocks, n_samples, n_components)
        The representations; anything where absent.
    present : ndarray of bool (n_blocks, n_samples)
        Who has which.
    mean : ndarray of shape (n_blocks, n_components)
        Mean of those who have it.
    sample_weight : ndarray of shape (n_samples,), optional
        How often a subject counts.

    Returns
    -------
    ndarray of shape (n_blocks * n_components, n_blocks * n_components)
        The covariance.
    """
    h = np.where(present[..., None], h, mean[:, None])
    weight = np.ones(h.shape[1]) if sample_weight is None else sample_weight
    for _ in range(1 if present.all() else N_ROUNDS):
        rows = _side_by_side(h - mean[:, None]).astype(float)
        scale = np.sqrt(np.average(rows**2, axis=0, weights=weight))
        scale[scale == 0] = 1
        covariance = _shrunk_covariance(rows / scale, weight) * np.outer(scale, scale)
        h = fill_absent(h, present, mean, covariance)
    return covariance


def fill_absent(
    h: np.ndarray, present: np.ndarray, mean: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    """Expect absent representations, given the present ones of the same subject.

    Parameters
    ----------
    h : ndarray of shape (n_blocks, n_samples, n_components)
        The representations.
    present : ndarray of bool (n_blocks, n_samples)
        Who has which; where a subject has none, nothing is changed.
    mean : ndarray of shape (n_blocks, n_components)
        Their mean.
    covariance : ndarray of shape (n_blocks * n_components, n_blocks * n_components)
        Their covariance, of full rank.

    Returns
    -------
    ndarray of the shape of ``h``
        A copy, with the absent ones filled in.
    """
    n_blocks, _, width = h.shape
    filled = h.copy()
    for pattern in np.unique(present, axis=1).T:
        if pattern.all() or not pattern.any():
            continue
        rows = np.flatnonzero((pattern == present.T).all(axis=1))
        known = np.repeat(pattern, width)
        slopes = np.linalg.solve(covariance[known][:, known], covariance[known][:, ~known])
        seen = _side_by_side(h[pattern][:, rows] - mean[pattern][:, None])
        found = (seen @ slopes).reshape(len(rows), n_blocks - pattern.sum(), width)
        filled[np.ix_(~pattern, rows)] = found.transpose(1, 0, 2) + mean[~pattern][:, None]
    return filled


def _shrunk_covariance(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Estimate of Ledoit and Wolf (2004) for centred rows; a weight of w counts as w rows."""
    n_rows, identity = weight.sum(), np.eye(rows.shape[1])
    covariance = (rows.T * weight) @ rows / n_rows
    target = np.trace(covariance) / len(covariance) * identity
    lengths = np.sum(rows**2, axis=1)
    error = (np.average(lengths**2, weights=weight) - np.sum(covariance**2)) / n_rows
    distance = np.sum((covariance - target) ** 2)
    # At least a little, so that it can be inverted.
    shrinkage = np.clip(error / distance if distance > 0 else 1.0, 1e-6, 1.0)
    return shrinkage * (target + 1e-12 * identity) + (1 - shrinkage) * covariance


def _side_by_side(h: np.ndarray) -> np.ndarray:
    return h.transpose(1, 0, 2).reshape(h.shape[1], -1)
