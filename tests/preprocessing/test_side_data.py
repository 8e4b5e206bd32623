"""ComBat and confound regression: what they learn of training subjects, and from where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmmcl import MultimodalData
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing import ComBat, ConfoundRegressor

CASE = json.loads(
    (Path(__file__).parents[1] / "data" / "preprocessing_cases" / "combat.json").read_text()
)
N = 60
BOTH = [ComBat(), ConfoundRegressor("site")]


@pytest.fixture(name="X")
def cohort():
    rng = np.random.default_rng(0)
    site = np.array(["A", "B", "C"])[np.arange(N) % 3]
    age = rng.uniform(20, 80, size=N)
    smri = rng.normal(size=(N, 8))
    smri[site == "B"] = 3 * smri[site == "B"] + 5
    smri += 0.1 * age[:, None]
    fc = rng.normal(size=(N, 4, 4)) + (site == "C")[:, None, None]
    fc[:5] = np.nan
    side = {"site": site, "age": age, "sex": np.array(["f", "m"])[np.arange(N) // 2 % 2]}
    return MultimodalData(smri=smri, fc=fc, meta=side)


@pytest.fixture(name="reference")
def of_neurocombat():
    return MultimodalData(
        smri=np.array(CASE["values"]),
        meta={name: np.array(CASE[name]) for name in ("site", "age", "sex")},
    )


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("plain", {}),
        ("covariates", {"covariates": ["age", "sex"]}),
        ("not shrunk", {"covariates": ["age", "sex"], "shrink": False}),
    ],
)
def test_combat_equals_neurocombat(reference, name, params):
    found = ComBat(**params).fit_transform(reference)["smri"]
    # It stops its iterations at relative changes of 1e-4.
    np.testing.assert_allclose(found, CASE[name], atol=2e-5)


def test_combat_of_new_subjects_equals_neurocombat(reference):
    held_out = np.arange(len(reference)) % 4 == 0
    combat = ComBat().fit(reference[~held_out])
    found = combat.transform(reference[held_out])["smri"]
    np.testing.assert_allclose(found, CASE["held out"], atol=2e-5)


def test_combat_takes_out_the_site_and_keeps_the_covariate(X):
    smri = ComBat(covariates="age").fit_transform(X)["smri"]
    site, age = X.meta["site"], X.meta["age"]
    rest = smri - 0.1 * age[:, None]
    means, stds = ([f(rest[site == s]) for s in "ABC"] for f in (np.mean, np.std))
    assert np.ptp(means) < 0.5
    assert max(stds) / min(stds) < 1.3
    assert np.corrcoef(smri.mean(axis=1), age)[0, 1] > 0.9


def test_confounds_are_taken_out_and_means_stay(X):
    found = ConfoundRegressor(["age", "sex"]).fit_transform(X)
    numbers = np.column_stack([X.meta["age"], X.meta["sex"] == "m"])
    for name in ("smri", "fc"):
        there = X.mask[:, X.modalities.index(name)]
        values = found[name][there].reshape(there.sum(), -1)
        centred = numbers[there] - numbers[there].mean(axis=0)
        np.testing.assert_allclose(centred.T @ values, 0, atol=1e-8)
        before = X[name][there].reshape(there.sum(), -1)
        np.testing.assert_allclose(values.mean(axis=0), before.mean(axis=0))


@pytest.mark.parametrize("transformer", BOTH, ids=lambda t: type(t).__name__)
def test_container_stays_but_for_the_values_of_those_who_have_them(X, transformer):
    out = transformer.fit(X).transform(X)
    assert out.modalities == X.modalities
    assert out.shapes == X.shapes
    assert np.array_equal(out.mask, X.mask)
    assert np.array_equal(out.meta["site"], X.meta["site"])
    only = transformer.set_params(modalities=["fc"]).fit(X).transform(X)
    transformer.set_params(modalities=None)
    assert np.array_equal(only["smri"], X["smri"])
    assert not np.array_equal(only["fc"][5:], X["fc"][5:])


@pytest.mark.parametrize("transformer", BOTH, ids=lambda t: type(t).__name__)
def test_subjects_are_transformed_by_what_the_training_subjects_taught(X, transformer):
    transformer.fit(X[:40])
    one_by_one = [transformer.transform(X[i : i + 1])["smri"] for i in range(40, N)]
    np.testing.assert_allclose(np.concatenate(one_by_one), transformer.transform(X[40:])["smri"])


def test_they_work_in_cross_validation(X):
    flat = FunctionTransformer(lambda data: data["smri"])
    pipe = make_pipeline(ComBat(modalities=["smri"]), ConfoundRegressor("sex"), flat, Ridge())
    assert cross_val_score(pipe, X, X.meta["age"], cv=3, error_score="raise").min() > 0.5


def test_names_of_columns_stay(X):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X["smri"], columns=list("abcdefgh"))
    named = MultimodalData(smri=frame, meta=X.meta)
    assert ComBat().fit_transform(named).columns == {"smri": list("abcdefgh")}


def test_unseen_sites_are_an_error_or_stay_as_they_are(X):
    known = X.meta["site"] != "C"
    with pytest.raises(DataError, match=r"ComBat was not fitted on the sites \['C'\]"):
        ComBat(modalities=["smri"]).fit(X[known]).transform(X)
    combat = ComBat(modalities=["smri"], unseen_sites="passthrough").fit(X[known])
    out = combat.transform(X)["smri"]
    assert np.array_equal(out[~known], X["smri"][~known])
    assert not np.isclose(out[known], X["smri"][known]).any()
    with pytest.raises(DataError, match=r"'site' has \['C'\], which no training subject has"):
        ConfoundRegressor("site").fit(X[known]).transform(X)


def test_values_without_variance_and_lone_subjects_of_a_site(X):
    smri = X["smri"].copy()
    smri[:, 0] = 7.0
    site = X.meta["site"].copy()
    site[0] = "lone"
    data = MultimodalData(smri=smri, meta={"site": site})
    out = ComBat().fit_transform(data)["smri"]
    assert np.array_equal(out[:, 0], smri[:, 0])
    assert np.isfinite(out).all()
    one_value = MultimodalData(smri=smri[:, 1:2], meta={"site": site})
    assert np.isfinite(ComBat().fit_transform(one_value)["smri"]).all()


def with_side(X, **side):
    return MultimodalData(smri=X["smri"], meta={**X.meta, **side})


@pytest.mark.parametrize(
    ("transformer", "change", "error", "message"),
    [
        (ComBat("scanner"), {}, DataError, r"X.meta has no 'scanner', only \['age', 'sex', 'site'"),
        (ComBat(), {"site": ["A"] * N}, DataError, r"at least two sites, X has only \['A'\]"),
        (ComBat(), {"site": [None] * 2 + ["A", "B"] * 29}, DataError, "missing for 2 subjects: 0"),
        (ConfoundRegressor("age"), {"age": [np.nan] * N}, DataError, "'age' is missing for 60"),
        (ComBat(covariates="copy"), {}, DataError, "are linearly dependent on each other or on"),
        (ComBat(modalities=["pet"]), {}, ModalityError, "X has no modality 'pet', only"),
    ],
)
def test_what_cannot_be_learnt_is_named(X, transformer, change, error, message):
    data = with_side(X, **change)
    if "copy" in message or getattr(transformer, "covariates", None) == "copy":
        data = with_side(X, copy=np.where(X.meta["site"] == "A", "a", "b"))
    with pytest.raises(error, match=message):
        transformer.fit(data)


@pytest.mark.parametrize("transformer", BOTH, ids=lambda t: type(t).__name__)
def test_bad_modalities_are_named(X, transformer):
    gap = X["smri"].copy()
    gap[3, 1] = np.nan
    with pytest.raises(DataError, match="Modality 'smri' has values that are NaN"):
        transformer.fit(MultimodalData(smri=gap, meta=X.meta))
    with pytest.raises(ModalityError, match="takes MultimodalData, a dict"):
        transformer.fit(X["smri"])
    nobody = MultimodalData(smri=X["smri"], fc=np.full((N, 3), np.nan), meta=X.meta)
    with pytest.raises(ModalityError, match="No subject has the modality 'fc'"):
        transformer.fit(nobody)
    narrow = MultimodalData(smri=X["smri"][:, :3], fc=X["fc"], meta=X.meta)
    with pytest.raises(ModalityError, match=r"'smri' has shape \(3,\) per subject, fit saw \(8,\)"):
        transformer.fit(X).transform(narrow)
