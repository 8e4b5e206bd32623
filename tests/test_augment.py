"""The embedders' parameter ``augment``."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold, cross_validate

from skmmcl import CMCCSSEmbedder, CoMMEmbedder, MultimodalData, stacked_fits
from skmmcl.augmentation import Augmentation, FeatureDropout, FeatureNoise, Flip, GaussianNoise
from skmmcl.exceptions import ModalityError
from skmmcl.training._stack import Stack

N = 30
SHAPES = {"smri": (6,), "t1": (4, 5, 3), "falff": (4, 5, 3)}


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture(name="X")
def cohort(y):
    rng = np.random.default_rng(0)
    return MultimodalData(
        {name: (rng.normal(size=(N, *shape)).T + y).T for name, shape in SHAPES.items()}
    )


class Spy:
    """An augmentation that changes nothing and remembers what it saw."""

    def __init__(self):
        self.shapes, self.firsts = [], []

    def __call__(self, x, generator):
        self.shapes.append(tuple(x.shape))
        self.firsts.append(float(torch.rand((), generator=generator)))
        return x

    def __deepcopy__(self, memo):
        return self


def mlp(shape, n_components):
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(int(np.prod(shape)), n_components)
    )


def make(**params):
    return CMCCSSEmbedder(
        **{
            "solver": "gradient",
            "max_epochs": 3,
            "n_components": 2,
            "batch_size": 16,
            "encoders": mlp,
        }
        | {"random_state": 0}
        | params
    )


def test_batches_are_augmented_in_training_alone_in_their_own_shape(X, y):
    spy = Spy()
    emb = make(augment={"smri": spy, ("t1", "falff"): spy}, validation_fraction=0.2).fit(X, y)
    assert {shape[1:] for shape in spy.shapes} == set(SHAPES.values())
    vectors = [shape[0] for shape in spy.shapes if shape[1:] == SHAPES["smri"]]
    # What is tried before training; epochs, and subjects that are not held out: no padding.
    assert sum(vectors) == 2 + 3 * 24
    assert spy.firsts[1::3] == spy.firsts[2::3]  # the pair
    assert len(set(spy.firsts)) == 2 * len(spy.firsts) / 3
    seen = len(spy.shapes)
    emb.transform(X)
    assert len(spy.shapes) == seen


def test_what_is_augmented_is_not_compressed(X, y):
    assert make(augment={"t1": GaussianNoise()}).fit(X, y).net_.module_.compressed == ["smri"]
    assert make(augment={"smri": FeatureNoise()}).fit(X, y).net_.module_.compressed == []


class Recorder(Augmentation):
    """An augmentation that changes nothing and keeps what it saw."""

    seen: ClassVar[list] = []

    def __call__(self, x, generator):
        self.seen.append(x.clone())
        return x.clone()

    def _change(self, x, batch, generator):
        raise AssertionError


def test_a_named_vector_is_augmented_in_its_own_columns_and_units(X, y, monkeypatch):
    """Not as component scores, although there are fewer components than columns."""
    monkeypatch.setattr(Recorder, "seen", [])
    make(augment={"smri": Recorder()}, input_components=2, max_epochs=1).fit(X, y)
    seen = np.concatenate([x.numpy() for x in Recorder.seen[1:]])
    assert seen.shape == (N, 6)
    order = np.argsort(seen[:, 0])
    np.testing.assert_allclose(seen[order], X["smri"][np.argsort(X["smri"][:, 0])], rtol=1e-5)


@pytest.mark.parametrize(("n_input", "width"), [(2, 2), (None, 6)])
def test_the_automatic_augmentation_of_a_vector_acts_on_what_its_encoder_reads(
    X, monkeypatch, n_input, width
):
    """Component scores, or the columns where the modality is not restricted to components."""
    monkeypatch.setattr(Recorder, "seen", [])
    monkeypatch.setattr(FeatureNoise, "__call__", Recorder.__call__)
    monkeypatch.setattr(FeatureNoise, "seen", Recorder.seen, raising=False)
    settings = {"input_components": n_input, "max_epochs": 1, "n_components": 4}
    two = MultimodalData(smri=X["smri"], dmri=X["smri"][::-1])
    CoMMEmbedder(**settings, random_state=0).fit(two)
    assert {x.shape[1] for x in Recorder.seen} == {width}
    if n_input:  # scores of all components together have a mean square of 1
        scores = torch.cat(Recorder.seen)
        assert scores.square().mean().item() == pytest.approx(1, abs=0.1)


def test_augmentation_leaves_the_order_of_the_subjects_as_it_is(X, y):
    plain = make(input_components=None).fit(X, y).transform(X)
    nothing = make(augment={"smri": FeatureNoise(p=0)}).fit(X, y).transform(X)
    noisy = make(augment={"smri": FeatureNoise(p=1)}).fit(X, y).transform(X)
    assert np.array_equal(plain, nothing)
    assert not np.array_equal(plain, noisy)


def test_the_seed_decides_and_fits_go_on_with_their_draws(X, y):
    augment = {"smri": FeatureNoise(), ("t1", "falff"): Flip()}
    before = torch.random.get_rng_state()
    first = make(augment=augment).fit(X, y).transform(X)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(make(augment=augment).fit(X, y).transform(X), first)
    by_epochs = make(augment=augment)
    for _ in range(3):
        by_epochs.partial_fit(X, y)
    assert np.array_equal(by_epochs.transform(X), first)


def scores(emb, X, y):
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    fits = cross_validate(
        emb, X, y, cv=cv, scoring=lambda *_: 0.0, return_estimator=True, error_score="raise"
    )
    return [fitted.transform(X) for fitted in fits["estimator"]]


@pytest.mark.parametrize(
    ("local", "names"), [(True, ("smri", "other")), (False, ("smri", "other")), (True, ("smri",))]
)
def test_stacked_fits_give_the_same_bits(X, y, local, names, monkeypatch):
    widths, link = [], Stack._link
    monkeypatch.setattr(Stack, "_link", lambda self: widths.append(len(self.nets)) or link(self))
    drop, vectors = FeatureDropout((0.1, 0.5)), X.assign({"other": X["smri"] + 1})[list(names)]
    augment = {"smri": drop if local else global_noise}
    emb = make(augment=augment, encoders="auto")
    expected = scores(emb, vectors, y)
    with stacked_fits():
        found = scores(emb, vectors, y)
    assert (max(widths, default=1) > 1) == local  # what may draw globally trains alone
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(one, other)


def global_noise(x, generator):
    return x + torch.rand(())


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ({"t2": Flip()}, r"augment names \['t2'\]"),
        ({"t1": 0.5}, r"must be called as transform\(x, generator\)"),
        ({("t1", "smri"): Flip()}, "their shapes differ"),
    ],
)
def test_bad_augmentation_is_refused_before_training(X, y, augment, message):
    with pytest.raises(ModalityError, match=message):
        make(augment=augment).fit(X, y)


def test_errors_in_an_augmentation_come_out_of_fit(X, y):
    class Broken(Augmentation):
        def _change(self, x, batch, generator):
            raise RuntimeError("no such coil")

    with pytest.raises(ModalityError, match=r"'t1' fails .*RuntimeError: no such coil"):
        make(augment={"t1": Broken(p=1)}).fit(X, y)


def test_each_copy_of_a_lone_modality_has_its_own_draw(X, y):
    spy = Spy()
    emb = make(augment={"smri": spy}, max_epochs=2).fit(X[["smri"]], y)
    assert len(spy.firsts) == 1 + 2 * 2 * 2  # a trial; copies, batches and epochs
    assert len(set(spy.firsts)) == len(spy.firsts)
    (encoder,), seen = emb.net_.module_.encoders, []
    encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    emb.set_params(augment={"smri": FeatureNoise((1, 1), p=1)})
    emb.partial_fit(X[["smri"]], y)
    assert not torch.equal(*seen[0].chunk(2, dim=1))
    seen.clear()
    emb.transform(X[["smri"]])
    assert seen[0].shape[1] == len(X)


def test_one_augmentation_of_all_modalities(X, y):
    """A callable is a dict that gives it to each modality, with a draw of its own."""
    noise = GaussianNoise((0.5, 0.5), p=1)
    together = make(augment=noise).fit(X, y)
    by_name = make(augment=dict.fromkeys(SHAPES, noise)).fit(X, y)
    np.testing.assert_array_equal(together.transform(X), by_name.transform(X))
    assert together.net_.module_.compressed == []
    assert not np.array_equal(together.transform(X), make().fit(X, y).transform(X))


def test_one_augmentation_that_does_not_suit_all(X, y):
    with pytest.raises(
        ModalityError, match="augment of modality 'smri' fails for a batch of shape"
    ):
        make(augment=Flip(p=1)).fit(X, y)
