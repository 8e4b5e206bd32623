"""AnatCLEmbedder: its two guides, and where the measures of regions come from."""

from __future__ import annotations

import numpy as np
import pytest

from skmmcl import AnatCLEmbedder, MultimodalData
from skmmcl.contrastive._anatomy import AnatCLOfTargets
from skmmcl.exceptions import DataError


def embedder(**params):
    return AnatCLEmbedder(**{"max_epochs": 2, "n_components": 3, "random_state": 0, **params})


@pytest.fixture
def measured(X, age):
    """Make the cohort with other side data."""

    def build(**meta):
        return MultimodalData({name: X[name] for name in X.modalities}, meta={"age": age, **meta})

    return build


@pytest.fixture(name="thickness")
def one_measure_of_regions():
    return np.random.default_rng(2).uniform(1, 4, (40, 5))


def test_like_anatomies_are_near(cosines, showing, age):
    """Two kinds of brain, in which other regions are thick."""
    kind = np.arange(40) % 2
    rois = np.array([[1, 1, 0, 0], [0, 0, 1, 1]])[kind][..., None] * np.ones(3)
    rois = rois + 0.05 * np.random.default_rng(0).random(rois.shape)
    seen = showing(kind)
    X = MultimodalData({name: seen[name] for name in seen.modalities}, meta={"rois": rois})
    params = {"anatomy": "global", "sharpness": 20.0, "max_epochs": 40, "lr": 0.02}
    model = embedder(anatomy_weight=10.0, **params).fit(X, age)
    cosine, alike = cosines(model, X), kind[:, None] == kind
    assert cosine[alike].mean() > cosine[~alike].mean() + 0.2


def test_all_tables_of_the_side_data_unless_named(measured, thickness):
    X = measured(thickness=thickness, volume=thickness[:, ::-1] ** 2)
    named, found, fewer = (
        embedder(measures=names, metadata="age").fit_transform(X)
        for names in (["thickness", "volume"], None, "thickness")
    )
    np.testing.assert_array_equal(named, found)
    assert not np.array_equal(named, fewer)


def test_measures_that_are_a_modality_too(X, age, measured):
    of_modality = embedder(measures="fc").fit_transform(X, age)
    of_side = embedder(measures="rois").fit_transform(measured(rois=X["fc"]), age)
    np.testing.assert_array_equal(of_modality, of_side)


def test_without_any_measure_age_alone_guides(X, age):
    assert "y_aware" in embedder().fit(X, age).history_


def test_global_and_local_anatomy_differ(X, age):
    one, other = (
        embedder(anatomy=anatomy, measures="fc").fit_transform(X, age)
        for anatomy in ("local", "global")
    )
    assert not np.array_equal(one, other)


def test_subjects_without_measures_or_age(measured, thickness, age):
    thickness[0] = np.nan
    X = measured(thickness=thickness)
    model = embedder().fit(X, np.where(np.arange(40) == 1, np.nan, age))
    assert np.isfinite(model.transform(X)).all()
    assert np.isfinite(model.history_["train_loss"]).all()


def test_bad_measures(X, age, measured, thickness):
    with pytest.raises(DataError, match=r"measures=\['rois'\] must name tables of X.meta"):
        embedder(measures="rois").fit(X, age)
    with pytest.raises(DataError, match=r"'age' have shape \(\) per subject"):
        embedder(measures="age").fit(X, age)
    with pytest.raises(DataError, match=r"number of regions; found \{'a': 5, 'b': 4\}"):
        embedder().fit(measured(a=thickness, b=thickness[:, :4]), age)
    with pytest.raises(DataError, match="None of the 40 subjects has all measures"):
        embedder().fit(measured(a=np.full((40, 3), np.nan)), age)
    with pytest.raises(DataError, match="infinite"):
        embedder().fit(measured(a=np.full((40, 3), np.inf)), age)
    with pytest.raises(DataError, match="Age must be one column, found"):
        embedder().fit(X, np.c_[age, age])


def test_later_calls_need_the_same_measures(measured, thickness, age):
    model = embedder().partial_fit(measured(a=thickness), age)
    with pytest.raises(DataError, match=r"shape \(4, 1\) per subject, but .* on \(5, 1\)"):
        model.partial_fit(measured(a=thickness[:, :4]), age)


def test_weight_of_age_reaches_the_loss(measured, thickness):
    X = measured(thickness=thickness)
    once, twice, none = (
        embedder(metadata="age", age_weight=weight, max_epochs=1, batch_size=64)
        .fit(X)
        .history_["anat_cl"][0]
        for weight in (1.0, 2.0, 0.0)
    )
    assert twice - once == pytest.approx(once - none, rel=1e-4)
    assert once > none


def test_the_loss_of_targets_refuses_other_anatomies():
    with pytest.raises(ValueError, match="anatomy must be one of"):
        AnatCLOfTargets(anatomy="regional", shape=(5, 2))
