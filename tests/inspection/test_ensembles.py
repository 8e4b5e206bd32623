"""Curves of members, reliability diagrams, and paths between the weights of two networks."""

from __future__ import annotations

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skmmcl import DeepEnsembleClassifier, DeepEnsembleRegressor, FineTunedClassifier
from skmmcl.inspection import (
    MemberCurve,
    WeightPath,
    member_curve,
    plot_member_curve,
    plot_reliability,
    plot_weight_path,
    weight_path,
)
from skmmcl.metrics import adaptive_calibration_error, expected_calibration_error
from skmmcl.networks import MLP


@pytest.fixture(name="ensemble", scope="module")
def _ensemble():
    X, y = make_classification(120, 10, random_state=0)
    made = DeepEnsembleClassifier(SGDClassifier("log_loss"), n_estimators=4, random_state=0)
    return made.fit(X[:60], y[:60]), X[60:], y[60:]


def test_one_member_is_the_mean_member_and_all_are_the_ensemble(ensemble):
    model, X, y = ensemble
    curve = member_curve(model, X, y, scoring="roc_auc", n_repeats=200, random_state=0)
    assert curve.sizes.tolist() == [1, 2, 3, 4]
    whole = roc_auc_score(y, model.decision_function(X))
    assert_allclose(curve.scores[-1], whole)
    logits = [np.diff(log_p, axis=1)[:, 0] for log_p in model._log_members(X)]
    each = [roc_auc_score(y, z) for z in logits]
    assert set(np.round(curve.scores[0], 9)) == set(np.round(each, 9))
    assert curve.mean[0] == pytest.approx(np.mean(each), abs=0.02)
    assert curve.std[-1] < 1e-12
    pairs = set()
    for a, b in combinations(logits, 2):
        pairs.add(round(roc_auc_score(y, (a + b) / 2), 9))
    assert set(np.round(curve.scores[1], 9)) == pairs


class Counted(LogisticRegression):
    """Counts how often it predicts."""

    n_calls = 0

    def predict_log_proba(self, X):
        Counted.n_calls += 1
        return super().predict_log_proba(X)


def test_members_predict_once_and_the_ensemble_stays(ensemble):
    _, X, y = ensemble
    model = DeepEnsembleClassifier(Counted(), n_estimators=3).fit(X, y)
    before = list(model.estimators_)
    member_curve(model, X, y, scoring="neg_log_loss", n_repeats=5, random_state=0)
    assert Counted.n_calls == 3
    assert model.estimators_ == before


def test_regressors_have_curves_too():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    from sklearn.tree import ExtraTreeRegressor

    model = DeepEnsembleRegressor(ExtraTreeRegressor(), n_estimators=3, random_state=0).fit(X, y)
    curve = member_curve(model, X, y, n_repeats=2, random_state=0)
    assert_allclose(curve.scores[-1], model.score(X, y))


@pytest.mark.parametrize("sizes", [[0], [5], [1.5], [], "all"])
def test_sizes_that_are_none_are_refused(sizes, ensemble):
    with pytest.raises(ValueError, match="whole numbers from 1 to 4, the number of members"):
        member_curve(*ensemble, sizes=sizes)


def test_reliability_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(300)
    y = (rng.random(300) < p).astype(int)
    true, predicted = calibration_curve(y, p, n_bins=5)
    shown = plot_reliability(y, p, n_bins=5)
    assert_allclose(shown.prob_true, true)
    assert_allclose(shown.prob_pred, predicted)
    both = np.column_stack([1 - p, p])
    shown = plot_reliability(y, both, n_bins=5, ax=plt.subplots()[1])
    right = (both.argmax(1) == y).astype(int)
    assert_allclose(shown.prob_true, calibration_curve(right, both.max(1), n_bins=5)[0])
    assert shown.ax_.get_xlabel() == "mean confidence"
    plt.close("all")


@pytest.mark.parametrize(
    ("strategy", "measure"),
    [("uniform", expected_calibration_error), ("quantile", adaptive_calibration_error)],
)
def test_the_error_of_a_reliability_diagram_is_that_of_its_bins(strategy, measure):
    rng = np.random.default_rng(0)
    p = rng.random(300) / 5  # in two bins of equal width, or in ten of equally many subjects
    y = (rng.random(300) < p).astype(int)
    shown = plot_reliability(y, p, strategy=strategy, name="one")
    assert shown.line_.get_label() == f"one, error {measure(y, p, n_bins=10):.3f}"
    plt.close("all")


