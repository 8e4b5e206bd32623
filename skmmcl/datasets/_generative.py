"""The generative model behind `make_cohort`: people, factors, and the arrays that show them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

N_NETWORKS = 6
_MODULATION = 0.1  # of loadings near 1: small enough that a connectome keeps its blocks
_UNIQUENESS = 0.5  # variance of a region that no network explains: no matrix is near singular
_CUT = 0.3  # structural loadings below it are no connection at all
PEAK = 2.0  # with four shared factors, the deviation in the middle of a blob is that of the noise
_WIDTH = 0.1  # of a blob, as its standard deviation in sides
_MARGIN = 0.15  # of the sides, in which no blob has its middle
_CANDIDATES = 200


def draw_people(rng: np.random.Generator, n_subjects: int, n_sites: int) -> dict[str, np.ndarray]:
    """Return site, age in years and sex (1 = male) of each subject, independent of the class."""
    return {
        "site": rng.integers(n_sites, size=n_subjects),
        "age": rng.uniform(20.0, 60.0, n_subjects).round(1),
        "sex": rng.integers(2, size=n_subjects),
    }


def class_shifts(
    rng: np.random.Generator, n_shared: int, n_subtypes: int, class_sep: float
) -> np.ndarray:
    """Return the shift, of norm `class_sep`, of each subtype of patients along its own factors."""
    own = np.arange(n_shared) % n_subtypes == np.arange(n_subtypes)[:, None]
    sign = rng.choice([-1.0, 1.0], n_shared)
    return class_sep * own * sign / np.sqrt(own.sum(axis=1, keepdims=True))


def log_likelihood_ratio(shared: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return that of patient to control, given the shared factors and the model."""
    by_subtype = shared @ shifts.T - (shifts**2).sum(axis=1) / 2
    return logsumexp(by_subtype, axis=1) - np.log(len(shifts))


def draw_private(
    rng: np.random.Generator, y: np.ndarray, names: list[str], n_private: int, interaction: float
) -> dict[str, np.ndarray]:
    """Draw private factors; the first ones of a pair of modalities correlate by class."""
    private = {name: rng.standard_normal((len(y), n_private)) for name in names}
    if n_private:
        correlation = np.where(y == 1, interaction, -interaction)
        for left, right in zip(names[::2], names[1::2], strict=False):
            own = np.sqrt(1 - interaction**2) * private[right][:, 0]
            private[right][:, 0] = correlation * private[left][:, 0] + own
    return private


def fidelities(n_modalities: int, n_shared: int, complementarity: float) -> np.ndarray:
    """Return the correlation of what each modality sees of each shared factor with that factor."""
    owner = np.arange(n_shared) % n_modalities == np.arange(n_modalities)[:, None]
    return np.where(owner, 1.0, 1.0 - complementarity)


def network_labels(n_rois: int) -> np.ndarray:
    """Return the network of each region: contiguous blocks of nearly equal size."""
    return np.arange(n_rois) * min(N_NETWORKS, n_rois) // n_rois


def observe(
    rng: np.random.Generator, factors: np.ndarray, spec: tuple, noise: np.ndarray, n_sites: int
) -> tuple[np.ndarray, np.ndarray]:
    """Show `factors` (n, k) through random loadings, plus noise of scale `noise` (n,).

    `spec` is the shape of one subject, or ("functional" | "structural", n_rois). The last factors
    are the age and the sites.
    """
    kind, size = "array", spec
    if isinstance(spec[0], str):
        kind, n_rois = spec
        size = (n_rois, network_labels(n_rois)[-1] + 1)
    n_factors = factors.shape[1]
    if len(size) == 3:
        loadings = volume_loadings(rng, n_factors - 1 - n_sites, n_sites, size)
    else:
        loadings = rng.standard_normal((n_factors, *size))
    shown = np.tensordot(factors, loadings, axes=1)
    shown += noise.reshape(-1, *[1] * len(size)) * rng.standard_normal(shown.shape)
    return (shown if kind == "array" else _connectome(rng, shown, kind)), loadings


def _connectome(rng: np.random.Generator, modulation: np.ndarray, kind: str) -> np.ndarray:
    """Return correlations (n, r, r) of regions that load on networks, as the subject modulates it.

    A product of loadings with itself plus a diagonal is positive definite, so that its
    normalization is a correlation matrix. Loadings cut at zero give a non-negative, sparse one.
    """
    n_rois, n_networks = modulation.shape[1:]
    base = (network_labels(n_rois)[:, None] == np.arange(n_networks)).astype(float)
    loadings = base + 0.2 * rng.standard_normal(base.shape) + _MODULATION * modulation
    if kind == "structural":
        loadings = np.maximum(loadings - _CUT, 0.0)
    matrix = loadings @ loadings.transpose(0, 2, 1)
    diagonal = np.einsum("nrr->nr", matrix)
    diagonal += _UNIQUENESS
    scale = 1 / np.sqrt(diagonal)
    matrix *= scale[:, :, None] * scale[:, None, :]
    matrix = (matrix + matrix.transpose(0, 2, 1)) / 2
    np.einsum("nrr->nr", matrix)[:] = 1.0
    return matrix


# ------------------------------------------------- what factors look like in a simulated volume
def volume_loadings(
    rng: np.random.Generator, n_blobs: int, n_sites: int, shape: tuple
) -> np.ndarray:
    """Return loadings (n_blobs + 1 + n_sites, *shape): of factors, of the age and of the sites."""
    blobs = [_blob(center, shape) for center in _centers(rng, n_blobs)]
    gradients = [_gradient(rng, shape) for _ in range(n_sites)]
    return np.stack([*blobs, np.ones(shape), *gradients])


def blob_masks(loadings: np.ndarray, n_blobs: int) -> np.ndarray:
    """Return where each blob is at least half as high as in its middle."""
    return loadings[:n_blobs] >= PEAK / 2


def _centers(rng: np.random.Generator, n_blobs: int) -> np.ndarray:
    """Return middles (n_blobs, 3) in units of the sides, each as far from the others as can be."""
    centers = np.empty((0, 3))
    for _ in range(n_blobs):
        candidates = rng.uniform(_MARGIN, 1 - _MARGIN, (_CANDIDATES, 3))
        distances = np.linalg.norm(candidates[:, None] - centers, axis=2)
        best = distances.min(axis=1, initial=np.inf).argmax()
        centers = np.vstack([centers, candidates[best]])
    return centers


def _blob(center: np.ndarray, shape: tuple) -> np.ndarray:
    profiles = [
        np.exp(-((np.arange(side) - round(c * (side - 1))) ** 2) / (2 * (_WIDTH * side) ** 2))
        for c, side in zip(center, shape, strict=True)
    ]
    return PEAK * np.einsum("i,j,k->ijk", *profiles)


def _gradient(rng: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return an offset, and a slope in a random direction, both of unit variance."""
    axes: Any = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    direction = rng.standard_normal(3)
    slope = np.tensordot(np.sqrt(3) * direction / np.linalg.norm(direction), axes, axes=1)
    return rng.standard_normal() + slope
