"""scikit-learn's own functions on a container."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import _safe_indexing, indexable, resample, shuffle
from sklearn.utils.validation import check_consistent_length

from skmmcl.data import MultimodalData

N = 40


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    fc = rng.normal(size=(N, 3, 3))
    fc[::2] += 1
    return MultimodalData(
        fc=fc, age=rng.normal(size=N), index=np.arange(N) + 1000, meta={"site": np.arange(N) % 4}
    )


@pytest.fixture
def y():
    return np.arange(N) % 2


def flatten_fc(X):
    assert isinstance(X, MultimodalData)
    return X["fc"].reshape(len(X), -1)


def pipeline():
    return make_pipeline(FunctionTransformer(flatten_fc), LogisticRegression())


def test_indexing_and_lengths(X, y):
    assert indexable(X, y)[0] is X
    check_consistent_length(X, y)
    for rows in (3, [3, 1], np.array([3, 1]), slice(2, 4), y == 1):
        part = _safe_indexing(X, rows)
        assert part.index.tolist() == np.atleast_1d(X.index[rows]).tolist()


def test_train_test_split(X, y):
    train, test = train_test_split(X, random_state=0)
    assert sorted([*train.index, *test.index]) == X.index.tolist()
    train, test, y_train, _ = train_test_split(X, y, stratify=y, random_state=0)
    np.testing.assert_array_equal(y_train, (train.index - 1000) % 2)
    assert train.base("fc") is test.base("fc") is X.base("fc")


def test_resampling(X, y):
    drawn, labels = resample(X, y, random_state=0)
    np.testing.assert_array_equal(labels, (drawn.index - 1000) % 2)
    assert len(set(drawn.index)) < N
    mixed, labels = shuffle(X, y, random_state=0)
    np.testing.assert_array_equal(labels, (mixed.index - 1000) % 2)


@pytest.mark.parametrize(
    "splitter",
    [
        KFold(4),
        StratifiedKFold(4),
        GroupKFold(4),
        LeaveOneGroupOut(),
        RepeatedStratifiedKFold(n_splits=2, n_repeats=2),
    ],
)
def test_splitters(X, y, splitter):
    groups = X.meta["site"] if "Group" in type(splitter).__name__ else None
    for train, test in splitter.split(X, y, groups):
        assert len(X[train]) + len(X[test]) == N
        assert not set(X[train].index) & set(X[test].index)


def test_cross_validation_equals_that_of_the_array(X, y):
    flat = X["fc"].reshape(N, -1)
    expected = cross_val_score(LogisticRegression(), flat, y, cv=4)
    np.testing.assert_array_equal(cross_val_score(pipeline(), X, y, cv=4), expected)
    assert expected.mean() > 0.6
    search = GridSearchCV(pipeline(), {"logisticregression__C": [0.1, 1.0]}, cv=3).fit(X, y)
    assert search.predict(X).shape == (N,)
    assert cross_val_predict(pipeline(), X, y, cv=4).shape == (N,)


def test_parallel_scores_are_the_same(X, y):
    serial = cross_val_score(pipeline(), X, y, cv=4)
    with_threads = make_pipeline(FunctionTransformer(flatten_fc), LogisticRegression())
    from joblib import parallel_config

    with parallel_config(backend="threading"):
        np.testing.assert_array_equal(cross_val_score(with_threads, X, y, cv=4, n_jobs=2), serial)


def test_estimators_take_the_flat_array(X, y):
    flat = np.asarray(X)
    np.testing.assert_array_equal(
        StandardScaler().fit_transform(X), StandardScaler().fit_transform(flat)
    )
    model = make_pipeline(StandardScaler(), LogisticRegression())
    np.testing.assert_array_equal(
        cross_val_score(model, X, y, cv=4), cross_val_score(model, flat, y, cv=4)
    )
    assert LogisticRegression().fit(X, y).n_features_in_ == X.shape[1] == 10


def test_a_plain_dict_cannot_be_split(X, y):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[2, 40\]"):
        cross_val_score(pipeline(), X.to_dict(), y)
