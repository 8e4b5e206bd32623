"""DeepInfoMaxEmbedder: objectives by name, their values, gaps, volumes, and what it refuses."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from skmmcl import DeepInfoMaxEmbedder, MultimodalData
from skmmcl.cross_decomposition._objectives import parse_objectives
from skmmcl.exceptions import ModalityError, TrainingError
from skmmcl.losses import CCALoss, DeepInfoMaxLoss, ReconstructionLoss
from skmmcl.networks import DCGANDecoder, DCGANEncoder

N = 30
ALL = ("L", "CL", "CS", "S", "AE", "CCA")


@pytest.fixture(name="X")
def cohort():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(N, 2))
    return MultimodalData(
        smri=shared @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(N, 6)),
        fc=(shared @ rng.normal(size=(2, 20))).reshape(N, 4, 5) + 0.3 * rng.normal(size=(N, 4, 5)),
        clinical=shared @ rng.normal(size=(2, 3)) + 0.3 * rng.normal(size=(N, 3)),
    )


@pytest.fixture(name="X_gaps")
def cohort_with_gaps(X):
    mask = np.random.default_rng(1).random((N, 3)) > 0.25
    mask[~mask.any(1)] = True
    return MultimodalData(X.to_dict(), mask=mask)


def make(objectives=("S",), **params):
    return DeepInfoMaxEmbedder(
        objectives=objectives, **{"max_epochs": 2, "n_components": 4, "random_state": 0, **params}
    )


# ------------------------------------------------------------------------------------- objectives


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("L-CL-CS-S", ("L", "CL", "CS", "S")),
        ("S-CS", ("S", "CS")),
        ("S-AE", ("S", "AE")),
        ("AE", ("AE",)),
        ("DCCAE", ("AE", "CCA")),
        ("L-CCA", ("L", "CCA")),
        (["L"], ("L",)),
    ],
)
def test_published_names(X, name, expected):
    assert parse_objectives(name) == expected
    terms = {part.lower() for part in expected}
    assert set(make(name, max_epochs=1).fit(X).history_) == {"train_loss", *terms}


def first_pass(X, objectives, **params):
    """Losses of the first epoch, and what the net gave for its one batch."""
    kept = {}

    class Keep(Callback):
        def on_train_begin(self, net, **kwargs):
            kept["criterion"] = copy.deepcopy(net.criterion_)

        def on_batch_end(self, net, batch, training, y_pred, **kwargs):
            kept.update(y_pred, mask=batch["mask"], sample_weight=batch["sample_weight"])

    embedder = make(objectives, max_epochs=1, callbacks=[Keep()], dtype="float64", **params)
    weight = np.arange(N) % 3
    embedder.fit(X, sample_weight=weight)
    return {name: values[0] for name, values in embedder.history_.items()}, kept


def test_terms_are_the_losses_of_what_the_network_gives(X_gaps):
    weights = {"AE": 3.0, "CS": 0.5}
    found, out = first_pass(X_gaps, ALL, weights=weights, clip=5.0, penalty=0.1, ridge=0.01)
    of_subjects = out["mask"], out["sample_weight"]
    assert not out["mask"].all()
    rng_of_cs = out["criterion"].terms[2].loss.rng
    expected = {
        "ae": ReconstructionLoss()(out["x_hat"], out["x_seen"], *of_subjects),
        "cca": CCALoss(ridge=0.01)(out["z"], *of_subjects),
    }
    for edge in ("L", "CL", "CS", "S"):
        loss = DeepInfoMaxLoss(edge, clip=5.0, penalty=0.1)
        loss.rng = rng_of_cs
        expected[edge.lower()] = loss(out["z"], out["local"], *of_subjects)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value.item()), name
    total = sum(weights.get(name.upper(), 1) * value.item() for name, value in expected.items())
    assert found["train_loss"] == pytest.approx(total)


def test_places_of_cs_follow_the_seed(X):
    losses = [
        make("CS", random_state=seed, lr=1e-12, max_epochs=3, dtype="float64").fit(X).history_["cs"]
        for seed in (0, 0, 1)
    ]
    assert np.array_equal(losses[0], losses[1])
    assert len(np.unique(losses[0])) == 3  # drawn anew in each step
    assert not np.isclose(losses[0][0], losses[2][0])


def test_gradient_reaches_everything(X):
    untouched = set()

    class Look(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            untouched.update(
                name for name, p in named_parameters if p.grad is None or not p.grad.any()
            )

    # What stands behind a gate that starts at 0 learns from the second step on.
    encoders = {"smri": "mlp", "fc": "attention", "clinical": "mlp"}
    make(ALL, encoders=encoders, max_epochs=1, projection_dim=3, callbacks=[Look()]).fit(X)
    # The key's bias cancels in the softmax.
    assert {name for name in untouched if "key.bias" not in name} == set()


def test_weight_of_zero_makes_nothing(X):
    embedder = make("S-AE-L", weights={"AE": 0, "L": 0}, encoders="linear").fit(X)
    assert set(embedder.history_) == {"train_loss", "s"}
    assert np.array_equal(embedder.transform(X), make("S", encoders="linear").fit_transform(X))


@pytest.mark.parametrize("objectives", ["L", "AE", "L-AE"])
def test_one_modality_is_one_view(X, objectives):
    embedder = make(objectives).fit(X[["fc"]])
    assert embedder.transform(X[["fc"]]).shape == (N, 4)
    assert embedder.get_feature_names_out().tolist() == [f"fc_{k}" for k in range(4)]


def test_absent_modalities_are_finite_and_unseen(X_gaps):
    arrays = {name: np.array(array) for name, array in X_gaps.items()}
    for k, array in enumerate(arrays.values()):
        array[~X_gaps.mask[:, k]] = np.nan
    expected = make(ALL).fit(X_gaps)
    found = make(ALL).fit(arrays)
    assert np.array_equal(found.transform(arrays), expected.transform(X_gaps))
    assert np.isfinite(found.transform(arrays)).all()


def test_reconstruction_improves(X):
    history = make("AE", max_epochs=60, lr=0.01).fit(X).history_["ae"]
    assert history[-1] < 0.5 * history[0]


def test_one_cycle_of_the_paper(X):
    rates = []

    class Look(Callback):
        def on_epoch_begin(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    DeepInfoMaxEmbedder.from_paper(max_epochs=20, encoders="linear", callbacks=[Look()]).fit(X)
    assert rates[0] == pytest.approx(4e-4)
    assert max(rates) == pytest.approx(0.01, rel=0.05)
    assert rates[-1] < 1e-3


def test_from_paper():
    embedder = DeepInfoMaxEmbedder.from_paper(objectives="L-CL")
    cycle = {"optimizer": "radam", "lr": 0.01, "lr_schedule": "onecycle"}
    paper = {"encoders": "dcgan", "n_components": 64, "batch_size": 64, "max_epochs": 200, **cycle}
    assert paper.items() <= embedder.get_params().items()
    assert clone(embedder).objectives == "L-CL"


# --------------------------------------------------------------------------------------- volumes


@pytest.fixture
def volumes():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(5, 32, 32, 32)).astype(np.float32) for name in ("t1", "falff")}


def test_volumes_with_local_maps_and_reconstructions(volumes):
    embedder = DeepInfoMaxEmbedder.from_paper(
        objectives="L-CL-CS-S-AE", encoders=partial(DCGANEncoder, width=4), n_components=3
    )
    embedder.set_params(max_epochs=1, random_state=0).fit(volumes)
    network = embedder.net_.module_
    decoder = network.decoders[0].module
    assert isinstance(decoder, DCGANDecoder)
    assert network.local_heads[0].shortcut.in_channels == 4 * 4
    assert decoder.layers[-2].in_channels == 4
    assert embedder.transform(volumes).shape == (5, 6)


def test_sides_that_the_encoder_does_not_take(volumes):
    odd = {name: array[:, :31, :31, :31] for name, array in volumes.items()}
    with pytest.raises(ModalityError, match=r"modality 't1'.* a side of 32, 64, 128, not"):
        DeepInfoMaxEmbedder.from_paper(max_epochs=1).fit(odd)


# ----------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"objectives": "S-MI"}, r"\['MI'\].*known are \['L', 'CL', 'CS', 'S', 'AE', 'CCA'\]"),
        ({"objectives": "s"}, "Unknown objectives"),
        ({"objectives": ()}, "Unknown objectives"),
        ({"objectives": [1]}, r"Unknown objectives \[1\]"),
        ({"objectives": "AE-DCCAE"}, "names an objective twice"),
        ({"weights": {"AE": 1.0}}, r"weights names \['AE'\]; the objectives are \['S'\]"),
        ({"weights": {"S": -1.0}}, "weight of 'S' must be a number of 0 or more, not -1.0"),
        ({"weights": {"S": 0}}, "leaves none of the objectives"),
        ({"objectives": "L", "encoders": {"fc": "linear"}}, r"\['L'\].*'fc' has none"),
    ],
)
def test_what_it_refuses(X, params, said):
    embedder = make(**params)
    with pytest.raises(ValueError, match=said):
        embedder.fit(X)
    assert not hasattr(embedder, "net_")


@pytest.mark.parametrize("objectives", ["S", "L-CL", "DCCAE"])
def test_one_modality_has_no_other(X, objectives):
    with pytest.raises(ModalityError, match=r"relate modalities .* there is one, 'fc'; 'L' and"):
        make(objectives).fit(X[["fc"]])


def test_too_few_subjects_for_correlations(X):
    with pytest.warns(UserWarning, match=r"batches of 3 subjects, with 4 .*ridge=0.001"):
        make("DCCAE", batch_size=3, max_epochs=1).fit(X)
    with pytest.warns(UserWarning, match="batches of 24 subjects, with 24 components"):
        make("CCA", projection_dim=24, validation_fraction=0.2, max_epochs=1).fit(X)


def test_divergence_names_the_term_and_leaves_nothing_fitted(X):
    embedder = make("S-AE").fit(X)
    embedder.set_params(lr=1e25, max_epochs=20)
    with pytest.raises(TrainingError, match=r"train '(s|ae)' became (nan|inf) in epoch \d+"):
        embedder.fit(X)
    assert not hasattr(embedder, "net_")


# ------------------------------------------------------------------------------------ the engine


class Cut(Callback):
    epoch = 3

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise SystemExit

    def __getstate__(self):
        return {"epoch": -1}  # of the one in the checkpoint


def test_stops_and_goes_on_with_the_same_places(X, tmp_path):
    params = {"objectives": "CS-AE", "max_epochs": 4, "batch_size": 10}
    expected = make(**params).fit(X)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skmmcl.training.Checkpoint.interval", 0.0)
        with pytest.raises(SystemExit):
            make(checkpoint=tmp_path, callbacks=[Cut()], **params).fit(X)
    resumed = make(checkpoint=tmp_path, **params).fit(X)
    assert np.array_equal(resumed.history_["cs"], expected.history_["cs"])
    assert np.array_equal(resumed.transform(X), expected.transform(X))


def test_global_generators_are_left_alone(X):
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    make(ALL).fit(X)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_balanced_sampler_reads_y_for_batches_alone(X):
    y, seen = np.array(["p"] * 6 + ["c"] * 24), []

    class Look(Callback):
        def on_batch_begin(self, net, batch, training=False, **kwargs):
            seen.append((training, np.bincount(batch["y"]).tolist()))

    embedder = make("S", sampler="balanced", batch_size=24, callbacks=[Look()])
    with pytest.raises(ValueError, match="requires y"):
        embedder.fit(X)
    embedder.fit(X, y)
    assert seen == [(True, [12, 12])] * 4
    assert embedder.classes_.tolist() == ["c", "p"]
    seen.clear()
    embedder.set_params(validation_fraction=1 / 3, max_epochs=1).fit(X, y)
    assert seen[-1] == (False, [8, 2])  # those held out are not drawn again
