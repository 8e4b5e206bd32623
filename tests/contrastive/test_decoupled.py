"""DecoupledUniformityEmbedder: what it does alone, and with a kernel."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator

from skmmcl import DecoupledUniformityEmbedder
from skmmcl.training import represent


def embedder(**params):
    return DecoupledUniformityEmbedder(
        **{"max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    )


def units(model, X):
    h = represent(model.net_, model._trained.subjects(X))
    return h / np.linalg.norm(h, axis=-1, keepdims=True)


def test_modalities_align_and_subjects_spread(X):
    model = embedder(max_epochs=100, lr=0.01).fit(X)
    u = units(model, X)
    assert (u[0] * u[1]).sum(-1).mean() > 0.5
    assert np.linalg.norm(u.mean((0, 1))) < 0.3
    assert model.history_["uniformity"][-1] < model.history_["uniformity"][0] - 0.3


def test_a_kernel_brings_the_alike_together(X):
    site = X.meta["site"]
    u = units(embedder(kernel="delta", metadata="site", max_epochs=60, lr=0.01).fit(X), X).mean(0)
    cosine, same = u @ u.T, site[:, None] == site
    assert cosine[same].mean() > cosine[~same].mean() + 0.5


def test_without_a_kernel_y_is_not_used(X, age):
    np.testing.assert_array_equal(
        embedder().fit(X, age).transform(X), embedder().fit(X).transform(X)
    )


def test_a_prior_representation(X):
    prior = np.random.default_rng(4).normal(size=(len(X), 5))
    by_angle, by_distance = (
        embedder(kernel=kernel, bandwidth=2.0).fit(X, prior).transform(X)
        for kernel in ("cosine", "gaussian")
    )
    assert not np.allclose(by_angle, by_distance, atol=1e-5)
    prior[:, 0] = 0  # such as of a unit that never fires
    embedder(kernel="cosine").fit(X, prior)
    with pytest.raises(ValueError, match="requires y"):
        embedder(kernel="cosine").fit(X)


def test_regularization_matters(X, age):
    weak, auto = (
        embedder(kernel="gaussian", regularization=r).fit(X, age).transform(X)
        for r in (0.01, "auto")
    )
    assert not np.array_equal(weak, auto)


def test_a_prior_by_another_model(X):
    pca = PCA(2, random_state=0)
    params = {"kernel": "gaussian"}
    given = embedder(**params).fit_transform(X, pca.fit_transform(X))
    np.testing.assert_array_equal(
        embedder(**params, prior=PCA(2, random_state=0)).fit_transform(X), given
    )
    # One that knows other subjects is kept as it is.
    frozen = clone(embedder(**params, prior=FrozenEstimator(pca.fit(X[:20])))).fit(X)
    np.testing.assert_array_equal(frozen.prior_.transform(X), pca.transform(X))
    assert not np.array_equal(frozen.transform(X), given)


def test_a_prior_needs_a_kernel_and_no_metadata(X):
    for params in ({"kernel": None}, {"kernel": "cosine", "metadata": "age"}):
        with pytest.raises(ValueError, match="prior= replaces metadata="):
            embedder(**params, prior=PCA(2)).fit(X)
