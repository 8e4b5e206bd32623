"""modality_importance: what a fitted model loses without one modality."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from skmmcl.data import MultimodalData
from skmmcl.exceptions import ModalityError
from skmmcl.inspection import modality_importance
from skmmcl.preprocessing import ModalityTransformer


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=300)
    X = MultimodalData(
        signal=rng.normal(size=(300, 4)) + y[:, np.newaxis],
        noise=rng.normal(size=(300, 3, 3)),
        constant=np.ones((300, 2)),
        index=np.arange(1000, 1300),
        meta={"site": rng.integers(0, 3, size=300)},
    )
    return X, y


@pytest.fixture(scope="module")
def fitted(cohort):
    X_train, X_test, y_train, y_test = train_test_split(*cohort, random_state=0)
    model = make_pipeline(FunctionTransformer(np.asarray), LogisticRegression(C=0.1))
    return model.fit(X_train, y_train), X_test, y_test


def test_truth(fitted):
    result = modality_importance(*fitted, n_repeats=20, random_state=0)
    assert result.modalities == ("signal", "noise", "constant")
    assert result.importances.shape == (3, 20)
    assert result.importances_mean[0] > 0.3
    assert abs(result.importances_mean[1]) < 0.05
    assert (result.importances[2] == 0).all()
    np.testing.assert_array_equal(result.importances_mean, result.importances.mean(axis=1))
    np.testing.assert_array_equal(result.importances_std, result.importances.std(axis=1))


def test_several_labels_for_each_subject():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=(80, 2))
    X = MultimodalData(a=rng.normal(size=(80, 2)) + 3 * y, b=rng.normal(size=(80, 2)))
    model = make_pipeline(FunctionTransformer(np.asarray), DecisionTreeClassifier(random_state=0))
    result = modality_importance(model.fit(X, y), X, y, random_state=0)
    assert result.importances_mean[0] > 0.3


def test_one_column_a_modality_is_scikit_learns(fitted):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, size=80)
    arrays = {name: rng.normal(size=80) + y * size for name, size in (("a", 2), ("b", 0))}
    flat = np.column_stack(list(arrays.values()))
    model = LogisticRegression().fit(flat, y)
    ours = modality_importance(model, arrays, y, n_repeats=200, random_state=0)
    theirs = permutation_importance(model, flat, y, n_repeats=200, random_state=0)
    np.testing.assert_allclose(ours.importances_mean, theirs.importances_mean, atol=0.02)


def test_seed_and_jobs(fitted):
    first = modality_importance(*fitted, random_state=0).importances
    with parallel_config("threading", n_jobs=2):
        again = modality_importance(*fitted, random_state=0).importances
    np.testing.assert_array_equal(again, first)
    assert (modality_importance(*fitted, random_state=1).importances != first).any()


def test_scoring_and_weights(fitted):
    model, X, y = fitted
    weight = np.random.default_rng(0).uniform(size=len(y))
    several = modality_importance(
        model, X, y, scoring=["roc_auc", "accuracy"], random_state=0, sample_weight=weight
    )
    for name, result in several.items():
        alone = modality_importance(model, X, y, scoring=name, random_state=0, sample_weight=weight)
        np.testing.assert_array_equal(result.importances, alone.importances)
    plain = modality_importance(model, X, y, scoring="accuracy", random_state=0)
    assert (plain.importances != several["accuracy"].importances).any()


class PresenceReader(ClassifierMixin, BaseEstimator):
    """Predicts who has the first modality."""

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X):
        return X.mask[:, 0].astype(int)


def test_presence_moves_with_the_rows_and_all_else_stays():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 50)
    X = MultimodalData(
        a=rng.integers(0, 9, size=(100, 2)),
        b=rng.normal(size=(100, 2)),
        mask={"a": y == 1},
        meta={"row": np.arange(100)},
        index=np.arange(100) + 7,
    )
    order = rng.permutation(100)
    permuted = X._permuted("a", order)
    np.testing.assert_array_equal(permuted.mask[:, 0], X.mask[order, 0])
    np.testing.assert_array_equal(permuted.mask[:, 1], X.mask[:, 1])
    np.testing.assert_array_equal(permuted.meta["row"], X.meta["row"])
    np.testing.assert_array_equal(permuted.index, X.index)
    result = modality_importance(PresenceReader().fit(X, y), X, y, random_state=0)
    assert result.importances_mean == pytest.approx([0.5, 0.0], abs=0.1)


def test_other_modalities_are_shared_not_copied(cohort):
    X, _ = cohort
    order = np.random.default_rng(0).permutation(300)
    permuted = X._permuted("signal", order)
    assert permuted.modalities == X.modalities
    assert np.shares_memory(permuted["noise"], X["noise"])
    np.testing.assert_array_equal(permuted["signal"], X["signal"][order])


def test_columns_of_tables_are_kept():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 2)), columns=["age", "iq"])
    X = MultimodalData(clinical=table, fc=rng.normal(size=(40, 3)))
    y = (table["age"] > 0).astype(int).to_numpy()
    model = make_pipeline(
        ModalityTransformer({"clinical": PCA(2)}),  # would warn about lost names of columns
        FunctionTransformer(np.asarray),
        LogisticRegression(),
    ).fit(X, y)
    result = modality_importance(model, X, y, random_state=0)
    assert result.importances_mean[0] > 0.2


def test_a_single_modality():
    y = np.tile([0, 1], 50)
    X = {"a": y[:, np.newaxis].astype(float)}
    result = modality_importance(LogisticRegression().fit(X["a"], y), X, y, random_state=0)
    assert result.importances_mean == pytest.approx([0.5], abs=0.1)


def test_without_targets(fitted):
    model, X, _ = fitted

    def spread(estimator, X, y=None):
        return estimator.decision_function(X).std()

    result = modality_importance(model, X, None, scoring=spread, random_state=0)
    assert result.importances.shape == (3, 5)


def test_bad_input(fitted):
    model, X, y = fitted
    with pytest.raises(ModalityError, match="X is a ndarray, which does not name its modalities"):
        modality_importance(model, np.asarray(X), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        modality_importance(model, X, y[:-1])
    for n_repeats in (0, 1.5):
        with pytest.raises(ValueError, match="n_repeats must be a positive integer"):
            modality_importance(model, X, y, n_repeats=n_repeats)
