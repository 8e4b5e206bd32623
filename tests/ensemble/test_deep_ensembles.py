"""Deep ensembles: how members differ, how they are combined, and how sure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import entropy
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skmmcl import (
    CMCCSSEmbedder,
    DeepEnsembleClassifier,
    DeepEnsembleRegressor,
    FineTunedClassifier,
    FineTunedRegressor,
    LabeledOnly,
    YAwareEmbedder,
    stacked_fits,
)
from skmmcl.ensemble._members import with_seeds
from skmmcl.exceptions import DataError

# Three members and three subjects, from guided.md.
LOGITS = np.array([[2, -1, 0.5], [0.5, 0.3, -1], [-4, 0.2, 3]])


class Told(ClassifierMixin, BaseEstimator):
    """Gives logits that are known, one row for each random state."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-LOGITS[self.random_state]))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


class ToldNumber(RegressorMixin, BaseEstimator):
    """Gives numbers that are known."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        return self

    def predict(self, X):
        return LOGITS[self.random_state]


def told(cls=DeepEnsembleClassifier, member=Told, **params):
    X, y = np.zeros((3, 1)), np.array([0, 1, 1])
    ensemble = cls(member(), n_estimators=3, random_state=0, **params).fit(X, y)
    for k, each in enumerate(ensemble.estimators_):
        each.random_state = k
    return ensemble, X


def test_mean_logit_and_mean_probability_of_known_members():
    ensemble, X = told()
    assert_allclose(ensemble.decision_function(X), [-0.5, -1 / 6, 5 / 6], atol=1e-12)
    assert_allclose(ensemble.predict_proba(X)[:, 1], 1 / (1 + np.exp([0.5, 1 / 6, -5 / 6])))
    assert ensemble.predict(X).tolist() == [0, 0, 1]
    ensemble, X = told(combine="probability")
    assert_allclose(ensemble.predict_proba(X)[:, 1], [0.507081, 0.464406, 0.614658], atol=1e-6)
    assert ensemble.predict(X).tolist() == [1, 0, 1]


def test_entropy_and_mutual_information_of_known_members():
    ensemble, X = told(combine="probability")
    each = ensemble.predict_members(X)
    assert_allclose(each[..., 1], 1 / (1 + np.exp(-LOGITS)))
    mean = entropy(each.mean(0), axis=1)
    assert_allclose(ensemble.predictive_entropy(X), mean)
    assert_allclose(ensemble.mutual_information(X), mean - entropy(each, axis=2).mean(0))
    for member in ensemble.estimators_:
        member.random_state = 1
    assert_allclose(ensemble.mutual_information(X), 0, atol=1e-12)


def test_mean_and_standard_deviation_of_known_numbers():
    ensemble, X = told(DeepEnsembleRegressor, ToldNumber)
    mean, std = ensemble.predict(X, return_std=True)
    assert_allclose(mean, LOGITS.mean(0))
    assert_allclose(std, LOGITS.std(0))
    assert_allclose(ensemble.predict(X), mean)
    assert_allclose(ensemble.predict_members(X), LOGITS)


def test_members_that_are_certain_give_finite_logits():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    forest = RandomForestClassifier(n_estimators=2)
    ensemble = DeepEnsembleClassifier(forest, n_estimators=3, random_state=0).fit(X, y)
    assert np.isfinite(ensemble.decision_function(X)).all()
    assert_allclose(ensemble.predict_proba(X).sum(1), 1)


def test_seeds_reach_all_parts_and_differ():
    pipe = make_pipeline(PCA(random_state=0), LogisticRegression(random_state=0))
    made = with_seeds(clone(pipe), np.random.RandomState(0))
    again = with_seeds(clone(pipe), np.random.RandomState(0))
    seeds = made[0].random_state, made[1].random_state
    assert len({0, *seeds}) == 3
    assert seeds == (again[0].random_state, again[1].random_state)
    assert pipe[0].random_state == 0


def test_members_are_those_fitted_one_by_one(big, cohort):
    X, y, _ = cohort
    one = FineTunedClassifier(big, max_epochs=3)
    ensemble = DeepEnsembleClassifier(one, n_estimators=3, random_state=0).fit(X, y)
    rng = np.random.RandomState(0)
    for member in ensemble.estimators_:
        alone = with_seeds(clone(one), rng).fit(X, y)
        assert_array_equal(alone.predict_proba(X), member.predict_proba(X))
    assert len({m.random_state for m in ensemble.estimators_}) == 3
    assert all(m.estimator is big for m in ensemble.estimators_)
    assert ensemble.n_features_in_ == 11


def test_any_pipeline_is_a_member(cohort):
    X, y, age = cohort
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=2)
    pipe = make_pipeline(embedder, LogisticRegression())
    ensemble = DeepEnsembleClassifier(pipe, n_estimators=2, random_state=0).fit(X, y)
    assert ensemble.predict_members(X).shape == (2, 60, 2)
    first, second = (m[0].transform(X) for m in ensemble.estimators_)
    assert not np.allclose(first, second)
    wrapped = DeepEnsembleClassifier(LabeledOnly(SGDClassifier("log_loss")), n_estimators=2)
    unlabeled = np.where(np.arange(60) < 10, -1, y)
    assert wrapped.fit(X, unlabeled).classes_.tolist() == [0, 1]
    ages = DeepEnsembleRegressor(FineTunedRegressor(max_epochs=2), n_estimators=2).fit(X, age)
    assert ages.predict(X).shape == (60,)


def test_a_frozen_step_is_shared(big, cohort):
    X, y, _ = cohort
    pipe = make_pipeline(FrozenEstimator(big), SGDClassifier("log_loss"))
    ensemble = DeepEnsembleClassifier(pipe, n_estimators=8, random_state=0).fit(X, y)
    assert all(member[0].estimator is big for member in ensemble.estimators_)


def test_cross_validated_and_stacked(big, cohort):
    X, y, _ = cohort
    ensemble = DeepEnsembleClassifier(
        FineTunedClassifier(big, max_epochs=3), n_estimators=3, random_state=0
    )
    alone = cross_val_score(ensemble, X, y, cv=2, scoring="neg_log_loss")
    with stacked_fits():
        stacked = cross_val_score(ensemble, X, y, cv=2, scoring="neg_log_loss")
    assert_array_equal(alone, stacked)
    assert clone(ensemble).estimator.estimator is big


def test_several_classes(cohort):
    X, _, age = cohort
    y = np.digitize(age, [40, 60])
    ensemble = DeepEnsembleClassifier(
        FineTunedClassifier(max_epochs=3), n_estimators=2, random_state=0
    ).fit(X, y)
    log_p = ensemble.decision_function(X)
    assert log_p.shape == (60, 3)
    assert_allclose(np.exp(log_p).sum(1), 1)
    each = np.log(ensemble.predict_members(X)).mean(0)
    assert_allclose(log_p - log_p[:, :1], each - each[:, :1], atol=1e-10)


def test_sample_weight_reaches_members(cohort):
    X, y, _ = cohort
    weight = np.where(np.arange(60) < 30, 1.0, 0.0)
    one = FineTunedClassifier(max_epochs=2)
    found = DeepEnsembleClassifier(one, n_estimators=2, random_state=0)
    weighted = found.fit(X, y, sample_weight=weight).predict_proba(X)
    cut = clone(found).fit(X[:30], y[:30]).predict_proba(X)
    assert_allclose(weighted, cut, atol=1e-5)


def test_a_target_of_other_subjects_is_refused():
    X = pd.DataFrame(np.eye(4), index=[*"abcd"])
    y = pd.Series([0, 1, 0, 1], index=[*"dcba"])
    with pytest.raises(DataError, match="another order"):
        DeepEnsembleClassifier(LogisticRegression()).fit(X, y)


def test_members_that_cannot_differ_are_reported():
    ensemble = DeepEnsembleClassifier(GaussianNB(), n_estimators=2)
    with pytest.warns(UserWarning, match="GaussianNB has no random_state, so that all members"):
        ensemble.fit(np.eye(4), [0, 1, 0, 1])


def test_members_without_probabilities_are_refused():
    X, y = np.zeros((4, 1)), [0, 1, 0, 1]
    with pytest.raises(ValueError, match="implementing 'fit' and 'predict_proba'"):
        DeepEnsembleClassifier(LinearSVC()).fit(X, y)


@pytest.mark.slow
def test_an_ensemble_is_better_than_its_mean_member():
    from skmmcl.datasets import make_cohort

    gains = []
    for seed in range(3):
        X, y, _ = make_cohort(600, modalities=["t2", "clinical"], random_state=seed)
        big = YAwareEmbedder(max_epochs=5, random_state=0).fit(X[:200], X.meta["age"][:200])
        one = FineTunedClassifier(big, reset_weights=True)
        ensemble = DeepEnsembleClassifier(one, random_state=seed).fit(X[200:300], y[200:300])
        each = [roc_auc_score(y[300:], p[:, 1]) for p in ensemble.predict_members(X[300:])]
        together = roc_auc_score(y[300:], ensemble.predict_proba(X[300:])[:, 1])
        gains.append(together - np.mean(each))
    assert np.mean(gains) > 0
