"""permutation_test and nested_search: p-values, groups, blocks, stacks, chance on noise."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import uniform
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.model_selection import nested_search, permutation_test
from skmmcl.model_selection._permutation import _exchangeable, _permuted

LINEAR = LogisticRegression()


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    return rng.normal(size=(60, 4)) + y[:, None], y


# --------------------------------------------------------------------------------- permutations
def test_the_score_is_that_of_cross_validation_and_the_pvalue_counts(cohort):
    X, y = cohort
    cv = StratifiedKFold(3)
    found = permutation_test(LINEAR, X, y, cv=cv, n_permutations=19, random_state=0)
    expected = cross_val_score(LINEAR, X, y, cv=cv, scoring="roc_auc").mean()
    assert found.score == pytest.approx(expected)
    assert found.permutation_scores.shape == (19,)
    assert found.pvalue == (np.sum(found.permutation_scores >= found.score) + 1) / 20 == 0.05
    again = permutation_test(LINEAR, X, y, cv=cv, n_permutations=19, random_state=0)
    np.testing.assert_array_equal(found.permutation_scores, again.permutation_scores)


def test_a_method_that_knows_nothing_has_a_pvalue_of_one(cohort):
    found = permutation_test(DummyClassifier(), *cohort, n_permutations=9, random_state=0)
    assert found.pvalue == 1


def test_numbers_are_permuted_too(cohort):
    X, _ = cohort
    age = X.sum(axis=1)
    assert permutation_test(Ridge(), X, age, cv=3, n_permutations=19).pvalue == 0.05


def test_groups_exchange_labels_between_people():
    y, person = (
        np.repeat([0, 1, 0, 1, 1], [2, 2, 3, 3, 2]),
        np.repeat(np.arange(5), [2, 2, 3, 3, 2]),
    )
    sets = _exchangeable(y, person, None)
    for seed in range(20):
        permuted = y[_permuted(sets, np.random.RandomState(seed))]
        assert all(len(set(permuted[person == k])) == 1 for k in range(5))
        assert sorted(permuted) == sorted(y)


def test_blocks_exchange_labels_within_sites():
    y, site = np.tile([0, 1, 1], 10), np.repeat([0, 1, 2], 10)
    source = _permuted(_exchangeable(y, None, site), np.random.RandomState(0))
    np.testing.assert_array_equal(site[source], site)
    assert (source != np.arange(30)).any()


def test_a_site_effect_is_no_finding_within_sites():
    rng = np.random.default_rng(0)
    site = np.repeat([0, 1], 40)
    y = (rng.uniform(size=80) < np.where(site, 0.85, 0.15)).astype(int)
    X = rng.normal(size=(80, 2)) + 3 * site[:, None]
    options = {"cv": 3, "n_permutations": 19, "random_state": 0}
    assert permutation_test(LINEAR, X, y, **options).pvalue == 0.05
    assert permutation_test(LINEAR, X, y, blocks=site, **options).pvalue > 0.05


def test_splits_may_come_from_a_generator(cohort):
    X, y = cohort
    options = {"n_permutations": 3, "random_state": 0}
    given = permutation_test(LINEAR, X, y, cv=StratifiedKFold(3).split(X, y), **options)
    assert given.score == permutation_test(LINEAR, X, y, cv=StratifiedKFold(3), **options).score


def test_a_search_keeps_groups_together_in_its_inner_folds(cohort):
    X, _ = cohort
    y, person = np.repeat([0, 1], 30), np.arange(60) // 2
    search = GridSearchCV(LINEAR, {"C": [0.1, 1.0]}, cv=GroupKFold(3))
    found = permutation_test(search, X, y, groups=person, cv=3, n_permutations=2, random_state=0)
    assert np.isfinite(found.permutation_scores).all()


def test_errors_in_small_units_are_compared_in_them(cohort):
    X, _ = cohort
    options = {"scoring": "neg_mean_squared_error", "n_permutations": 9, "random_state": 0}
    assert permutation_test(Ridge(), X, 1e-7 * X.sum(axis=1), cv=3, **options).pvalue == 0.1


def test_blocks_of_other_subjects_are_refused(cohort):
    X, y = cohort
    X = pd.DataFrame(X, index=[f"s{k}" for k in range(60)])
    site = pd.Series(np.arange(60) % 2, index=X.index[::-1])
    with pytest.raises(DataError, match="X and blocks list the same subjects in another order"):
        permutation_test(LINEAR, X, y, blocks=site, n_permutations=2)


@pytest.mark.slow
def test_pvalues_of_noise_are_uniform():
    p = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(24, 3)), np.tile([0, 1], 12)
        p.append(permutation_test(LINEAR, X, y, cv=3, n_permutations=19, random_state=seed).pvalue)
    assert 0.35 < np.mean(p) < 0.7
    assert np.mean(np.array(p) <= 0.25) < 0.45


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": np.arange(60) // 2}, "30 of 30 groups have several labels.*blocks"),
        ({"blocks": np.arange(60)}, "No labels can be exchanged"),
        ({"blocks": [1, 2]}, "blocks must have one entry"),
        ({"groups": [np.nan, 1.0] * 30}, "groups has 30 missing entries"),
        ({"n_permutations": 0}, "n_permutations must be"),
        ({"n_permutations": 2.5}, "n_permutations must be a whole number"),
        ({"scoring": ["accuracy", "roc_auc"]}, "takes one score"),
        ({"cv": KFold(30)}, "score is not defined"),
    ],
)
def test_bad_input_of_the_permutation_test(cohort, options, message):
    with pytest.raises((ValueError, DataError), match=message):
        permutation_test(LINEAR, *cohort, **{"n_permutations": 2, **options})


# ------------------------------------------------------------------------------- nested search
GRID = {"C": [1e-4, 1.0]}


def test_nested_search_is_a_search_in_a_cross_validation(cohort):
    X, y = cohort
    inner, outer = StratifiedKFold(3), StratifiedKFold(4)
    found = nested_search(LINEAR, GRID, X, y, inner_cv=inner, outer_cv=outer, scoring="accuracy")
    search = GridSearchCV(LINEAR, GRID, cv=inner, scoring="accuracy")
    np.testing.assert_array_equal(
        found.scores, cross_val_score(search, X, y, cv=outer, scoring="accuracy")
    )
    train, _ = found.splits[0]
    search.fit(X[train], y[train])
    assert found.best_params[0] == search.best_params_
    assert found.inner_scores[0] == search.best_score_


def test_groups_are_kept_together_in_both(cohort):
    X, y = cohort
    person = np.arange(60) // 2
    found = nested_search(LINEAR, GRID, X, y, groups=person, inner_cv=3, outer_cv=3, random_state=0)
    for train, test in found.splits:
        assert not set(person[train]) & set(person[test])
    options = {"inner_cv": GroupKFold(3), "outer_cv": GroupKFold(4)}
    assert len(nested_search(LINEAR, GRID, X, y, groups=person, **options).scores) == 4
    with pytest.raises(DataError, match="fewer than the 50 folds"):
        nested_search(LINEAR, GRID, X, y, groups=person, outer_cv=50)


def test_settings_are_drawn_from_distributions(cohort):
    found = nested_search(
        LINEAR, {"C": uniform(0.1, 5)}, *cohort, n_iter=2, outer_cv=3, random_state=0
    )
    assert len({params["C"] for params in found.best_params}) == 3


@pytest.mark.slow
def test_noise_gives_chance():
    scores = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(60, 10)), np.tile([0, 1], 30)
        found = nested_search(LINEAR, GRID, X, y, inner_cv=3, outer_cv=4, random_state=seed)
        scores.append(found.scores.mean())
    assert abs(np.mean(scores) - 0.5) <= 2.1 * np.std(scores, ddof=1) / np.sqrt(20)


def test_fits_that_train_are_stacked(cohort):
    X, y = cohort
    X = MultimodalData(a=X[:, :2], b=X[:, 2:])
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=2, random_state=0)
    pipe = make_pipeline(embedder, LogisticRegression())
    cv = StratifiedKFold(3)
    found = permutation_test(pipe, X, y, cv=cv, n_permutations=2, random_state=0)
    assert found.score == cross_val_score(pipe, X, y, cv=cv, scoring="roc_auc").mean()
    grid = {"cmccssembedder__n_components": [2, 3]}
    nested = nested_search(pipe, grid, X, y, inner_cv=cv, outer_cv=cv, random_state=0)
    search = GridSearchCV(pipe, grid, cv=cv, scoring="roc_auc")
    expected = cross_val_score(search, X, y, cv=cv, scoring="roc_auc")
    np.testing.assert_array_equal(nested.scores, expected)
