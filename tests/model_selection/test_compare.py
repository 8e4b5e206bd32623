"""compare: the same splits, statistics, failures, resuming, chance on noise."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning, UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.data import MultimodalData
from skmmcl.exceptions import CheckpointWarning, DataError
from skmmcl.model_selection import compare, corrected_ttest, holm

LINEAR = make_pipeline(StandardScaler(), LogisticRegression())
METHODS = {"linear": LINEAR, "strict": clone(LINEAR).set_params(logisticregression__C=1e-3)}


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=80)
    return rng.normal(size=(80, 5)) + 0.7 * y[:, None], y


class FailsOnce(ClassifierMixin, BaseEstimator):
    """Fails where subject 0 is in the training set."""

    def fit(self, X, y):
        if (X[:, 0] == self.mark).any():
            raise ArithmeticError("subject 0 is too much")
        self.classes_ = np.unique(y)
        return self

    mark = 0.123456

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


# ------------------------------------------------------------------------------------- results
def test_scores_are_those_of_cross_validate(cohort):
    X, y = cohort
    cv = RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=0)
    result = compare(METHODS, X, y, cv=cv, scoring=["roc_auc", "neg_log_loss"])
    for name, method in METHODS.items():
        expected = cross_validate(method, X, y, cv=cv, scoring=["roc_auc", "neg_log_loss"])
        for metric in result.metrics:
            np.testing.assert_array_equal(result.scores[metric][name], expected[f"test_{metric}"])
    assert result.values("neg_log_loss").shape == (2, 8)


def test_summary_has_the_statistics(cohort):
    X, y = cohort
    methods = {**METHODS, "dummy": DummyClassifier()}
    result = compare(methods, X, y, cv=5, random_state=0)
    summary, (a, b, c) = result.summary(rope=0.01), result.values()
    test = corrected_ttest(b, a, n_train=64, n_test=16)
    row = summary.loc["strict"]
    assert row["difference"] == pytest.approx(b.mean() - a.mean())
    assert (row["difference_lower"], row["p"]) == pytest.approx((test.lower, test.pvalue))
    assert summary["score"].tolist() == pytest.approx([a.mean(), b.mean(), c.mean()])
    np.testing.assert_allclose(summary["p_corrected"][1:], holm(summary["p"][1:]))
    assert np.isnan(summary.loc["linear", "p"])
    assert summary.loc["dummy", "score"] == 0.5
    probabilities = summary.loc["dummy", ["p_worse", "p_equivalent", "p_better"]]
    assert probabilities.sum() == pytest.approx(1)
    assert list(result.summary(order=["dummy", "linear"]).index) == ["dummy", "linear"]


@pytest.mark.parametrize("labels", [["a", "b"], [3, 7], [False, True]])
def test_predictions_are_of_the_test_subjects(cohort, labels):
    X, y = cohort
    y = np.array(labels)[y]
    frame = pd.DataFrame(X, index=[f"sub-{k:03}" for k in range(80)])
    result = compare(METHODS, frame, pd.Series(y, index=frame.index), cv=4, random_state=0)
    table = result.predictions("linear")
    assert sorted(table["row"]) == list(range(80))
    np.testing.assert_array_equal(table["y_true"], y[table["row"]])
    assert (table["subject"] == [f"sub-{k:03}" for k in table["row"]]).all()
    train, test = result.splits[2]
    expected = clone(LINEAR).fit(X[train], y[train])
    of_split = table[table["split"] == 2]
    np.testing.assert_allclose(of_split["score"], expected.predict_proba(X[test])[:, 1])
    np.testing.assert_array_equal(of_split["y_pred"], expected.predict(X[test]))


def test_several_classes_have_a_column_each_in_predictions():
    rng = np.random.default_rng(0)
    y = np.tile([*"abc"], 20)
    result = compare({"linear": LINEAR}, rng.normal(size=(60, 3)), y, cv=3)
    assert result.metrics == ("balanced_accuracy",)
    table = result.predictions("linear")
    np.testing.assert_allclose(table[["score_a", "score_b", "score_c"]].sum(axis=1), 1)


def test_numbers_are_regressed_on(cohort):
    X, _ = cohort
    age = 40 + 10 * X[:, 0] + np.random.default_rng(1).normal(size=80)
    result = compare({"ridge": Ridge(), "none": Ridge(1e6)}, X, age, cv=4, random_state=0)
    assert result.metrics == ("r2",)
    assert result.classes is None
    assert result.summary().loc["ridge", "score"] > 0.9
    assert list(result.predictions("ridge")) == ["row", "subject", "split", "y_true", "y_pred"]


def test_groups_stay_together_with_a_number_of_folds(cohort):
    X, y = cohort
    person = np.arange(80) // 2
    result = compare(METHODS, X, y, cv=4, groups=person, random_state=0)
    for train, test in result.splits:
        assert not set(person[train]) & set(person[test])


def test_a_search_keeps_groups_together_in_its_inner_folds(cohort):
    X, y = cohort
    search = GridSearchCV(LINEAR, {"logisticregression__C": [0.1, 1]}, cv=GroupKFold(3))
    result = compare({"search": search}, X, y, cv=GroupKFold(4), groups=np.arange(80) // 2)
    assert not result.failures


def test_plot_draws_a_row_for_each_other_method(cohort):
    X, y = cohort
    result = compare({**METHODS, "dummy": DummyClassifier()}, X, y, cv=4)
    ax = result.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["strict", "dummy"]
    assert "'linear'" in ax.get_xlabel()
    with pytest.raises(ValueError, match="metric must be one of"):
        result.plot("f1")
    with pytest.raises(ValueError, match="two methods or more"):
        compare({"linear": LINEAR}, X, y, cv=4).plot()


def test_a_long_label_fits_into_a_small_figure(cohort):
    X, y = cohort
    methods = {"concatenation of all modalities": LINEAR, "other": DummyClassifier()}
    result = compare(
        methods, X, y, cv=3, scoring={"neg_root_mean_squared_error of a gap": "roc_auc"}
    )
    figure = Figure(figsize=(5, 2), layout="constrained")
    ax = result.plot(ax=figure.subplots())
    figure.canvas.draw()
    extent = ax.xaxis.label.get_window_extent()
    assert extent.x0 >= 0
    assert extent.x1 <= figure.bbox.x1


@pytest.mark.parametrize("n_classes", [3, 4])  # three classes have three pairs
def test_decisions_of_pairs_of_classes_are_no_scores_of_classes(n_classes):
    y = np.arange(80) % n_classes
    X = np.random.default_rng(0).normal(size=(80, 3)) + y[:, None]
    pairs = SVC(decision_function_shape="ovo")
    result = compare({"pairs": pairs, "linear": LINEAR}, X, y, cv=3, scoring="accuracy")
    assert list(result.predictions("pairs")) == ["row", "subject", "split", "y_true", "y_pred"]
    assert "score_2" in result.predictions("linear")


def test_the_caller_keeps_everything_as_it_was(cohort):
    X, y = cohort
    kept, method = X.copy(), clone(LINEAR)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    result = compare({"linear": method}, X, y, cv=3, random_state=0)
    np.testing.assert_array_equal(X, kept)
    assert not hasattr(method[-1], "coef_")
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    with parallel_config("threading"):  # processes would take seconds to start
        again = compare({"linear": method}, X, y, cv=3, random_state=0, n_jobs=2)
    np.testing.assert_array_equal(result.values(), again.values())


# -------------------------------------------------------------------------------------- stacks
def trained(**params):
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=3, random_state=0, **params)
    return make_pipeline(embedder, LogisticRegression())


def test_fits_that_train_are_stacked_with_the_same_scores(cohort, monkeypatch):
    import skmmcl

    X, y = cohort
    X = MultimodalData(a=X[:, :3], b=X[:, 3:])
    methods = {"trained": trained(), "solved": make_pipeline(CMCCSSEmbedder(), LINEAR)}
    cv = StratifiedKFold(3)
    expected = [cross_validate(m, X, y, cv=cv, scoring="roc_auc") for m in methods.values()]
    entered = []

    def counted():
        entered.append(True)
        return stacked_fits()

    monkeypatch.setattr(skmmcl, "stacked_fits", counted)
    result = compare(methods, X, y, cv=cv)
    assert entered == [True]
    np.testing.assert_array_equal(result.values(), [e["test_score"] for e in expected])
    with stacked_fits(max_stack=2):  # the caller's block is left in force
        again = compare(methods, X, y, cv=cv)
    assert entered == [True]
    np.testing.assert_array_equal(result.values(), again.values())


# ------------------------------------------------------------------------------------ failures
def test_a_method_that_fails_is_named_and_the_others_go_on(cohort):
    X, y = cohort
    X[0, 0] = FailsOnce.mark
    with pytest.warns(FitFailedWarning, match=r"'odd' failed in 3 of 4 splits, first in split 1.*"):
        result = compare({**METHODS, "odd": FailsOnce()}, X, y, cv=StratifiedKFold(4))
    assert {fit.error for fit in result.failures} == {"ArithmeticError: subject 0 is too much"}
    summary = result.summary()
    assert summary["failed"].tolist() == [0, 0, 3]
    assert summary["splits"].tolist() == [4, 4, 1]
    assert np.isnan(summary.loc["odd", "p"])
    assert np.isfinite(summary.loc["strict", "p_corrected"])


def test_all_methods_failing_is_an_error(cohort):
    X, y = cohort
    X[:, 0] = FailsOnce.mark
    with pytest.raises(ValueError, match=r"All fits of all methods failed.*subject 0 is too much"):
        compare({"odd": FailsOnce()}, X, y, cv=3)


def test_a_score_that_is_not_defined_is_nan_and_says_why(cohort):
    X, y = cohort
    y = np.sort(y)
    site = np.arange(80) // 20
    y[:60] = np.tile([0, 1], 30)
    y[60:] = 1
    with pytest.warns(UndefinedMetricWarning, match="all 20 test subjects are of class '1'"):
        result = compare(METHODS, X, y, cv=LeaveOneGroupOut(), groups=site, scoring="roc_auc")
    assert np.isnan(result.values()[:, 3]).all()
    assert np.isfinite(result.values()[:, :3]).all()
    summary = result.summary()
    assert summary["splits"].tolist() == [3, 3]
    assert summary["score"].notna().all()
    assert summary["failed"].tolist() == [0, 0]
    assert len(result.predictions("linear")) == 80


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"methods": [LINEAR]}, TypeError, "methods must be a dict"),
        ({"methods": {}}, TypeError, "methods must be a dict"),
        ({"methods": {"a": LogisticRegression}}, TypeError, "'a' must be an estimator with fit"),
        ({"methods": {1: LINEAR}}, TypeError, "names must be text"),
        ({"y": None}, ValueError, "target y is needed"),
        (
            {"y": np.zeros(7)},
            DataError,
            r"y must have one entry for each of 80 subjects, got shape \(7,\)",
        ),
        ({"groups": np.zeros(7)}, DataError, "groups must have one entry for each of 80"),
        ({"cv": GroupKFold(3)}, ValueError, "'groups' parameter should not be None"),
        (
            {"cv": GroupKFold(5), "groups": np.arange(80) % 3},
            DataError,
            "groups has 3 different values, fewer than the 5 folds",
        ),
        ({"cv": 5, "groups": np.arange(80) % 3}, DataError, "fewer than the 5 folds"),
        ({"cv": [([0, 1], [1, 2])]}, DataError, "1 subjects in training and test, such as row 1"),
        ({"cv": [([0, 1], [])]}, DataError, "2 training and 0 test subjects"),
        ({"cv": [([0, 1], [90])]}, DataError, "rows beyond the 80 of X"),
        ({"cv": [([0, 78], [-1, -2])]}, DataError, "1 subjects in training and test, such as row"),
        ({"cv": [([0.0, 1.0], [2.0])]}, DataError, "rows beyond the 80 of X .*integer"),
        ({"y": [None, "HC"] * 40}, DataError, "y has 40 missing entries .* such as that of row 0"),
        ({"y": np.r_[np.nan, np.ones(79)]}, DataError, "y has 1 missing entries"),
        ({"groups": ["a", np.nan] * 40}, DataError, "groups has 40 missing entries .* row 1"),
        ({"cv": []}, ValueError, "cv gives no splits"),
        ({"cv": 2.5}, TypeError, "cv must be a number of folds, a splitter or splits"),
        ({"scoring": "area"}, ValueError, "area"),
        ({"scoring": {}}, ValueError, "scoring names no score"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be"),
        ({"checkpoint": __file__}, DataError, "checkpoint must be a folder"),
    ],
)
def test_bad_input_is_said_before_any_fit(cohort, options, error, message, monkeypatch):
    X, y = cohort
    monkeypatch.setattr(LogisticRegression, "fit", lambda *_: pytest.fail("a fit has started"))
    options = {"methods": {"linear": LogisticRegression()}, "y": y, **options}
    with pytest.raises(error, match=message):
        compare(options.pop("methods"), X, options.pop("y"), **options)


def test_y_of_other_subjects_is_refused(cohort):
    X, y = cohort
    X = MultimodalData({"t1": X}, index=[f"s{k}" for k in range(80)])
    with pytest.raises(DataError, match="another order"):
        compare(METHODS, X, pd.Series(y, index=[f"s{k}" for k in range(80)][::-1]))


# ------------------------------------------------------------------------------------ resuming
class Counted(LogisticRegression):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(Counted, "n_fits", 0)
    return Counted


def test_finished_fits_are_taken_from_the_folder(cohort, counted, tmp_path):
    X, y = cohort
    cv = RepeatedStratifiedKFold(n_splits=4, n_repeats=2)  # without a seed
    first = compare({"a": counted()}, X, y, cv=cv, checkpoint=tmp_path)
    assert counted.n_fits == 8
    both = compare({"b": counted(C=0.1), "renamed": counted()}, X, y, cv=cv, checkpoint=tmp_path)
    assert counted.n_fits == 16
    np.testing.assert_array_equal(both.values()[1], first.values()[0])
    for ours, theirs in zip(both.splits, first.splits, strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert [fit.method for fit in both.fits[:2]] == ["b", "renamed"]
    pd.testing.assert_frame_equal(both.predictions("renamed"), first.predictions("a"))


@pytest.mark.parametrize("what", ["X", "y", "scoring", "param", "seed"])
def test_what_differs_is_fitted_anew(cohort, counted, tmp_path, what):
    X, y = cohort
    options = {"cv": 4, "random_state": 0, "scoring": "roc_auc", "checkpoint": tmp_path}
    compare({"a": counted()}, X, y, **options)
    if what == "X":
        X = X.copy()
        X[3, 2] += 1e-12
    if what == "y":
        y = y.copy()
        y[:2] = 1 - y[:2]
    options |= {"scoring": "accuracy"} if what == "scoring" else {}
    options |= {"random_state": 1} if what == "seed" else {}
    compare({"a": counted(C=2.0 if what == "param" else 1.0)}, X, y, **options)
    assert counted.n_fits == 8


def test_an_edited_function_is_another_method(cohort, tmp_path):
    from sklearn.preprocessing import FunctionTransformer

    X, y = cohort
    scores = [
        compare(
            {"f": make_pipeline(FunctionTransformer(f), LogisticRegression())},
            X, y, cv=StratifiedKFold(3), checkpoint=tmp_path,
        ).values()
        for f in (lambda x: x[:, :1], lambda x: x[:, 1:2])
    ]  # fmt: skip
    assert (scores[0] != scores[1]).any()


def test_a_damaged_file_is_fitted_anew(cohort, counted, tmp_path):
    X, y = cohort
    compare({"a": counted()}, X, y, cv=StratifiedKFold(3), checkpoint=tmp_path)
    (file, *_) = tmp_path.glob("fit-*.npz")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.warns(CheckpointWarning, match="is damaged"):
        compare({"a": counted()}, X, y, cv=StratifiedKFold(3), checkpoint=tmp_path)
    assert counted.n_fits == 4


def test_failed_fits_are_tried_again(cohort, tmp_path):
    X, y = cohort
    X[0, 0] = FailsOnce.mark
    for _ in range(2):
        with pytest.warns(FitFailedWarning):
            compare(
                {"linear": LINEAR, "odd": FailsOnce()}, X, y, cv=StratifiedKFold(4),
                checkpoint=tmp_path,
            )  # fmt: skip
    assert len(list(tmp_path.glob("fit-*.npz"))) == 5


SLOW = """
import sys, time
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from skmmcl.model_selection import compare

