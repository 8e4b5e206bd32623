"""CMCCSSEmbedder: its objective, its targets, its presets, and what it learns."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.data import as_multimodal
from skmmcl.exceptions import CheckpointWarning
from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss
from skmmcl.networks import MLP, ConnectomeAttention
from skmmcl.networks._mlp import LinearShortcut
from skmmcl.training import _fit, _fit_job

N = 40


@pytest.fixture(name="y")
def classes():
    return np.random.default_rng(1).permutation(np.arange(N) % 2)


@pytest.fixture(name="X")
def cohort(y):
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(N, 2)) + 2 * y[:, None]
    return MultimodalData(
        smri=shared @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(N, 6)),
        fc=(shared @ rng.normal(size=(2, 20))).reshape(N, 4, 5) + 0.3 * rng.normal(size=(N, 4, 5)),
        clinical=shared @ rng.normal(size=(2, 3)) + 0.3 * rng.normal(size=(N, 3)),
    )


def make(**params):
    return CMCCSSEmbedder(
        **{"solver": "gradient", "max_epochs": 3, "n_components": 4, "random_state": 0, **params}
    )


# -------------------------------------------------------------------------------------- objective


def first_losses(X, y, **params):
    """The terms of the first epoch, and the outputs of the net before it."""
    kept = {}

    class Keep(Callback):
        def on_batch_begin(self, net, batch, training=False, **kwargs):
            lanes = {name: x[None] for name, x in batch["x"].items()}
            with torch.no_grad():
                out = net.module_.forward_lanes(lanes, batch["mask"])
            kept.update({name: value[0] for name, value in out.items()}, y=batch["y"])

    embedder = make(max_epochs=1, callbacks=[Keep()], dtype="float64", **params).fit(X, y)
    return {name: values[0] for name, values in embedder.history_.items()}, kept


@pytest.mark.parametrize("denominator", ["negatives", "all"])
def test_objective_is_cmc_plus_css(X, y, denominator):
    losses, out = first_losses(X, y, denominator=denominator, css_weight=0.5, temperature=0.2)
    cmc = CMCLoss(0.2, denominator=denominator)(out["z"]).item()
    css = SupConLoss(0.2)(out["z_fused"], out["y"]).item()
    assert losses["cmc"] == pytest.approx(cmc)
    assert losses["css"] == pytest.approx(css)
    assert losses["train_loss"] == pytest.approx(cmc + 0.5 * css)


def test_pairwise_objective(X, y):
    losses, out = first_losses(X, y, pairwise=True)
    assert losses["cmc"] == pytest.approx(PairwiseCMCLoss(0.7)(out["z"]).item())


def test_normalize_each_and_projection_head(X, y):
    _, out = first_losses(X, y, normalize_each=True, projection_dim=5)
    assert out["h"].shape == (3, N, 4)
    assert out["z"].shape == (3, N, 5)
    norms = out["z_fused"].reshape(N, 3, 5).norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones_like(norms))


def test_transform_gives_what_stands_before_the_head(X, y):
    assert make(projection_dim=9).fit_transform(X, y).shape == (N, 12)


@pytest.mark.parametrize(
    ("weights", "terms"),
    [
        ({"css_weight": 0}, {"cmc"}),
        ({"cmc_weight": 0}, {"css"}),
        ({}, {"cmc", "css"}),
    ],
)
def test_history_has_the_terms_that_were_used(X, y, weights, terms):
    assert set(make(**weights).fit(X, y).history_) == {"train_loss", *terms}


def test_no_term_at_all(X, y):
    with pytest.raises(ValueError, match="no term with a weight other than 0"):
        make(cmc_weight=0, css_weight=0).fit(X, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0),
        ("css_weight", -1),
        ("cmc_weight", -0.1),
        ("denominator", "positives"),
        ("projection_dim", 0),
        ("pairwise", "yes"),
    ],
)
def test_bad_parameters(X, y, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of CMCCSSEmbedder must be"):
        make(**{name: value}).fit(X, y)


# ---------------------------------------------------------------------------------------- targets


def test_self_supervised_ignores_y(X, y):
    embedder = make(css_weight=0, batch_size=8)
    expected = clone(embedder).fit_transform(X)
    continuous = np.linspace(0, 1, N)
    for target in (y, 1 - y, np.zeros(N), continuous, ["a"] * N):
        assert np.array_equal(clone(embedder).fit_transform(X, target), expected)
    assert not hasattr(clone(embedder).fit(X, y), "classes_")


def test_self_supervised_is_not_the_joint_objective(X, y):
    assert not np.allclose(make(css_weight=0).fit_transform(X), make().fit_transform(X, y))


def test_supervised_tag_follows_the_weight():
    assert make().__sklearn_tags__().target_tags.required
    assert not make(css_weight=0).__sklearn_tags__().target_tags.required


RELABELED = {
    "booleans": lambda y: y == 1,
    "strings": lambda y: np.where(y == 1, "patient", "control"),
    "objects": lambda y: np.where(y == 1, "patient", "control").astype(object),
    "floats": lambda y: y.astype(float),
    "other integers": lambda y: y * 5 + 2,
    "Series": lambda y: pd.Series(y, index=np.arange(N) + 100),
    "categorical": lambda y: pd.Series(pd.Categorical(np.where(y == 1, "p", "c"))),
    "list": lambda y: y.tolist(),
}


@pytest.mark.parametrize("form", RELABELED)
def test_only_the_partition_into_classes_matters(X, y, form):
    embedder = make(batch_size=8).fit(X, RELABELED[form](y))
    assert np.array_equal(embedder.transform(X), make(batch_size=8).fit_transform(X, y))
    assert len(embedder.classes_) == 2


UNLABELED = {
    "-1": lambda y, unknown: np.where(unknown, -1, y),
    "-1.0": lambda y, unknown: np.where(unknown, -1.0, y),
    "NaN": lambda y, unknown: np.where(unknown, np.nan, y),
    "None": lambda y, unknown: np.where(unknown, None, y),
    "None in a list": lambda y, unknown: [
        None if u else int(v) for v, u in zip(y, unknown, strict=True)
    ],
    "None among strings": lambda y, unknown: np.where(unknown, None, np.where(y == 1, "p", "c")),
    "NaN among strings": lambda y, unknown: pd.Series(
        np.where(unknown, np.nan, np.where(y == 1, "p", "c").astype(object))
    ),
    "NaN in a list of strings": lambda y, unknown: [
        float("nan") if u else "pc"[1 - v] for v, u in zip(y, unknown, strict=True)
    ],
    "-1 among strings": lambda y, unknown: np.where(
        unknown, -1, np.where(y == 1, "p", "c").astype(object)
    ),
    "nullable integers": lambda y, unknown: pd.Series(y).mask(unknown).astype("Int64"),
}


@pytest.mark.parametrize("form", UNLABELED)
def test_unlabeled_in_each_form(X, y, form):
    unknown = np.arange(N) % 3 == 0
    embedder = make(batch_size=16).fit(X, UNLABELED[form](y, unknown))
    assert len(embedder.classes_) == 2
    expected = make(batch_size=16).fit_transform(X, np.where(unknown, -1, y))
    assert np.array_equal(embedder.transform(X), expected)


def test_unlabeled_subjects_take_part_in_cmc_alone(X, y):
    unknown = np.arange(N) >= 20
    partly = np.where(unknown, -1, y)
    with_them, out = first_losses(X, partly)
    labeled = out["y"] >= 0
    assert labeled.sum() == 20
    css = SupConLoss(0.7)(out["z_fused"][labeled], out["y"][labeled]).item()
    assert with_them["css"] == pytest.approx(css)
    assert with_them["cmc"] == pytest.approx(CMCLoss(0.7)(out["z"]).item())
    dropped = make().fit(X[~unknown], y[~unknown]).transform(X)
    assert not np.allclose(make().fit(X, partly).transform(X), dropped, atol=1e-4)


def test_rare_class_has_positives_in_every_batch(X):
    y = np.zeros(N, dtype=int)
    y[:3] = 1
    seen = []

    class Look(Callback):
        def on_batch_begin(self, net, batch, **kwargs):
            seen.append(int((batch["y"] == 1).sum()))

    make(batch_size=8, callbacks=[Look()]).fit(X, y)
    assert min(seen) >= 2


def test_class_with_one_member(X):
    y = np.arange(N) % 2
    y[3] = 2
    embedder = make(batch_size=8).fit(X, y)
    assert embedder.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(embedder.transform(X)).all()


# ---------------------------------------------------------------------------------------- presets


def test_from_paper_is_the_published_setting():
    embedder = CMCCSSEmbedder.from_paper()
    encoders = embedder.encoders
    assert type(encoders((7, 7), 3)) is ConnectomeAttention
    assert type(encoders((7,), 3)) is MLP
    assert embedder.get_params() == {
        **CMCCSSEmbedder(solver="gradient").get_params(),
        "encoders": encoders,
        "input_components": None,
        "n_components": 8,
        "temperature": 0.7,
        "lr": 1e-3,
        "weight_decay": 1e-3,
        "max_epochs": 1000,
        "batch_size": 10,
        "cmc_weight": 1.0,
        "css_weight": 1.0,
        "denominator": "negatives",
        "projection_dim": None,
        "optimizer": "adam",
        "lr_schedule": None,
        "validation_fraction": None,
    }


def test_from_paper_can_be_overridden(X, y):
    embedder = CMCCSSEmbedder.from_paper(max_epochs=2, temperature=0.1, random_state=3)
    assert (embedder.max_epochs, embedder.temperature, embedder.batch_size) == (2, 0.1, 10)
    assert embedder.fit_transform(X, y).shape == (N, 24)
    with pytest.raises(TypeError, match="nonsense"):
        CMCCSSEmbedder.from_paper(nonsense=1)


def test_from_paper_uses_the_encoders_of_the_paper(X, y):
    embedder = CMCCSSEmbedder.from_paper(max_epochs=1).fit(X, y)
    names = [type(encoder).__name__ for encoder in embedder.net_.module_.encoders]
    assert names == ["MLP", "ConnectomeAttention", "MLP"]


def test_encoders_by_name_module_and_callable(X, y):
    encoders = {"smri": torch.nn.Linear(6, 4), "fc": partial(MLP, hidden=(7,))}
    embedder = make(encoders=encoders).fit(X, y)
    linear, mlp, auto = embedder.net_.module_.encoders
    assert isinstance(linear.encoder.module, torch.nn.Linear)
    assert isinstance(mlp.encoder, MLP)
    assert isinstance(auto, LinearShortcut)


# --------------------------------------------------------------------------------- what it learns


def alignment(embedder, X):
    """Mean cosine of two modalities of one subject, less that of two subjects."""
    h = embedder.transform(X).reshape(len(X), 3, -1).transpose(1, 0, 2)
    h = h / np.linalg.norm(h, axis=-1, keepdims=True)
    cosine = h[0] @ h[2].T
    return np.diag(cosine).mean() - cosine.mean()


def test_cmc_aligns_the_modalities_of_a_subject(X, y):
    trained = make(css_weight=0, max_epochs=100, lr=0.01).fit(X)
    untrained = make(css_weight=0, max_epochs=1, lr=1e-9).fit(X)
    assert alignment(trained, X) > alignment(untrained, X) + 0.2


def test_css_gathers_the_classes(X, y):
    def separation(h):
        h = h / np.linalg.norm(h, axis=1, keepdims=True)
        same = y[:, None] == y
        return (h @ h.T)[same].mean() - (h @ h.T)[~same].mean()

    trained = make(cmc_weight=0, max_epochs=100, lr=0.01).fit_transform(X, y)
    assert separation(trained) > 1
    assert separation(make(cmc_weight=0, max_epochs=1, lr=1e-4).fit_transform(X, y)) < 0.7


def test_a_pipeline_predicts_unseen_subjects(X, y):
    pipe = make_pipeline(make(max_epochs=50), LogisticRegression())
    pipe.fit(X[:30], y[:30])
    assert balanced_accuracy_score(y[30:], pipe.predict(X[30:])) > 0.6
    as_dict = {name: array[30:] for name, array in X.items()}
    assert np.array_equal(pipe.predict(as_dict), pipe.predict(X[30:]))


# ------------------------------------------------------------------------- checkpoint and resume


@pytest.fixture
def count_epochs(monkeypatch):
    """How many epochs were really trained."""
    counted = []
    run = _fit.EmbeddingNet.run_single_epoch

    def spy(self, iterator, training, prefix, step_fn, **kwargs):
        if training:
            counted.append(len(self.history))
        return run(self, iterator, training, prefix, step_fn, **kwargs)

    monkeypatch.setattr(_fit.EmbeddingNet, "run_single_epoch", spy)
    monkeypatch.setattr(_fit_job.Checkpoint, "interval", 0.0)
    return counted


class PowerCut(Callback):
    """The process is killed at the end of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise SystemExit

    def __getstate__(self):
        return {"epoch": -1}


