import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.data import MultimodalData
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import ModalityError

SMALL = {"n_rois": 12, "n_features": 5}


def balanced_accuracy(A, y, C=0.01):
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=C, class_weight="balanced", max_iter=2000)
    )
    return cross_val_score(classifier, A, y, cv=5, scoring="balanced_accuracy").mean()


def columns(X):
    return np.hstack([X[name].reshape(len(X), -1) for name in X.modalities])


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


# ------------------------------------------------------------------------------- what it gives
def test_the_default_is_shaped_like_the_cohort_of_the_paper():
    X, y, truth = make_cohort(random_state=0)
    assert isinstance(X, MultimodalData)
    assert len(X) == 300
    assert y.sum() == 90
    assert X.modalities == ("smri", "sc", "fc", "t2", "clinical")
    assert all(X[name].dtype == np.float32 for name in X.modalities)
    assert X.mask.all()
    assert set(X.meta) == {"site", "age", "sex"}
    assert X.index[0] == "sub-0001"
    np.testing.assert_array_equal(truth.y, y)


def test_the_paper_size_is_two_parameters_away():
    X, _, _ = make_cohort(20, n_rois=87, n_features=100, random_state=0)
    assert X.shapes["smri"] == (87, 100)
    assert X.shapes["fc"] == X.shapes["sc"] == (87, 87)


@pytest.mark.parametrize("name", ["fc", "sc"])
def test_connectomes_are_correlations_in_blocks(name):
    X, _, truth = make_cohort(50, random_state=0)
    C = X[name]
    np.testing.assert_array_equal(C, C.transpose(0, 2, 1))
    np.testing.assert_array_equal(np.einsum("nrr->nr", C), 1)
    assert np.abs(C).max() <= 1
    assert np.linalg.eigvalsh(C).min() > 0
    same = truth.networks[:, None] == truth.networks
    off_diagonal = ~np.eye(len(same), dtype=bool)
    mean = C.mean(axis=0)
    assert mean[same & off_diagonal].mean() > 3 * np.abs(mean[~same].mean())


def test_structural_connectomes_are_non_negative_and_sparse():
    sc = make_cohort(50, random_state=0)[0]["sc"]
    assert sc.min() == 0
    assert 0.1 < (sc == 0).mean() < 0.8


def test_modalities_can_be_chosen_and_made_up():
    X, _, truth = make_cohort(10, modalities=["fc", "t2"], random_state=0, **SMALL)
    assert X.modalities == ("fc", "t2")
    spec = {"pet": (4,), "dwi": "structural", "volume": (3, 4, 5)}
    X, _, truth = make_cohort(10, modalities=spec, n_rois=7, random_state=0)
    assert X.shapes == {"pet": (4,), "dwi": (7, 7), "volume": (3, 4, 5)}
    assert truth.loadings["volume"].shape[1:] == (3, 4, 5)
    assert len(truth.networks) == 7


# --------------------------------------------------------------------------------- random state
def test_same_seed_same_bits_and_another_seed_others():
    (X, y, truth), (X2, y2, truth2) = (make_cohort(30, random_state=3, **SMALL) for _ in range(2))
    for name in X.modalities:
        np.testing.assert_array_equal(X[name], X2[name])
    np.testing.assert_array_equal(y, y2)
    np.testing.assert_array_equal(truth.shared, truth2.shared)
    X3, _, _ = make_cohort(30, random_state=4, **SMALL)
    assert not np.array_equal(X["t2"], X3["t2"])


@pytest.mark.parametrize("seed", [None, 0])
def test_the_global_generator_is_left_alone(seed):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_cohort(10, random_state=seed, **SMALL)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_generators_advance():
    for state in (np.random.RandomState(0), np.random.default_rng(0)):
        first, second = (make_cohort(10, random_state=state, **SMALL)[0] for _ in range(2))
        assert not np.array_equal(first["t2"], second["t2"])


# ------------------------------------------------------------------------------ the factors
def test_views_have_the_stated_fidelity():
    _, _, truth = make_cohort(4000, complementarity=0.4, modalities={"a": (2,), "b": (2,)},
                              class_sep=0, random_state=0)  # fmt: skip
    np.testing.assert_array_equal(truth.fidelity, [[1, 0.6, 1, 0.6], [0.6, 1, 0.6, 1]])
    for name, row in zip("ab", truth.fidelity, strict=True):
        seen = [correlation(truth.views[name][:, k], truth.shared[:, k]) for k in range(4)]
        np.testing.assert_allclose(seen, row, atol=0.03)


