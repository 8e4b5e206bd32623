"""Representations of absent modalities, from those of the present ones."""

from __future__ import annotations

import numpy as np
from sklearn.covariance import ledoit_wolf

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
    weight = np.ones(h.shape[1]) if sample_weight is None else sample_weight / sample_weight.mean()
    for _ in range(1 if present.all() else N_ROUNDS):
        rows = _side_by_side(h - mean[:, None]) * np.sqrt(weight)[:, None]
        scale = np.sqrt(np.mean(rows**2, axis=0))
        scale[scale == 0] = 1
        covariance = ledoit_wolf(rows / scale, assume_centered=True)[0] * np.outer(scale, scale)
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


def _side_by_side(h: np.ndarray) -> np.ndarray:
    return h.transpose(1, 0, 2).reshape(h.shape[1], -1)
