"""Learning curves over labeled subjects."""

import itertools

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

from skmmcl import LabeledOnly, MultimodalData, labeled_scorer
from skmmcl.exceptions import DataError
from skmmcl.inspection import learning_curve

SEEN = []


class Recorder(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        SEEN.append((X, y))
        self.classes_ = np.unique([label for label in y if label not in {-1, None}])
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class NumberRecorder(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        SEEN.append((X, y))
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.fixture(autouse=True)
def _forget():
    SEEN.clear()


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    y = (np.arange(200) % 4 == 0).astype(int)
    return MultimodalData(smri=rng.normal(size=(200, 5)) + y[:, None]), y


def test_all_subjects_stay_and_the_labeled_are_nested_and_stratified(cohort):
    X, y = cohort
    cv = StratifiedKFold(2)
    result = learning_curve(Recorder(), X, y, train_sizes=[4, 20, 80, 100], cv=cv)
    assert result.train_sizes.tolist() == [4, 20, 80, 100]
    for fold in (SEEN[:4], SEEN[4:]):
        labels = [told for _, told in fold]
        assert all(len(X) == len(told) == 100 for X, told in fold)
        assert [np.sum(told != -1) for told in labels] == [4, 20, 80, 100]
        assert [np.sum(told == 1) for told in labels] == [1, 5, 20, 25]
        for fewer, more in itertools.pairwise(labels):
            np.testing.assert_array_equal(more[fewer != -1], fewer[fewer != -1])


def test_the_whole_size_is_cross_validation(cohort):
    X, y = cohort
    model, cv = LabeledOnly(LogisticRegression()), StratifiedKFold(4)
    result = learning_curve(model, X, y, train_sizes=[0.1, 1.0], cv=cv, scoring="roc_auc")
    expected = cross_val_score(model, X, y, cv=cv, scoring="roc_auc")
    np.testing.assert_array_equal(result.test_scores[1], expected)
    assert result.test_scores[0].mean() < expected.mean()
    assert result.train_sizes.tolist() == [15, 150]


def test_who_is_unlabeled_stays_so_and_is_not_scored(cohort):
    X, y = cohort
    told = np.where(np.arange(200) % 5 == 1, -1, y)
    model, cv = LabeledOnly(LogisticRegression()), KFold(4)
    result = learning_curve(model, X, told, train_sizes=[1.0], cv=cv, scoring="accuracy")
    scoring = labeled_scorer("accuracy")
    expected = cross_val_score(model, X, told, cv=cv, scoring=scoring)
    np.testing.assert_array_equal(result.test_scores[0], expected)
    assert result.train_sizes.tolist() == [120]


def test_text_is_masked_by_none(cohort):
    X, y = cohort
    names = np.array(["control", "patient"])[y]
    learning_curve(Recorder(), X, names, train_sizes=[0.5], cv=2)
    assert [sum(label is None for label in told) for _, told in SEEN] == [50, 50]
    model = LabeledOnly(LogisticRegression())
    scores = learning_curve(model, X, names, train_sizes=[0.5], cv=2).test_scores
    coded = learning_curve(model, X, y, train_sizes=[0.5], cv=2).test_scores
    np.testing.assert_array_equal(scores, coded)


def test_numbers_are_masked_by_nan(cohort):
    X, _ = cohort
    age = np.arange(200) % 60 - 1  # -1 is a number
    learning_curve(NumberRecorder(), X, age, train_sizes=[0.5], cv=2)
    assert [np.isnan(told).sum() for _, told in SEEN] == [50, 50]
    curve = learning_curve(LabeledOnly(Ridge(), unlabeled=None), X, age, cv=2)
    assert np.isfinite(curve.test_scores).all()


def test_several_scorers(cohort):
    result = learning_curve(
        LabeledOnly(LogisticRegression()), *cohort, cv=2, scoring=["roc_auc", "accuracy"]
    )
    assert result["roc_auc"].test_scores.shape == result["accuracy"].test_scores.shape == (5, 2)


def test_bad_input(cohort):
    X, y = cohort
    with pytest.raises(ValueError, match="wrap the classifier in"):
        learning_curve(LogisticRegression(), np.asarray(X), y, train_sizes=[0.5], cv=2)
    with pytest.raises(ValueError, match="LabeledOnly"):
        learning_curve(LogisticRegression(), np.asarray(X), y, cv=2, scoring="roc_auc")
    model = LabeledOnly(LogisticRegression())
    for sizes, message in (
        ([0.0, 1.0], "lie above 0 and up to 1"),
        ([1], r"ask for \[1\] labeled subjects; a training fold has 100, and needs 2"),
        ([101], "has 100"),
        ([], "must be a list of sizes"),
    ):
        with pytest.raises(DataError, match=message):
            learning_curve(model, X, y, train_sizes=sizes, cv=2)