def test_patients_of_a_subtype_lie_class_sep_away_along_factors_of_their_own():
    _, y, truth = make_cohort(6000, modalities={"a": (2,)}, class_sep=2.0, random_state=0)
    np.testing.assert_allclose(np.linalg.norm(truth.shifts, axis=1), 2)
    np.testing.assert_allclose(truth.shifts[0] * truth.shifts[1], 0)
    assert set(truth.subtype[y == 1]) == {0, 1}
    assert set(truth.subtype[y == 0]) == {-1}
    for subtype, shift in enumerate(truth.shifts):
        mean = truth.shared[truth.subtype == subtype].mean(axis=0)
        np.testing.assert_allclose(mean, shift, atol=0.12)


def test_the_oracle_of_one_subtype_reaches_the_area_of_theory():
    truth = make_cohort(6000, modalities={"a": (2,)}, n_subtypes=1, class_sep=2, random_state=0)[2]
    assert truth.oracle_auc == pytest.approx(norm.cdf(2 / np.sqrt(2)), abs=0.015)


def test_arrays_show_the_factors_linearly_through_the_loadings():
    X, _, truth = make_cohort(
        200, modalities={"a": (6, 5)}, noise=0, site_effect=0, age_effect=0, dtype="float64",
        random_state=0,
    )  # fmt: skip
    factors = np.hstack([truth.views["a"], truth.private["a"]]) / 2  # 1 / sqrt(4 shared factors)
    loadings = truth.loadings["a"][: factors.shape[1]]
    np.testing.assert_allclose(X["a"], np.tensordot(factors, loadings, axes=1))


def test_interaction_is_seen_by_no_modality_alone():
    _, y, truth = make_cohort(
        4000, modalities={"a": (2,), "b": (2,)}, interaction=0.8, prevalence=0.5, random_state=0
    )
    a, b = truth.private["a"][:, 0], truth.private["b"][:, 0]
    assert correlation(a[y == 1], b[y == 1]) == pytest.approx(0.8, abs=0.04)
    assert correlation(a[y == 0], b[y == 0]) == pytest.approx(-0.8, abs=0.04)
    assert abs(correlation(b, y)) < 0.05
    assert b.std() == pytest.approx(1, abs=0.04)


# ------------------------------------------------------------------------------------- volumes
VOLUMES = {"t1": (24, 28, 24), "pet": (24, 28, 24)}


def cohort_of_volumes(**options):
    options = {"n_shared": 2, "n_private": 2, "n_subtypes": 1, "complementarity": 0.0, **options}
    return make_cohort(80, modalities=VOLUMES, random_state=0, **options)


def test_factors_of_a_volume_are_blobs_apart_from_each_other():
    _, _, truth = cohort_of_volumes()
    maps = truth.maps["t1"]
    assert maps.shape == (4, 24, 28, 24)
    assert maps.dtype == bool
    assert (maps.sum(axis=0) <= 1).all()
    assert (maps.sum(axis=(1, 2, 3)) > 50).all()
    assert not np.array_equal(maps, truth.maps["pet"])
    assert make_cohort(10, random_state=0, **SMALL)[2].maps == {}


@pytest.mark.parametrize("name", VOLUMES)
def test_the_mean_within_a_blob_tells_its_factor(name):
    X, _, truth = cohort_of_volumes(site_effect=0, age_effect=0)
    factors = np.hstack([truth.shared, truth.private[name]])
    for k, mask in enumerate(truth.maps[name]):
        found = [abs(correlation(X[name][:, mask].mean(axis=1), f)) for f in factors.T]
        assert np.argmax(found) == k
        assert found[k] > 0.95


def test_age_changes_a_volume_everywhere_and_sites_tilt_it():
    X, _, truth = cohort_of_volumes(site_effect=2.0, age_effect=2.0)
    age, *sites = truth.loadings["t1"][4:]
    np.testing.assert_array_equal(age, 1)
    outside = ~truth.maps["t1"].any(axis=0)
    residual = X["t1"][:, outside].mean(axis=1) - np.array(
        [site[outside].mean() for site in sites]
    )[X.meta["site"]] * np.sqrt(2)  # a strength of 2, shared out over two shared factors
    assert correlation(residual, X.meta["age"]) > 0.9
    for site in sites:
        assert site.std() == pytest.approx(1, abs=0.1)


# ----------------------------------------------------------------------- what can be decoded
def test_each_modality_is_moderate_all_together_better_and_the_factors_best():
    scores = []
    for seed in range(2):
        X, y, truth = make_cohort(random_state=seed)
        single = [balanced_accuracy(X[m].reshape(len(X), -1), y) for m in X.modalities]
        together, best = balanced_accuracy(columns(X), y), balanced_accuracy(truth.shared, y, 1)
        scores.append([min(single), np.mean(single), together, best])
    lowest, mean, together, best = np.mean(scores, axis=0)
    assert lowest > 0.55
    assert 0.6 < mean < 0.72
    assert mean + 0.03 < together < best - 0.03


