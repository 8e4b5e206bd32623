"""Splitters: whole groups, all classes, and balance."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.model_selection import BalancedGroupKFold, LeaveSitesOut


def checked(cv, X, y, groups):
    """Return the test sets, after the checks that all splitters must pass."""
    splits = list(cv.split(X, y, groups))
    assert len(splits) == cv.get_n_splits(X, y, groups)
    tests = [test for _, test in splits]
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(len(y)))
    for train, test in splits:
        assert len(train) + len(test) == len(y)
        if groups is not None:
            assert not set(groups[train]) & set(groups[test])
    return tests


def spread(values, tests):
    """Return the standard deviation, over folds, of the mean of test subjects."""
    return np.std([np.mean(values[test]) for test in tests])


# ------------------------------------------------------------------------------- LeaveSitesOut
def test_each_site_that_has_all_classes_is_a_test_set_of_its_own():
    site = np.repeat([*"abc"], 20)
    y = np.tile([0, 1], 30)
    tests = checked(LeaveSitesOut(), y, y, site)
    assert [set(site[test]) for test in tests] == [{"a"}, {"b"}, {"c"}]


def test_sites_that_lack_a_class_are_joined():
    site = np.repeat([*"abcd"], 10)
    y = np.r_[np.tile([0, 1], 10), np.zeros(10), np.ones(10)].astype(int)
    tests = checked(LeaveSitesOut(), y, y, site)
    assert [set(site[test]) for test in tests] == [{"a"}, {"b"}, {"c", "d"}]
    assert all(len(np.unique(y[test])) == 2 for test in tests)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(4, 12), st.integers(1, 4))
def test_every_test_set_has_enough_of_each_class(seed, n_sites, least):
    rng = np.random.default_rng(seed)
    site = rng.integers(0, n_sites, size=40 * n_sites)
    share = rng.choice([0, 0.3, 0.5, 1.0], size=n_sites)
    share[:2] = 0.5
    y = (rng.uniform(size=len(site)) < share[site]).astype(int)
    for test in checked(LeaveSitesOut(min_per_class=least), y, y, site):
        assert np.bincount(y[test], minlength=2).min() >= least


def test_whole_sites_are_joined_into_folds_of_similar_classes():
    rng = np.random.default_rng(0)
    site = rng.choice(20, size=600, p=rng.dirichlet(np.full(20, 2.0)))
    y = (rng.uniform(size=600) < rng.uniform(0.2, 0.8, size=20)[site]).astype(int)
    ours = checked(LeaveSitesOut(4, random_state=0), y, y, site)
    theirs = checked(StratifiedGroupKFold(4), y, y, site)
    assert np.ptp([len(test) for test in ours]) <= 8
    assert spread(y, ours) < 0.02
    assert spread(y, ours) <= spread(y, theirs)


def test_numbers_are_balanced_in_bins():
    rng = np.random.default_rng(0)
    site = rng.integers(0, 25, size=500)
    age = rng.uniform(20, 80, size=500) + site
    assert spread(age, checked(LeaveSitesOut(5, random_state=0), age, age, site)) < 2
    assert len(checked(LeaveSitesOut(), age, age, site)) == 25


def test_subjects_without_a_class_are_spread_and_ask_for_nothing():
    site, y = np.repeat(np.arange(6), 20), np.tile([0.0, 1.0], 60)
    y[:40:2] = 1  # two sites have one class
    y[80:] = np.nan
    cv = LeaveSitesOut(random_state=0)
    tests = checked(cv, y, y, site)
    assert all({0, 1} <= set(y[test]) for test in tests)
    text = np.where(np.isnan(y), None, np.where(y == 1, "SZ", "HC"))
    for test, same in zip(checked(cv, text, text, site), tests, strict=True):
        np.testing.assert_array_equal(test, same)


@pytest.mark.parametrize("seed", range(6))
def test_fewer_sites_than_folds_are_never_fewer_folds(seed):
    site, y = np.repeat([0, 1], 20), np.tile([0, 1], 20)
    with pytest.raises(DataError, match="2 sites cannot be joined into 3 test sets"):
        list(LeaveSitesOut(3, random_state=seed).split(y, y, site))


@pytest.mark.parametrize("cv", [LeaveSitesOut(2), BalancedGroupKFold(2)])
@pytest.mark.parametrize("groups", [[np.nan, 1, 2, 3] * 5, ["a", None, "b", "c"] * 5])
def test_a_group_that_is_not_known_is_refused(cv, groups):
    y = np.tile([0, 1], 10)
    with pytest.raises(DataError, match="groups has 5 missing entries"):
        list(cv.split(y, y, groups))


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (LeaveSitesOut(min_per_class=15), "One class has 20 subjects, too few"),
        (LeaveSitesOut(3), "cannot be joined into 3 test sets"),
        (LeaveSitesOut(1), "n_splits must be a whole number of at least 2"),
        (LeaveSitesOut(min_per_class=0), "min_per_class must be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_held_out_is_said(cv, message):
    site, y = np.repeat([0, 1], 20), np.tile([0, 1], 20)
    with pytest.raises(ValueError, match=message):
        list(cv.split(y, y, site))


def test_sites_must_be_given():
    y = np.tile([0, 1], 20)
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        list(LeaveSitesOut().split(y, y))
    with pytest.raises(ValueError, match="needs y and groups"):
        LeaveSitesOut().get_n_splits()


# --------------------------------------------------------------------------- BalancedGroupKFold
@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_folds_without_groups_are_balanced_to_the_subject(seed, k):
    rng = np.random.default_rng(seed)
    y, age = rng.integers(0, 3, size=150), rng.normal(size=150)
    tests = checked(BalancedGroupKFold(k, covariate=age, random_state=seed), y, y, None)
    assert np.ptp([len(test) for test in tests]) <= 2
    assert np.ptp([np.bincount(y[test], minlength=3) for test in tests], axis=0).max() <= 3
    quarter = np.searchsorted(np.quantile(age, [0.25, 0.5, 0.75]), age)
    assert np.ptp([np.bincount(quarter[test], minlength=4) for test in tests], axis=0).max() <= 3


def test_groups_classes_and_covariate_are_balanced():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(120), rng.integers(1, 5, size=120))
    y = rng.integers(0, 2, size=120)[person]
    age = rng.uniform(20, 80, size=120)[person] + 10 * y
    ours = checked(BalancedGroupKFold(5, covariate=age, random_state=0), y, y, person)
    theirs = checked(StratifiedGroupKFold(5, shuffle=True, random_state=0), y, y, person)
    assert np.ptp([len(test) for test in ours]) <= 3
    assert spread(y, ours) < 0.02
    assert spread(age, ours) < 1.5 < spread(age, theirs)


def test_the_covariate_may_be_named():
    rng = np.random.default_rng(0)
    age, y = rng.uniform(20, 80, size=80), np.tile([0, 1], 40)
    data = MultimodalData(t1=rng.normal(size=(80, 3)), meta={"age": age})
    frame = pd.DataFrame({"x": rng.normal(size=80), "age": age})
    expected = checked(BalancedGroupKFold(4, covariate=age, random_state=0), y, y, None)
    for X in (data, frame):
        cv = BalancedGroupKFold(4, covariate="age", random_state=0)
        for test, other in zip(checked(cv, X, y, None), expected, strict=True):
            np.testing.assert_array_equal(test, other)


def test_a_covariate_of_other_subjects_is_refused():
    age = pd.Series(np.arange(40.0), index=[f"s{k}" for k in range(40)])
    X = pd.DataFrame({"x": age}, index=age.index[::-1])
    with pytest.raises(DataError, match="another order"):
        list(BalancedGroupKFold(4, covariate=age).split(X))


def test_missing_values_are_a_bin_of_their_own():
    rng = np.random.default_rng(0)
    age, y = rng.normal(size=100), np.tile([0, 1], 50)
    age[:20] = np.nan
    for test in checked(BalancedGroupKFold(5, covariate=age, random_state=0), y, y, None):
        assert 3 <= np.isnan(age[test]).sum() <= 5


def test_seeds_repeat_and_differ():
    y = np.tile([0, 1], 50)

    def first(seed):
        return next(BalancedGroupKFold(5, random_state=seed).split(y, y))[1].tolist()

    assert first(0) == first(0) != first(1)
    assert "random_state=0" in repr(BalancedGroupKFold(random_state=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 1}, "n_splits must be a whole number of at least 2"),
        ({"covariate": "age"}, "names neither side data"),
        ({"covariate": np.arange(7)}, "covariate has 7 entries for 40 rows"),
        ({"covariate": [*"ab" * 20]}, "covariate: could not convert"),
        ({"covariate": np.arange(40), "n_bins": 1}, "n_bins must be a whole number of at least 2"),
        ({"n_splits": 50}, "groups has 40 different values, fewer than the 50 folds"),
    ],
)
def test_bad_input_is_said(options, message):
    X, y = np.zeros((40, 2)), np.tile([0, 1], 20)
    with pytest.raises((ValueError, DataError), match=message):
        list(BalancedGroupKFold(**options).split(X, y))


@pytest.mark.parametrize("cv", [LeaveSitesOut(3), BalancedGroupKFold(3, random_state=0)])
def test_they_work_in_scikit_learns_functions(cv):
    rng = np.random.default_rng(0)
    y, site = np.tile([0, 1], 60), np.repeat(np.arange(12), 10)
    X = rng.normal(size=(120, 2)) + y[:, None]
    assert len(cross_val_score(LogisticRegression(), X, y, cv=cv, groups=site)) == 3
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv).fit(X, y, groups=site)
    assert search.best_score_ > 0.65
