"""LabeledOnly and labeled_scorer: what happens to subjects without a label."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, dok_array
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import get_scorer, make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmmcl.data import MultimodalData
from skmmcl.model_selection import LabeledOnly, labeled_scorer

MINUS_ONE_IS_A_CLASS = {"check_classifiers_classes": "it has a class -1, our mark of unlabeled"}


@parametrize_with_checks(
    [
        LabeledOnly(LogisticRegression()),
        LabeledOnly(Ridge()),
        LabeledOnly(LogisticRegression(), unlabeled=None),
        LabeledOnly(Ridge(), unlabeled=np.nan),
    ],
    expected_failed_checks=lambda estimator: (
        MINUS_ONE_IS_A_CLASS if is_classifier(estimator) and estimator.unlabeled == -1 else {}
    ),
)
def test_sklearn_contract(estimator, check):
    check(estimator)


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=90)
    X = rng.normal(size=(90, 4)) + y[:, np.newaxis]
    return X, np.where(np.arange(90) % 3 == 0, -1, y)


def test_fits_the_labelled_rows_only(cohort):
    X, y = cohort
    model = LabeledOnly(LogisticRegression()).fit(X, y)
    expected = LogisticRegression().fit(X[y >= 0], y[y >= 0])
    assert list(model.classes_) == [0, 1]
    np.testing.assert_array_equal(model.estimator_.coef_, expected.coef_)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(model, method)(X), getattr(expected, method)(X))
    assert model.score(X, y) == expected.score(X[y >= 0], y[y >= 0])


@pytest.mark.parametrize("mark", [-1, np.nan, None, "unknown"])
def test_marks_of_the_unlabeled(cohort, mark):
    X, y = cohort
    expected = LabeledOnly(LogisticRegression()).fit(X, y).estimator_.coef_
    if mark == "unknown":
        marked = np.where(y < 0, mark, np.array(["f", "m"])[y])
        classes = ["f", "m"]
    else:
        marked, classes = [mark if value < 0 else int(value) for value in y], [0, 1]
    model = LabeledOnly(LogisticRegression(), unlabeled=mark).fit(X, marked)
    assert list(model.classes_) == classes
    np.testing.assert_array_equal(model.estimator_.coef_, expected)
    if mark != "unknown":  # NaN and None need no telling
        assert list(LabeledOnly(LogisticRegression()).fit(X, marked).classes_) == [0, 1]


def test_pandas_na_marks_the_unlabeled(cohort):
    X, y = cohort
    expected = LabeledOnly(LogisticRegression()).fit(X, y).estimator_.coef_
    marked = pd.Series(np.where(y < 0, 7, y), dtype="Int64").replace(7, pd.NA)
    model = LabeledOnly(LogisticRegression()).fit(X, marked)
    assert list(model.classes_) == [0, 1]
    np.testing.assert_array_equal(model.estimator_.coef_, expected)


def test_minus_one_can_be_a_target_of_a_regressor():
    X, y = np.array([[0.0], [1.0], [2.0], [9.0]]), np.array([-1.0, 0.0, 1.0, np.nan])
    model = LabeledOnly(LinearRegression(), unlabeled=np.nan).fit(X, y)
    np.testing.assert_allclose(model.predict([[3.0]]), [2.0])
    assert model.score(X, y) == pytest.approx(1.0)
    assert is_regressor(model)
    assert not is_classifier(model)


def test_rows_with_any_target_missing_are_unlabeled():
    X = np.arange(4.0)[:, np.newaxis]
    y = np.column_stack([X[:, 0], [0.0, 2.0, np.nan, 6.0]])
    model = LabeledOnly(LinearRegression()).fit(X, y)
    np.testing.assert_allclose(model.predict([[5.0]]), [[5.0, 10.0]])


@pytest.mark.parametrize("form", ["array", "list", "frame", "csr", "dok", "container", "dict"])
def test_forms_of_input(cohort, form):
    X, y = cohort
    expected = LabeledOnly(LogisticRegression()).fit(X, y).predict(X)
    make = {
        "array": np.asarray,
        "list": np.ndarray.tolist,
        "frame": lambda X: pd.DataFrame(X, columns=list("abcd"), index=range(100, 190)),
        "csr": csr_array,
        "dok": dok_array,
        "container": lambda X: MultimodalData(a=X[:, :2], b=X[:, 2:]),
        "dict": lambda X: {"a": X[:, :2], "b": X[:, 2:]},
    }[form]
    data = make(X)
    target = pd.Series(y, index=range(100, 190)) if form == "frame" else y
    model = LabeledOnly(LogisticRegression()).fit(data, target)
    if form == "dict":
        data = MultimodalData(data)
    np.testing.assert_array_equal(model.predict(data), expected)
    assert model.n_features_in_ == 4
    assert hasattr(model, "feature_names_in_") == (form == "frame")
    assert model.score(data, target) == pytest.approx(np.mean(expected[y >= 0] == y[y >= 0]))


def test_without_unlabeled_subjects_it_is_the_inner_estimator(cohort):
    X, y = cohort[0], (cohort[0][:, 0] > 0).astype(int)
    model = LabeledOnly(LogisticRegression()).fit(X, y)
    np.testing.assert_array_equal(model.estimator_.coef_, LogisticRegression().fit(X, y).coef_)


def test_shows_the_methods_of_the_inner_estimator():
    svc = LabeledOnly(LinearSVC())
    assert hasattr(svc, "decision_function")
    assert not hasattr(svc, "predict_proba")
    assert not hasattr(LabeledOnly(NearestNeighbors()), "predict")
    assert not hasattr(svc, "classes_")
    assert is_classifier(svc)


def test_fit_params_are_sliced(cohort):
    X, y = cohort
    weight = np.random.default_rng(1).uniform(size=90)
    expected = LogisticRegression().fit(X[y >= 0], y[y >= 0], sample_weight=weight[y >= 0])
    for given in (weight, weight.tolist()):
        model = LabeledOnly(LogisticRegression()).fit(X, y, sample_weight=given)
        np.testing.assert_array_equal(model.estimator_.coef_, expected.coef_)
    score = model.score(X, y, sample_weight=weight)
    assert score == expected.score(X[y >= 0], y[y >= 0], weight[y >= 0])


def test_metadata_routing(cohort):
    X, y = cohort
    weight = np.random.default_rng(1).uniform(size=90)
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        inner.set_score_request(sample_weight=True)
        pipe = make_pipeline(PCA(2), LabeledOnly(inner)).fit(X, y, sample_weight=weight)
        Z = pipe[0].transform(X)[y >= 0]
        expected = LogisticRegression().fit(Z, y[y >= 0], weight[y >= 0])
        np.testing.assert_array_equal(pipe[-1].estimator_.coef_, expected.coef_)
        score = pipe.score(X, y, sample_weight=weight)
        assert score == expected.score(Z, y[y >= 0], weight[y >= 0])


@pytest.mark.parametrize("y", [np.full(90, -1), [None] * 90])
def test_nobody_labelled(cohort, y):
    with pytest.raises(ValueError, match="None of the 90 subjects to fit on is labeled"):
        LabeledOnly(LogisticRegression()).fit(cohort[0], y)
    model = LabeledOnly(LogisticRegression()).fit(*cohort)
    with pytest.raises(ValueError, match="None of the 90 subjects to score on is labeled"):
        model.score(cohort[0], y)


def test_y_of_another_length(cohort):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LabeledOnly(LogisticRegression()).fit(cohort[0], cohort[1][:-1])


def test_scorer_leaves_the_unlabeled_out(cohort):
    X, y = cohort
    model = LabeledOnly(LogisticRegression()).fit(X, y)
    for name in ("roc_auc", "balanced_accuracy", "neg_log_loss"):
        expected = get_scorer(name)(model, X[y >= 0], y[y >= 0])
        assert labeled_scorer(name)(model, X, y) == expected
        assert labeled_scorer(get_scorer(name))(model, X, y) == expected


def test_scorer_in_cross_validation_and_grid_search(cohort):
    X, y = cohort
    model = LabeledOnly(LogisticRegression())
    cv = StratifiedKFold(3)
    expected = []
    for fold in cv.split(X, y):
        train, test = (rows[y[rows] >= 0] for rows in fold)
        fitted = LogisticRegression().fit(X[train], y[train])
        expected.append(get_scorer("roc_auc")(fitted, X[test], y[test]))
    scorer = labeled_scorer("roc_auc")
    np.testing.assert_allclose(cross_val_score(model, X, y, cv=cv, scoring=scorer), expected)
    for n_jobs in (1, 2):
        grid = {"estimator__C": [0.1, 1.0]}
        search = GridSearchCV(model, grid, cv=cv, scoring=scorer, n_jobs=n_jobs).fit(X, y)
        assert search.cv_results_["mean_test_score"][1] == pytest.approx(np.mean(expected))
        assert search.score(X, y) == scorer(search, X, y)


@pytest.mark.parametrize(
    "scoring",
    [
        {"auc": labeled_scorer("roc_auc"), "acc": labeled_scorer("accuracy")},
        labeled_scorer({"auc": "roc_auc", "acc": "accuracy"}),
    ],
    ids=["scorers in a dict", "one scorer of a dict"],
)
def test_several_metrics(cohort, scoring):
    X, y = cohort
    model = LabeledOnly(LogisticRegression())
    result = cross_validate(model, X, y, cv=3, scoring=scoring)
    for key, name in (("test_auc", "roc_auc"), ("test_acc", "accuracy")):
        expected = cross_val_score(model, X, y, cv=3, scoring=labeled_scorer(name))
        np.testing.assert_array_equal(result[key], expected)
    search = GridSearchCV(model, {"estimator__C": [1.0]}, scoring=scoring, refit="auc", cv=3)
    assert search.fit(X, y).best_score_ == pytest.approx(result["test_auc"].mean())


def test_scorer_with_weights(cohort):
    X, y = cohort
    weight = np.random.default_rng(1).uniform(size=90)
    model = LabeledOnly(LogisticRegression()).fit(X, y)
    scorer = labeled_scorer("accuracy")
    expected = get_scorer("accuracy")(model, X[y >= 0], y[y >= 0], sample_weight=weight[y >= 0])
    assert scorer(model, X, y, sample_weight=weight) == expected
    with config_context(enable_metadata_routing=True):
        routed = labeled_scorer("accuracy").set_score_request(sample_weight=True)
        inner = LogisticRegression().set_fit_request(sample_weight=False)
        result = cross_validate(
            LabeledOnly(inner),
            X,
            y,
            scoring={"acc": routed},
            cv=[(np.arange(90), np.arange(90))],
            params={"sample_weight": weight},
        )
        assert result["test_acc"][0] == expected


def test_weights_reach_the_scorers_that_take_them(cohort):
    weight = np.ones(90)
    scoring = {"acc": labeled_scorer("accuracy"), "own": labeled_scorer(_count_rows)}
    model = LabeledOnly(LogisticRegression())
    search = GridSearchCV(model, {"estimator__C": [1.0]}, scoring=scoring, refit="acc", cv=3)
    with pytest.warns(UserWarning, match="own=labeled_scorer.* does not support") as caught:
        search.fit(*cohort, sample_weight=weight)
    assert len(caught) == 1  # none about the accuracy
    assert search.cv_results_["mean_test_own"][0] == 20


def _count_rows(estimator, X, y):
    return len(y)


def test_scorer_of_a_regressor():
    X = np.arange(6.0)[:, np.newaxis]
    y = np.array([0.0, 1.0, 2.0, -1.0, 4.0, 9.0])
    model = LinearRegression().fit(X[:3], y[:3])
    mae = make_scorer(mean_absolute_error, greater_is_better=False)
    assert labeled_scorer(mae)(model, X, y) == pytest.approx(-0.8)
    assert labeled_scorer(mae, unlabeled=np.nan)(model, X, y) == pytest.approx(-8 / 6)


def test_scorer_explains_what_is_wrong(cohort):
    X, y = cohort
    scorer = labeled_scorer("accuracy")
    with pytest.raises(ValueError, match=r"learned -1, .* wrap the classifier in .*LabeledOnly"):
        scorer(LogisticRegression().fit(X, y), X, y)
    with pytest.raises(ValueError, match="None of the 90 subjects to score on is labeled"):
        scorer(LabeledOnly(LogisticRegression()).fit(X, y), X, np.full(90, -1))
    with pytest.raises(ValueError, match="not a valid scoring value"):
        labeled_scorer("exactness")
    with pytest.raises(TypeError, match="name of a scorer, a callable"):
        labeled_scorer(3)
    with pytest.raises(ValueError, match="target y is None"):
        scorer(LabeledOnly(LogisticRegression()).fit(X, y), X, None)


def test_scorer_repr_and_pickle(cohort):
    assert repr(labeled_scorer("roc_auc")) == "labeled_scorer('roc_auc')"
    assert repr(labeled_scorer("r2", unlabeled=None)) == "labeled_scorer('r2', unlabeled=None)"
    model = LabeledOnly(KNeighborsClassifier(3)).fit(*cohort)
    again = pickle.loads(pickle.dumps((labeled_scorer("roc_auc"), model)))
    assert again[0](again[1], *cohort) == labeled_scorer("roc_auc")(model, *cohort)


def test_clone():
    model = clone(LabeledOnly(LogisticRegression(C=3.0), unlabeled=None))
    assert model.estimator.C == 3.0
    assert model.unlabeled is None
