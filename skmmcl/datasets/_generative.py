"""The generative model behind `make_cohort`: people, factors, and the arrays that show them."""

import numpy as np

N_NETWORKS = 6
_MODULATION = 0.1  # of loadings near 1: small enough that a connectome keeps its blocks
_UNIQUENESS = 0.5  # variance of a region that no network explains; keeps matrices well above singular


def draw_people(rng, n_subjects, n_sites):
    """Site, age (years) and sex (1 = male) of each subject, independent of the class."""
    return {
        "site": rng.integers(n_sites, size=n_subjects),
        "age": rng.uniform(20.0, 60.0, n_subjects).round(1),
        "sex": rng.integers(2, size=n_subjects),
    }


def draw_shared(rng, y, n_shared, class_sep):
    """Standard normal factors whose class means lie `class_sep` apart, equally along each."""
    direction = rng.choice([-1.0, 1.0], n_shared) / np.sqrt(n_shared)
    shift = class_sep * direction
    return rng.standard_normal((len(y), n_shared)) + np.outer(y - 0.5, shift), shift


def draw_private(rng, y, names, n_private, interaction):
    """Private factors by modality; the first of each pair of modalities correlate by class."""
    private = {name: rng.standard_normal((len(y), n_private)) for name in names}
    if n_private:
        sign = np.where(y == 1, interaction, -interaction)
        for left, right in zip(names[::2], names[1::2], strict=False):
            own = np.sqrt(1 - interaction**2) * private[right][:, 0]
            private[right][:, 0] = sign * private[left][:, 0] + own
    return private


def fidelities(n_modalities, n_shared, complementarity):
    """Correlation of what each modality sees of each shared factor with that factor."""
    owner = np.arange(n_shared) % n_modalities == np.arange(n_modalities)[:, None]
    return np.where(owner, 1.0, 1.0 - complementarity)


def network_labels(n_rois):
    """Network of each region: contiguous blocks of nearly equal size."""
    return np.arange(n_rois) * min(N_NETWORKS, n_rois) // n_rois


def observe(rng, factors, kind, shape, noise, noise_scale):
    """Array of `shape` that shows `factors` (n, k) through random loadings, with noise."""
    networks = network_labels(shape[0])
    size = shape if kind == "array" else (shape[0], networks[-1] + 1)
    loadings = rng.standard_normal((factors.shape[1], *size))
    shown = np.tensordot(factors, loadings, axes=1)
    shown += noise * noise_scale[:, None].reshape(-1, *[1] * len(size)) * rng.standard_normal(shown.shape)
    if kind != "array":
        shown = _connectome(rng, shown, networks, kind)
    return shown, loadings


def _connectome(rng, modulation, networks, kind):
    """Correlations (n, r, r) of regions that load on networks, as the subject modulates it.

    A product of loadings with itself plus a diagonal is positive definite, so its
    normalisation is a correlation matrix. Loadings cut at zero give a non-negative, sparse one.
    """
    base = (networks[:, None] == np.arange(modulation.shape[2])).astype(float)
    base += 0.2 * rng.standard_normal(base.shape)
    loadings = base + _MODULATION * modulation
    if kind == "structural":
        loadings = np.maximum(loadings - 0.3, 0.0)
    matrix = loadings @ loadings.transpose(0, 2, 1)
    diagonal = np.einsum("nrr->nr", matrix)
    diagonal += _UNIQUENESS
    scale = 1 / np.sqrt(diagonal)
    matrix *= scale[:, :, None] * scale[:, None, :]
    matrix = (matrix + matrix.transpose(0, 2, 1)) / 2
    np.einsum("nrr->nr", matrix)[:] = 1.0
    return matrix
