"""Stability of subtypes by their number, and what they follow."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge

from skmmcl.cluster import UCSL, StabilityPath, stability_path, subtype_confounds
from skmmcl.datasets import make_subtypes
from skmmcl.exceptions import DataError

FEW = {"n_resamples": 3, "n_permutations": 2, "random_state": 0}


@pytest.fixture(scope="module")
def cohort():
    return make_subtypes(
        200, n_subtypes=2, subtype_sep=6, modalities={"smri": (30,)}, random_state=0
    )


@pytest.fixture(scope="module")
def path(cohort):
    X, y, _ = cohort
    return stability_path(UCSL(n_consensus=1), X, y, n_clusters=[2, 3], **FEW)


def test_the_true_number_is_stable_and_permuted_labels_are_not(path):
    assert path.ari.shape == (2, 3)
    assert path.ari_permuted.shape == (2, 2)
    assert path.ari[0].min() > 0.8
    assert path.ari_permuted[0].max() < path.ari[0].min()
    assert path.ari[0].mean() > path.ari[1].mean()
    assert (path.log_likelihood > np.log(0.5)).all()


def test_table_and_plot(path):
    pd = pytest.importorskip("pandas")
    plt = pytest.importorskip("matplotlib.pyplot")
    table = pd.DataFrame(path.table()).set_index("n_clusters")
    assert table.index.tolist() == [2, 3]
    np.testing.assert_allclose(table["ari"], path.ari.mean(axis=1))
    assert (table["ari_min"] <= table["ari"]).all()
    figure, ax = plt.subplots()
    assert path.plot(ax) is ax
    np.testing.assert_allclose(ax.lines[0].get_ydata(), table["ari"])
    plt.close(figure)


@pytest.mark.slow
def test_is_reproducible_and_the_same_in_parallel(cohort, path):
    X, y, _ = cohort
    again = stability_path(UCSL(n_consensus=1), X, y, n_clusters=[2, 3], n_jobs=2, **FEW)
    np.testing.assert_array_equal(again.ari, path.ari)
    np.testing.assert_array_equal(again.log_likelihood, path.log_likelihood)


def test_a_severity_has_no_likelihood():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    ucsl = UCSL(estimator=Ridge(), n_consensus=1)
    found = stability_path(ucsl, X, X[:, 0] + rng.standard_normal(60), n_clusters=[2], **FEW)
    assert np.isnan(found.log_likelihood).all()


@pytest.mark.parametrize(
    ("estimator", "params", "message"),
    [
        (KMeans(), {}, "has no subtypes"),
        (UCSL, {}, "has no subtypes"),
        (UCSL(), {"n_clusters": []}, "numbers of subtypes from 2"),
        (UCSL(), {"n_clusters": [1, 2]}, "numbers of subtypes from 2"),
        (UCSL(), {"n_clusters": [2, 40]}, "120 patients .* n_clusters=70|n_clusters=40"),
        (UCSL(), {"n_resamples": 1}, "n_resamples"),
        (UCSL(), {"n_permutations": 0}, "n_permutations"),
        (UCSL(), {"train_size": 1.0}, "train_size"),
        (UCSL(), {"n_jobs": 0}, "n_jobs"),
    ],
)
def test_what_cannot_be_compared_is_refused(cohort, estimator, params, message):
    X, y, _ = cohort
    X, y = X[:80], y[:80]
    with pytest.raises(ValueError, match=message):
        stability_path(estimator, X, y, **params)


def test_confounds_rank_what_the_subtypes_follow():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, -1], 50)
    age = rng.uniform(20, 60, 150)
    age[:50] += 40
    site = rng.choice(["A", "B"], 150).astype(object)
    site[3] = None
    meta = {"site": site, "age": age, "id": np.arange(150).astype(str), "scanner": ["x"] * 150}
    found = subtype_confounds(labels, meta)
    assert next(iter(found)) == "age"
    assert found["age"] > 0.9
    assert abs(found["site"]) < 0.05
    assert np.isnan(found["id"])
    assert np.isnan(found["scanner"])


def test_confounds_take_a_table_and_refuse_other_subjects():
    pd = pytest.importorskip("pandas")
    labels = [0, 0, 1, 1]
    assert subtype_confounds(labels, pd.DataFrame({"sex": list("ffmm")}))["sex"] == pytest.approx(1)
    with pytest.raises(
        DataError, match=r"'sex' have the shape \(3,\); expected one value for each of 4"
    ):
        subtype_confounds(labels, {"sex": list("ffm")})
    with pytest.raises(DataError, match=r"'scores' have the shape \(4, 2\)"):
        subtype_confounds(labels, {"scores": np.ones((4, 2))})


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ({"n_bins": 1}, ValueError, "n_bins == 1, must be >= 2"),
        ({"n_bins": 2.5}, TypeError, "n_bins must be an instance of int"),
        ({"meta": [1, 2]}, TypeError, "meta must map names to columns.* got list"),
        ({"labels": [0, np.nan]}, ValueError, "label of 1 of 2 subjects is missing"),
    ],
)
def test_confounds_refuse_what_would_be_read_wrongly(args, error, message):
    with pytest.raises(error, match=message):
        subtype_confounds(**{"labels": [0, 1], "meta": {"age": [20, 30]}, **args})


def test_confounds_take_a_single_name_whole():
    codes = np.arange(40) // 2  # "s" is a part of "site", and no site
    labels = np.arange(40) % 2
    assert subtype_confounds(labels, {"s": codes}, categorical="site") == subtype_confounds(
        labels, {"s": codes}, categorical=()
    )


def test_path_shows_its_numbers():
    path = StabilityPath(np.array([2]), np.array([[0.5]]), np.array([[0.1]]), np.array([[-0.3]]))
    assert repr(path) == "StabilityPath: 2: 0.50 (permuted 0.10)"
