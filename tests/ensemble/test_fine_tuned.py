"""What a fine-tuned estimator trains, what it leaves, and what it predicts."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from torch import nn

from skmmcl import (
    CMCCSSEmbedder,
    FineTunedClassifier,
    FineTunedRegressor,
    MultimodalData,
    SupervisedEmbedder,
    YAwareEmbedder,
    stacked_fits,
)
from skmmcl.base import BaseEmbedder
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
OPTIONS = {"SepVAEEmbedder": {"n_common": 2, "n_salient": 1}, "DeepUCSL": {"n_components": 2}}


def weights(estimator):
    return {name: t.clone() for name, t in estimator.net_.module_.state_dict().items()}


def tuned(clf):
    """Names of the parameters of the base that differ from those of the embedder."""
    before = dict(clf.pretrained_.net_.module_.named_parameters())
    return {
        name
        for name, p in clf.net_.module_.base.named_parameters()
        if not torch.equal(p, before[name])
    }


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("head", set()),
        ("last", {f"encoders.{k}.layers.1.{what}" for k in (0, 1) for what in ("weight", "bias")}),
        ("all", {f"encoders.{k}.layers.{m}.{what}" for k in (0, 1) for m in (0, 1)
                 for what in ("weight", "bias")}),
    ],
)  # fmt: skip
def test_only_the_layers_asked_for_are_trained(layers, expected, big, cohort):
    X, y, _ = cohort
    clf = FineTunedClassifier(big, layers=layers, max_epochs=3, random_state=0).fit(X, y)
    assert tuned(clf) == expected


@pytest.mark.parametrize("layers", ["head", "last", "all"])
def test_the_embedder_is_never_altered(layers, big, cohort):
    X, y, _ = cohort
    before, state = big.transform(X), weights(big)
    params = big.get_params()
    cross_val_score(FineTunedClassifier(big, layers=layers, max_epochs=3), X, y, cv=2)
    np.testing.assert_array_equal(big.transform(X), before)
    assert all(torch.equal(state[name], t) for name, t in big.net_.module_.state_dict().items())
    assert big.get_params() == params
    assert all(p.requires_grad for p in big.net_.module_.parameters())


def test_a_frozen_network_represents_as_the_embedder(big, cohort):
    X, y, _ = cohort
    clf = FineTunedClassifier(big, layers="head", max_epochs=1, random_state=0).fit(X, y)
    h = big.transform(X)
    expected = (h - h.mean(0)) / h.std(0)
    np.testing.assert_allclose(clf.tuner_.transform(X), expected, atol=1e-4)


def test_learning_rate_is_lower_below_the_head(big, cohort):
    X, y, _ = cohort
    clf = FineTunedClassifier(big, lr=0.01, encoder_lr_factor=0.2, max_epochs=1).fit(X, y)
    rates = {id(p): group["lr"] for group in clf.net_.optimizer_.param_groups
             for p in group["params"]}  # fmt: skip
    network = clf.net_.module_
    assert {rates[id(p)] for p in network.head.parameters()} == {0.01}
    assert {rates[id(p)] for p in network.base.parameters()} == {0.2 * 0.01}
    scratch = clone(clf).set_params(reset_weights=True).fit(X, y)
    assert {g["lr"] for g in scratch.net_.optimizer_.param_groups} == {0.01}


def test_clones_share_a_fitted_embedder_and_not_one_to_be_fitted(big):
    assert clone(FineTunedClassifier(big)).estimator is big
    assert clone(clone(FineTunedClassifier(big))).estimator is big
    new = YAwareEmbedder()
    assert clone(FineTunedClassifier(new)).estimator is not new
    inside = clone(make_pipeline(FineTunedClassifier(big)))
    assert inside[-1].estimator is big


def test_parameters_of_a_fitted_embedder_cannot_be_set(big):
    clf = FineTunedClassifier(big)
    assert not any(name.startswith("estimator__") for name in clf.get_params())
    with pytest.raises(ValueError, match="estimator__lr cannot be set: the YAwareEmbedder is fit"):
        clf.set_params(estimator__lr=1.0)
    assert FineTunedClassifier(YAwareEmbedder()).set_params(estimator__lr=1.0).estimator.lr == 1


def test_classes_are_learned_by_the_head(big, cohort):
    X, y, _ = cohort
    names = np.array(["control", "patient"])[y]
    clf = FineTunedClassifier(big, lr=0.02, random_state=0).fit(X, names)
    assert clf.classes_.tolist() == ["control", "patient"]
    assert clf.score(X, names) > 0.9
    p = clf.predict_proba(X)
    np.testing.assert_allclose(p.sum(1), 1)
    np.testing.assert_allclose(np.log(p[:, 1] / p[:, 0]), clf.decision_function(X), rtol=1e-6)
    np.testing.assert_allclose(np.log(p), clf.predict_log_proba(X), rtol=1e-6)


def test_several_classes(big, cohort):
    X, _, age = cohort
    y = np.digitize(age, [40, 60])
    clf = FineTunedClassifier(big, lr=0.02, random_state=0).fit(X, y)
    assert clf.decision_function(X).shape == clf.predict_proba(X).shape == (len(X), 3)
    assert clf.score(X, y) > 0.7


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_ages_are_predicted_in_years(loss, big, cohort):
    X, _, age = cohort
    model = FineTunedRegressor(big, loss=loss, lr=0.02, max_epochs=100, random_state=0).fit(X, age)
    assert loss in model.history_
    assert np.mean(np.abs(model.predict(X) - age)) < 8
    assert model.score(X, age) > 0.6


def test_absolute_error_heeds_an_outlier_less(big, cohort):
    X, _, age = cohort
    odd = age.copy()
    odd[0] = 2000.0
    errors = [
        np.median(np.abs(
            FineTunedRegressor(
                big, loss=loss, layers="head", lr=0.02, max_epochs=100, random_state=0
            ).fit(X, odd).predict(X)[1:] - age[1:]
        ))
        for loss in ("squared_error", "absolute_error")
    ]  # fmt: skip
    assert errors[1] < errors[0]


def test_columns_of_targets(big, cohort):
    X, y, age = cohort
    both = np.column_stack([age, y])
    found = FineTunedRegressor(big, max_epochs=2, random_state=0).fit(X, both).predict(X)
    assert found.shape == both.shape
    assert abs(found[:, 0].mean() - age.mean()) < 15


@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_embedder_is_tuned_on_fewer_modalities(cls, healthy, cohort):
    (X, y, _), (X_new, y_new, _) = healthy, cohort
    made = cls(max_epochs=1, solver="gradient", random_state=0, **OPTIONS.get(cls.__name__, {}))
    fitted = made.fit(X, y)
    before = fitted.transform(X_new)
    for modalities in (["smri", "fc"], ["smri"], ["fc"]):
        clf = FineTunedClassifier(fitted, max_epochs=2, random_state=0)
        clf.fit(X_new[modalities], y_new)
        assert clf.predict_proba(X_new[modalities]).shape == (len(X_new), 2)
        scratch = clone(clf).set_params(reset_weights=True).fit(X_new[modalities], y_new)
        assert not np.allclose(
            scratch.decision_function(X_new[modalities]), clf.decision_function(X_new[modalities])
        )
    np.testing.assert_array_equal(fitted.transform(X_new), before)


def test_absent_modalities_do_not_count(big, cohort):
    X, y, _ = cohort
    mask = np.ones((len(X), 2), dtype=bool)
    mask[::3, 1] = False
    odd = X["fc"].copy()
    clean = MultimodalData(dict(X.items()), mask=mask)
    odd[::3] = 1e6
    strange = MultimodalData(smri=X["smri"], fc=odd, mask=mask)
    one, other = (
        FineTunedClassifier(big, max_epochs=3, random_state=0).fit(data, y)
        for data in (clean, strange)
    )
    np.testing.assert_array_equal(one.decision_function(clean), other.decision_function(strange))
    nobody = MultimodalData(smri=X["smri"], fc=np.full_like(odd, np.nan))
    assert np.isfinite(one.predict_proba(nobody)).all()
    with pytest.raises(ModalityError, match=r"missing: .'fc'"):
        one.predict(X[["smri"]])


def test_weights_count_as_copies(big, cohort):
    X, y, _ = cohort
    weight = np.arange(len(X)) % 3
    rows = np.repeat(np.arange(len(X)), weight)
    plain = MultimodalData(dict(X.items()))
    options = {"layers": "head", "batch_size": 256, "max_epochs": 20, "random_state": 0}
    weighted = FineTunedClassifier(big, **options).fit(plain, y, sample_weight=weight)
    copied = FineTunedClassifier(big, **options).fit(plain[rows], y[rows])
    np.testing.assert_allclose(
        weighted.decision_function(plain), copied.decision_function(plain), atol=1e-4
    )


def test_class_weights_move_the_threshold(big, cohort):
    X, y, _ = cohort
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:5]]
    share = [
        FineTunedClassifier(big, class_weight=weight, random_state=0)
        .fit(X[rows], y[rows]).predict_proba(X)[:, 1].mean()
        for weight in (None, "balanced", {0: 1, 1: 6})
    ]  # fmt: skip
    assert share[1] > share[0]
    assert share[2] > share[0]


@pytest.mark.parametrize("unknown", [None, np.nan, -1])
def test_class_weights_of_text_and_unknown_labels(unknown, big, cohort):
    X, y, _ = cohort
    names = np.array(["HC", "SZ"], dtype=object)[y]
    options = {"max_epochs": 2, "random_state": 0}
    given, expected = names.copy(), y.copy()
    given[:4], expected[:4] = unknown, -1
    one = FineTunedClassifier(big, class_weight={"HC": 1, "SZ": 6}, **options).fit(X, given)
    other = FineTunedClassifier(big, class_weight={0: 1, 1: 6}, **options).fit(X, expected)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.classes_.tolist() == ["HC", "SZ"]
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(7,\)"):
        one.fit(X, given, sample_weight=np.ones(7))


def test_a_fit_that_fails_leaves_a_regressor_as_it_was(big, cohort):
    X, y, age = cohort
    model = FineTunedRegressor(big, max_epochs=1).fit(X, np.column_stack([age, y]))
    with pytest.raises(DataError, match="at least two different values"):
        model.fit(X, np.zeros(len(X)))
    assert model.predict(X).shape == (len(X), 2)


def test_early_stopping_keeps_the_best_epoch(big, cohort):
    X, y, _ = cohort
    clf = FineTunedClassifier(
        big, lr=0.1, validation_fraction=0.3, n_iter_no_change=3, max_epochs=200, random_state=0
    ).fit(X, y)
    assert clf.n_iter_ < 200


def test_stacked_fits_give_the_same_bits(big, cohort):
    X, y, _ = cohort
    clf = FineTunedClassifier(big, layers="last", max_epochs=5, random_state=0)
    alone = cross_val_score(clf, X, y, cv=3, scoring="neg_log_loss")
    with stacked_fits():
        stacked = cross_val_score(clf, X, y, cv=3, scoring="neg_log_loss")
        search = GridSearchCV(clf, {"lr": [1e-3, 1e-2]}, cv=2).fit(X, y)
    np.testing.assert_array_equal(alone, stacked)
    assert search.best_estimator_.estimator is big


def test_equal_seeds_give_equal_bits_and_others_do_not(big, cohort):
    X, y, _ = cohort
    found = [
        FineTunedClassifier(big, max_epochs=2, random_state=seed).fit(X, y).decision_function(X)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_pickles_and_copies_predict_the_same(big, cohort):
    X, y, _ = cohort
    clf = FineTunedClassifier(big, max_epochs=2, random_state=0).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf)):
        np.testing.assert_array_equal(twin.predict_proba(X), clf.predict_proba(X))
    assert clone(pickle.loads(pickle.dumps(clf))).estimator.transform(X).shape == (len(X), 8)


def test_pretrain_fits_a_clone(healthy, cohort):
    (X, _, age), (X_new, y_new, _) = healthy, cohort
    embedder = YAwareEmbedder(n_components=4, max_epochs=3, random_state=0)
    clf = FineTunedClassifier(embedder, pretrain=(X, age), max_epochs=2, random_state=0)
    clf.fit(X_new, y_new)
    assert not hasattr(embedder, "classes_")
    assert not hasattr(embedder, "_trained")
    fitted = clone(embedder).fit(X, age)
    np.testing.assert_array_equal(clf.pretrained_.transform(X_new), fitted.transform(X_new))
    given = FineTunedClassifier(fitted, max_epochs=2, random_state=0).fit(X_new, y_new)
    np.testing.assert_array_equal(given.predict_proba(X_new), clf.predict_proba(X_new))


def test_from_scratch_without_anything(cohort):
    X, y, age = cohort
    assert FineTunedClassifier(random_state=0).fit(X, y).score(X, y) > 0.9
    assert FineTunedRegressor(random_state=0).fit(X, age).score(X, age) > 0.5


def test_what_cannot_be_tuned_is_refused(big, healthy, cohort):
    (X, y, age), (X_new, y_new, _) = healthy, cohort
    solved = YAwareEmbedder(solver="closed_form").fit(X, age)
    with pytest.raises(TypeError, match="solved in closed form"):
        FineTunedClassifier(solved).fit(X_new, y_new)
    both = CMCCSSEmbedder(solver="auto", encoders="mlp", max_epochs=1).fit(X, y)
    with pytest.raises(TypeError, match="has solved columns next to"):
        FineTunedClassifier(both).fit(X_new, y_new)
    with pytest.raises(ValueError, match="is fitted already, and pretrain is given"):
        FineTunedClassifier(big, pretrain=X).fit(X_new, y_new)
    with pytest.raises(TypeError, match="An embedder of skmmcl is needed, got LogisticRegression"):
        FineTunedClassifier(FrozenEstimator(LogisticRegression())).fit(X_new, y_new)
    with pytest.raises(ModalityError, match=r"unknown: .'pet'"):
        FineTunedClassifier(big).fit(X_new.assign(pet=X_new["fc"]), y_new)
    with pytest.raises(ModalityError, match=r"'fc' has shape \(3,\) per subject"):
        FineTunedClassifier(big).fit({"fc": X_new["fc"][:, :3]}, y_new)
    with pytest.raises(ValueError, match="requires y to be passed"):
        FineTunedClassifier(big).fit(X_new)


def test_a_frozen_embedder_is_one_too(big, cohort):
    X, y, _ = cohort
    options = {"max_epochs": 2, "random_state": 0}
    frozen = FineTunedClassifier(FrozenEstimator(big), **options).fit(X, y)
    plain = FineTunedClassifier(big, **options).fit(X, y)
    np.testing.assert_array_equal(frozen.predict_proba(X), plain.predict_proba(X))


class Norm(nn.Module):
    """Batch norm, dropout and a linear layer."""

    def __init__(self, shape, n_components):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(shape[0]), nn.Dropout(0.5)
        self.out = nn.Linear(shape[0], n_components)

    def forward(self, x):
        return self.out(self.drop(self.norm(x)))


def test_what_is_frozen_keeps_its_batch_statistics(healthy, cohort):
    (X, y, _), (X_new, y_new, _) = healthy, cohort
    fitted = SupervisedEmbedder(
        encoders=Norm, input_components=None, max_epochs=2, random_state=0
    ).fit(X, y)
    moved = {}
    for layers in ("head", "last", "all"):
        clf = FineTunedClassifier(fitted, layers=layers, max_epochs=2, random_state=0)
        clf.fit(X_new, y_new)
        norms = [m for m in clf.net_.module_.modules() if isinstance(m, nn.BatchNorm1d)]
        old = [m for m in fitted.net_.module_.modules() if isinstance(m, nn.BatchNorm1d)]
        moved[layers] = not torch.equal(norms[0].running_mean, old[0].running_mean)
    assert moved == {"head": False, "last": False, "all": True}


def test_subjects_of_the_pretraining_are_found(big, healthy, cohort):
    (X, _, _), (X_new, y_new, _) = healthy, cohort
    clf = FineTunedClassifier(big, max_epochs=1, random_state=0).fit(X_new[:40], y_new[:40])
    assert clf.seen_in_pretraining(X).all()
    assert not clf.seen_in_pretraining(X_new).any()
    assert clf.predict(X_new[40:]).shape == (20,)
    with pytest.raises(DataError, match="60 of 60 subjects to be predicted were in the pretrain"):
        clf.predict(X)
    with pytest.warns(UserWarning, match=r"h1-0, h1-1, h1-2, h1-3, h1-4, \.\.\."):
        clf.set_params(on_overlap="warn").predict(X)
    clf.set_params(on_overlap="ignore").predict(X)
    nameless = MultimodalData(dict(X.items()))
    assert not clf.seen_in_pretraining(nameless).any()
    clf.set_params(on_overlap="raise").predict(nameless)


def test_overlap_with_the_subjects_of_fit_is_none(big, healthy):
    X, y, _ = healthy
    clf = FineTunedClassifier(big, max_epochs=1, random_state=0).fit(X[:30], y[:30])
    clf.predict(X[:30])
    with pytest.raises(DataError, match="30 of 60"):
        clf.predict(X)
    scratch = clone(clf).set_params(reset_weights=True).fit(X[:30], y[:30])
    assert scratch.predict(X).shape == (60,)


def test_spellings_of_an_identifier_are_one(healthy, cohort):
    X, _, age = healthy
    named = MultimodalData(dict(X.items()), index=[f"sub-{k:03}" for k in range(len(X))])
    big = YAwareEmbedder(n_components=4, max_epochs=1, random_state=0).fit(named, age)
    X_new, y_new, _ = cohort
    clf = FineTunedClassifier(big, max_epochs=1, random_state=0).fit(X_new, y_new)
    again = MultimodalData(dict(X.items()), index=np.arange(len(X)))
    assert clf.seen_in_pretraining(again).all()


def test_tables_are_split_as_the_embedder_does(cohort):
    X, y, age = cohort
    table = np.hstack([X["smri"], X["fc"]])
    selectors = {"smri": slice(0, 6), "fc": slice(6, 11)}
    big = YAwareEmbedder(modalities=selectors, max_epochs=2, random_state=0).fit(table, age)
    clf = FineTunedClassifier(big, max_epochs=2, random_state=0).fit(table, y)
    named = FineTunedClassifier(big, max_epochs=2, random_state=0).fit(dict(X.items()), y)
    np.testing.assert_allclose(clf.predict_proba(table), named.predict_proba(dict(X.items())))
    with pytest.raises(ValueError, match="X has 10 features"):
        clf.predict(table[:, :10])


def test_global_state_and_data_stay_as_they_were(big, cohort):
    X, y, _ = cohort
    before = {name: X[name].copy() for name in X.modalities}
    torch_state = torch.random.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    FineTunedClassifier(big, max_epochs=2, random_state=0).fit(X, y).predict(X)
    FineTunedClassifier(big, max_epochs=2, random_state=0, reset_weights=True).fit(X, y)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    for name, values in before.items():
        np.testing.assert_array_equal(X[name], values)


def test_a_checkpoint_is_taken_for_the_same_pretraining_alone(big, healthy, cohort, tmp_path):
    (X, y, _), (X_new, y_new, _) = healthy, cohort
    other = YAwareEmbedder(n_components=4, encoders="mlp", max_epochs=5, random_state=0).fit(X, y)
    clf = FineTunedClassifier(big, max_epochs=3, random_state=0)
    expected = clone(clf).fit(X_new, y_new).decision_function(X_new)
    with stacked_fits(checkpoint=tmp_path):
        first = clone(clf).fit(X_new, y_new)
        n_kept = len(list(tmp_path.iterdir()))
        again = clone(clf).fit(X_new, y_new)
        assert len(list(tmp_path.iterdir())) == n_kept
        differs = FineTunedClassifier(other, max_epochs=3, random_state=0).fit(X_new, y_new)
    for each in (first, again):
        np.testing.assert_array_equal(each.decision_function(X_new), expected)
    assert not np.array_equal(differs.decision_function(X_new), expected)


def test_volumes_in_memory_and_in_files(tmp_path):
    import nibabel

    from skmmcl import load_volumes

    rng = np.random.default_rng(0)
    volumes, y = rng.normal(size=(12, 16, 16, 16)).astype(np.float32), np.arange(12) % 2
    for k, volume in enumerate(volumes):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / f"sub-{k:02}.nii")
    files = MultimodalData(t1=load_volumes([tmp_path / f"sub-{k:02}.nii" for k in range(12)]))
    arrays = MultimodalData(t1=volumes)
    found = []
    for X in (arrays, files):
        big = SupervisedEmbedder(encoders="small_cnn", max_epochs=1, random_state=0).fit(X, y)
        clf = FineTunedClassifier(big, layers="last", max_epochs=2, random_state=0)
        found.append(clf.fit(X, y).predict_proba(X))
        assert tuned(clf) == {
            "encoders.0.module.stage2.0.weight", "encoders.0.module.stage2.1.weight",
            "encoders.0.module.stage2.1.bias", "encoders.0.module.fc.weight",
            "encoders.0.module.fc.bias",
        }  # fmt: skip
    np.testing.assert_allclose(*found, atol=1e-5)


def test_the_whole_workflow_of_the_issue(healthy, cohort):
    from skmmcl import DeepEnsembleClassifier

    (X, _, age), (X_new, y_new, _) = healthy, cohort
    big = YAwareEmbedder(max_epochs=2, random_state=0).fit(X, age)
    clf = FineTunedClassifier(big, layers="all", random_state=0, max_epochs=2)
    assert cross_val_score(clf, X_new, y_new, cv=5).shape == (5,)
    ensemble = DeepEnsembleClassifier(clf, n_estimators=10).fit(X_new, y_new)
    assert ensemble.predict_proba(X_new).shape == (60, 2)
    assert all(member.estimator is big for member in ensemble.estimators_)
