"""SupervisedEmbedder: which task it takes y for, what it learns, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skmmcl import SupervisedEmbedder
from skmmcl.exceptions import DataError

N = 40


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture(name="X")
def cohort(y):
    rng = np.random.default_rng(0)
    return {
        "smri": rng.normal(size=(N, 6)) + 2 * y[:, None],
        "fc": rng.normal(size=(N, 4, 5)),
    }


@pytest.fixture(name="age")
def ages(X):
    return 50 + 10 * X["smri"][:, 0] + X["smri"][:, 1]


def make(**params):
    return SupervisedEmbedder(**{"max_epochs": 2, "n_components": 3, "random_state": 0, **params})


@pytest.mark.parametrize(
    ("target", "task", "n_outputs"),
    [
        (np.arange(N) % 3, "classification", 3),
        ((np.arange(N) % 3).astype(float), "classification", 3),
        (np.where(np.arange(N) % 2, "p", None), "classification", 1),
        (np.array(["a", "b", "c", "d"] * 10), "classification", 4),
        (np.linspace(0.5, 1, N), "regression", 1),
        (np.where(np.arange(N) % 4, np.linspace(0.5, 1, N), np.nan), "regression", 1),
        (np.arange(2 * N).reshape(N, 2) / 7, "regression", 2),
        (pd.DataFrame({"age": np.arange(N), "iq": np.arange(N)[::-1] / 3}), "regression", 2),
    ],
)
def test_task_by_y(X, target, task, n_outputs):
    if n_outputs == 1 and task == "classification":
        with pytest.raises(DataError, match="at least two classes"):
            make().fit(X, target)
        return
    embedder = make().fit(X, target)
    assert embedder.task_ == task
    assert [head.weight.shape[-1] for head in embedder.net_.module_.heads] == [n_outputs] * 2
    name = {"classification": "cross_entropy", "regression": "squared_error"}[task]
    assert set(embedder.history_) == {"train_loss", name}


def test_whole_numbers_are_regressed_on_if_said(X, age):
    whole = 10 * np.round(age / 10)
    assert make().fit(X, whole).task_ == "classification"
    embedder = make(task="regression").fit(X, whole)
    assert embedder.task_ == "regression"
    assert embedder.target_mean_ == pytest.approx(whole.mean())
    assert embedder.target_scale_ == pytest.approx(whole.std())


def test_ages_are_taken_for_classes_with_a_warning_or_as_said(X):
    age = np.arange(20, 20 + N)
    with pytest.warns(UserWarning, match=r"The 40 different numbers of y.* Set task='regression'"):
        assert make().fit(X, age).task_ == "classification"
    assert make(task="classification").fit(X, age).task_ == "classification"
    assert make(task="regression").fit(X, age).target_mean_ == pytest.approx(age.mean())


def test_representations_predict_the_class(X, y):
    h = make(max_epochs=30, lr=0.02).fit_transform(X, y)
    assert h.shape == (N, 6)
    assert LogisticRegression().fit(h[:, :3], y).score(h[:, :3], y) > 0.95


def test_representations_predict_the_number_whatever_its_unit(X, age):
    embedder = make(max_epochs=40, lr=0.02)
    h = embedder.fit_transform(X, age)
    assert LinearRegression().fit(h[:, :3], age).score(h[:, :3], age) > 0.95
    np.testing.assert_allclose(embedder.fit_transform(X, 100 * age - 7), h, atol=1e-3)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_unknown_subjects_take_no_part(X, y, age, task):
    target = y.astype(float) if task == "classification" else age.copy()
    unknown = np.arange(N) % 5 == 0
    target[unknown] = np.nan
    first = make(task=task, max_epochs=1, standardize=False, input_components=None)
    everyone = first.fit(X, target).history_["train_loss"]
    known = {name: array[~unknown] for name, array in X.items()}
    assert everyone == pytest.approx(first.fit(known, target[~unknown]).history_["train_loss"])


def test_class_weight(X):
    y = (np.arange(N) < 5).astype(int)
    plain, balanced = (make(class_weight=w, max_epochs=5).fit(X, y) for w in (None, "balanced"))
    assert not np.allclose(plain.transform(X), balanced.transform(X), atol=1e-3)


def test_lone_modality_is_one_view(X, y):
    assert make().fit_transform(X["smri"], y).shape == (N, 3)


def test_partial_fit_keeps_task_and_scale(X, age):
    embedder = make().partial_fit(X, age)
    mean = embedder.target_mean_
    embedder.partial_fit(X, np.round(age) + 30)
    assert embedder.task_ == "regression"
    assert embedder.target_mean_ is mean
    with pytest.raises(DataError, match=r"y has 2 columns, but .* fitted on 1"):
        embedder.partial_fit(X, np.column_stack([age, age]))


@pytest.mark.parametrize(
    ("target", "params", "said"),
    [
        (None, {}, "requires y"),
        (np.full(N, 0.5), {"task": "regression"}, "at least two different values"),
        (np.full(N, np.nan), {"task": "regression"}, "40 of 40"),
        (["a"] * N, {"task": "regression"}, "no numbers"),
        (np.full(N, np.inf), {"task": "regression"}, "infinite"),
        (np.zeros((N, 2, 2)), {"task": "regression"}, r"shape \(40, 2, 2\)"),
        (np.linspace(0, 1, N), {"task": "classification"}, "continuous"),
        (np.zeros(N), {}, "at least two classes"),
    ],
)
def test_what_it_refuses(X, target, params, said):
    embedder = make(**params)
    with pytest.raises(ValueError, match=said):
        embedder.fit(X, target)
    assert not hasattr(embedder, "net_")


def test_absolute_errors_are_trained_and_named():
    rng = np.random.default_rng(0)
    X = {"a": rng.normal(size=(80, 5)), "b": rng.normal(size=(80, 4))}
    y = 30 + 5 * X["a"][:, 0]
    embedder = SupervisedEmbedder(error="absolute", max_epochs=60, lr=1e-2, random_state=0)
    history = embedder.fit(X, y).history_
    assert "squared_error" not in history
    assert history["absolute_error"][-1] < 0.8 * history["absolute_error"][0]
