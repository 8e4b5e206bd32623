"""MMVAEEmbedder: what it learns, and on what it can be trained."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score

from skmmcl.datasets import make_cohort
from skmmcl.decomposition import MMVAEEmbedder
from skmmcl.exceptions import TrainingError


def cohort(**options):
    sizes = {"mri": (30,), "pet": (20,)}
    options = {"n_shared": 2, "n_private": 2, "complementarity": 0.0, "noise": 0.5, **options}
    return make_cohort(150, modalities=sizes, random_state=0, **options)


def r2(h, factors):
    return cross_val_score(RidgeCV(np.logspace(-2, 3, 6)), h, factors, cv=3).mean()


@pytest.mark.parametrize("posterior", ["normal", "laplace"])
def test_shared_and_private_factors_are_kept(posterior):
    X, _, truth = cohort()
    embedder = MMVAEEmbedder(
        n_components=6, posterior=posterior, lr=0.02, max_epochs=30, random_state=0
    )
    h = embedder.fit_transform(X)
    assert r2(h, truth.shared) > 0.7
    assert r2(h[:, :6], truth.private["mri"]) > 0.4
    bound = embedder.history_["bound"]
    assert bound[-1] < bound[0] - 5


def test_a_subject_without_a_modality_is_embedded_by_the_others():
    X, _, truth = cohort(missing={"pet": 0.4})
    embedder = MMVAEEmbedder(n_components=4, lr=0.02, max_epochs=15, random_state=0).fit(X)
    assert r2(embedder.transform(X)[:, :4], truth.shared) > 0.5


@pytest.mark.parametrize("encoders", ["small_cnn", "dcgan"])
def test_volumes(encoders):
    sizes = {"t1": (32, 32, 32), "pet": (32, 32, 32)}
    X, _, _ = make_cohort(4, modalities=sizes, n_shared=2, n_private=1, random_state=0)
    embedder = MMVAEEmbedder(
        n_importance_samples=1, n_components=2, encoders=encoders, max_epochs=1, random_state=0
    )
    assert np.isfinite(embedder.fit_transform(X)).all()


def test_from_paper():
    embedder = MMVAEEmbedder.from_paper(n_importance_samples=10)
    assert (embedder.encoders, embedder.batch_size, embedder.n_components) == ("dcgan", 16, 64)
    assert embedder.n_importance_samples == 10


def test_divergence_names_the_term_and_leaves_nothing_fitted():
    X, _, _ = cohort()
    embedder = MMVAEEmbedder(optimizer="sgd", lr=1e6, max_epochs=20, random_state=0)
    with pytest.raises(TrainingError, match="'bound' became"):
        embedder.fit(X)
    assert not hasattr(embedder, "net_")
