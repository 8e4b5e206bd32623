"""WeightedContrastiveEmbedder: the geometry that each scheme promises, and what it needs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from skmmcl import WeightedContrastiveEmbedder
from skmmcl.training import represent


def embedder(**params):
    return WeightedContrastiveEmbedder(
        **{"max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    )


def test_classes_stand_at_the_angle_that_was_chosen(showing, y):
    X = showing(y)
    model = embedder(max_epochs=80, lr=0.02, temperature=0.5, between_classes=0.3).fit(X, y)
    h = represent(model.net_, model._trained.subjects(X))
    h = h / np.linalg.norm(h, axis=-1, keepdims=True)
    flat, codes = h.reshape(-1, 3), np.tile(y, len(h))
    between = (flat @ flat.T)[codes[:, None] != codes].mean()
    assert between == pytest.approx(1 + 0.5 * np.log(0.3), abs=0.12)


def test_euclidean_distances_copy_those_of_the_metadata(showing, age):
    X = showing(age)
    model = embedder(
        scheme="euclidean", temperature=1.0, bandwidth=15.0, max_epochs=80, lr=0.02
    ).fit(X, age)
    h = represent(model.net_, model._trained.subjects(X)).mean(0)
    pairs = np.triu_indices(len(h), 1)
    found = np.linalg.norm(h[:, None] - h, axis=-1)[pairs]
    expected = np.abs(age[:, None] - age)[pairs] / 15
    assert np.corrcoef(found, expected)[0, 1] > 0.95
    assert np.median(found / expected) == pytest.approx(1, abs=0.2)


def test_x_clr_copies_the_angles_of_a_prior(showing):
    prior = np.random.default_rng(5).normal(size=(40, 2))
    X = showing(prior)
    model = embedder(
        scheme="x-clr", temperature=0.5, target_temperature=0.5, max_epochs=80, lr=0.02
    ).fit(X, prior)
    h = represent(model.net_, model._trained.subjects(X)).mean(0)
    u, v = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (h, prior))
    pairs = np.triu_indices(len(h), 1)
    assert np.corrcoef((u @ u.T)[pairs], (v @ v.T)[pairs])[0, 1] > 0.8
    assert not hasattr(model, "classes_")


def test_weights_that_a_sphere_has_no_room_for(X, y):
    with pytest.warns(UserWarning, match=r"cosine of -1.303 .* 2 classes can have no less than -1"):
        embedder(temperature=0.5, between_classes=0.01).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder(temperature=0.5, between_classes=0.02).fit(X, y)


def test_a_prior_that_a_sphere_has_no_room_for(X):
    prior = np.random.default_rng(5).normal(size=(len(X), 3))
    with pytest.warns(UserWarning, match="cannot be represented .* temperature=1.0"):
        embedder(scheme="x-clr", temperature=1.0, target_temperature=0.1).fit(X, prior)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder(scheme="x-clr", temperature=0.1, target_temperature=0.1).fit(X, prior)
        embedder(scheme="euclidean", temperature=1.0, bandwidth=1.0).fit(X, prior)


def test_what_the_schemes_need(X, y, age):
    with pytest.raises(ValueError, match=r"must be one column of X\.meta"):
        embedder(metadata=["site", "same"]).fit(X)
    np.testing.assert_array_equal(
        embedder(metadata="site").fit_transform(X), embedder().fit_transform(X, X.meta["site"])
    )
    with pytest.raises(ValueError, match="requires y"):
        embedder().fit(X)
    with pytest.raises(ValueError, match="Unknown label type"):
        embedder().fit(X, age)
    with pytest.raises(ValueError, match="holds text"):
        embedder(scheme="x-clr", metadata="site").fit(X)
    assert embedder(scheme="euclidean", metadata="age").fit(X).bandwidth_.shape == (1,)


@pytest.mark.parametrize(
    ("scheme", "of_paper"), [("soft-supcon", True), ("x-clr", False), ("euclidean", True)]
)
def test_self_pairs_reach_the_loss(X, y, age, scheme, of_paper):
    guide = y if scheme == "soft-supcon" else np.c_[age - age.mean(), y - 0.5]
    params = {"scheme": scheme, "temperature": 1.0, "between_classes": 0.9, "max_epochs": 1}
    params["target_temperature"] = 2.0
    as_in_paper, same, other = (
        embedder(**params, self_pairs=pairs).fit(X, guide).history_["train_loss"][0]
        for pairs in (None, of_paper, not of_paper)
    )
    assert as_in_paper == same != other