def test_no_class_effect_is_chance():
    scores = []
    for seed in range(3):
        X, y, _ = make_cohort(class_sep=0, random_state=seed, **SMALL)
        scores.append(balanced_accuracy(columns(X), y))
    assert np.mean(scores) == pytest.approx(0.5, abs=0.06)


def test_complementarity_leaves_less_to_one_modality():
    def auc(complementarity):
        sizes = dict.fromkeys("abcd", (20,))
        args = {"modalities": sizes, "n_private": 0, "noise": 0.5, "random_state": 0}
        X, y, _ = make_cohort(600, complementarity=complementarity, n_subtypes=1, **args)
        return balanced_accuracy(X["a"], y), balanced_accuracy(columns(X), y)

    (same, same_together), (part, part_together) = auc(0.0), auc(1.0)
    assert part < same - 0.05
    assert part_together - part > same_together - same + 0.05


@pytest.mark.parametrize(("effect", "name"), [("site_effect", "site"), ("age_effect", "age")])
def test_site_and_age_are_in_the_data_as_strongly_as_asked(effect, name):
    def decoded(strength):
        X, _, _ = make_cohort(n_sites=2, **{effect: strength}, random_state=0, **SMALL)
        target = X.meta[name] > np.median(X.meta[name]) if name == "age" else X.meta[name]
        return balanced_accuracy(columns(X), target)

    assert decoded(0.0) < 0.6
    assert decoded(2.0) > 0.8


# -------------------------------------------------------------------------- gaps and labels
def test_missing_by_modality():
    X, _, _ = make_cohort(2000, modalities={"a": (2,), "b": (2, 2)}, missing={"b": 0.3},
                          random_state=0)  # fmt: skip
    assert X.mask[:, 0].all()
    assert (~X.mask[:, 1]).mean() == pytest.approx(0.3, abs=0.03)
    assert np.isnan(X["b"][~X.mask[:, 1]]).all()
    assert not np.isnan(X["b"][X.mask[:, 1]]).any()


@pytest.mark.parametrize("missing", [0.95, {"smri": 0.9, "fc": 0.9, "sc": 0.9}])
def test_nobody_lacks_everything(missing):
    X, _, _ = make_cohort(200, missing=missing, random_state=0, **SMALL)
    assert X.mask.any(axis=1).all()


def test_gaps_do_not_change_what_is_there():
    full, gaps = (make_cohort(20, missing=m, random_state=0, **SMALL)[0] for m in (0, 0.4))
    present = gaps.mask[:, 0]
    np.testing.assert_array_equal(full["smri"][present], gaps["smri"][present])


def test_wrong_and_absent_labels_are_counted_and_the_truth_is_kept():
    _, y, truth = make_cohort(200, label_noise=0.1, random_state=0, **SMALL)
    assert (y != truth.y).sum() == 20
    _, y, truth = make_cohort(200, unlabeled=0.25, random_state=0, **SMALL)
    assert (y == -1).sum() == 50
    np.testing.assert_array_equal(y[y != -1], truth.y[y != -1])


@pytest.mark.parametrize(("prevalence", "n_patients"), [(0.5, 10), (0.01, 1), (0.99, 19)])
def test_both_classes_are_there(prevalence, n_patients):
    assert make_cohort(20, prevalence=prevalence, random_state=0, **SMALL)[1].sum() == n_patients


def test_a_cohort_without_private_factors():
    _, _, truth = make_cohort(10, n_private=0, interaction=0.5, random_state=0, **SMALL)
    assert truth.private["fc"].shape == (10, 0)


# ---------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"modalities": ["fc", "eeg"]}, r"Unknown modalities \['eeg'\].*'smri'"),
        ({"modalities": {"eeg": "spectral"}}, "'eeg' is 'spectral'; expected"),
        ({"modalities": {"eeg": (0,)}}, "'eeg' is"),
        ({"modalities": {"eeg": ()}}, "'eeg' is"),
        ({"modalities": []}, "at least one modality"),
        ({"missing": {"eeg": 0.1}}, r"missing= names \['eeg'\]"),
    ],
)
def test_modalities_that_cannot_be(parameters, message):
    with pytest.raises(ModalityError, match=message):
        make_cohort(10, **parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_subjects": 1}, "n_subjects"),
        ({"prevalence": 1.0}, "prevalence"),
        ({"complementarity": 1.5}, "complementarity"),
        ({"interaction": 1.0}, "interaction"),
        ({"missing": 1.0}, "missing"),
        ({"n_subtypes": 5}, "n_subtypes=5 needs as many shared factors"),
        ({"dtype": "float16"}, "dtype='float16'"),
    ],
)
def test_parameters_out_of_bounds(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_cohort(**{"n_subjects": 10, **parameters})


def test_parameters_of_another_type():
    with pytest.raises(TypeError, match="n_shared"):
        make_cohort(10, n_shared=2.5)