class Dropout(torch.nn.Module):
    def __init__(self, shape, n_components):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(int(np.prod(shape)), n_components),
        )

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"validation_fraction": 0.2, "n_iter_no_change": 2, "lr": 0.05, "max_epochs": 30},
        {"lr_schedule": "cosine", "gradient_clip": 1.0},
        {"encoders": Dropout},
    ],
)
def test_an_interrupted_fit_goes_on_where_it_was_cut_off(X, y, tmp_path, count_epochs, options):
    params = {"max_epochs": 7, "batch_size": 10, **options}
    expected = make(**params).fit(X, y)
    n_expected = len(count_epochs)
    count_epochs.clear()
    with pytest.raises(SystemExit):
        make(checkpoint=tmp_path, callbacks=[PowerCut(3)], **params).fit(X, y)
    assert len(list(tmp_path.glob("*.npz"))) == 1
    resumed = make(checkpoint=tmp_path, **params).fit(X, y)
    assert np.array_equal(resumed.transform(X), expected.transform(X))
    assert np.array_equal(resumed.history_["cmc"], expected.history_["cmc"])
    assert n_expected <= len(count_epochs) <= n_expected + 1


def test_a_fit_that_is_complete_is_not_trained_again(X, y, tmp_path, count_epochs):
    first = make(checkpoint=str(tmp_path)).fit(X, y)
    count_epochs.clear()
    second = make(checkpoint=str(tmp_path)).fit(X, y)
    assert count_epochs == []
    assert np.array_equal(first.transform(X), second.transform(X))
    assert second.n_iter_ == 3


