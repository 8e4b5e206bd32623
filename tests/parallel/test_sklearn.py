"""scikit-learn's functions give the same numbers in a stack, and stacks are formed."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.parallel import stacked_fits
from skmmcl.training._jobs import current
from tests.parallel import dummy

pytestmark = pytest.mark.usefixtures("watchdog")

N = 60
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 3))
y = (X[:, 0] + rng.normal(size=N) > 0).astype(int)


def pipe(**params):
    return make_pipeline(StandardScaler(), dummy.Dummy(**params), GaussianNB())


def bagging(n_estimators):
    n_jobs = None if current() is None else -1
    return BaggingClassifier(pipe(), n_estimators, random_state=0, n_jobs=n_jobs)


def searched(search):
    results = search.fit(X, y).cv_results_
    scores = [results[key] for key in sorted(results) if "test_score" in key]
    return np.concatenate([*scores, search.predict_proba(X)[:, 1]])


GRID = {"dummy__shift": [0.0, 0.5], "dummy__n_epochs": [2, 4]}

CALLS = {
    "cross_val_score": lambda: cross_val_score(
        pipe(), X, y, cv=RepeatedStratifiedKFold(n_splits=3, n_repeats=3, random_state=0)
    ),
    "cross_validate": lambda: cross_validate(pipe(), X, y, cv=8)["test_score"],
    "cross_val_predict": lambda: cross_val_predict(pipe(), X, y, cv=8, method="predict_proba"),
    "GridSearchCV": lambda: searched(GridSearchCV(pipe(), GRID, cv=3)),
    "RandomizedSearchCV": lambda: searched(
        RandomizedSearchCV(pipe(), GRID, n_iter=2, cv=3, random_state=0)
    ),
    "nested": lambda: cross_val_score(GridSearchCV(pipe(), GRID, cv=2), X, y, cv=3),
    "learning_curve": lambda: learning_curve(pipe(), X, y, cv=3, shuffle=True, random_state=0)[2],
    "validation_curve": lambda: validation_curve(
        pipe(), X, y, param_name="dummy__shift", param_range=[0.0, 2.0], cv=4
    )[1],
    "permutation_test_score": lambda: permutation_test_score(
        pipe(), X, y, cv=2, n_permutations=8, random_state=0
    )[1],
    "BaggingClassifier": lambda: bagging(8).fit(X, y).predict_proba(X),
    "bagging in a cross-validation": lambda: cross_val_score(bagging(5), X, y, cv=3),
    "StackingClassifier": lambda: (
        StackingClassifier([(str(i), pipe(shift=i)) for i in range(3)], GaussianNB(), cv=3)
        .fit(X, y)
        .predict_proba(X)
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_numbers_are_those_of_separate_fits(name, engine):
    expected = CALLS[name]()
    assert set(engine.sizes) == {1}
    n_fits = len(engine.sizes)
    engine.stacks.clear()
    with stacked_fits():
        found = CALLS[name]()
    assert np.array_equal(found, expected)
    assert sum(engine.sizes) == n_fits
    assert max(engine.sizes) > 2
    assert engine.overlap == 1


class Meets(StandardScaler):
    """Transforms in two threads at the same time."""

    barrier = threading.Barrier(2)

    def transform(self, X):
        self.barrier.wait(30)
        return super().transform(X)


@pytest.mark.parametrize("wrap", [lambda pipe: pipe, lambda pipe: BaggingClassifier(pipe, 1)])
def test_folds_share_a_fitted_estimator_but_no_frozen_step(wrap):
    fitted = Meets().fit(X)
    model = wrap(make_pipeline(FrozenEstimator(fitted), GaussianNB()))
    with stacked_fits():
        runs = cross_validate(model, X, y, cv=2, error_score="raise", return_estimator=True)
    steps = [
        wrapped[0] for run in runs["estimator"] for wrapped in getattr(run, "estimators_", [run])
    ]
    assert [step.estimator is fitted for step in steps] == [True, True]
    assert steps[0] is not steps[1]


def test_all_folds_make_one_stack(engine):
    with stacked_fits():
        cross_val_score(pipe(), X, y, cv=12)
    assert engine.sizes == [12]


def test_backend_by_its_name(engine):
    with joblib.parallel_config(backend="skmmcl", n_jobs=4):
        cross_val_score(pipe(), X, y, cv=12)
    assert sum(engine.sizes) == 12
    assert 2 < max(engine.widths) <= 4


def test_inner_fits_of_all_outer_folds_make_one_stack(engine):
    with stacked_fits():
        cross_val_score(GridSearchCV(pipe(), {"dummy__shift": [0, 1]}, cv=3), X, y, cv=4)
    assert engine.sizes[0] == 4 * 2 * 3
    assert sum(engine.sizes) == 4 * 2 * 3 + 4


def test_width_of_stacks(engine):
    with stacked_fits(max_stack=5):
        cross_val_score(pipe(), X, y, cv=15)
    assert max(engine.widths) == 5


def test_one_job_is_no_stack(engine):
    with stacked_fits():
        cross_val_score(pipe(), X, y, cv=3, n_jobs=1)
    assert engine.sizes == [1, 1, 1]


def test_networks_of_another_kind_form_their_own_stacks(engine):
    search = GridSearchCV(pipe(), {"dummy__width": ["narrow", "wide", None]}, cv=5, refit=False)
    with stacked_fits():
        search.fit(X, y)
    assert sorted(engine.sizes) == [1] * 5 + [5, 5]


def test_error_reaches_only_its_fit(engine):
    grid = {"dummy__fail_above": [None, -np.inf], "dummy__shift": [0.0, 1.0]}
    search = GridSearchCV(pipe(), grid, cv=4, error_score=-1.0, refit=False)
    with stacked_fits(), pytest.warns(FitFailedWarning, match="8 fits failed"):
        scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert (scores[:2] > 0).all()
    assert (scores[2:] == -1).all()
    assert max(engine.sizes) == 16


def test_error_that_is_raised_says_where(engine):
    with stacked_fits(), pytest.raises(ValueError, match="this fit fails") as info:
        cross_val_score(pipe(fail_above=-np.inf), X, y, cv=4, error_score="raise")
    assert "dummy.py" in str(info.value.__cause__)
    with stacked_fits():  # and what follows works
        cross_val_score(pipe(), X, y, cv=4)


def test_other_estimators_run_as_ever(engine):
    model = StackingClassifier(
        [("ours", pipe()), ("forest", RandomForestClassifier(5, random_state=0))],
        final_estimator=GaussianNB(),
        cv=2,
    )
    expected = cross_val_score(model, X, y, cv=3)
    with stacked_fits(max_stack=4):
        assert np.array_equal(cross_val_score(model, X, y, cv=3), expected)


def test_what_cuts_its_work_into_parts_keeps_its_last_bits():
    def numbers():
        forest = RandomForestClassifier(40, max_depth=3, random_state=0).fit(X, y)
        return [pairwise_distances(X_wide), forest.predict_proba(X)]

    X_wide = np.random.default_rng(1).normal(size=(200, 257))
    expected = numbers()
    with stacked_fits():
        for a, b in zip(expected, numbers(), strict=True):
            assert np.array_equal(a, b)


def test_threads_of_the_user(engine):
    def trial(shift):
        return cross_val_score(pipe(shift=shift), X, y, cv=3).mean()

    expected = [trial(shift) for shift in range(6)]
    engine.stacks.clear()
    with stacked_fits(), ThreadPoolExecutor(6) as executor:
        assert list(executor.map(trial, range(6))) == expected
    assert sum(engine.sizes) == 18
    assert max(engine.sizes) >= 4  # those who came once are waited for


def test_trials_of_optuna(engine):
    optuna = pytest.importorskip("optuna")

    def objective(trial):
        shift = trial.suggest_int("shift", 0, 5)
        if trial.number == 2:
            raise FloatingPointError
        return cross_val_score(pipe(shift=shift), X, y, cv=3).mean()

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    with stacked_fits():
        study.optimize(objective, n_trials=8, n_jobs=4, catch=FloatingPointError)
    assert [trial.state.name for trial in study.trials].count("COMPLETE") == 7
    assert sum(engine.sizes) == 7 * 3
    assert max(engine.sizes) >= 4
    for trial in study.trials[:2]:
        assert trial.value == cross_val_score(pipe(**trial.params), X, y, cv=3).mean()


def test_fit_outside_scikit_learns_functions(engine):
    with stacked_fits():
        pipe().fit(X, y)
    assert engine.sizes == [1]
    assert threading.current_thread() not in engine.threads


def test_context_within_a_context_shares_its_stacks(engine):
    def inner(shift):
        with stacked_fits(max_stack=2):
            return cross_val_score(pipe(shift=shift), X, y, cv=4)

    with stacked_fits():
        joblib.Parallel()(joblib.delayed(inner)(shift) for shift in range(3))
    assert engine.sizes == [12]


def test_warning_filters_are_left_as_they_were(engine):
    before = list(warnings.filters)
    with stacked_fits():
        for _ in range(3):
            cross_val_score(pipe(), X, y, cv=15)
    assert warnings.filters == before


def test_no_context_no_threads(engine):
    with stacked_fits():
        pass
    cross_val_score(pipe(), X, y, cv=4)
    assert engine.threads == {threading.current_thread()}
