"""Simulated multimodal cohorts whose factors are known."""

import numbers

import numpy as np
from scipy.stats import norm
from sklearn.utils import Bunch, check_scalar

from skmmcl.data import MultimodalData
from skmmcl.datasets._connectomes import connectomes, network_labels
from skmmcl.exceptions import ModalityError


def make_cohort(
    n_subjects=300,
    *,
    modalities=None,
    n_rois=30,
    n_features=20,
    prevalence=0.3,
    class_sep=2.2,
    complementarity=0.3,
    interaction=0.0,
    n_shared=5,
    n_private=15,
    private_scale=2.0,
    noise=1.0,
    n_sites=3,
    site_effect=0.3,
    age_effect=0.3,
    label_noise=0.0,
    unlabeled=0.0,
    missing=0.0,
    dtype="float32",
    random_state=None,
):
    """Simulate a multimodal neuroimaging cohort with known factors."""
    _check_scalars(locals())
    shapes = _modality_shapes(modalities, n_rois, n_features)
    rng = _generator(random_state)
    y_true = rng.permutation(np.arange(n_subjects) < round(prevalence * n_subjects)).astype(int)
    people = _people(rng, n_subjects, n_sites)
    shared = _shared_factors(rng, y_true, n_shared, class_sep)
    private = _private_factors(rng, y_true, list(shapes), n_private, interaction)
    fidelity = _fidelity(len(shapes), n_shared, complementarity)
    settings = Bunch(
        private_scale=private_scale, noise=noise, site_effect=site_effect, age_effect=age_effect
    )
    arrays, views, loadings = {}, {}, {}
    for row, (name, shape) in zip(fidelity, shapes.items(), strict=True):
        own = rng.standard_normal(shared.shape)
        views[name] = row * shared + np.sqrt(1 - row**2) * own
        latent = _latent(rng, views[name], private[name], people, settings)
        arrays[name], loadings[name] = _observe(rng, latent, shape, noise)
