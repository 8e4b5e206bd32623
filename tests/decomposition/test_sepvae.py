"""SepVAEEmbedder: what goes to which space, back to subjects, missing modalities, bad input."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.data import MultimodalData
from skmmcl.datasets import make_subtypes
from skmmcl.decomposition import SepVAEEmbedder
from skmmcl.exceptions import DataError

SMALL = {"n_common": 3, "n_salient": 2, "n_components": 8, "max_epochs": 2, "random_state": 0}


def toy(n_samples, seed):
    """Patients of two subtypes, and a factor of two values that all subjects have."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_samples) % 2
    factor, subtype = 2 * rng.integers(0, 2, (2, n_samples)) - 1
    others = 2 * rng.normal(size=(n_samples, 2))
    latent = np.column_stack([3 * factor, others, 3 * subtype * y, 2 * y])
    loadings = rng.normal(size=(5, 20))
    loadings /= np.linalg.norm(loadings, axis=1, keepdims=True)
    return latent @ loadings + 0.5 * rng.normal(size=(n_samples, 20)), y, factor, subtype


def probed(h, labels):
    h_train, h_test, train, test = train_test_split(h, labels, random_state=0)
    probe = make_pipeline(StandardScaler(), LogisticRegression())
    return probe.fit(h_train, train).score(h_test, test)


@pytest.fixture(scope="module")
def cohort():
    X, y, _ = make_subtypes(60, n_subtypes=2, random_state=0)
    return X, y


@pytest.fixture(scope="module")
def fitted(cohort):
    return SepVAEEmbedder(**SMALL).fit(*cohort)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_subtypes_are_salient_and_the_factor_of_all_is_common(seed):
    X, y, factor, subtype = toy(3000, seed)
    sep = SepVAEEmbedder(n_common=4, n_salient=4, max_epochs=60, random_state=seed).fit(X, y)
    common, salient = sep.transform(X, part="common"), sep.transform(X, part="salient")
    assert probed(salient[y == 1], subtype[y == 1]) > 0.9
    assert probed(common, factor) > 0.99
    assert salient[y == 1].std() > 2 * salient[y == 0].std()


def test_a_short_training_separates_already():
    X, y, factor, subtype = toy(600, 0)
    sep = SepVAEEmbedder(n_common=4, n_salient=4, max_epochs=15, lr=0.01, random_state=0)
    sep.fit(X, y)
    assert probed(sep.transform(X, part="salient")[y == 1], subtype[y == 1]) > 0.9
    assert probed(sep.transform(X, part="common"), factor) > 0.95
    assert r2_score(X, sep.reconstruct(X)) > 0.6
    assert np.all(sep.history_["discriminator"] < 0.8)


def test_parts_stand_side_by_side(fitted, cohort):
    whole = fitted.transform(cohort[0])
    parts = [fitted.transform(cohort[0], part=part) for part in ("common", "salient")]
    assert [part.shape[1] for part in parts] == [3, 2]
    np.testing.assert_array_equal(np.hstack(parts), whole)
    assert list(fitted.get_feature_names_out()) == [
        "common_0", "common_1", "common_2", "salient_0", "salient_1",
    ]  # fmt: skip


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_parts_in_frames(cohort, output):
    sep = SepVAEEmbedder(**SMALL).fit(*cohort).set_output(transform=output)
    for X in (cohort[0], cohort[0].to_dict()):
        assert list(sep.transform(X, part="salient").columns) == ["salient_0", "salient_1"]
        assert sep.transform(X).shape == (60, 5)
        assert len(sep.get_feature_names_out()) == 5
    if output == "pandas":
        assert list(sep.transform(cohort[0], "common").index) == list(cohort[0].index)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("input_components", [None, 60])
def test_reconstructions_are_in_the_units_of_the_subjects(standardize, input_components):
    rng = np.random.default_rng(0)
    offset = [0, 10, 1e5 if standardize else 5, -3, 0, 2]
    X = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 6)) + offset
    options = {"standardize": standardize, "input_components": input_components, "dtype": "float64"}
    options |= {"n_common": 6, "n_components": 32, "max_epochs": 20, "lr": 0.03, "disentangling": 0}
    sep = SepVAEEmbedder(**SMALL | options)
    X_hat = sep.fit(X, np.arange(200) % 2).reconstruct(X)
    assert r2_score(X, X_hat) > 0.6


def test_swapped_patients_keep_what_is_common(fitted, cohort):
    X, y = cohort
    patients, controls = X[y == 1][:4], X[y == 0][:4]
    swapped = fitted.swap(patients, controls)
    assert swapped.shapes == X.shapes
    assert list(swapped.index) == list(patients.index)
    itself = fitted.swap(patients, patients)
    for name, array in fitted.reconstruct(patients).items():
        np.testing.assert_array_equal(itself[name], array)
        assert not np.array_equal(swapped[name], array)
    one = fitted.swap(patients, controls[:1])
    np.testing.assert_allclose(one["pet"][0], swapped["pet"][0], atol=1e-5)
    with pytest.raises(DataError, match="other has 3 subjects; expected one, or 4"):
        fitted.swap(patients, controls[:3])


