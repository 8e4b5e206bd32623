"""CrossFitTransformer: honest embeddings in one coordinate system."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import special_ortho_group
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from skmmcl.data import MultimodalData
from skmmcl.model_selection import CrossFitTransformer
from skmmcl.model_selection._align import procrustes

NOT_FIT_THEN_TRANSFORM = "cross-fitting: fit_transform differs from fit().transform() by purpose"
EXPECTED_FAILED_CHECKS = {
    "check_transformer_general": NOT_FIT_THEN_TRANSFORM,
    "check_transformer_data_not_an_array": NOT_FIT_THEN_TRANSFORM,
}


@parametrize_with_checks(
    [
        CrossFitTransformer(PCA(n_components=1)),
        CrossFitTransformer(StandardScaler()),
        CrossFitTransformer(StandardScaler(), align=None),
    ],
    expected_failed_checks=lambda _: EXPECTED_FAILED_CHECKS,
)
def test_sklearn_contract(estimator, check):
    check(estimator)


class Memoriser(TransformerMixin, BaseEstimator):
    """Embeds subjects seen in training by their label, any other by the nearest of them."""

    def fit(self, X, y):
        self.X_ = validate_data(self, X)
        self.y_ = np.asarray(y)
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        nearest = np.linalg.norm(X[:, None] - self.X_, axis=2).argmin(axis=1)
        return np.eye(2)[self.y_[nearest]]


class ArbitraryAxes(TransformerMixin, BaseEstimator):
    """Standardises in coordinates of its own: rotated, scaled and moved at random in each fit."""

    def __init__(self, calls=None):
        self.calls = calls

    def fit(self, X, y=None):
        rng = np.random.default_rng(len(X) + int(1e3 * abs(X[0, 0])))
        self.rotation_ = special_ortho_group.rvs(X.shape[1], random_state=rng)
        self.scale_, self.shift_ = rng.uniform(0.5, 2), rng.normal(size=X.shape[1])
        return self

    def transform(self, X):
        return self.scale_ * X @ self.rotation_ + self.shift_


class WeightRecorder(TransformerMixin, BaseEstimator):
    """Returns the weight that it was given for each row, known by its first column."""

    def fit(self, X, y=None, sample_weight=None, note=None):
        assert note is None or note == "whole"
        assert sample_weight is None or np.array_equal(sample_weight, 10 * np.asarray(X)[:, 0])
        self.total_ = 0.0 if sample_weight is None else float(np.sum(sample_weight))
        return self

    def transform(self, X):
        return np.full((len(X), 1), self.total_)


@pytest.fixture
def noise():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 5)), rng.integers(0, 2, size=200)


def test_folds_may_be_masks_or_count_from_the_end(noise):
    X, _ = noise
    first = np.arange(200) < 120
    expected = CrossFitTransformer(PCA(2), cv=[(first, ~first), (~first, first)]).fit_transform(X)
    rows = np.flatnonzero(first), np.flatnonzero(~first) - 200
    for folds in ([rows, rows[::-1]], [rows[::-1], rows]):
        found = CrossFitTransformer(PCA(2), cv=folds).fit_transform(X)
        np.testing.assert_array_equal(found, expected)


def test_memorised_noise_is_seen_through(noise):
    X, y = noise
    train_score = {}
    for name, embedder in {"plain": Memoriser(), "cross": CrossFitTransformer(Memoriser())}.items():
        Z = embedder.fit_transform(X, y)
        train_score[name] = cross_val_score(LogisticRegression(), Z, y).mean()
    assert train_score["plain"] == 1.0
    assert abs(train_score["cross"] - 0.5) < 0.1


def test_probabilities_in_a_pipeline_are_not_overconfident(noise):
    X, y = noise
    plain = make_pipeline(Memoriser(), LogisticRegression())
    cross = make_pipeline(CrossFitTransformer(Memoriser()), LogisticRegression())
    scores = [cross_val_score(p, X, y, scoring="neg_log_loss").mean() for p in (plain, cross)]
    assert scores[0] < -1.0
    assert scores[1] > -0.75


def test_alignment_recovers_arbitrary_coordinates_exactly(noise):
    X, _ = noise
    aligned = CrossFitTransformer(ArbitraryAxes())
    Z = aligned.fit_transform(X)
    np.testing.assert_allclose(Z, aligned.transform(X), atol=1e-10)
    unaligned = CrossFitTransformer(ArbitraryAxes(), align=None).fit_transform(X)
    assert np.abs(unaligned - Z).max() > 0.5


@pytest.mark.parametrize("reflected", [False, True])
def test_procrustes(reflected):
    rng = np.random.default_rng(1)
    source, points = rng.normal(size=(20, 4)), rng.normal(size=(7, 4))
    rotation = special_ortho_group.rvs(4, random_state=rng)
    if reflected:
        rotation[:, 0] *= -1

    def move(rows):
        return 1.7 * rows @ rotation + [1, -2, 3, 0.5]

    np.testing.assert_allclose(procrustes(source, move(source), points), move(points))


def test_procrustes_of_collapsed_embeddings_moves_them_to_the_target():
    target = np.array([[1.0, 2.0], [3.0, 4.0]])
    moved = procrustes(np.zeros((2, 2)), target, np.zeros((1, 2)))
    np.testing.assert_allclose(moved, [[2.0, 3.0]])


def test_embeddings_come_from_models_that_did_not_see_the_subject(noise):
    X, y = noise
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    Z = CrossFitTransformer(Memoriser(), cv=cv, align=None).fit_transform(X, y)
    for train, test in cv.split(X, y):
        np.testing.assert_array_equal(
            Z[test], Memoriser().fit(X[train], y[train]).transform(X[test])
        )


def test_folds_are_stratified_where_y_has_classes():
    X = np.arange(40.0).reshape(20, 2)
    y = np.repeat([0, 1], 10)
    Z = CrossFitTransformer(WeightRecorder(), cv=2, align=None)
    stratified = Z.fit_transform(X, y, sample_weight=10 * X[:, 0])
    assert len(np.unique(stratified[:10])) == 2  # each class is in both folds
    ordered = Z.fit_transform(X, np.linspace(0, 1, 20), sample_weight=10 * X[:, 0])
    assert len(np.unique(ordered[:10])) == 1  # KFold cuts the sorted rows in the middle


@pytest.mark.parametrize(
    "y",
    [
        None,
        np.arange(20),
        np.r_[np.arange(20, 35), np.full(5, 40)],  # of a frequent age, and rare ones
        np.linspace(0, 1, 20),
        np.r_[np.nan, np.ones(19)],
        np.ones((20, 2)),
    ],
    ids=["none", "ages", "frequent age", "continuous", "nan", "two targets"],
)
def test_other_targets_are_not_stratified(y):
    X = np.random.default_rng(0).normal(size=(20, 3))
    cross = CrossFitTransformer(FunctionTransformer(), cv=4)
    np.testing.assert_allclose(cross.fit_transform(X, y), X, atol=1e-12)


def test_unlabeled_subjects_are_one_more_stratum(noise):
    X, y = noise
    y = np.where(np.arange(len(y)) < 50, -1, y)
    seen = []

    class Recorder(FunctionTransformer):
        def fit(self, X, y=None):
            seen.append(np.count_nonzero(y == -1))
            return super().fit(X, y)

    CrossFitTransformer(Recorder(), cv=5).fit_transform(X, y)
    assert seen == [50, 40, 40, 40, 40, 40]


def test_fit_params_are_sliced_with_the_rows():
    X = np.arange(20.0)[:, np.newaxis]
    cross = CrossFitTransformer(WeightRecorder(), cv=KFold(2), align=None)
    for weight in (10 * X[:, 0], list(10 * X[:, 0]), pd.Series(10 * X[:, 0], index=range(5, 25))):
        Z = cross.fit_transform(X, sample_weight=weight, note="whole")
        np.testing.assert_array_equal(Z[:, 0], np.repeat([1450.0, 450.0], 10))
    assert cross.transformer_.total_ == 1900.0


@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_to_the_splitter(routing):
    X = np.random.default_rng(0).normal(size=(12, 2))
    groups = np.repeat([0, 1, 2], 4)
    with config_context(enable_metadata_routing=routing):
        cross = CrossFitTransformer(PCA(2), cv=GroupKFold(3), align=None)
        Z = cross.fit_transform(X, groups=groups)
        cross.fit(X, groups=groups)
    for group in range(3):
        expected = PCA(2).fit(X[groups != group]).transform(X[groups == group])
        np.testing.assert_allclose(Z[groups == group], expected)


def test_metadata_routing_through_a_pipeline():
    X, y = np.arange(20.0)[:, np.newaxis], np.tile([0, 1], 10)
    with config_context(enable_metadata_routing=True):
        inner = WeightRecorder().set_fit_request(sample_weight=True, note=False)
        cross = CrossFitTransformer(inner, cv=KFold(2), align=None)
        classifier = LogisticRegression().set_fit_request(sample_weight=False)
        pipe = make_pipeline(cross, classifier)
        pipe.fit(X, y, sample_weight=10 * X[:, 0])
        assert pipe[0].transformer_.total_ == 1900.0
        with pytest.raises(TypeError, match="unexpected"):
            cross.fit(X, y, unknown=1)


def test_fit_params_through_a_pipeline_without_routing():
    X, y = np.arange(20.0)[:, np.newaxis], np.tile([0, 1], 10)
    pipe = make_pipeline(CrossFitTransformer(WeightRecorder(), cv=2), LogisticRegression())
    pipe.fit(X, y, crossfittransformer__sample_weight=10 * X[:, 0])
    assert pipe[0].transformer_.total_ == 1900.0


@pytest.mark.parametrize("cv", [ShuffleSplit(3, random_state=0), RepeatedKFold(n_repeats=2), []])
def test_folds_that_do_not_partition_are_refused(noise, cv):
    with pytest.raises(ValueError, match=r"leaves out some subjects \d times .* exactly once"):
        CrossFitTransformer(PCA(2), cv=cv).fit_transform(*noise)


def test_folds_of_another_width_are_refused(noise):
    with pytest.raises(ValueError, match=r"model of a fold gives .* fix the number of components"):
        CrossFitTransformer(PCA(0.61), cv=2).fit_transform(noise[0] ** 3)


def test_embeddings_with_nan_are_not_aligned(noise):
    X = noise[0].copy()
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="cannot be aligned"):
        CrossFitTransformer(StandardScaler()).fit_transform(X)
    Z = CrossFitTransformer(StandardScaler(), align=None).fit_transform(X)
    np.testing.assert_array_equal(np.isnan(Z), np.isnan(X))


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"align": "rotate"}, "align"),
        ({"cv": "five"}, "cv"),
        ({"n_jobs": "all"}, "n_jobs"),
        ({"transformer": LogisticRegression()}, "transformer"),
    ],
)
def test_bad_parameters(noise, params, name):
    cross = CrossFitTransformer(PCA(2)).set_params(**params)
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        cross.fit_transform(*noise)


def test_parallel_folds_give_the_same_numbers(noise):
    X, y = noise
    one, two = (CrossFitTransformer(PCA(3), n_jobs=n).fit_transform(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_clone_pickle_and_grid_search(noise):
    X, y = noise
    pipe = make_pipeline(CrossFitTransformer(PCA(2), cv=3), LogisticRegression())
    grid = {"crossfittransformer__transformer__n_components": [1, 2]}
    search = GridSearchCV(clone(pipe), grid, cv=3).fit(X, y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    np.testing.assert_array_equal(
        pipe.fit(X, y)[:-1].transform(X), pipe[0].transformer_.transform(X)
    )


def test_attributes_are_those_of_the_inner_transformer(noise):
    X = pd.DataFrame(noise[0], columns=list("abcde"))
    cross = CrossFitTransformer(PCA(2))
    assert not hasattr(cross, "n_features_in_")
    with pytest.raises(NotFittedError):
        cross.transform(X)
    cross.fit(X)
    assert cross.n_features_in_ == 5
    assert list(cross.feature_names_in_) == list("abcde")
    assert list(cross.get_feature_names_out()) == ["pca0", "pca1"]
    assert not hasattr(CrossFitTransformer(WeightRecorder()), "get_feature_names_out")
    assert not hasattr(CrossFitTransformer(WeightRecorder()), "set_output")


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(noise, container):
    pytest.importorskip(container)
    X = pd.DataFrame(noise[0], columns=list("abcde"), index=[f"s{i}" for i in range(200)])
    values = CrossFitTransformer(PCA(2)).fit_transform(X)
    cross = CrossFitTransformer(PCA(2)).set_output(transform=container)
    Z = cross.fit_transform(X)
    np.testing.assert_allclose(Z.to_numpy(), values, rtol=1e-10)
    assert list(Z.columns) == ["pca0", "pca1"]
    if container == "pandas":
        assert list(Z.index) == list(X.index)
    cross.set_output(transform="default")
    assert isinstance(cross.transform(X), np.ndarray)


def test_sparse_input_and_output():
    categories = np.tile([["a"], ["b"], ["c"]], (4, 1))
    cross = CrossFitTransformer(OneHotEncoder(), cv=2, align=None)
    Z = cross.fit_transform(categories)
    np.testing.assert_array_equal(Z.toarray(), cross.transform(categories).toarray())
    X = csr_array(np.random.default_rng(0).normal(size=(12, 3)))
    scaler = CrossFitTransformer(StandardScaler(with_mean=False), cv=2, align=None)
    assert scaler.fit_transform(X).shape == (12, 3)


class Concatenate(TransformerMixin, BaseEstimator):
    """The first thing that any multimodal embedder does."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.hstack([X[name] for name in ("a", "b")])


@pytest.mark.parametrize("form", ["container", "dict", "records"])
def test_multimodal_input(noise, form):
    arrays = {"a": noise[0][:, :2], "b": noise[0][:, 2:]}
    X = arrays if form == "dict" else MultimodalData(arrays)
    transformer = make_pipeline(Concatenate(), PCA(2))
    expected = CrossFitTransformer(PCA(2)).fit_transform(noise[0], noise[1])
    if form == "records":
        X = list(X)
        transformer = make_pipeline(FunctionTransformer(_to_container), *transformer)
    Z = CrossFitTransformer(transformer).fit_transform(X, noise[1])
    np.testing.assert_allclose(Z, expected, rtol=1e-10)


def _to_container(X):
    from skmmcl.data import as_multimodal

    return as_multimodal(X)


def test_inputs_are_not_changed(noise):
    X, y = noise
    before = X.copy(), y.copy()
    X.flags.writeable = False
    CrossFitTransformer(PCA(2)).fit_transform(X, y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
