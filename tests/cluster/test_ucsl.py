"""UCSL finds known subtypes where clustering the patients finds what all people share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import adjusted_rand_score, balanced_accuracy_score
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC, SVR

from skmmcl.cluster import UCSL
from skmmcl.data import MultimodalData
from skmmcl.datasets import make_subtypes

SEEDS = range(5)


def toy(seed, n=200, n_features=20, nuisance=8.0):
    """Subtypes shifted by 4 along one of two columns; two others vary strongly in everybody."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2 * n, n_features))
    X[:, 2:4] *= nuisance
    subtype = rng.integers(2, size=n)
    X[n + np.arange(n), subtype] += 4
    return X, np.repeat([0, 1], n), subtype


@pytest.fixture(scope="module")
def fitted():
    X, y, subtype = toy(0)
    return UCSL(random_state=0).fit(X, y), X, y, subtype


@pytest.mark.slow
def test_finds_the_subtypes_of_the_toy_where_clustering_does_not():
    found, plain = [], []
    for seed in SEEDS:
        X, y, subtype = toy(seed)
        X_new, y_new, new = toy(seed + 100)
        ucsl = UCSL(random_state=seed).fit(X, y)
        labels = ucsl.predict_clusters(X_new[y_new == 1])
        found.append(adjusted_rand_score(new, labels))
        assert balanced_accuracy_score(y_new, ucsl.predict(X_new)) > 0.93
        patients = X[y == 1]
        plain += [
            adjusted_rand_score(
                subtype, KMeans(2, n_init=10, random_state=0).fit_predict(patients)
            ),
            adjusted_rand_score(subtype, GaussianMixture(2, random_state=0).fit_predict(patients)),
        ]
    assert np.median(found) > 0.8
    assert np.median(plain) < 0.05


