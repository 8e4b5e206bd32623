"""Shapley values and ablation of modalities, where the truth is known."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmmcl import CMCCSSEmbedder, LabeledOnly, MultimodalData, labeled_scorer
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.inspection import modality_ablation, modality_importance, modality_shapley

VALUES = {"a": 3.0, "b": 1.0, "c": 0.0}


class Additive(RegressorMixin, BaseEstimator):
    """Predicts what each modality that a subject has is worth; its score is the mean of it."""

    def fit(self, X, y):
        self.n_fits_ = 1
        return self

    def predict(self, X):
        mask = dict(zip(X.modalities, X.mask.T, strict=True))
        values = sum(mask[name] * VALUES[name] for name in mask)
        if {"a", "b"} <= set(mask):
            values = values + (mask["a"] & mask["b"]) * 2.0  # more together than alone
        return values


def mean_prediction(estimator, X, y):
    return float(estimator.predict(X).mean())


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    signal = rng.normal(size=(120, 3)) + 1.2 * y[:, None]
    return MultimodalData(
        signal=signal, copy=signal.copy(), noise=rng.normal(size=(120, 3)), index=np.arange(120)
    ), y


def linear():
    return make_pipeline(
        FunctionTransformer(np.asarray),
        SimpleImputer(keep_empty_features=True),
        LogisticRegression(C=0.1),
    )


def test_a_known_game():
    X, y = MultimodalData({name: np.ones((8, 2)) for name in VALUES}), np.zeros(8)
    result = modality_shapley(Additive().fit(X, y), X, y, scoring=mean_prediction)
    # Nobody is worth the mean of all predictions, 6, here: each order begins from there.
    scores = {(): 6, ("a",): 3, ("b",): 1, ("c",): 0, ("a", "b"): 6, ("a", "c"): 3, ("b", "c"): 1}
    assert {k: v.item() for k, v in result.scores.items()} == {**scores, ("a", "b", "c"): 6}
    assert result.importances[:, 0] == pytest.approx([2, 0, -2])


@pytest.mark.parametrize("scoring", [None, "roc_auc", "neg_log_loss", "balanced_accuracy"])
def test_values_add_up_noise_is_0_and_copies_share(scoring, cohort):
    X, y = cohort
    model = linear().fit(X, y)
    result = modality_shapley(model, X, y, scoring=scoring)
    total = result.scores["signal", "copy", "noise"] - result.scores[()]
    assert result.importances.sum() == pytest.approx(total.item())
    signal, copy, noise = result.importances_mean
    assert signal == pytest.approx(copy, abs=1e-6)
    assert signal > 0.1
    assert abs(noise) < 0.05
    assert len(result.scores) == 8


def test_without_anything_a_classifier_is_at_chance(cohort):
    X, y = cohort
    scoring = ["roc_auc", "balanced_accuracy", "accuracy"]
    result = modality_shapley(linear().fit(X, y), X[:90], y[:90], scoring=scoring)
    assert [result[name].scores[()].item() for name in scoring] == [0.5, 0.5, 0.5]


def test_without_anything_a_regressor_gives_its_mean():
    rng = np.random.default_rng(0)
    X = MultimodalData(a=rng.normal(size=(200, 2)), b=rng.normal(size=(200, 2)))
    y = X["a"] @ [1.0, 2.0] + 0.1 * rng.normal(size=200)
    model = make_pipeline(FunctionTransformer(np.asarray), SimpleImputer(), Ridge())
    model.set_params(simpleimputer__keep_empty_features=True).fit(X, y)
    result = modality_shapley(model, X, y)
    assert result.scores[()].item() == pytest.approx(0, abs=1e-9)
    assert result.importances_mean == pytest.approx([1, 0], abs=0.02)


def test_an_embedder_takes_the_missing_modality_path(cohort):
    X, y = cohort
    train, test = np.arange(0, 80), np.arange(80, 120)
    model = make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression()).fit(
        X[train], y[train]
    )
    result = modality_shapley(model, X[test], y[test], scoring="roc_auc")
    without = MultimodalData(
        {**X[test].to_dict(), "signal": np.full((40, 3), np.nan)}, index=X[test].index
    )
    auc = model.predict_proba(without)[:, 1]
    expected = np.mean(auc[y[test] == 1][:, None] > auc[y[test] == 0])
    assert result.scores["copy", "noise"].item() == pytest.approx(expected)
    ablated = modality_ablation(model, X[test], y[test], scoring="roc_auc")
    full = result.scores["signal", "copy", "noise"]
    assert ablated.full_score == pytest.approx(full)
    drops = [full - result.scores[pair] for pair in (("copy", "noise"), ("signal", "noise"))]
    np.testing.assert_allclose(ablated.importances[:2], drops)


def test_subjects_with_nothing_left_get_the_mean_prediction(cohort):
    X, y = cohort
    signal = X["signal"].copy()
    signal[:30] = np.nan
    X = MultimodalData(signal=signal, noise=X["noise"])
    model = make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression()).fit(X, y)
    result = modality_shapley(model, X, y, scoring="neg_log_loss")
    proba = np.repeat(model.predict_proba(X).mean(axis=0)[None], 120, axis=0)
    known = X[30:]._without(["noise"])
    proba[30:] = model.predict_proba(known)
    expected = np.log(proba[np.arange(120), y]).mean()
    assert result.scores["signal",].item() == pytest.approx(expected)


def test_names_of_classes_are_not_cut_short(cohort):
    X, y = cohort
    names = np.array(["HC", "patients"])[y]
    noise = X["noise"].copy()
    noise[:4] = np.nan
    X = MultimodalData(signal=X["signal"], noise=noise)
    model = linear().fit(X, names)
    result = modality_shapley(model, X, names)
    coded = modality_shapley(linear().fit(X, y), X, y)
    np.testing.assert_allclose(result.importances, coded.importances)


def test_values_of_hidden_modalities_are_gone(cohort):
    X, _ = cohort
    hidden = X[5:50]._without(["signal"])
    assert np.isnan(hidden["signal"]).all()
    assert hidden.mask.tolist() == [[False, True, True]] * 45
    np.testing.assert_array_equal(hidden["noise"], X["noise"][5:50])
    assert not np.isnan(X["signal"]).any()


def test_folds(cohort):
    X, y = cohort
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    result = modality_shapley(linear(), X, y, cv=cv, scoring="roc_auc")
    expected = cross_val_score(linear(), X, y, cv=cv, scoring="roc_auc")
    np.testing.assert_allclose(result.scores["signal", "copy", "noise"], expected)
    assert result.importances.shape == (3, 3)
    np.testing.assert_allclose(result.importances.sum(axis=0), expected - 0.5)
    with parallel_config("threading"):
        parallel = modality_shapley(linear(), X, y, cv=cv, scoring="roc_auc", n_jobs=2)
    np.testing.assert_array_equal(parallel.importances, result.importances)


def test_refit_lets_others_take_over(cohort):
    X, y = cohort
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    pipe = make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression())
    refitted = modality_ablation(pipe, X, y, refit=True, cv=cv, scoring="roc_auc")
    assert abs(refitted.importances_mean[0]) < 0.03  # its copy takes over
    lost = modality_ablation(linear(), X[["signal", "noise"]], y, refit=True, cv=cv)
    assert lost.importances_mean[0] > 0.15
    expected = cross_val_score(linear(), X[["noise"]], y, cv=cv)
    np.testing.assert_allclose(lost.full_score - lost.importances[0], expected)


def test_refit_compares_the_same_subjects(cohort):
    X, y = cohort
    signal = X["signal"].copy()
    signal[:20] = np.nan
    X = MultimodalData(signal=signal, noise=X["noise"])
    seen = []

    class Counting(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            seen.append(len(X))
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.full(len(X), self.classes_[0])

    modality_ablation(Counting(), X, y, refit=True, cv=2)
    assert sorted(seen) == [40] * 3 + [60] * 3


def test_unlabeled_subjects_are_left_out_by_a_scorer(cohort):
    X, y = cohort
    told = np.where(np.arange(120) % 3, y, -1)
    model = make_pipeline(
        CMCCSSEmbedder(solver="closed_form"), LabeledOnly(LogisticRegression())
    ).fit(X, told)
    for scoring in (None, "balanced_accuracy", {"a": "accuracy"}):
        for measure in (modality_shapley, modality_ablation, modality_importance):
            with pytest.raises(DataError, match=r"y has \[-1\], which are no classes of the est"):
                measure(model, X, told, scoring=scoring)
    scoring = labeled_scorer("balanced_accuracy")
    result = modality_shapley(model, X, told, scoring=scoring)
    labeled = told != -1
    expected = balanced_accuracy_score(told[labeled], model.predict(X[labeled]))
    assert result.scores["signal", "copy", "noise"].item() == pytest.approx(expected)


def test_permutation_agrees_on_what_matters(cohort):
    X, y = cohort
    model = linear().fit(X, y)
    permuted = modality_importance(model, X, y, scoring="roc_auc", random_state=0)
    shapley = modality_shapley(model, X, y, scoring="roc_auc")
    assert np.argmin(permuted.importances_mean) == np.argmin(shapley.importances_mean) == 2


def test_bad_input(cohort):
    X, y = cohort
    with pytest.raises(ModalityError, match="X is a ndarray, which does not name its modalities"):
        modality_shapley(linear(), np.asarray(X), y, cv=2)
    many = MultimodalData({f"m{k}": np.ones((4, 1)) for k in range(13)})
    with pytest.raises(ModalityError, match="13 modalities, and so 8,192 subsets"):
        modality_shapley(linear(), many, [0, 1, 0, 1], cv=2)
    with pytest.raises(TypeError, match="CMCCSSEmbedder is no classifier or regressor"):
        modality_shapley(CMCCSSEmbedder().fit(X, y), X, y, scoring=mean_prediction)
    with pytest.raises(ModalityError, match="'noise' alone: there is nothing to refit"):
        modality_ablation(linear(), X[["noise"]], y, refit=True)
    picky = make_pipeline(FunctionTransformer(lambda X: X["signal"]), LogisticRegression())
    with pytest.raises(ModalityError, match="cannot be fitted without 'signal'"):
        modality_ablation(picky, X, y, refit=True, cv=2)


@pytest.mark.slow
def test_labels_of_pure_noise_give_nothing():
    totals, values = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = MultimodalData(a=rng.normal(size=(80, 10)), b=rng.normal(size=(80, 10)))
        pipe = make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression())
        cv = StratifiedKFold(5, shuffle=True, random_state=seed)
        found = modality_shapley(pipe, X, np.arange(80) % 2, cv=cv, scoring="roc_auc")
        totals.append(found.importances_mean.sum())
        values.append(found.importances_mean)
    for sample in (np.array(totals), *np.transpose(values)):
        assert abs(sample.mean()) < 2.1 * sample.std(ddof=1) / np.sqrt(20)  # 95 % of t(19)


def test_a_linear_model_has_the_values_that_theory_gives():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 3000, 1))
    y = 2 * a[:, 0] - b[:, 0]
    a[::2] = np.nan  # half of the subjects lack it, and get its mean
    X, y = MultimodalData(a=a, b=b, c=c), np.where(np.isnan(a[:, 0]), -b[:, 0], y)
    model = make_pipeline(FunctionTransformer(np.asarray), SimpleImputer(), Ridge(1e-6)).fit(X, y)
    given = {"scoring": "neg_mean_squared_error"}
    shapley = modality_shapley(model, X, y, **given).importances_mean
    permuted = modality_importance(model, X, y, random_state=0, **given).importances_mean
    np.testing.assert_allclose(shapley, [2, 1, 0], atol=0.15)  # variances
    assert permuted[2] == pytest.approx(0, abs=1e-3)
    assert permuted[1] == pytest.approx(2, abs=0.15)  # twice the variance
    np.testing.assert_allclose(
        shapley, modality_ablation(model, X, y, **given).importances_mean, atol=1e-2
    )
