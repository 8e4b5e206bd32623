"""CoMMEmbedder: subsets of modalities, kinds of modalities, copies, weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from skmmcl import CoMMEmbedder, MultimodalData
from skmmcl.exceptions import DataError, ModalityError

N = 30
SHAPES = {"table": (6,), "fc": (5, 5), "t1": (8, 8, 8)}


@pytest.fixture(name="X")
def cohort():
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(N, *shape)) for name, shape in SHAPES.items()}
    arrays["fc"] += arrays["fc"].transpose(0, 2, 1)
    mask = rng.random((N, 3)) > 0.3
    mask[~mask.any(axis=1), 0] = True
    return MultimodalData(arrays, mask=mask)


def make(**params):
    small = {"n_components": 8, "projection_dim": 4, "max_epochs": 2, "random_state": 0}
    return CoMMEmbedder(**small | params)


@pytest.mark.parametrize("names", [["table", "fc"], list(SHAPES)])
def test_vectors_matrices_and_volumes_of_any_pattern(X, names):
    X = X[names]
    X = X[X.mask.any(axis=1)]
    encoders = {"fc": "regions"}
    emb = make(encoders=encoders, batch_size=8).fit(X)
    out = emb.transform(X)
    assert out.shape == (len(X), 8)
    assert np.isfinite(out).all()
    assert list(emb.get_feature_names_out()[:2]) == ["comm_0", "comm_1"]
    assert emb.mean_representation_.shape == (1, 8)


def test_by_one_modality_it_is_as_if_the_others_were_absent(X):
    emb = make().fit(X)
    have = X.mask[:, 1]
    alone = {name: array if name == "fc" else np.full_like(array, np.nan)
             for name, array in X[have].to_dict().items()}  # fmt: skip
    found = emb.transform(X[have], modality="fc")
    assert np.array_equal(found, emb.transform(alone))
    assert not np.allclose(found, emb.transform(X[have]))
    with pytest.raises(DataError, match=r"do not have modality 'fc': .*on_empty='nan'"):
        emb.transform(X, modality="fc")
    rows = emb.set_params(on_empty="nan").transform(X, modality="fc")
    np.testing.assert_array_equal(np.isnan(rows).all(axis=1), ~have)
    with pytest.raises(ModalityError, match="pet"):
        emb.transform(X, modality="pet")


def test_by_one_modality_of_subjects_that_are_drawn_twice():
    rng = np.random.default_rng(0)
    X = MultimodalData({name: rng.normal(size=(6, 3)) for name in "ab"}, index=list("uvwxyz"))
    twice = [0, 0, 3]
    emb = make().fit(X[twice * 3])
    found = emb.transform(X[twice], modality="a")
    np.testing.assert_allclose(found, emb.transform(X, modality="a")[twice], atol=1e-5)


def test_both_copies_are_augmented_each_by_its_own_draw(X):
    seen = []

    class Spy:
        def __call__(self, x, generator):
            seen.append(float(torch.rand((), generator=generator)))
            return x

        def __deepcopy__(self, memo):
            return self

    make(augment={"table": Spy()}).fit(X)
    assert len(seen) == len(set(seen)) == 1 + 4  # a trial, then two copies in two epochs


def test_without_augmentation_integer_weights_are_repeats(X):
    X = X[["table", "fc"]][X.mask[:, :2].any(axis=1)]
    weight = np.random.default_rng(2).integers(0, 4, len(X))
    rows = np.repeat(np.arange(len(X)), weight)
    # Adam would magnify the rounding of gradients near zero.
    sgd = {"optimizer": "sgd", "lr": 0.1, "dtype": "float64", "batch_size": 200, "max_epochs": 4}
    emb = make(augment=None, **sgd)
    weighted = emb.fit(X, sample_weight=weight).transform(X)
    np.testing.assert_allclose(weighted, emb.fit(X[rows]).transform(X), atol=1e-8)


def test_it_learns(X):
    loss = make(max_epochs=15, lr=0.01).fit(X).history_["comm"]
    assert loss[-3:].mean() < loss[0] - 0.2


def test_what_each_modality_alone_has_is_kept():
    rng = np.random.default_rng(0)
    signs = {name: rng.choice([-1, 1], 400) for name in "ab"}
    X = MultimodalData(
        {name: np.outer(y, np.ones(6)) + rng.normal(size=(400, 6)) for name, y in signs.items()}
    )
    out = make(max_epochs=10, lr=0.01).fit(X[:300]).transform(X)
    for y in signs.values():
        assert (
            LogisticRegression().fit(out[:300], y[:300]).score(out[300:], y[300:]) > 0.7
        )  # 0.99 by the data, 0.5 if lost
