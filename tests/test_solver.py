"""Terms whose optimum is known are solved: what every embedder with such a term keeps to."""

from __future__ import annotations

import gc
import inspect
import pickle
import warnings
import weakref

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline

from skmmcl import (
    CLIPEmbedder,
    CMCCSSEmbedder,
    CoMMEmbedder,
    MultimodalData,
    load_volumes,
    stacked_fits,
)
from skmmcl.base import BaseEmbedder, DifferentiableEncoder
from skmmcl.base._division import OF_TRAINING
from skmmcl.contrastive import ContrastiveRegressionEmbedder, SupConEmbedder, YAwareEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.solvers._cohort import Rows

NAMES = ("smri", "fc")
SUPERVISED = CMCCSSEmbedder(cmc_weight=0, dtype="float64")


@pytest.fixture(scope="module")
def cohort():
    X, y, _ = make_cohort(n_subjects=90, random_state=0)
    return X[["smri", "sc", "clinical"]], y


def noise(n, seed=0, **meta):
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(size=(n, 12)) for name in NAMES}
    return MultimodalData(arrays, meta=meta or None)


def auc(embedder, X, y, **options):
    pipe = make_pipeline(embedder, LogisticRegression())
    return cross_val_score(pipe, X, y, scoring="roc_auc", **{"cv": 5, **options})