def members(encoder):
    from skmmcl import YAwareEmbedder
    from skmmcl.datasets import make_cohort

    X, y, _ = make_cohort(300, modalities=["t2", "clinical"], random_state=0)
    big = YAwareEmbedder(encoders=encoder, max_epochs=5, random_state=0)
    big.fit(X[:150], X.meta["age"][:150])
    return big, X[150:], y[150:]


def test_ends_of_a_path_are_the_networks():
    big, X, y = members("mlp")
    one, other = (FineTunedClassifier(big, max_epochs=5, random_state=k).fit(X, y) for k in (0, 1))
    before = one.predict_proba(X)
    path = weight_path(one, other, X, y, scoring="neg_log_loss", n_points=3)
    from sklearn.metrics import log_loss

    assert path.scores[0] == pytest.approx(-log_loss(y, before[:, 1]))
    assert path.scores[2] == pytest.approx(-log_loss(y, other.predict_proba(X)[:, 1]))
    assert_array_equal(one.predict_proba(X), before)
    in_pipe = weight_path(
        make_pipeline(_Pass(), one), make_pipeline(_Pass(), other), X, y, n_points=3,
        scoring="neg_log_loss",
    )  # fmt: skip
    assert_allclose(in_pipe.scores, path.scores)


class _Pass(StandardScaler):
    """A step that leaves subjects as they are."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


def test_the_middle_is_the_mean_of_the_weights():
    big, X, y = members("mlp")
    one, other = (
        FineTunedClassifier(big, layers="head", max_epochs=5, random_state=k).fit(X, y)
        for k in (0, 1)
    )
    # With a frozen encoder the logits are linear in the weights.
    mean = (one.decision_function(X) + other.decision_function(X)) / 2
    path = weight_path(one, other, X, y, scoring="roc_auc", n_points=3)
    assert path.scores[1] == pytest.approx(roc_auc_score(y, mean), abs=1e-6)


def test_one_pretraining_is_one_basin_and_scratch_is_not():
    from functools import partial

    big, X, y = members(partial(MLP, hidden=(64, 64)))
    barriers = {}
    for reset in (False, True):
        one, other = (
            FineTunedClassifier(big, reset_weights=reset, random_state=k).fit(X, y) for k in (0, 1)
        )
        barriers[reset] = weight_path(one, other, X, y, scoring="balanced_accuracy").barrier
    assert barriers[True] > barriers[False] + 0.02


class Norm(nn.Module):
    """A network with batch normalization."""

    def __init__(self, shape, n_components):
        super().__init__()
        self.first, self.norm = nn.Linear(shape[0], 8), nn.BatchNorm1d(8)
        self.out = nn.Linear(8, n_components)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.first(x))))


def test_batch_statistics_are_those_of_training_subjects():
    _, X, y = members("mlp")
    from skmmcl import SupervisedEmbedder

    start = SupervisedEmbedder(encoders=Norm, input_components=None)
    one, other = (FineTunedClassifier(start, max_epochs=3, random_state=k).fit(X, y)
                  for k in (0, 1))  # fmt: skip
    with pytest.raises(ValueError, match="batch normalization: give X_train"):
        weight_path(one, other, X, y)
    statistics = [m.running_mean.clone() for m in one.net_.module_.modules()
                  if isinstance(m, nn.BatchNorm1d)]  # fmt: skip
    path = weight_path(one, other, X, y, X_train=X, n_points=3)
    assert path.scores[0] == one.score(X, y)
    assert path.scores[2] == other.score(X, y)
    assert path.scores[1] > 0.4
    after = [m.running_mean for m in one.net_.module_.modules() if isinstance(m, nn.BatchNorm1d)]
    assert all(map(torch.equal, statistics, after))


def test_other_networks_are_refused():
    big, X, y = members("mlp")
    one = FineTunedClassifier(big, max_epochs=1).fit(X, y)
    other = FineTunedClassifier(big, max_epochs=1).fit(X[["t2"]], y)
    with pytest.raises(ValueError, match="differ in more than their weights"):
        weight_path(one, other, X, y)
    with pytest.raises(TypeError, match="LogisticRegression has no network"):
        weight_path(one, LogisticRegression(), X, y)


def test_drawings_show_what_was_found():
    curve = MemberCurve(np.array([1, 2]), np.array([[0.6, 0.8], [0.7, 0.7]]))
    assert_allclose(plot_member_curve(curve, label="tl").lines[0].get_ydata(), [0.7, 0.7])
    path = WeightPath(np.array([0, 0.5, 1]), np.array([0.8, 0.5, 0.7]))
    axes = plot_weight_path(path)
    assert_allclose(axes.lines[0].get_ydata(), path.scores)
    assert_allclose(axes.lines[1].get_ydata(), [0.8, 0.7])
    plt.close("all")
