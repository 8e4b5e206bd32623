"""The generative model behind `make_cohort`: people, factors, and the arrays that show them."""

import numpy as np
from scipy.special import logsumexp

from skmmcl.datasets._blobs import volume_loadings

N_NETWORKS = 6
_MODULATION = 0.1  # of loadings near 1: small enough that a connectome keeps its blocks
_UNIQUENESS = 0.5  # variance of a region that no network explains: no matrix is near singular
_CUT = 0.3  # structural loadings below it are no connection at all


def draw_people(rng, n_subjects, n_sites):
    """Site, age in years and sex (1 = male) of each subject, independent of the class."""
    return {
        "site": rng.integers(n_sites, size=n_subjects),
        "age": rng.uniform(20.0, 60.0, n_subjects).round(1),
        "sex": rng.integers(2, size=n_subjects),
    }


def class_shifts(rng, n_shared, n_subtypes, class_sep):
    """Shift of the patients of each subtype, of norm `class_sep`, along factors of its own."""
    own = np.arange(n_shared) % n_subtypes == np.arange(n_subtypes)[:, None]
    sign = rng.choice([-1.0, 1.0], n_shared)
    return class_sep * own * sign / np.sqrt(own.sum(axis=1, keepdims=True))


def log_likelihood_ratio(shared, shifts):
    """Patients against controls, for who knows the shared factors and the model."""
    by_subtype = shared @ shifts.T - (shifts**2).sum(axis=1) / 2
    return logsumexp(by_subtype, axis=1) - np.log(len(shifts))


def draw_private(rng, y, names, n_private, interaction):
    """Private factors by modality; the first ones of a pair of modalities correlate by class."""
    private = {name: rng.standard_normal((len(y), n_private)) for name in names}
    if n_private:
        correlation = np.where(y == 1, interaction, -interaction)
        for left, right in zip(names[::2], names[1::2], strict=False):
            own = np.sqrt(1 - interaction**2) * private[right][:, 0]
            private[right][:, 0] = correlation * private[left][:, 0] + own
    return private


def fidelities(n_modalities, n_shared, complementarity):
    """Correlation of what each modality sees of each shared factor with that factor."""
    owner = np.arange(n_shared) % n_modalities == np.arange(n_modalities)[:, None]
    return np.where(owner, 1.0, 1.0 - complementarity)


def network_labels(n_rois):
    """Network of each region: contiguous blocks of nearly equal size."""
    return np.arange(n_rois) * min(N_NETWORKS, n_rois) // n_rois


def observe(rng, factors, spec, noise, n_sites):
    """Array that shows `factors` (n, k) through random loadings, plus noise of scale `noise` (n,).

    `spec` is the shape of one subject, or ("functional" | "structural", n_rois). The last factors
    are the age and the sites.
    """
    kind, size = ("array", spec)
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


def _connectome(rng, modulation, kind):
    """Correlations (n, r, r) of regions that load on networks, as the subject modulates it.

    A product of loadings with itself plus a diagonal is positive definite, so that its
    normalisation is a correlation matrix. Loadings cut at zero give a non-negative, sparse one.
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
