"""The functions of scikit-learn, used on MultimodalData as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import resample, shuffle

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.training import _fit

N = 36
SLICES = {"smri": slice(0, 5), "fc": slice(5, 14), "clinical": slice(14, 16)}


@pytest.fixture(name="y")
def classes():
    return np.random.default_rng(1).permutation(np.arange(N) % 2)


@pytest.fixture(name="X")
def cohort(y):
    rng = np.random.default_rng(0)
    shift = y[:, None]
    return MultimodalData(
        smri=rng.normal(size=(N, 5)) + shift,
        fc=rng.normal(size=(N, 9)),
        clinical=rng.normal(size=(N, 2)) - shift,
        index=[f"sub-{i:02}" for i in range(N)],
        meta={"site": np.arange(N) % 3},
    )


@pytest.fixture
def pipe():
    return Pipeline([("cmc", make_embedder()), ("clf", LogisticRegression())])


def make_embedder(**params):
    return CMCCSSEmbedder(
        **{"solver": "gradient", "max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    )


def by_hand(pipe, X, y, cv):
    """Accuracies of a plain loop over the folds."""
    arrays = dict(X)
    scores = []
    for train, test in cv.split(np.zeros(N), y):
        fitted = sklearn.base.clone(pipe).fit({k: a[train] for k, a in arrays.items()}, y[train])
        scores.append(fitted.score({k: a[test] for k, a in arrays.items()}, y[test]))
    return scores


# --------------------------------------------------------------------------------- model selection


def test_cross_val_score_is_the_loop_over_the_folds(pipe, X, y):
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    assert cross_val_score(pipe, X, y, cv=cv).tolist() == by_hand(pipe, X, y, cv)


@pytest.mark.parametrize("cv", [KFold(3), 2, GroupKFold(3), StratifiedKFold(2)])
def test_splitters(pipe, X, y, cv):
    groups = {"groups": X.meta["site"]} if isinstance(cv, GroupKFold) else {}
    scores = cross_val_score(pipe, X, y, cv=cv, scoring="balanced_accuracy", **groups)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_leave_one_out_of_a_few(pipe, X, y):
    few = np.r_[np.flatnonzero(y == 0)[:3], np.flatnonzero(y == 1)[:3]]
    assert len(cross_val_score(pipe, X[few], y[few], cv=LeaveOneOut())) == 6


def test_precomputed_splits(pipe, X, y):
    cv = StratifiedKFold(3)
    splits = list(cv.split(X, y))
    assert cross_val_score(pipe, X, y, cv=splits).tolist() == by_hand(pipe, X, y, cv)


def test_cross_validate_returns_estimators_and_indices(pipe, X, y):
    found = cross_validate(
        pipe,
        X,
        y,
        cv=3,
        scoring=["roc_auc", "neg_log_loss"],
        return_estimator=True,
        return_indices=True,
        return_train_score=True,
    )
    for fitted, test in zip(found["estimator"], found["indices"]["test"], strict=True):
        assert fitted.predict(X[test]).shape == (12,)
    assert np.isfinite(found["test_roc_auc"]).all()


def test_cross_val_predict(pipe, X, y):
    found = cross_val_predict(pipe, X, y, cv=3, method="predict_proba")
    assert found.shape == (N, 2)
    np.testing.assert_allclose(found.sum(1), 1)


def test_grid_search_reaches_every_parameter(pipe, X, y):
    grid = {
        "cmc__temperature": [0.1, 0.7],
        "cmc__modalities": [None, ["smri", "clinical"]],
        "clf__C": [0.1, 10],
    }
    search = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_estimator_["cmc"].temperature == search.best_params_["cmc__temperature"]
    assert search.predict(X).shape == (N,)
    temperature = search.cv_results_["param_cmc__temperature"].data.astype(float)
    assert len(np.unique(temperature)) == 2


def test_nested_cross_validation_with_randomized_search(pipe, X, y):
    search = RandomizedSearchCV(
        pipe, {"cmc__lr": loguniform(1e-4, 1e-1)}, n_iter=2, cv=2, random_state=0
    )
    assert np.isfinite(cross_val_score(search, X, y, cv=2)).all()


def test_curves_and_permutation_test(pipe, X, y):
    sizes, train, test = learning_curve(pipe, X, y, cv=2, train_sizes=[0.5, 1.0])
    assert sizes.tolist() == [9, 18]
    assert train.shape == test.shape == (2, 2)
    scores, _ = validation_curve(
        pipe, X, y, param_name="cmc__n_components", param_range=[2, 3], cv=2
    )
    assert scores.shape == (2, 2)
    score, permuted, p_value = permutation_test_score(
        pipe, X, y, cv=2, n_permutations=3, random_state=0
    )
    assert permuted.shape == (3,)
    assert 0 < p_value <= 1
    assert 0 <= score <= 1


def test_train_test_split_keeps_ids_and_side_data(pipe, X, y):
    train, test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    assert isinstance(train, MultimodalData)
    assert sorted([*train.index, *test.index]) == X.index.tolist()
    number = np.array([int(name[4:]) for name in test.index])
    assert np.array_equal(test.meta["site"], number % 3)
    assert np.array_equal(y_test, y[number])
    assert np.array_equal(test["fc"], X["fc"][number])
    assert 0 <= pipe.fit(train, y_train).score(test, y_test) <= 1


def test_resample_and_shuffle(pipe, X, y):
    for draw in (resample, shuffle):
        X_drawn, y_drawn = draw(X, y, random_state=0)
        assert pipe.fit(X_drawn, y_drawn).predict(X).shape == (N,)


def test_self_supervised_without_y(X):
    scores = cross_val_score(
        make_embedder(css_weight=0), X, cv=3, scoring=lambda e, X: -e.transform(X).std()
    )
    assert np.isfinite(scores).all()


# ---------------------------------------------------------------------------------- composition


def test_voting_stacking_and_calibration(pipe, X, y):
    other = make_pipeline(make_embedder(modalities=["smri", "fc"]), LogisticRegression())
    members = [("all", pipe), ("two", other), ("dummy", DummyClassifier())]
    for model in (
        VotingClassifier(members, voting="soft"),
        StackingClassifier(members, cv=2),
        CalibratedClassifierCV(pipe, cv=2),
        FixedThresholdClassifier(pipe, threshold=0.4),
        OneVsRestClassifier(pipe),
    ):
        assert model.fit(X, y).predict(X).shape == (N,)
        assert np.isfinite(cross_val_score(model, X, y, cv=2, error_score="raise")).all()


def test_feature_union_puts_embeddings_side_by_side(X, y):
    union = FeatureUnion(
        [("joint", make_embedder()), ("pair", make_embedder(modalities=["smri", "fc"]))]
    )
    out = union.fit_transform(X, y)
    assert out.shape == (N, 15)
    assert np.array_equal(out[:, :9], make_embedder().fit_transform(X, y))
    names = union.get_feature_names_out().tolist()
    assert names[0] == "joint__smri_0"
    assert names[-1] == "pair__fc_2"


def test_bagging_hands_over_the_flat_array(y, X):
    embedder = make_embedder(modalities=SLICES)
    model = BaggingClassifier(
        make_pipeline(embedder, LogisticRegression()), n_estimators=3, random_state=0
    )
    assert model.fit(X, y).predict(X).shape == (N,)
    assert model.estimators_[0][0].modalities_ == list(SLICES)


def test_bagging_without_modalities_takes_the_table_for_one(pipe, X, y):
    model = BaggingClassifier(pipe, n_estimators=1, random_state=0).fit(X, y)
    assert model.estimators_[0][0].modalities_ == ["x"]


def test_longer_pipelines_and_pandas_output(X, y):
    pipe = make_pipeline(make_embedder(), StandardScaler(), SelectKBest(k=4), LogisticRegression())
    pipe.set_output(transform="pandas").fit(X, y)
    table = pipe[:-1].transform(X)
    assert isinstance(table, pd.DataFrame)
    assert table.index.tolist() == X.index.tolist()
    assert set(table.columns) <= set(pipe[0].get_feature_names_out())
    assert pipe[:-1].get_feature_names_out().tolist() == table.columns.tolist()


def test_pipeline_memory_trains_once(X, y, tmp_path, monkeypatch):
    trained = []
    train = _fit.train
    monkeypatch.setattr(_fit, "train", lambda *a, **k: trained.append(1) or train(*a, **k))
    pipe = Pipeline([("cmc", make_embedder()), ("clf", LogisticRegression())], memory=str(tmp_path))
    GridSearchCV(pipe, {"clf__C": [0.1, 1, 10]}, cv=2, refit=False).fit(X, y)
    assert len(trained) == 2
    cross_val_score(pipe.set_params(cmc__lr=0.1), X, y, cv=2)
    assert len(trained) == 4


# ------------------------------------------------------------------------------- plain dictionaries


def test_a_plain_dict_goes_through_a_pipeline(pipe, X, y):
    arrays = dict(X)
    expected = pipe.fit(X, y).predict_proba(X)
    assert np.array_equal(pipe.fit(arrays, y).predict_proba(arrays), expected)
    assert pipe.score(arrays, y) == pipe.score(X, y)


def test_a_plain_dict_in_cross_validation_fails_as_documented(pipe, X, y):
    """Scikit-learn counts the keys; MultimodalData(X) is the answer."""
    said = r"inconsistent numbers of samples: \[3, 36\]"
    with pytest.raises(ValueError, match=said):
        cross_val_score(pipe, dict(X), y)
    with pytest.raises(ValueError, match=said):
        GridSearchCV(pipe, {"clf__C": [1]}).fit(dict(X), y)
    expected = cross_val_score(pipe, X, y, cv=2)
    assert np.array_equal(cross_val_score(pipe, MultimodalData(dict(X)), y, cv=2), expected)


def test_a_table_goes_through_cross_validation_alike(X, y):
    expected = cross_val_score(make_pipeline(make_embedder(), LogisticRegression()), X, y, cv=2)
    names = [f"{name}_{i}" for name, array in X.items() for i in range(array.shape[1])]
    table = pd.DataFrame(np.asarray(X), columns=names)
    for data, modalities in [
        (table.to_numpy(), SLICES),
        (table, {name: f"{name}_*" for name in SLICES}),
    ]:
        pipe = make_pipeline(make_embedder(modalities=modalities), LogisticRegression())
        assert np.array_equal(cross_val_score(pipe, data, y, cv=2), expected)


# ---------------------------------------------------------------------------------- sample weights


def test_weights_are_routed_through_a_pipeline(X, y):
    weight = np.where(np.arange(N) % 3 == 0, 0.0, 2.0)
    seen = []

    class Spy(CMCCSSEmbedder):
        def fit(self, X, y=None, *, sample_weight=None):
            seen.append((X.index, sample_weight))
            return super().fit(X, y, sample_weight=sample_weight)

    with sklearn.config_context(enable_metadata_routing=True):
        embedder = Spy(solver="gradient", max_epochs=2, n_components=3, random_state=0)
        pipe = make_pipeline(
            embedder.set_fit_request(sample_weight=True),
            LogisticRegression()
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True),
        )
        found = cross_validate(pipe, X, y, cv=2, params={"sample_weight": weight})
    assert np.isfinite(found["test_score"]).all()
    assert len(seen) == 2
    for index, routed in seen:
        assert np.array_equal(routed, weight[[int(name[4:]) for name in index]])


def test_weights_are_routed_to_partial_fit():
    with sklearn.config_context(enable_metadata_routing=True):
        embedder = make_embedder().set_partial_fit_request(sample_weight=True)
    assert embedder.get_metadata_routing().partial_fit.requests == {"sample_weight": True}


# ------------------------------------------------------------------------------------- checkpoints


def test_each_fold_has_a_checkpoint_of_its_own(pipe, X, y, tmp_path, monkeypatch):
    pipe.set_params(cmc__checkpoint=tmp_path)
    first = cross_val_score(pipe, X, y, cv=3, scoring="neg_log_loss")
    assert len(list(tmp_path.glob("fit-*.npz"))) == 3
    monkeypatch.setattr(_fit, "Stack", lambda *a, **k: pytest.fail("trained again"))
    again = cross_val_score(pipe, X, y, cv=3, scoring="neg_log_loss")
    assert np.array_equal(first, again)
    pipe.set_params(cmc__checkpoint=None)
    monkeypatch.undo()
    assert np.array_equal(cross_val_score(pipe, X, y, cv=3, scoring="neg_log_loss"), first)
