"""AnatCLEmbedder: its two guides, and which modality holds the measures."""

from __future__ import annotations

import numpy as np
import pytest

from skmmcl import AnatCLEmbedder, MultimodalData
from skmmcl.exceptions import DataError, ModalityError


def embedder(**params):
    return AnatCLEmbedder(**{"max_epochs": 2, "n_components": 3, "random_state": 0, **params})


def test_like_anatomies_are_near(cosines, age):
    """Two kinds of brain, in which other regions are thick."""
    rng = np.random.default_rng(0)
    kind = np.arange(40) % 2
    rois = np.array([[1, 1, 0, 0], [0, 0, 1, 1]])[kind][..., None] * np.ones(3)
    rois = rois + 0.05 * rng.random(rois.shape)
    X = MultimodalData(rois=rois, t1=kind[:, None] + 0.1 * rng.normal(size=(40, 5)))
    model = embedder(
        anatomy="global", anatomy_weight=10.0, sharpness=20.0, max_epochs=40, lr=0.02
    ).fit(X, age)
    cosine, alike = cosines(model, X), kind[:, None] == kind
    assert cosine[alike].mean() > cosine[~alike].mean() + 0.5


def test_the_first_matrix_holds_the_measures(X):
    named, found, other = (
        embedder(measures=name, metadata="age").fit(X).transform(X) for name in ("fc", None, "smri")
    )
    np.testing.assert_array_equal(named, found)
    assert not np.array_equal(named, other)


def test_global_and_local_anatomy_differ(X, age):
    one, other = (
        embedder(anatomy=anatomy).fit(X, age).transform(X) for anatomy in ("local", "global")
    )
    assert not np.array_equal(one, other)


def test_subjects_without_measures_or_age(X, age):
    arrays = {name: X[name].copy() for name in X.modalities}
    arrays["fc"][0] = np.nan
    partly = np.where(np.arange(40) == 1, np.nan, age)
    model = embedder().fit(arrays, partly)
    assert np.isfinite(model.transform(arrays)).all()
    assert np.isfinite(model.history_["train_loss"]).all()


def test_bad_measures(X, age):
    with pytest.raises(ModalityError, match=r"measures='rois', but the modalities are \['smri'"):
        embedder(measures="rois").fit(X, age)
    with pytest.raises(DataError, match="Age is one column, found"):
        embedder().fit(X, np.c_[age, age])
    volumes = MultimodalData(t1=np.ones((40, 2, 2, 2)), smri=X["smri"])
    with pytest.raises(ModalityError, match=r"expected \(n_regions, n_measures\)"):
        embedder(measures="t1").fit(volumes, age)
