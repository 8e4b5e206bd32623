"""site_predictability and site_scorer."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    LeaveOneOut,
    PredefinedSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmmcl.data import MultimodalData
from skmmcl.metrics import site_predictability, site_scorer

SITES = np.repeat(["London", "Paris", "Rome", "Oslo"], [50, 30, 30, 10])


def cohort(shift, seed=0):
    """A representation in which every site is shifted in a direction of its own."""
    rng = np.random.default_rng(seed)
    codes = np.unique(SITES, return_inverse=True)[1]
    return rng.normal(size=(len(SITES), 6)) + shift * np.eye(6)[codes]


def test_chance_without_site_effect_and_one_with_a_strong_one():
    values = [site_predictability(cohort(0, seed), SITES) for seed in range(5)]
    assert np.mean(values) == pytest.approx(0.25, abs=0.06)
    assert site_predictability(cohort(20), SITES) == 1


def test_more_site_effect_is_seen_better():
    weak, strong = (site_predictability(cohort(shift), SITES) for shift in (0.5, 2))
    assert 0.25 < weak < strong < 1


def test_rotation_and_scale_change_little():
    X = cohort(1)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    value = site_predictability(X, SITES)
    assert site_predictability(1000 * X + 7, SITES) == pytest.approx(value, abs=1e-9)
    assert site_predictability(X @ rotation, SITES) == pytest.approx(value, abs=0.05)


def test_same_input_same_value_and_nothing_is_touched():
    X = cohort(1)
    before = X.copy()
    np.random.seed(0)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    value = site_predictability(X, SITES)
    assert site_predictability(X, list(SITES)) == value
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    values = {site_predictability(X, SITES, random_state=seed) for seed in range(5)}
    assert len(values) > 1


def test_every_site_weighs_the_same():
    X = np.where(SITES == "Oslo", 10.0, 0)[:, None] + 1e-3 * cohort(0)
    two = np.where(SITES == "Oslo", "Oslo", "other")
    always_other = LogisticRegression(C=1e-12)
    assert site_predictability(X, two, probe=always_other) == 0.5


def test_scans_of_one_subject_share_a_fold():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(40), 5)
    sites = np.where(subjects % 2, "A", "B")
    X = rng.normal(size=(40, 60))[subjects] + 0.01 * rng.normal(size=(200, 60))
    assert site_predictability(X, sites) > 0.95  # it knows the subjects
    assert site_predictability(X, sites, groups=subjects) < 0.75
    by_hand = site_predictability(X, sites, groups=subjects, cv=GroupKFold(4))
    assert by_hand < 0.75


def test_folds_of_the_users_own():
    X, folds = cohort(20), np.arange(len(SITES)) % 3
    assert site_predictability(X, SITES, cv=PredefinedSplit(folds)) == 1
    assert site_predictability(X[50:], SITES[50:], cv=LeaveOneOut()) == 1
    with pytest.raises(ValueError, match="only works for partitions"):
        site_predictability(X, SITES, cv=PredefinedSplit(np.where(folds == 0, -1, folds)))


def test_small_sites_are_predicted_too():
    X = 20.0 * np.repeat(np.eye(3), [2, 3, 3], axis=0)
    assert site_predictability(X, [1, 1, 2, 2, 2, 3, 3, 3]) == 1


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        ([None, *SITES[1:]], "The site of 1 of 120 subjects is missing"),
        ([np.nan, *SITES[1:]], "The site of 1 of 120 subjects is missing"),
        (np.where(SITES == "Oslo", np.nan, 1), "The site of 10 of 120 subjects is missing"),
        (np.full(120, "Rome"), "All subjects are of site 'Rome'"),
        (["Bern", *SITES[1:]], "1 of 5 sites have a single subject, .* leave them out: Bern"),
        (np.linspace(0, 1, 120), "Unknown label type: continuous"),
        (SITES[1:], "inconsistent numbers of samples"),
        (np.tile(SITES[:, None], 2), "sites must hold one value for each subject"),
    ],
)
def test_unusable_sites_are_errors(sites, message):
    with pytest.raises(ValueError, match=message):
        site_predictability(cohort(1), sites)


def test_a_site_of_one_group_is_an_error():
    groups = np.where(SITES == "Oslo", 0, np.arange(120) + 1)
    with pytest.raises(ValueError, match="1 of 4 sites have a single group"):
        site_predictability(cohort(1), SITES, groups=groups)


def test_nan_in_the_representation_is_an_error():
    X = cohort(1)
    X[3, 2] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        site_predictability(X, SITES)


# ------------------------------------------------------------------------------ the scorer
def multimodal(shift):
    return MultimodalData(smri=cohort(shift), meta={"site": SITES, "twin": np.arange(120)})


def smri_of(X):
    return X["smri"]


def test_scorer_is_the_negative_of_the_metric_on_test_subjects():
    X = multimodal(1)
    pca = make_pipeline(FunctionTransformer(smri_of), PCA(3)).fit(X)
    expected = site_predictability(pca.transform(X), SITES, cv=3, random_state=1)
    scorer = site_scorer(cv=3, random_state=1)
    assert repr(scorer) == "site_scorer('site', cv=3, random_state=1)"
    assert scorer(pca, X) == -expected
    grouped = site_scorer("site", groups="twin", cv=3, random_state=1)(pca, X)
    assert -1 <= grouped < -0.25


def test_scorer_in_cross_validation_beside_another():
    age = np.random.default_rng(0).uniform(20, 80, size=120)
    pipe = make_pipeline(FunctionTransformer(smri_of), PCA(4, random_state=0), Ridge())
    scoring = {"age": "neg_mean_absolute_error", "site": site_scorer(cv=2)}
    order = np.random.default_rng(0).permutation(120)
    test_site = {}
    for shift in (0, 20):
        X = multimodal(shift)[order]
        scores = cross_validate(pipe, X, age, cv=3, scoring=scoring, error_score="raise")
        assert scores["test_age"].shape == (3,)
        test_site[shift] = scores["test_site"].mean()
    assert test_site[20] < -0.9 < test_site[0]


@pytest.mark.parametrize("routing", [False, True])
def test_scorer_pickles_and_takes_part_in_routing(routing):
    X, scorer = multimodal(1), pickle.loads(pickle.dumps(site_scorer(cv=2)))
    pipe = make_pipeline(FunctionTransformer(smri_of), PCA(2, random_state=0))
    with config_context(enable_metadata_routing=routing):
        order = np.random.default_rng(0).permutation(120)
        scores = cross_validate(pipe, X[order], cv=2, scoring={"site": scorer}, error_score="raise")
    assert (scores["test_site"] < 0).all()


def test_scorer_refuses_options_that_the_metric_lacks():
    with pytest.raises(TypeError, match="unexpected keyword argument 'folds'"):
        site_scorer(folds=3)


def test_scorer_says_what_it_misses():
    X = multimodal(1)
    pipe = make_pipeline(FunctionTransformer(smri_of)).fit(X)
    with pytest.raises(ValueError, match=r"X.meta has no 'scanner', only \['site', 'twin'\]"):
        site_scorer("scanner")(pipe, X)
    with pytest.raises(TypeError, match=r"got ndarray: give MultimodalData\(\.\.\., meta="):
        cross_val_score(PCA(), cohort(1), scoring=site_scorer(), error_score="raise")
    with pytest.raises(TypeError, match="Ridge has no representation"):
        site_scorer()(Ridge(), X)