def test_samples(fitted):
    one, again = (fitted.sample(5, random_state=1) for _ in range(2))
    np.testing.assert_array_equal(one["smri"], again["smri"])
    controls = fitted.sample(5, patients=False, random_state=1)
    assert controls.shapes == one.shapes
    assert not np.array_equal(controls["smri"], one["smri"])


@pytest.mark.parametrize(
    ("shapes", "encoders"),
    [
        ({"img": (16, 16)}, "auto"),
        ({"vol": (8, 8, 8)}, "small_cnn"),
        ({"roi": (5,), "fc": (6, 6), "vol": (8, 8, 8)}, "auto"),
    ],
)
def test_kinds_of_modalities_some_of_which_are_missing(shapes, encoders):
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(16, *shape)) for name, shape in shapes.items()}
    mask = rng.random((16, len(shapes))) > 0.3
    mask[~mask.any(axis=1), 0] = True
    mask[:2] = True
    X, y = MultimodalData(arrays, mask=mask), np.arange(16) % 2
    sep = SepVAEEmbedder(**SMALL, encoders=encoders).fit(X, y)
    h = sep.transform(X)
    assert np.isfinite(h).all()
    np.testing.assert_allclose(sep.transform(X[5:9]), h[5:9], atol=1e-5)
    assert {k: v.shape[1:] for k, v in sep.reconstruct(X).items()} == shapes
    assert all(np.isfinite(v).all() for v in sep.reconstruct(X).values())


def test_what_is_absent_has_no_influence(cohort):
    X, y = cohort
    mask = np.ones((60, 2), dtype=bool)
    mask[:20, 1] = False
    found = []
    for garbage in (0.0, 1e6):
        arrays = X.to_dict()
        arrays["pet"] = np.where(mask[:, 1:], arrays["pet"], garbage)
        data = MultimodalData(arrays, mask=mask)
        found.append(SepVAEEmbedder(**SMALL).fit(data, y).transform(data))
    np.testing.assert_array_equal(*found)


def test_labels_say_who_the_patients_are(cohort):
    X, y = cohort
    names = np.where(y == 1, "FES", "HC")  # the patients are not the last
    expected = SepVAEEmbedder(**SMALL).fit(X, y).transform(X)
    named = SepVAEEmbedder(**SMALL, positive="FES").fit(X, names)
    assert (named.positive_, list(named.classes_)) == ("FES", ["FES", "HC"])
    assert named.transform(X).std() > 0
    with pytest.warns(UserWarning, match="'HC' is taken for the patients by SepVAEEmbedder"):
        SepVAEEmbedder(**SMALL).fit(X, names)
    swapped = SepVAEEmbedder(**SMALL, positive=0).fit(X, 1 - y)
    np.testing.assert_allclose(swapped.transform(X), expected, atol=0.2)
    with pytest.raises(ValueError, match="positive='SZ' is not among the labels"):
        SepVAEEmbedder(**SMALL, positive="SZ").fit(X, names)


def test_unlabeled_subjects_change_no_term(cohort):
    X, y = cohort
    partly = np.where(np.arange(60) < 50, y, -1)
    sep = SepVAEEmbedder(**SMALL).fit(X, partly)
    assert np.isfinite(sep.history_["train_loss"]).all()
    assert sep.transform(X).shape == (60, 5)


@pytest.mark.parametrize(
    ("params", "y", "said"),
    [
        ({}, np.zeros(60), "at least two classes"),
        ({}, np.arange(60) % 3, "Only binary classification"),
        ({}, np.linspace(0, 1, 60), "contrasts patients with controls"),
        ({"n_salient": 0}, np.arange(60) % 2, "'n_salient'"),
        ({"n_common": 0}, np.arange(60) % 2, "'n_common'"),
        ({}, None, "requires y"),
    ],
)
def test_bad_targets_and_widths(cohort, params, y, said):
    with pytest.raises(ValueError, match=said):
        SepVAEEmbedder(**SMALL | params).fit(cohort[0], y)


def test_a_modality_that_all_patients_lack(cohort):
    X, y = cohort
    mask = np.ones((60, 2), dtype=bool)
    mask[y == 1, 1] = False
    with pytest.raises(DataError, match="'pet' is missing in all 30 patients"):
        SepVAEEmbedder(**SMALL).fit(MultimodalData(X.to_dict(), mask=mask), y)


@pytest.mark.parametrize("part", ["shared", 0, ["common"]])
def test_unknown_part(fitted, cohort, part):
    with pytest.raises(ValueError, match="expected 'common', 'salient'"):
        fitted.transform(cohort[0], part=part)


def test_without_disentangling_there_is_no_discriminator(cohort):
    sep = SepVAEEmbedder(**SMALL, disentangling=0.0).fit(*cohort)
    assert {"shared", "discriminator"}.isdisjoint(sep.history_)


def test_a_table_comes_back_as_an_array():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), columns=list("abcd"))
    sep = SepVAEEmbedder(**SMALL).fit(X, np.arange(20) % 2)
    assert sep.reconstruct(X).shape == sep.swap(X, X).shape == sep.sample(20).shape == (20, 4)