@pytest.mark.parametrize("n_subtypes", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_finds_the_subtypes_of_made_cohorts(n_subtypes):
    X, y, truth = make_subtypes(n_subtypes=n_subtypes, random_state=0)
    ucsl = UCSL(n_subtypes, n_consensus=5, random_state=0).fit(X, y)
    assert adjusted_rand_score(truth.subtype[y == 1], ucsl.labels_[y == 1]) > 0.85
    assert (ucsl.labels_[y == 0] == -1).all()


def test_attributes_have_their_shapes(fitted):
    ucsl, X, y, _ = fitted
    assert ucsl.coef_.shape == (2, 20)
    assert ucsl.intercept_.shape == (2,)
    n_components = ucsl.basis_.shape[0]
    np.testing.assert_allclose(ucsl.basis_ @ ucsl.basis_.T, np.eye(n_components), atol=1e-12)
    assert ucsl.cluster_centers_.shape == (2, n_components)
    np.testing.assert_allclose(ucsl.transform(X), X @ ucsl.basis_.T)
    assert set(ucsl.labels_[y == 1]) == {0, 1}
    np.testing.assert_array_equal(ucsl.predict_clusters(X[y == 1]), ucsl.labels_[y == 1])
    assert ucsl.n_iter_ >= 1
    assert -1 <= ucsl.agreement_ <= 1


def test_predictions_are_of_each_row_alone(fitted):
    ucsl, X, *_ = fitted
    for method in ("predict", "predict_proba", "predict_clusters", "transform"):
        whole = getattr(ucsl, method)(X)
        alone = np.concatenate([getattr(ucsl, method)(X[i : i + 1]) for i in range(5)])
        np.testing.assert_allclose(whole[:5], alone, rtol=1e-12, atol=1e-12)


def test_probabilities_are_those_of_the_mixture(fitted):
    ucsl, X, *_ = fitted
    q = ucsl.predict_cluster_proba(X)
    odds = np.sum(q * (X @ ucsl.coef_.T + ucsl.intercept_), axis=1)
    np.testing.assert_allclose(ucsl.predict_proba(X)[:, 1], 1 / (1 + np.exp(-odds)))
    np.testing.assert_array_equal(ucsl.predict_clusters(X), q.argmax(axis=1))


def test_common_variability_is_not_in_the_subspace(fitted):
    ucsl, *_ = fitted
    assert np.abs(ucsl.basis_[:, 2:4]).max() < 0.1


@pytest.mark.filterwarnings("ignore:.* did not converge")
@pytest.mark.parametrize(
    "estimator", [SVC(kernel="linear", C=0.01), LogisticRegression(C=0.01)], ids=repr
)
@pytest.mark.parametrize(
    "clusterer", [BayesianGaussianMixture(covariance_type="spherical"), None], ids=repr
)
def test_takes_linear_classifiers_and_clusterers(estimator, clusterer):
    X, y, subtype = toy(1)
    ucsl = UCSL(estimator=estimator, clusterer=clusterer, n_consensus=3, random_state=0).fit(X, y)
    assert adjusted_rand_score(subtype, ucsl.labels_[y == 1]) > 0.8


@pytest.mark.filterwarnings("ignore:EM has not converged")
@pytest.mark.parametrize("clusterer", [KMeans(), AgglomerativeClustering()], ids=repr)
def test_clusterers_without_probabilities_go_by_their_centers(clusterer):
    X, y, _ = toy(1)
    ucsl = UCSL(clusterer=clusterer, n_consensus=2, random_state=0).fit(X, y)
    Z = ucsl.transform(X)
    nearest = ((Z[:, None] - ucsl.cluster_centers_) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(ucsl.predict_clusters(X), nearest)
    np.testing.assert_allclose(ucsl.predict_cluster_proba(X).sum(axis=1), 1)


@pytest.mark.filterwarnings("ignore:The subtypes follow the severity:UserWarning")
@pytest.mark.filterwarnings("ignore:EM has not converged")
@pytest.mark.parametrize(
    "estimator", [None, Ridge(), SVR(kernel="linear", C=0.01)], ids=["default", "ridge", "svr"]
)
def test_predicts_a_severity_and_clusters_everybody(estimator):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    severity = X[:, 0] + 0.1 * rng.standard_normal(200)
    ucsl = UCSL(estimator=estimator, n_consensus=2, random_state=0).fit(X, severity)
    assert is_regressor(ucsl)
    assert not hasattr(ucsl, "predict_proba")
    assert ucsl.score(X, severity) > 0.5
    assert ucsl.labels_.min() == 0
    ucsl.fit(X, (severity > 0).astype(int)) if estimator is None else None
    assert is_classifier(ucsl) == (estimator is None)


def test_a_severity_that_makes_the_subtypes_is_warned_of():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    severity = np.where(rng.random(200) < 0.5, 0.0, 5.0) + rng.standard_normal(200)
    X[:, 0] += severity
    with pytest.warns(UserWarning, match=r"follow the severity itself: .* with y is 0\.\d\d"):
        UCSL(n_consensus=2, random_state=0).fit(X, severity)


@pytest.mark.parametrize("positive", ["HC", "SZ", "BD"])
def test_patients_are_named(positive):
    X, y, _ = toy(0)
    other = "SZ" if positive == "HC" else "HC"
    text = np.where(y == 1, positive, other)
    ucsl = UCSL(positive=positive, n_consensus=1, random_state=0).fit(X, text)
    assert ucsl.positive_ == positive
    assert (ucsl.labels_[y == 1] >= 0).all()
    assert (ucsl.labels_[y == 0] == -1).all()
    assert np.mean(ucsl.predict(X) == text) > 0.9
    column = ucsl.classes_.tolist().index(positive)
    assert ucsl.predict_proba(X)[y == 1, column].mean() > 0.8
    assert np.mean((ucsl.decision_function(X) > 0) == (ucsl.classes_[1] == text)) > 0.9


@pytest.mark.parametrize("labels", [(0, 1), (False, True), (-1, 1), (0.0, 1.0)])
def test_plain_labels_need_no_word(labels):
    X, y, _ = toy(0)
    ucsl = UCSL(n_consensus=1, random_state=0).fit(X, np.array(labels)[y])
    assert ucsl.positive_ == labels[1]


@pytest.mark.parametrize("labels", [(1, 2), ("BD", "HC")])
def test_labels_that_do_not_name_the_patients_are_warned_of(labels):
    X, y, _ = toy(0)
    with pytest.warns(UserWarning, match=f"{labels[1]!r} is taken for the patients"):
        UCSL(n_consensus=1, random_state=0).fit(X, np.array(labels)[y])


@pytest.mark.filterwarnings("ignore:EM has not converged")
def test_forms_of_the_same_data_give_the_same():
    data, y, _ = make_subtypes(200, n_subtypes=2, random_state=0)
    ucsl = UCSL(n_consensus=1, random_state=0)
    expected = ucsl.fit(np.asarray(data), y).labels_
    blocks = {name: data[name] for name in data.modalities}
    table = pd.DataFrame(np.asarray(data)).add_prefix("x")
    for X in (data, blocks, table):
        found = clone(ucsl).fit(X, y)
        np.testing.assert_array_equal(found.labels_, expected)
        assert found.n_features_in_ == 100
        assert found.predict(X).shape == (200,)
    assert found.feature_names_in_[0] == "x0"
    found.fit(data, y)
    assert found.modalities_ == ["smri", "pet"]
    assert not hasattr(found, "feature_names_in_")
    np.testing.assert_array_equal(found.transform(np.asarray(data)), found.transform(data))


def test_seeds_reproduce_and_leave_the_global_state_alone():
    X, y, _ = toy(0)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (UCSL(n_consensus=2, random_state=3).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.coef_, second.coef_)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_inputs_stay_as_they_are():
    X, y, _ = toy(0)
    X.setflags(write=False)
    y.setflags(write=False)
    clusterer, estimator = KMeans(7), LogisticRegression()
    UCSL(clusterer=clusterer, estimator=estimator, n_consensus=1, random_state=0).fit(X, y)
    assert clusterer.n_clusters == 7
    assert not hasattr(estimator, "coef_")


@pytest.mark.filterwarnings("ignore:EM has not converged")
def test_works_in_cross_validation_of_a_container():
    X, y, _ = make_subtypes(200, n_subtypes=2, random_state=0)
    scores = cross_val_score(
        UCSL(n_consensus=1, random_state=0), X, y, cv=3, scoring="roc_auc", error_score="raise"
    )
    assert scores.mean() > 0.8


def test_subtypes_that_are_sites_are_warned_of():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 10)), np.repeat([0, 1], 100)
    site = rng.integers(2, size=200)
    X[y == 1, 0] += 4
    X[y == 1, site[y == 1] + 1] += 6  # only patients were rescanned
    data = MultimodalData(smri=X, meta={"site": site, "age": rng.uniform(20, 60, 200)})
    with pytest.warns(UserWarning, match=r"is \d\.\d\d with X.meta\['site'\], -?0\.0\d with 'age'"):
        UCSL(n_consensus=2, random_state=0).fit(data, y)
    UCSL(n_consensus=2, random_state=0, site=None).fit(data, y)


@pytest.mark.slow
def test_takes_little_time_and_memory():
    """The goal is a minute and 1.5 times the data; far less is used, and asked for here."""
    import tracemalloc
    from time import process_time

    data, y, _ = make_subtypes(1000, modalities={"smri": (300,)}, dtype="float64", random_state=0)
    X = np.asarray(data)
    start = process_time()
    UCSL(3, random_state=0).fit(X, y)
    assert process_time() - start < 60
    tracemalloc.start()
    UCSL(3, random_state=0).fit(data, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * X.nbytes
