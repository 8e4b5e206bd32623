"""What a contrast takes for views: modalities, augmented copies of each, or both."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone

from skmmcl import MultimodalData, SimCLREmbedder, stacked_fits
from skmmcl.augmentation import FeatureDropout, FeatureNoise, augment_batch, resolve_augment
from skmmcl.base import BaseEmbedder, DifferentiableEncoder
from skmmcl.contrastive import SupConEmbedder, YAwareEmbedder
from skmmcl.cross_decomposition import CLIPEmbedder, CMCCSSEmbedder, SupervisedEmbedder
from skmmcl.exceptions import ModalityError
from skmmcl.utils import all_estimators
from tests.losses.test_pairwise_cmc import nt_xent_by_loops

METHODS = [
    cls
    for _, cls in all_estimators()
    if issubclass(cls, BaseEmbedder) and "views" in inspect.signature(cls).parameters
]
N = 24


@pytest.fixture(name="cls", params=METHODS, ids=lambda cls: cls.__name__)
def method(request):
    return request.param


@pytest.fixture(name="X")
def cohort():
    rng = np.random.default_rng(0)
    arrays = {"smri": (N, 7), "fc": (N, 5, 5), "clinical": (N, 3)}
    return MultimodalData({name: rng.normal(size=shape) for name, shape in arrays.items()})


@pytest.fixture(name="lone")
def lone_modality(X):
    return X[["smri"]]


@pytest.fixture(name="holes")
def cohort_with_absent_modalities(X):
    present = np.random.default_rng(1).random((N, 3)) > 0.3
    present[~present.any(axis=1), 0] = True
    return MultimodalData(X.to_dict(), mask=present)


Y = np.arange(N) % 2


def make(cls, **params):
    given = {"solver": "gradient", "max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    return cls(**given)


def drawn(embedder, x, skipped):
    """The copies of the batch that comes after so many copies, by the draws of the net."""
    net = embedder.net_
    rng = np.random.default_rng([net.seed_, 1])
    seeds = [int(rng.integers(2**63)) for _ in range(skipped + len(net.module_.copies))]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds[skipped:]]
    return [augment_batch(x, net.augment_, generator) for generator in generators]


def watched(embedder, X, y):
    """The network before a further epoch, and what its encoder is then shown."""
    before, seen = copy.deepcopy(embedder.net_.module_), []
    (encoder,) = embedder.net_.module_.encoders
    handle = encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    embedder.partial_fit(X, y)
    handle.remove()
    return before, seen[0]


def reference(embedder, z, X, y):
    """Value of the objective on the embeddings (n_views, n_samples, n_components)."""
    known = {"z": z, "z_fused": torch.cat(list(z), -1), "mask": None, "sample_weight": None}
    known["y"] = torch.as_tensor(y)
    known["targets"] = None
    values = embedder._guide.values(y, X)
    if values is not None:
        known["targets"] = torch.as_tensor(values).to(z)
    terms = embedder._make_objective()
    return sum(term.weight * term.loss(*(known[name] for name in term.on)) for term in terms)


def test_a_lone_modality_has_one_encoder_and_its_own_columns(cls, lone):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder = make(cls).fit(lone, Y)
    network = embedder.net_.module_
    assert len(network.encoders) == 1
    assert network.copies == (True, True)
    assert embedder.transform(lone).shape == (N, 3)
    assert embedder.get_feature_names_out().tolist() == ["smri_0", "smri_1", "smri_2"]
    assert embedder.mean_representation_.shape == (1, 3)


def test_two_copies_differ_by_the_draw_alone_and_give_the_loss(cls, lone):
    embedder = make(cls, max_epochs=1, dtype="float64").fit(lone, Y)
    before, seen = watched(embedder, lone, Y)
    x = before.prepare({"smri": torch.as_tensor(lone["smri"])})
    copies = [before._seen({"smri": part["smri"][None]})[0] for part in drawn(embedder, x, 2)]
    assert torch.equal(seen, torch.cat(copies, 1))
    assert not torch.equal(*copies)
    with torch.no_grad():
        z = torch.cat([before.encoders[0](part) for part in copies])
    expected = reference(embedder, z, lone, Y)
    assert embedder.history_["train_loss"][-1] == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("decoupled", [False, True])
def test_sim_clr_is_nt_xent_by_loops(lone, decoupled):
    params = {"decoupled": decoupled, "temperature": 0.3, "dtype": "float64"}
    embedder = make(SimCLREmbedder, max_epochs=1, **params).fit(lone)
    before, seen = watched(embedder, lone, None)
    with torch.no_grad():
        z = before.encoders[0](seen)[0].unflatten(0, (2, N)).numpy()
    expected = nt_xent_by_loops(z, np.ones(N), 0.3, decoupled=decoupled)
    assert embedder.history_["train_loss"][-1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("views", ["augmentation", "both"])
def test_the_loss_of_several_modalities(cls, X, views):
    params = {"views": views, "n_views": 3, "max_epochs": 1, "dtype": "float64"}
    embedder = make(cls, **params).fit(X, Y)
    before = copy.deepcopy(embedder.net_.module_)
    x = before.prepare({name: torch.as_tensor(array) for name, array in X.items()})
    copies = drawn(embedder, x, 3)
    embedder.partial_fit(X, Y)
    seen = [before._seen({k: v[None] for k, v in part.items()}) for part in copies]
    with torch.no_grad():
        z = [
            torch.cat([encoder(part[k]) for part in seen])
            for k, encoder in enumerate(before.encoders)
        ]
    of_views = z if views == "augmentation" else [torch.cat(z)]
    expected = np.mean([float(reference(embedder, part, X, Y)) for part in of_views])
    assert embedder.history_["train_loss"][-1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("views", ["augmentation", "both"])
@pytest.mark.parametrize("data", ["X", "holes"])
def test_stacks_give_the_same_bits(cls, views, data, request):
    data = request.getfixturevalue(data)
    params = {"views": views, "batch_size": 8, "validation_fraction": 0.3, "impute": "ridge"}
    embedders = [make(cls, random_state=seed, **params) for seed in range(3)]
    alone = [clone(embedder).fit(data, Y) for embedder in embedders]
    with stacked_fits():
        stacked = Parallel()(delayed(embedder.fit)(data, Y) for embedder in embedders)
    assert alone[0].net_.criterion_.signature() is not None
    for one, other in zip(alone, stacked, strict=True):
        assert one.history_.keys() == other.history_.keys()
        assert all(
            np.array_equal(one.history_[name], other.history_[name]) for name in one.history_
        )
        assert np.array_equal(one.transform(data), other.transform(data))
        assert np.isfinite(one.transform(data)).all()


def test_training_goes_on_as_if_it_had_not_stopped(cls, lone, tmp_path):
    whole = make(cls, max_epochs=3).fit(lone, Y).transform(lone)
    by_epochs = make(cls, warm_start=True)
    for _ in range(3):
        by_epochs = pickle.loads(pickle.dumps(by_epochs.partial_fit(lone, Y)))
    assert np.array_equal(by_epochs.transform(lone), whole)
    kept = make(cls, max_epochs=3, checkpoint=tmp_path)
    assert np.array_equal(kept.fit(lone, Y).transform(lone), whole)
    assert np.array_equal(clone(kept).fit(lone, Y).transform(lone), whole)


def test_several_modalities_are_the_views_unless_asked(X):
    first = make(YAwareEmbedder).fit_transform(X, Y)
    assert np.array_equal(make(YAwareEmbedder, views="modality").fit_transform(X, Y), first)
    assert np.array_equal(make(YAwareEmbedder, augment=None).fit_transform(X, Y), first)
    for views in ("augmentation", "both"):
        other = make(YAwareEmbedder, views=views).fit_transform(X, Y)
        assert other.shape == first.shape == (N, 9)
        assert not np.allclose(other, first)


def test_the_copies_of_an_absent_modality_are_absent(holes):
    """Whatever stands where a modality is absent, nothing changes."""
    params = {"views": "both", "augment": {name: FeatureNoise((0, 0)) for name in holes.modalities}}
    filled = {name: array.copy() for name, array in holes.to_dict().items()}
    for name, rows in zip(holes.modalities, holes.mask.T, strict=True):
        filled[name][~rows] = 7.0
    other = MultimodalData(filled, mask=holes.mask)
    found = [make(SupConEmbedder, **params).fit(data, Y) for data in (holes, other)]
    assert np.array_equal(*(embedder.history_["train_loss"] for embedder in found))
    assert np.array_equal(*(embedder.transform(holes) for embedder in found))
    assert found[0].mean_representation_.shape == (3, 3)


def test_held_out_copies_are_augmented_alike_in_each_epoch(lone):
    params = {"validation_fraction": 0.4, "max_epochs": 3, "n_iter_no_change": None}
    still = make(SimCLREmbedder, lr=1e-12, **params).fit(lone).history_["valid_loss"]
    np.testing.assert_allclose(still, still[0], rtol=1e-5)
    same = make(SimCLREmbedder, lr=1e-12, augment={"smri": FeatureNoise((0, 0))}, **params)
    assert still[0] > same.fit(lone).history_["valid_loss"][0]  # copies that are equal agree
    probed = make(SimCLREmbedder, monitor="probe", **params).fit(lone, Y)
    assert len(probed.history_["valid_probe"]) == 3


def test_more_copies_make_more_views(lone):
    network = make(SimCLREmbedder, n_views=4, max_epochs=1).fit(lone).net_.module_
    assert network.copies == (True,) * 4
    x = network.prepare({"smri": torch.as_tensor(lone["smri"]).float()})["smri"]
    out = network.forward_lanes({"smri": x.repeat(4, 1)[None]})
    assert out["z"].shape == (1, 4, N, 3)
    assert torch.equal(out["z"][:, 1], out["z"][:, 0])


def test_noise_may_be_what_copies_differ_by(lone):
    embedder = make(SimCLREmbedder, augment=None, input_noise=1.0, max_epochs=1).fit(lone)
    _, seen = watched(embedder, lone, None)
    assert not torch.equal(*seen[0].unflatten(0, (2, N)))


def test_volumes_and_batch_norm_in_copies():
    rng = np.random.default_rng(0)
    X = MultimodalData(
        {"t1": rng.normal(size=(N, 8, 8, 8)), "fa": rng.normal(size=(N, 8, 8, 8))},
        mask=np.stack([np.arange(N) % 4 > 0, np.arange(N) % 4 < 3], 1),
    )
    encoder = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(512, 3), torch.nn.BatchNorm1d(3)
    )
    for views in ("augmentation", "both"):
        embedder = make(SimCLREmbedder, views=views, encoders=encoder).fit(X)
        assert np.isfinite(embedder.transform(X)).all()


def test_gradients_of_a_lone_modality(lone):
    encoder = DifferentiableEncoder(make(SimCLREmbedder).fit(lone), lone, "smri")
    assert encoder.n_components == 3


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"augment": None}, ModalityError, r"nothing changes those of \['smri'\]: augment=None"),
        ({"views": "both", "augment": {}}, ModalityError, "views='both'.*nothing changes"),
        ({"n_views": 1}, ValueError, "n_views=1: .* needs two or more"),
        ({"views": "modality"}, ModalityError, "there is one, 'smri'. With views='augmentation'"),
        ({"n_views": 0}, ValueError, "'n_views' parameter"),
        ({"views": "copies"}, ValueError, "'views' parameter"),
        ({"views": "augmentation", "solver": "closed_form"}, ValueError, "copies.*'gradient'"),
    ],
)
def test_views_that_cannot_be_made_are_refused_before_training(cls, lone, params, error, message):
    with pytest.raises(error, match=message):
        make(cls, callbacks=[], **params).fit(lone, Y)


def test_each_modality_needs_an_augmentation(X):
    some = {"smri": FeatureDropout()}
    with pytest.raises(ModalityError, match=r"nothing changes those of \['fc', 'clinical'\]"):
        make(SupConEmbedder, views="both", augment=some).fit(X, Y)
    make(SupConEmbedder, views="both", augment=some, input_noise=0.1).fit(X, Y)
    make(SupConEmbedder, augment=some).fit(X, Y)  # the modalities are the views


def test_augmentation_by_kind_is_for_methods_that_contrast_copies(X):
    with pytest.raises(ValueError, match="augment='auto' is for methods that contrast"):
        make(SupervisedEmbedder, augment="auto").fit(X, Y)


def test_training_does_not_go_on_with_other_views(lone):
    embedder = make(SimCLREmbedder).fit(lone)
    with pytest.raises(ValueError, match=r"n_views=3: training goes on with .* n_views=2"):
        embedder.set_params(n_views=3).partial_fit(lone)


def test_closed_forms_leave_copies_out(X):
    assert CMCCSSEmbedder(n_components=3).fit(X, Y).net_ is None
    copied = make(CMCCSSEmbedder, solver="auto", views="both").fit(X, Y)
    assert copied.history_.keys() == {"train_loss", "cmc"}
    with pytest.warns(UserWarning, match=r"views.* had no effect"):
        make(SupConEmbedder, solver="auto", views="both").fit(X, Y)


def test_clip_has_one_contrast_of_copies(lone):
    with pytest.raises(ValueError, match=r"self_weight=1\.0 contrasts augmented copies"):
        make(CLIPEmbedder, self_weight=1.0).fit(lone)


def test_augmentation_by_kind_is_that_of_the_documentation(X):
    network = make(SimCLREmbedder, max_epochs=1).fit(X).net_
    expected = resolve_augment("auto", X.shapes, ["smri", "fc", "clinical"])
    assert repr(network.augment_) == repr(expected)
