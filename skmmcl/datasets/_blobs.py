"""What factors look like in a simulated volume: smooth blobs, a global change, gradients."""

import numpy as np

PEAK = 2.0  # with four shared factors, the deviation in the middle of a blob is that of the noise
_WIDTH = 0.1  # of a blob, as its standard deviation in sides
_MARGIN = 0.15  # of the sides, in which no blob has its middle
_CANDIDATES = 200


def volume_loadings(rng, n_blobs, n_sites, shape):
    """Loadings (n_blobs + 1 + n_sites, *shape): of factors, of the age and of the sites."""
    blobs = [_blob(center, shape) for center in _centers(rng, n_blobs)]
    gradients = [_gradient(rng, shape) for _ in range(n_sites)]
    return np.stack([*blobs, np.ones(shape), *gradients])


def blob_masks(loadings, n_blobs):
    """Where each blob is at least half as high as in its middle."""
    return loadings[:n_blobs] >= PEAK / 2


def _centers(rng, n_blobs):
    """Middles (n_blobs, 3) in units of the sides, each as far from the others as can be."""
    centers = np.empty((0, 3))
    for _ in range(n_blobs):
        candidates = rng.uniform(_MARGIN, 1 - _MARGIN, (_CANDIDATES, 3))
        distances = np.linalg.norm(candidates[:, None] - centers, axis=2)
        best = distances.min(axis=1, initial=np.inf).argmax()
        centers = np.vstack([centers, candidates[best]])
    return centers


def _blob(center, shape):
    profiles = [
        np.exp(-((np.arange(side) - round(c * (side - 1))) ** 2) / (2 * (_WIDTH * side) ** 2))
        for c, side in zip(center, shape, strict=True)
    ]
    return PEAK * np.einsum("i,j,k->ijk", *profiles)


def _gradient(rng, shape):
    """An offset, and a slope in a random direction, both of unit variance."""
    axes = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    direction = rng.standard_normal(3)
    slope = np.tensordot(np.sqrt(3) * direction / np.linalg.norm(direction), axes, axes=1)
    return rng.standard_normal() + slope
