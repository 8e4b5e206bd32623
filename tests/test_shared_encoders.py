"""Encoders that several modalities of one shape share."""

from __future__ import annotations

import copy
import pickle

import cloudpickle
import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import clone

from skmmcl import MultimodalData, stacked_fits
from skmmcl.base import BaseEmbedder
from skmmcl.contrastive import YAwareEmbedder
from skmmcl.cross_decomposition import CMCCSSEmbedder, TopologicalConsistencyEmbedder
from skmmcl.exceptions import ModalityError
from skmmcl.utils import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
WHOLE = {"DeepUCSL", "SepVAEEmbedder"}  # whose patients must have all modalities
N = 24
Y = np.arange(N) % 2
SHARED = {("t1", "t2"): "auto"}


@pytest.fixture(name="X")
def cohort():
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(N, 6, 6)) for name in ("t1", "t2")}
    arrays["t1"] += Y[:, None, None]
    return MultimodalData({**arrays, "other": rng.normal(size=(N, 6, 6)) + 5})


@pytest.fixture(name="holes")
def cohort_with_absent_modalities(X):
    present = np.random.default_rng(1).random((N, 3)) > 0.3
    present[~present.any(axis=1), 0] = True
    return MultimodalData(X.to_dict(), mask=present)


def make(cls=YAwareEmbedder, **params):
    given = {"solver": "gradient", "max_epochs": 2, "n_components": 3, "random_state": 0}
    return cls(**{**given, "encoders": SHARED, **params})


def shares(embedder):
    """Whether t1 and t2 have one encoder, and the third modality another one."""
    network = embedder.net_.module_
    encoders = dict(zip(network.views, network.encoders, strict=True))
    one, two = ([id(p) for p in encoders[name].parameters()] for name in ("t1", "t2"))
    return one[: len(two)] == two and encoders["t1"] is not encoders["other"]


@pytest.mark.filterwarnings("ignore:EM has not converged")
@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
def test_modalities_share_an_encoder_in_every_method(cls, X, holes):
    data = X if cls.__name__ in WHOLE else holes
    embedder = make(cls).fit(data, Y)
    assert np.isfinite(embedder.transform(data)).all()
    apart = make(cls, encoders="auto", input_components=None).fit(data, Y)
    sizes = [sum(p.numel() for p in e.net_.module_.parameters()) for e in (embedder, apart)]
    assert sizes[0] < sizes[1]
    for twin in (embedder, copy.deepcopy(embedder), pickle.loads(pickle.dumps(embedder))):
        names = [name for name, _ in twin.net_.module_.named_parameters()]
        assert names == [name for name, _ in embedder.net_.module_.named_parameters()]
        assert np.array_equal(twin.transform(data), embedder.transform(data))


def test_it_stays_one_whatever_becomes_of_the_estimator(holes, tmp_path):
    embedder = make(warm_start=True, max_epochs=3).fit(holes, Y)
    assert shares(embedder)
    expected = embedder.transform(holes)
    by_epochs = make(warm_start=True)
    for k in range(3):
        again = (copy.deepcopy, lambda e: pickle.loads(cloudpickle.dumps(e)), lambda e: e)[k]
        by_epochs = again(by_epochs.partial_fit(holes, Y))
        assert shares(by_epochs)
    assert np.array_equal(by_epochs.transform(holes), expected)
    kept = [make(max_epochs=3, checkpoint=tmp_path).fit(holes, Y) for _ in range(2)]
    for one in kept:
        assert shares(one)
        assert np.array_equal(one.transform(holes), expected)
    best = make(max_epochs=3, validation_fraction=0.3, n_iter_no_change=1).fit(holes, Y)
    assert shares(best)
    other = make(max_epochs=1, random_state=5).fit(holes, Y)
    other.net_.module_.load_state_dict(embedder.net_.module_.state_dict())
    assert shares(other)


@pytest.mark.parametrize("cls", [YAwareEmbedder, CMCCSSEmbedder, TopologicalConsistencyEmbedder])
def test_stacks_give_the_same_bits(cls, holes):
    embedders = [make(cls, random_state=seed, batch_size=8) for seed in range(3)]
    alone = [clone(embedder).fit(holes, Y) for embedder in embedders]
    with stacked_fits():
        stacked = Parallel()(delayed(embedder.fit)(holes, Y) for embedder in embedders)
    for one, other in zip(alone, stacked, strict=True):
        assert shares(other)
        assert np.array_equal(one.transform(holes), other.transform(holes))


def test_equal_modalities_get_equal_representations(X):
    same = X.assign(t2=X["t1"])
    shared = make().fit(same, Y).transform(same)
    assert np.array_equal(shared[:, :3], shared[:, 3:6])
    apart = make(encoders="auto").fit(same, Y).transform(same)
    assert not np.allclose(apart[:, :3], apart[:, 3:6])


def test_each_modality_is_scaled_by_itself(X):
    scaled = X.assign(t2=X["t1"] * 1000 + 3)
    found = make(dtype="float64").fit(scaled, Y).transform(scaled)
    np.testing.assert_allclose(found[:, :3], found[:, 3:6], atol=1e-8)


def test_one_encoder_sees_all_copies_of_all_that_share_it(X):
    embedder = make(views="both", n_views=3).fit(X, Y)
    assert shares(embedder)
    assert embedder.transform(X).shape == (N, 9)


@pytest.mark.parametrize(
    ("encoders", "message"),
    [
        ({("t1", "short"): "auto"}, r"shapes of a subject differ: .*'short': \(4,\)"),
        ({("t1", "t3"): "auto"}, r"encoders names \['t3'\]; the modalities are"),
        ({("t1", "t2"): "auto", "t2": "mlp"}, r"encoders names \['t2'\] more than once"),
        ({("t1", "t1"): "auto"}, r"encoders names \['t1'\] more than once"),
        ({1: "auto"}, r"encoders names \[1\]"),
    ],
)
def test_encoders_that_cannot_be_shared_are_refused_before_training(X, encoders, message):
    data = X.assign(short=np.zeros((N, 4)) + np.arange(4))
    with pytest.raises(ModalityError, match=message):
        make(encoders=encoders).fit(data, Y)


def test_tokens_of_a_shared_encoder_are_made_by_one_map(X):
    network = make(TopologicalConsistencyEmbedder).fit(X, Y).net_.module_
    one, two, other = network.to_tokens
    assert one is two is not other
