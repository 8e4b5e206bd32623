"""compare_transfer: which arms run, on which splits, and how sure differences are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import (
    FineTunedClassifier,
    FineTunedRegressor,
    SupervisedEmbedder,
    YAwareEmbedder,
    compare_transfer,
)
from skmmcl.ensemble import TransferComparison
from skmmcl.exceptions import DataError


def test_arms_are_scored_on_the_same_splits(big, cohort):
    X, y, _ = cohort
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    clf = FineTunedClassifier(big, max_epochs=3, random_state=0)
    linear = LogisticRegression()
    found = compare_transfer(clf, X, y, cv=cv, scoring="roc_auc", others={"linear": linear})
    probe = make_pipeline(FrozenEstimator(big), StandardScaler(), LogisticRegression(C=0.1))
    expected = {
        "frozen": probe,
        "fine-tuned": clf,
        "scratch": clone(clf).set_params(reset_weights=True),
        "linear": linear,
    }
    assert list(found.scores) == list(expected)
    for name, model in expected.items():
        alone = cross_val_score(model, X, y, cv=cv, scoring="roc_auc")
        np.testing.assert_array_equal(found.scores[name], alone)
    assert found.ratio == pytest.approx(0.5)


def test_several_pretrainings_have_names(big, healthy, cohort):
    (X, y, _), (X_new, _, age) = healthy, cohort
    other = SupervisedEmbedder(max_epochs=2, random_state=0).fit(X, y)
    models = {
        name: FineTunedRegressor(each, max_epochs=2, random_state=0)
        for name, each in {"age": big, "class": other}.items()
    }
    found = compare_transfer(models, X_new, age, cv=2, arms=("frozen", "fine-tuned"))
    assert list(found.scores) == [
        "age, frozen", "age, fine-tuned", "class, frozen", "class, fine-tuned",
    ]  # fmt: skip


def test_pretraining_is_done_once(healthy, cohort):
    (X, _, age), (X_new, y_new, _) = healthy, cohort
    embedder = YAwareEmbedder(n_components=4, encoders="mlp", max_epochs=5, random_state=0)
    options = {"max_epochs": 2, "random_state": 0}
    found = compare_transfer(
        FineTunedClassifier(embedder, pretrain=(X, age), **options), X_new, y_new, cv=2
    )
    fitted = FineTunedClassifier(clone(embedder).fit(X, age), **options)
    again = compare_transfer(fitted, X_new, y_new, cv=2)
    for arm, scores in found.scores.items():
        np.testing.assert_array_equal(scores, again.scores[arm])


def test_a_frozen_embedder_is_one_too(big, cohort):
    X, y, _ = cohort
    options = {"max_epochs": 1, "random_state": 0}
    frozen, plain = (
        compare_transfer(FineTunedClassifier(each, **options), X, y, cv=2)
        for each in (FrozenEstimator(big), big)
    )
    for arm, scores in plain.scores.items():
        np.testing.assert_array_equal(frozen.scores[arm], scores)


def test_intervals_are_those_of_nadeau_and_bengio():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 10))
    found = TransferComparison({"a": a, "b": b}, ratio=0.25).difference("a", "b")
    error = np.sqrt((1 / 10 + 0.25) * np.var(a - b, ddof=1))
    assert found.mean == pytest.approx(np.mean(a - b))
    assert found.high - found.mean == pytest.approx(stats.t.ppf(0.975, 9) * error)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.mean) / error, 9))
    plain = TransferComparison({"a": a, "b": b}, ratio=0.0).difference("a", "b")
    assert plain.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_splits_without_a_score_are_left_out():
    a, b = np.array([0.7, np.nan, 0.8, 0.7]), np.array([0.6, 0.6, 0.6, 0.65])
    known = TransferComparison({"a": a[[0, 2, 3]], "b": b[[0, 2, 3]]}, ratio=0.25)
    assert TransferComparison({"a": a, "b": b}, ratio=0.25).difference("a", "b") == (
        known.difference("a", "b")
    )


def test_a_constant_difference_is_certain_in_spite_of_rounding():
    a = np.array([0.7, 0.8, 0.9])
    found = TransferComparison({"a": a + 0.1, "b": a}, ratio=0.25).difference("a", "b")
    assert found.p_value == 0
    assert found.low == found.high == pytest.approx(0.1)


def test_a_table_names_all_arms():
    scores = {"frozen": np.array([0.7, 0.8, 0.7]), "scratch": np.array([0.6, 0.6, 0.7])}
    table = TransferComparison(scores, 0.5).to_frame("scratch")
    assert table.index.tolist() == ["frozen", "scratch"]
    assert table.loc["frozen", "difference"] == pytest.approx(0.1)
    assert np.isnan(table.loc["scratch", "p"])


def test_subjects_of_the_pretraining_are_refused_before_training(big, healthy):
    X, y, _ = healthy
    with pytest.raises(DataError, match="60 of 60 subjects to be predicted were in the"):
        compare_transfer(FineTunedClassifier(big), X, y)


def test_what_is_no_pretraining_is_refused(big, cohort):
    X, y, _ = cohort
    with pytest.raises(TypeError, match="There is no pretraining to judge"):
        compare_transfer(FineTunedClassifier(YAwareEmbedder()), X, y)
    with pytest.raises(TypeError, match="needs a FineTunedClassifier"):
        compare_transfer(big, X, y)
    with pytest.raises(ValueError, match=r"arms names ..thawed.., which are none"):
        compare_transfer(FineTunedClassifier(big), X, y, arms=["thawed"])