def test_default_solves_both_terms_without_a_network(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder(n_components=1).fit(X, y)
    assert embedder.net_ is None
    assert embedder.history_ == {}
    assert embedder.n_iter_ == 0
    names = [f"{name}_css_0" for name in (*X.modalities, "joint")]
    names += [f"{name}_cmc_0" for name in X.modalities]
    assert embedder.get_feature_names_out().tolist() == names
    assert embedder.transform(X).dtype == np.float32


def test_training_columns_come_from_discriminants_without_the_subject(cohort):
    X, y = cohort
    embedder = clone(SUPERVISED).set_params(kernel_features="exact")
    columns = embedder.fit_transform(X, y)
    in_sample = embedder.transform(X)
    errors, optimism = [], []
    for left_out in range(0, len(X), 9):
        hidden = y.copy()
        hidden[left_out] = -1
        found = clone(embedder).fit(X, hidden).transform(X[[left_out]])[0]
        errors += list(np.abs(columns[left_out] - found))
        optimism += list(np.abs(in_sample[left_out] - found))
    # Without the subject, the kernel is scaled anew and another penalty may be chosen.
    assert np.quantile(errors, 0.9) < 2e-3
    assert np.median(optimism) > 0.05


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_training_columns_do_not_betray_permuted_labels(share):
    correlations, scores = [], []
    for seed in range(20):
        X = noise(80, seed)
        y = np.random.default_rng(seed).permutation(np.arange(80) < 80 * share).astype(int)
        columns = clone(SUPERVISED).fit_transform(X, y)
        correlations.append([np.corrcoef(column, y)[0, 1] for column in columns.T])
        cv = StratifiedKFold(4, shuffle=True, random_state=seed)
        scores.append(auc(CMCCSSEmbedder(), X, y, cv=cv).mean())
    assert abs(np.nanmean(correlations)) < 0.1
    assert abs(np.mean(scores) - 0.5) < 3 * np.std(scores) / np.sqrt(len(scores))


# Scans of a person, how much the second differs, and how it is named that they belong together.
SCANS = {"one": (1, 0.0, None), "groups": (2, 0.05, "person"), "copies": (2, 0.0, None)}


@pytest.mark.slow
@pytest.mark.parametrize("case", SCANS)
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_200_draws_of_random_labels_are_at_chance(case, share):
    """As ``benchmarks/permuted.py``, which has the figures."""
    n_scans, spread, groups = SCANS[case]
    person = np.tile(np.arange(80), n_scans)
    correlations, scores = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = rng.permutation(np.arange(80) < 80 * share).astype(int)[person]
        arrays = {}
        for name, width in {"fc": 12, "t1": 90}.items():
            scan = rng.normal(size=(80, width))[person]
            arrays[name] = scan + spread * rng.normal(size=scan.shape)
        X = MultimodalData(arrays, meta={"person": person})
        embedder = CMCCSSEmbedder(groups=groups)
        columns = embedder.fit_transform(X, y)[:, :3]
        correlations.append([np.corrcoef(c, y)[0, 1] if c.std() else 0.0 for c in columns.T])
        folds = StratifiedGroupKFold(4, shuffle=True, random_state=seed)
        scores.append(auc(embedder, X, y, cv=list(folds.split(y, y, person))).mean())
    assert np.abs(np.mean(correlations, axis=0)).max() < 0.05
    assert abs(np.mean(scores) - 0.5) < 3 * np.std(scores) / np.sqrt(len(scores))


def test_weights_count_as_copies(cohort):
    X, y = cohort
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    copies = np.repeat(np.arange(len(X)), weight)
    weighted = CMCCSSEmbedder(dtype="float64")
    columns = weighted.fit_transform(X, y, sample_weight=weight)
    repeated = CMCCSSEmbedder(dtype="float64")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        of_copies = repeated.fit_transform(X[copies], y[copies])
    np.testing.assert_allclose(of_copies, columns[copies], atol=1e-8)
    np.testing.assert_allclose(repeated.transform(X), weighted.transform(X), atol=1e-8)


def test_copies_of_people_are_left_out_together_and_said():
    X = noise(40)
    y = np.random.default_rng(1).integers(0, 2, 40)
    twice = MultimodalData(
        {name: np.vstack([array, array]) for name, array in X.items()},
        index=[f"sub-{k}" for k in range(80)],
    )
    with pytest.warns(UserWarning, match=r"40 set\(s\) .* identical rows .* sub-0, sub-40"):
        columns = clone(SUPERVISED).fit_transform(twice, np.tile(y, 2))
    assert abs(np.corrcoef(columns[:, -1], np.tile(y, 2))[0, 1]) < 0.4


def test_solvers_leave_nothing_in_memory():
    gc.collect()
    rows = weakref.WeakSet()

    class Watched(Rows):
        def __init__(self, *args):
            super().__init__(*args)
            rows.add(self)

        __hash__ = object.__hash__

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skmmcl.solvers._cohort.Rows", Watched)
        gc.disable()
        try:
            CMCCSSEmbedder().fit(noise(30), np.arange(30) % 2)
            assert not rows
        finally:
            gc.enable()


def test_groups_are_left_out_together():
    rng = np.random.default_rng(0)
    base = noise(40)
    y = rng.permutation(np.arange(40) % 2)
    arrays = {n: np.vstack([a, a + 0.05 * rng.normal(size=a.shape)]) for n, a in base.items()}
    X = MultimodalData(arrays, meta={"family": np.tile(np.arange(40), 2)})
    labels = np.tile(y, 2)
    betrayed = clone(SUPERVISED).fit_transform(X, labels)[:, -1]
    honest = clone(SUPERVISED).set_params(groups="family").fit_transform(X, labels)[:, -1]
    assert np.corrcoef(betrayed, labels)[0, 1] > 0.8
    assert np.corrcoef(honest, labels)[0, 1] < 0.3


def test_invariance_hides_the_site():
    rng = np.random.default_rng(0)
    site, y = np.arange(120) % 3, rng.permutation(np.arange(120) % 2)
    arrays = {
        name: rng.normal(size=(120, 20)) + np.eye(20)[site] * 3 + np.eye(20)[3 + y] * 1.5
        for name in NAMES
    }
    X = MultimodalData(arrays, meta={"site": np.array(["a", "b", "c"])[site]})

    def spread(**params):
        """How much of the joint column lies between sites, at a given class."""
        column = clone(SUPERVISED).set_params(**params).fit(X, y).transform(X)[:, -1]
        column = column - np.array([column[y == k].mean() for k in (0, 1)])[y]
        return np.var([column[site == k].mean() for k in range(3)]) / column.var()

    assert spread(invariant_to="site") < 0.2 * spread()


def test_what_modalities_share_is_learned_from_the_unlabeled_at_half_the_scale(cohort):
    X, y = cohort
    few = np.where(np.arange(len(y)) < 30, y, -1)
    columns = CMCCSSEmbedder(n_components=3).fit_transform(X, few)
    of_all = CMCCSSEmbedder(n_components=3).fit_transform(X, y)
    np.testing.assert_array_equal(columns[:, 4:], of_all[:, 4:])
    unsupervised = columns[:, 4:].reshape(len(X), 3, -1)
    scale = np.sqrt(unsupervised.var(axis=0).sum(axis=-1).mean())
    assert scale == pytest.approx(0.5, abs=0.02)


def test_a_given_encoder_is_trained_by_the_other_term(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder(encoders="linear", n_components=2, max_epochs=2, random_state=0)
    columns = embedder.fit_transform(X, y)
    assert list(embedder.history_) == ["train_loss", "cmc"]
    assert embedder.get_feature_names_out().tolist()[4:] == [
        f"{name}_cmc_{k}" for name in X.modalities for k in range(2)
    ]
    # Supervised columns are leave-one-out ones; those of the network are as for new subjects.
    np.testing.assert_array_equal(columns[:, 4:], embedder.transform(X)[:, 4:])
    assert not np.array_equal(columns[:, :4], embedder.transform(X)[:, :4])
    scale = np.sqrt(columns[:, 4:].reshape(len(X), 3, 2).var(axis=0).sum(axis=-1).mean())
    assert scale == pytest.approx(0.5, abs=0.02)


def test_closed_form_without_labels(cohort):
    X, _ = cohort
    alone = CMCCSSEmbedder(solver="closed_form", css_weight=0, n_components=2).fit(X)
    assert alone.transform(X).shape == (len(X), 6)


def test_no_row_of_a_training_subject_is_kept_by_default(cohort):
    X, y = cohort
    fitted = dict(vars(CMCCSSEmbedder().fit(X, y)))
    assert fitted.pop("_subject_keys").dtype == np.uint64  # digests of identifiers
    kept = [len(a) for a in arrays_within(fitted)]
    assert kept
    assert len(X) not in kept
    exact = CMCCSSEmbedder(kernel_features="exact").fit(X, y)
    assert len(X) in [len(a) for a in arrays_within(exact.__dict__)]


def test_no_seed_is_needed(cohort):
    X, y = cohort
    first, second = (CMCCSSEmbedder().fit_transform(X, y) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = CMCCSSEmbedder(random_state=1).fit_transform(X, y)
    assert np.corrcoef(first[:, 3], other[:, 3])[0, 1] > 0.98


def arrays_within(value, seen=None):
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        if value.ndim:
            yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from arrays_within(each, seen)
    elif isinstance(value, (list, tuple, set)):
        for each in value:
            yield from arrays_within(each, seen)
    elif hasattr(value, "__dict__"):
        yield from arrays_within(vars(value), seen)


def test_missing_modalities_get_what_the_others_lead_to_expect(cohort):
    X, y = cohort
    arrays = {name: np.array(array) for name, array in X.items()}
    arrays["smri"][::3] = np.nan
    arrays["sc"][1::5] = np.nan
    holes = MultimodalData(arrays)
    embedder = CMCCSSEmbedder()
    columns = embedder.fit_transform(holes, y)
    assert np.isfinite(columns).all()
    assert np.isfinite(embedder.transform(holes[::3])).all()
    complete = embedder.transform(holes[[2, 7]])
    np.testing.assert_array_equal(complete, embedder.transform(X[[2, 7]]))


def test_pickles_clones_tables_and_output(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder().fit(X, y)
    again = pickle.loads(pickle.dumps(embedder))
    np.testing.assert_array_equal(again.transform(X), embedder.transform(X))
    assert not hasattr(clone(embedder), "net_")
    frame = CMCCSSEmbedder().set_output(transform="pandas").fit_transform(X, y)
    assert list(frame.columns) == embedder.get_feature_names_out().tolist()


def test_stacks_and_processes_give_the_same_scores(cohort):
    X, y = cohort
    alone = auc(CMCCSSEmbedder(), X, y)
    with stacked_fits():
        np.testing.assert_array_equal(auc(CMCCSSEmbedder(), X, y), alone)
    np.testing.assert_allclose(auc(CMCCSSEmbedder(), X, y, n_jobs=2), alone, atol=1e-12)


def test_guided_embedders_regress_onto_their_target(cohort):
    X, _ = make_cohort(n_subjects=90, random_state=0)[:2]
    age = np.asarray(X.meta["age"], dtype=float)
    embedder = YAwareEmbedder(solver="closed_form", metadata="age").fit(X)
    first = embedder.get_feature_names_out().tolist().index("joint_y_aware_0")
    assert abs(np.corrcoef(embedder.transform(X)[:, first], age)[0, 1]) > 0.5


def test_parameters_of_training_that_have_no_effect_are_named(cohort):
    X, y = cohort
    with pytest.warns(UserWarning, match="closed form .*max_epochs, temperature had no effect"):
        CMCCSSEmbedder(max_epochs=5, temperature=0.1).fit(X, y)


def test_training_goes_on_only_where_something_was_trained(cohort):
    X, y = cohort
    assert not hasattr(CMCCSSEmbedder(solver="closed_form"), "partial_fit")
    solved = CMCCSSEmbedder(random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="solved in closed form, from which partial_fit cannot"):
        solved.partial_fit(X, y)
    trained = CMCCSSEmbedder(random_state=0).partial_fit(X, y)
    assert list(trained.history_) == ["train_loss", "cmc", "css"]
    np.testing.assert_array_equal(solved.transform(X), trained.transform(X))


@pytest.mark.parametrize(
    ("embedder", "message"),
    [
        (
            CoMMEmbedder(solver="closed_form"),
            r"no closed form is known for the term\(s\) \['comm'\]",
        ),
        (SupConEmbedder(groups="family"), "groups='family' has no effect on training by gradient"),
        (
            SupConEmbedder(invariant_to="site"),
            "invariant_to='site' has no effect on training by gradient",
        ),
        (CMCCSSEmbedder(invariant_to="nothing"), "nothing"),
        (CMCCSSEmbedder(groups="nothing"), "nothing"),
        (CMCCSSEmbedder(invariant_to="label"), "invariant_to='label' is determined by the target"),
        (CMCCSSEmbedder(cmc_weight=0, css_weight=0), "no term with a weight"),
        (
            ContrastiveRegressionEmbedder(solver="closed_form", loss="threshold", metadata="age"),
            "no closed form is known",
        ),
    ],
)
def test_bad_input_is_named(embedder, message):
    y = np.arange(30) % 2
    rng = np.random.default_rng(0)
    X = noise(30, site=np.arange(30) % 3, label=y, age=rng.normal(size=30))
    with pytest.raises((ValueError, KeyError), match=message):
        embedder.fit(X, y)


def test_fit_transform_calls_a_fit_that_a_subclass_changes(cohort):
    X, y = cohort

    class Swapped(CMCCSSEmbedder):
        def fit(self, X, y):
            return super().fit(X, 1 - y)

    found = Swapped(cmc_weight=0).fit_transform(X, y)
    expected = CMCCSSEmbedder(cmc_weight=0).fit_transform(X, 1 - y)
    np.testing.assert_array_equal(found, expected)
    assert "_training_columns" not in vars(Swapped().fit(X, y))


def sites_of(n, n_sites, seed):
    """Noise that differs between sites, and labels that have nothing to do with either."""
    rng = np.random.default_rng(seed)
    site, y = rng.integers(0, n_sites, n), rng.permutation(np.arange(n) % 2)
    arrays = {m: rng.normal(size=(n, 20)) + rng.normal(size=(n_sites, 20))[site] for m in NAMES}
    return MultimodalData(arrays, meta={"site": site}), y


def test_invariant_training_columns_do_not_betray_labels():
    found = []
    for seed in range(8):
        X, y = sites_of(60, 15, seed)
        columns = CMCCSSEmbedder(invariant_to="site").fit_transform(X, y)
        found.append(np.corrcoef(columns[:, -1], y)[0, 1])
    assert abs(np.mean(found)) < 0.15  # .47 if only the regression leaves a subject out


def test_invariance_leaves_out_columns_that_keep_the_site():
    X, y = sites_of(60, 3, 0)
    names = CMCCSSEmbedder(invariant_to="site").fit(X, y).get_feature_names_out()
    assert names.tolist() == ["smri_css_0", "fc_css_0", "joint_css_0"]
    with pytest.raises(ValueError, match=r"invariant_to='site' applies to solved supervised terms"):
        CLIPEmbedder(solver="closed_form", invariant_to="site").fit(X)
    with pytest.raises(ValueError, match=r"invariant_to='site' applies to solved supervised terms"):
        CMCCSSEmbedder(encoders="linear", invariant_to="site").fit(X, y)


def test_a_class_that_is_left_out_as_a_whole_is_named():
    X = noise(31, family=np.r_[np.arange(28), 28, 28, 28])
    y = np.array(["a", "b"], dtype=object)[np.arange(31) % 2]
    y[28:] = "rare"
    with pytest.warns(UserWarning, match=r"All subjects of the classes \['rare'\] are left out"):
        CMCCSSEmbedder(groups="family").fit(X, y)


def test_people_with_the_same_few_answers_are_different_people():
    rng = np.random.default_rng(0)
    arrays = {"mri": rng.normal(size=(120, 20)), "answers": rng.integers(0, 2, (120, 2)) * 1.0}
    arrays["mri"][:80] = np.nan
    X = MultimodalData(arrays, index=[f"s{k}" for k in range(120)])
    CMCCSSEmbedder().fit(X, np.arange(120) % 2)  # no warning of identical rows


def test_parameters_without_effect_are_named_and_no_others(cohort):
    X, y = cohort
    with pytest.warns(UserWarning, match="that standardize, impute, css_weight had no effect"):
        CMCCSSEmbedder(standardize=False, impute="ridge", css_weight=0.5).fit(X, y)
    with pytest.warns(UserWarning, match="that projection_dim, temperature had no effect"):
        SupConEmbedder(solver="closed_form", temperature=0.9, projection_dim=7).fit(X, y)
    CMCCSSEmbedder(cmc_weight=0, random_state=3, dtype="float64").fit(X, y)
    with pytest.raises(ValueError, match="kernel_features='exact' has no effect on training"):
        SupConEmbedder(kernel_features="exact").fit(X, y)


def test_every_shared_parameter_is_heeded_or_named():
    heeded = {"modalities", "n_components", "on_empty", "dtype", "verbose", "random_state"}
    heeded |= {"solver", "kernel_features", "groups", "invariant_to"}
    shared = set(inspect.signature(BaseEmbedder).parameters)
    assert shared == heeded | (set(OF_TRAINING) - {"projection_dim", "normalize"})


def test_asymmetric_matrices_after_symmetric_ones(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder().fit(X, y)
    odd = np.array(X["sc"])
    odd[0, 1, 0] += 1
    with pytest.raises(DataError, match="'sc': the matrices of the training subjects were symm"):
        embedder.transform(X.assign({"sc": odd}))


def test_a_lone_subject_of_a_modality_is_not_kept():
    X = noise(30)
    arrays = {**dict(X.items()), "pet": np.full((30, 15), np.nan)}
    arrays["pet"][7] = np.random.default_rng(3).normal(size=15)
    with pytest.warns(UserWarning, match="their columns are 0"):
        embedder = CMCCSSEmbedder(cmc_weight=0).fit(MultimodalData(arrays), np.arange(30) % 2)
    assert arrays["pet"][7].tobytes() not in pickle.dumps(embedder)


def test_a_modality_of_the_name_joint_is_refused():
    X = noise(30)
    with pytest.raises(ModalityError, match="rename"):
        CMCCSSEmbedder().fit({"joint": X["fc"], "smri": X["smri"]}, np.arange(30) % 2)


def test_few_labels_and_single_modalities():
    X, y = noise(30), np.full(30, -1)
    y[:2] = 0, 1
    with pytest.raises(ValueError, match=r"Found 2 labeled .* at least 3"):
        CMCCSSEmbedder().fit(X, y)
    alone = X[["fc"]]
    with pytest.raises(ValueError, match="aligns modalities, and there is one, 'fc'"):
        CMCCSSEmbedder(solver="closed_form").fit(alone, np.arange(30) % 2)
    columns = CMCCSSEmbedder().fit_transform(alone, np.arange(30) % 2)
    assert columns.shape == (30, 1)


def test_what_needs_a_network_says_so(cohort):
    X, y = cohort
    with pytest.raises(TypeError, match=r"solved in closed form .* has no network"):
        DifferentiableEncoder(CMCCSSEmbedder().fit(X, y), X, "smri")


def test_a_frozen_embedder_gives_ordinary_columns(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder().fit(X, y)
    frozen = FrozenEstimator(embedder)
    np.testing.assert_array_equal(frozen.transform(X), embedder.transform(X))


def test_a_cached_pipeline_trains_its_classifier_on_leave_one_out_columns(cohort, tmp_path):
    X, y = cohort
    steps = [("cmc", CMCCSSEmbedder()), ("clf", LogisticRegression())]
    expected = Pipeline(steps).fit(X, y)[-1].coef_
    for _ in range(2):  # computed, then read
        cached = Pipeline(clone_steps(steps), memory=str(tmp_path)).fit(X, y)
        np.testing.assert_array_equal(cached[-1].coef_, expected)


def clone_steps(steps):
    return [(name, clone(step)) for name, step in steps]


def test_volumes_in_files_enter_by_their_voxels(tmp_path):
    import nibabel as nib

    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    paths = []
    for k in range(24):
        values = rng.normal(size=(6, 5, 4)).astype("float32")
        values[2:4, 2:4] += 1.5 * y[k]
        values[0] = 0  # outside of the head
        paths.append(tmp_path / f"sub-{k:02d}.nii.gz")
        nib.save(nib.Nifti1Image(values, np.eye(4)), paths[-1])
    stored = MultimodalData(t1=load_volumes(paths, cache=tmp_path / "cache"))
    loaded = MultimodalData(t1=np.stack([nib.load(path).get_fdata() for path in paths]))
    found = CMCCSSEmbedder().fit_transform(stored, y)
    np.testing.assert_allclose(found, CMCCSSEmbedder().fit_transform(loaded, y), atol=1e-5)
    assert np.corrcoef(found[:, 0], y)[0, 1] > 0.8


def test_the_same_for_symmetric_matrices_and_their_upper_triangles(cohort):
    X, y = cohort
    half = X["sc"][:, *np.triu_indices(X["sc"].shape[1])]
    whole = CMCCSSEmbedder().fit_transform(X, y)
    np.testing.assert_allclose(
        CMCCSSEmbedder().fit_transform(X.assign({"sc": half}), y), whole, atol=1e-6
    )