def changed(X):
    arrays = {name: array.copy() for name, array in X.items()}
    arrays["fc"][0, 0, 0] += 1e-6
    return as_multimodal(arrays)


LINEAR = torch.nn.Linear(6, 4)
OTHERS = {
    "learning rate": lambda make, X, y: make(lr=0.002).fit(X, y),
    "seed": lambda make, X, y: make(random_state=1).fit(X, y),
    "epochs": lambda make, X, y: make(max_epochs=4).fit(X, y),
    "encoders": lambda make, X, y: make(encoders="linear").fit(X, y),
    "encoder module": lambda make, X, y: make(encoders={"smri": LINEAR}).fit(X, y),
    "labels": lambda make, X, y: make().fit(X, np.roll(y, 1)),
    "data": lambda make, X, y: make().fit(changed(X), y),
    "subjects": lambda make, X, y: make().fit(X[:-1], y[:-1]),
    "weights": lambda make, X, y: make().fit(X, y, sample_weight=np.arange(N) + 1.0),
    "partial fit": lambda make, X, y: make().partial_fit(X, y),
    "partial fit after fit": lambda make, X, y: make().fit(X, y).partial_fit(X, y),
    "warm start": lambda make, X, y: make(warm_start=True).fit(X, y).fit(X, y),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_fit_never_reads_the_file(X, y, tmp_path, other):
    plain = OTHERS[other](make, X, y)
    make(checkpoint=tmp_path).fit(X, y)
    kept = OTHERS[other](partial(make, checkpoint=tmp_path), X, y)
    assert np.array_equal(kept.transform(X), plain.transform(X))
    assert kept.n_iter_ == plain.n_iter_


def test_the_form_of_the_input_does_not_change_the_file(X, y, tmp_path, count_epochs):
    make(checkpoint=tmp_path).fit(X, y)
    count_epochs.clear()
    make(checkpoint=tmp_path).fit(dict(X), y)
    make(checkpoint=tmp_path).fit(list(X), y)
    assert count_epochs == []


def test_two_partial_fits_with_a_checkpoint_are_two_epochs(X, y, tmp_path):
    embedder = make(checkpoint=tmp_path).partial_fit(X, y).partial_fit(X, y)
    assert embedder.n_iter_ == 2
    expected = make(max_epochs=2).fit(X, y)
    assert np.array_equal(embedder.transform(X), expected.transform(X))


def test_functions_of_the_user_are_kept_by_their_code(X, y, tmp_path):
    def fit(hidden):
        encoders = {"fc": lambda shape, width: MLP(shape, width, hidden=hidden)}
        found = make(encoders=encoders, checkpoint=tmp_path).fit(X, y)
        return found.transform(X), {path.name for path in tmp_path.iterdir()}

    (first, kept), (again, still), (_, more) = fit(()), fit(()), fit((8,))
    assert np.array_equal(again, first)
    assert kept == still < more


@pytest.mark.parametrize("about", ["", "[]", '{"skmmcl": "0.0.other"}'])
def test_a_folder_that_cannot_be_used_is_a_warning(X, y, tmp_path, about):
    (tmp_path / "about.json").write_text(about)
    with pytest.warns(CheckpointWarning, match=r"not kept .*(damaged|another version)"):
        make(checkpoint=tmp_path).fit(X, y)
    with pytest.warns(CheckpointWarning, match="not kept"):  # it is no folder
        make(checkpoint=tmp_path / "about.json").fit(X, y)