class Slow(LogisticRegression):
    def fit(self, X, y):
        print("fit", flush=True)
        time.sleep(0.05)
        return super().fit(X, y)

rng = np.random.default_rng(0)
X, y = rng.normal(size=(60, 3)), np.tile([0, 1], 30)
result = compare({"a": Slow(), "b": Slow(C=.1)}, X, y, cv=KFold(20), scoring="accuracy",
                 checkpoint=sys.argv[1])
print("mean", result.values().mean())
"""


def test_kill_loses_at_most_the_fits_under_way(tmp_path):
    script, folder = tmp_path / "slow.py", tmp_path / "kept"
    script.write_text(SLOW)
    command = [sys.executable, str(script), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        started = [process.stdout.readline() for _ in range(15)]
        os.kill(process.pid, signal.SIGKILL)
        started += process.stdout.read().splitlines()
    n_started = sum("fit" in line for line in started)
    assert len(list(folder.glob("fit-*.npz"))) >= n_started - 1
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert again.count("fit") <= 40 - n_started + 1
    assert "mean" in again


# ---------------------------------------------------------------------------------------- noise
def noise(seed, n=60):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 20)), rng.permutation(np.tile([0, 1], n // 2))


def in_interval_of_chance(scores):
    half = 2.1 * np.std(scores, ddof=1) / np.sqrt(len(scores))
    return abs(np.mean(scores) - 0.5) <= max(half, 0.01)


def test_noise_gives_chance():
    scores = []
    for seed in range(20):
        X, y = noise(seed)
        result = compare({"linear": LINEAR}, X, y, cv=5, random_state=seed)
        scores.append(result.summary()["score"].iloc[0])
    assert in_interval_of_chance(scores)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "gradient"])
def test_noise_gives_chance_with_embedders(solver):
    scores = []
    for seed in range(20):
        X, y = noise(seed)
        X = MultimodalData(a=X[:, :10], b=X[:, 10:])
        params = {"max_epochs": 20} if solver == "gradient" else {}
        pipe = make_pipeline(
            CMCCSSEmbedder(solver=solver, random_state=seed, **params), LogisticRegression()
        )
        scores.append(compare({"m": pipe}, X, y, cv=5, random_state=seed).values().mean())
    assert in_interval_of_chance(scores)


@pytest.mark.slow
def test_six_methods_5_by_10_folds_take_less_than_ten_minutes():
    from skmmcl._demo import make_methods
    from skmmcl.datasets import make_cohort

    X, y, _ = make_cohort(300, random_state=0)
    found = make_methods(X, max_epochs=30, random_state=0)
    names = ["CMC+CSS", "concatenation", "CMC+CSS, trained", "dummy", "smri alone", "sc alone"]
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=5, random_state=0)
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = compare({name: found[name] for name in names}, X, y, cv=cv)
    assert result.values().shape == (6, 50)
    assert time.monotonic() - start < 600


def test_a_bar_shows_the_time_left(cohort, capsys):
    X, y = cohort
    compare(METHODS, X, y, cv=KFold(4), scoring="accuracy", verbose=1)
    assert "8/8" in capsys.readouterr().err


def test_report_is_handed_to_inspection(cohort, monkeypatch):
    import skmmcl.inspection

    X, y = cohort
    calls = []
    write = lambda *args, **kwargs: calls.append((args, kwargs))  # noqa: E731
    monkeypatch.setattr(skmmcl.inspection, "write_report", write, raising=False)
    result = compare(METHODS, X, y, cv=3)
    result.report("here.html", title="ours")
    assert calls == [((result, "here.html"), {"title": "ours"})]
