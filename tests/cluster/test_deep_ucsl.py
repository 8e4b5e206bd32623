"""DeepUCSL: subtypes that are known, in linear and nonlinear cohorts; clusters; bad input."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, balanced_accuracy_score

from skmmcl.cluster import DeepUCSL
from skmmcl.data import MultimodalData
from skmmcl.datasets import make_subtypes
from skmmcl.exceptions import DataError
from skmmcl.networks._deep_ucsl import DeepUCSLNetwork
from skmmcl.networks._soft_clusters import k_means, responsibilities

UNSETTLED = "ignore:EM has not converged:sklearn.exceptions.ConvergenceWarning"
FEWER = "ignore:n_clusters=. may be more:UserWarning"
pytestmark = [pytest.mark.filterwarnings(UNSETTLED), pytest.mark.filterwarnings(FEWER)]
SMALL = {"n_components": 3, "max_epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def cohort():
    return make_subtypes(60, n_subtypes=2, n_sites=1, random_state=0)


def test_linear_subtypes_are_found_in_new_subjects():
    X, y, truth = make_subtypes(600, n_subtypes=2, random_state=0)
    train, test = np.arange(400), np.arange(400, 600)
    ucsl = DeepUCSL(n_clusters=2, random_state=0)
    ucsl.fit(X[train], y[train])
    patients = test[y[test] == 1]
    found = ucsl.predict_clusters(X[patients])
    assert adjusted_rand_score(truth.subtype[patients], found) > 0.6
    assert balanced_accuracy_score(y[test], ucsl.predict(X[test])) > 0.85
    assert ucsl.agreement_ > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("n_subtypes", [2, 3])
def test_nonlinear_subtypes_are_found(n_subtypes):
    scores = []
    for seed in range(3):
        X, y, truth = make_subtypes(600, n_subtypes=n_subtypes, form="nonlinear", random_state=seed)
        ucsl = DeepUCSL(n_clusters=n_subtypes, random_state=seed).fit(X, y)
        scores.append(adjusted_rand_score(truth.subtype[y == 1], ucsl.labels_[y == 1]))
    assert np.median(scores) > 0.5


def test_interfaces_of_ucsl(cohort):
    X, y, _ = cohort
    ucsl = DeepUCSL(**SMALL).fit(X, y)
    assert ucsl.predict(X).shape == (60,)
    np.testing.assert_allclose(ucsl.predict_proba(X).sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(ucsl.predict_cluster_proba(X).sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(ucsl.labels_[y == 1], ucsl.predict_clusters(X[y == 1]))
    assert np.all(ucsl.labels_[y == 0] == -1)
    assert ucsl.transform(X).shape == (60, 3)
    assert list(ucsl.get_feature_names_out()) == ["deepucsl0", "deepucsl1", "deepucsl2"]
    assert 0 <= ucsl.score(X, y) <= 1


def test_the_probability_of_a_patient_is_that_of_the_mixture(cohort):
    X, y, _ = cohort
    ucsl = DeepUCSL(**SMALL, dtype="float64").fit(X, y)
    h = torch.as_tensor(ucsl.transform(X))[None]
    with torch.no_grad():
        log_p, logits = ucsl.net_.module_.read(h)
    expected = (log_p.exp() * logits.sigmoid()).sum(-1)[0]
    np.testing.assert_allclose(ucsl.predict_proba(X)[:, 1], expected, atol=1e-9)


def test_rows_do_not_depend_on_one_another(cohort):
    X, y, _ = cohort
    ucsl = DeepUCSL(**SMALL).fit(X, y)
    whole = ucsl.predict_proba(X)
    np.testing.assert_allclose(ucsl.predict_proba(X[7:9]), whole[7:9], atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_global_generators_are_left(cohort):
    X, y, _ = cohort
    before = torch.get_rng_state()
    one, again = (DeepUCSL(**SMALL).fit(X, y).transform(X) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_fit_goes_on_where_it_stood(cohort):
    X, y, _ = cohort
    whole = DeepUCSL(**SMALL | {"max_epochs": 4}).fit(X, y)
    parts = DeepUCSL(**SMALL | {"max_epochs": 2}, warm_start=True).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(parts.transform(X), whole.transform(X))
    np.testing.assert_array_equal(parts.labels_, whole.labels_)


def test_missing_modalities_and_volumes():
    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    arrays = {"roi": rng.normal(size=(24, 5)), "vol": rng.normal(size=(24, 8, 8, 8))}
    mask = rng.random((24, 2)) > 0.3
    mask[~mask.any(axis=1), 0] = True
    X = MultimodalData(arrays, mask=mask)
    ucsl = DeepUCSL(**SMALL, products=False, balanced=True).fit(X, y)
    assert np.isfinite(ucsl.predict_proba(X)).all()
    assert np.isfinite(ucsl.predict_proba({"roi": arrays["roi"], "vol": [None] * 24})).all()


def test_labels_of_other_names_and_unlabeled_subjects(cohort):
    X, y, _ = cohort
    names = np.where(y == 1, "FES", "HC").astype(object)
    names[:4] = None
    ucsl = DeepUCSL(**SMALL, positive="FES").fit(X, names)
    assert set(ucsl.predict(X)) <= {"FES", "HC"}
    np.testing.assert_array_equal(ucsl.labels_ >= 0, names == "FES")
    # The odds are those of the second of the classes, the controls.
    np.testing.assert_allclose(ucsl.decision_function(X), -ucsl._decide(X))


def test_partial_fit_with_few_patients(cohort):
    X, y, _ = cohort
    ucsl = DeepUCSL(**SMALL).partial_fit(X, y, classes=[0, 1])
    rows = np.flatnonzero(y == 0)[:5].tolist() + np.flatnonzero(y == 1)[:1].tolist()
    assert ucsl.partial_fit(X[rows], y[rows]).n_iter_ == 2
    with pytest.raises(ValueError, match=r"classes=\[1, 2\], but y has \[0, 1\]"):
        DeepUCSL(**SMALL).partial_fit(X, y, classes=[1, 2])


@pytest.mark.parametrize(
    ("params", "y", "said"),
    [
        ({}, np.zeros(60), "at least two classes"),
        ({}, np.arange(60) % 3, "Only binary classification"),
        ({}, np.linspace(0, 1, 60), "Unknown label type: continuous"),
        ({"n_clusters": 16}, np.arange(60) % 2, "30 patients to fit on, fewer than 2 for each"),
        ({"n_clusters": 0}, np.arange(60) % 2, "'n_clusters'"),
        ({}, None, "requires y"),
    ],
)
def test_bad_targets(cohort, params, y, said):
    with pytest.raises(ValueError, match=said):
        DeepUCSL(**SMALL | params).fit(cohort[0], y)


def test_bad_values(cohort):
    X, y, _ = cohort
    arrays = X.to_dict()
    arrays["pet"] = np.where(np.arange(60)[:, None] == 3, np.inf, arrays["pet"])
    with pytest.raises(DataError, match="'pet'"):
        DeepUCSL(**SMALL).fit(arrays, y)
    mask = np.ones((60, 2), dtype=bool)
    mask[y == 1, 1] = False
    with pytest.raises(DataError, match="'pet' is missing in all 30 patients"):
        DeepUCSL(**SMALL).fit(MultimodalData(X.to_dict(), mask=mask), y)


def test_who_has_no_modality_is_no_control(cohort):
    X, y, _ = cohort
    ucsl = DeepUCSL(**SMALL, on_empty="nan").fit(X, y)
    mask = np.ones((60, 2), dtype=bool)
    mask[5] = False
    empty = MultimodalData(X.to_dict(), mask=mask)
    assert np.isnan(ucsl.transform(empty)[5]).all()
    for method in ("predict", "predict_proba", "predict_clusters", "predict_cluster_proba"):
        with pytest.raises(DataError, match=r"1 subject\(s\) have no modality at all.*: 5\."):
            getattr(ucsl, method)(empty)


@pytest.mark.filterwarnings("error:EM has not converged")
def test_warning_of_subtypes_that_still_change():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 30)), np.arange(60) % 2
    with pytest.warns(ConvergenceWarning, match="after 2 epochs the last clustering"):
        DeepUCSL(n_clusters=5, max_epochs=2, random_state=0).fit(X, y)


def test_warning_of_subtypes_that_follow_the_site():
    rng = np.random.default_rng(0)
    y, site = np.arange(200) % 2, np.arange(200) // 100
    X = rng.normal(size=(200, 5))
    X[:, 0] += 6 * y * (2 * site - 1)  # patients of each site deviate their own way
    data = MultimodalData(roi=X, meta={"site": site})
    with pytest.warns(UserWarning, match="The subtypes follow the site"):
        DeepUCSL(n_clusters=2, max_epochs=40, random_state=0).fit(data, y)


def test_k_means_finds_what_is_apart_and_counts_weights():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [50, 30, 5])
    x = torch.tensor(10 * np.eye(3)[truth] + rng.normal(size=(85, 3)))
    centers, labels = k_means(x, 3, rng)
    assert adjusted_rand_score(truth, labels) == 1
    np.testing.assert_array_equal(responsibilities(x, centers).argmax(1), labels)
    few = torch.tensor([[0.0], [1.0], [9.0]], dtype=torch.float64)
    weighted, _ = k_means(few, 2, rng, weight=torch.tensor([3.0, 1.0, 1.0], dtype=torch.float64))
    np.testing.assert_allclose(weighted.sort(0).values[:, 0], [0.25, 9.0])


def test_balanced_clusters_are_of_nearly_equal_size():
    rng = np.random.default_rng(0)
    x = torch.tensor(np.concatenate([rng.normal(size=(90, 2)), rng.normal(3, 1, size=(10, 2))]))
    sizes = [np.bincount(k_means(x, 2, rng, balanced=b)[1], minlength=2).min() for b in (0, 1)]
    assert sizes[1] > 35 > sizes[0]


def test_controls_keep_equal_shares_and_patients_grow_certain():
    torch.manual_seed(0)
    network = DeepUCSLNetwork(["a"], {"a": (3,)}, 2, n_clusters=2, confidence_epochs=10).double()
    h = torch.randn(1, 20, 2, dtype=torch.float64)
    targets = torch.full((20, 3), 0.5, dtype=torch.float64)
    targets[:, 0] = torch.arange(20) % 2
    rows, doubts = torch.arange(16), []
    for epoch in (0, 5, 10):
        network.before_epoch(h, rows, targets, None, epoch)
        assert (targets[::2, 1:] == 0.5).all()
        torch.testing.assert_close(targets[:, 1:].sum(1), torch.ones(20, dtype=torch.float64))
        doubts.append(float(targets[1::2, 1:].amin(1).mean()))  # held-out patients as well
    assert doubts[0] > doubts[1] > doubts[2] == 0
