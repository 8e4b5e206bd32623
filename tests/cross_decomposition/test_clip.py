"""CLIPEmbedder: what the copies are, and that it aligns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone

from skmmcl import CLIPEmbedder, CMCCSSEmbedder, MultimodalData, stacked_fits
from skmmcl.networks._clip import CLIPNetwork

N = 30


@pytest.fixture(name="X")
def cohort():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(N, 2))
    return MultimodalData(
        {name: shared @ rng.normal(size=(2, 6)) + rng.normal(size=(N, 6)) for name in "ab"}
    )


def make(cls=CLIPEmbedder, **params):
    return cls(**{"n_components": 3, "max_epochs": 3, "random_state": 0} | params)


def test_with_negatives_of_both_modalities_it_is_pairwise_cmc(X):
    cmc = make(CMCCSSEmbedder, pairwise=True, css_weight=0, temperature=0.1)
    expected = cmc.fit_transform(X)
    np.testing.assert_array_equal(make(negatives="both").fit_transform(X), expected)


def test_the_temperature_is_learnt_from_the_data(X):
    rng = np.random.default_rng(1)
    learns = {"learn_temperature": True, "lr": 0.02}
    alike = make(**learns, max_epochs=80).fit(X.assign(b=X["a"]))
    apart = make(**learns, max_epochs=80).fit(X.assign(b=rng.permutation(X["b"])))
    assert alike.temperature_ < 0.09
    assert apart.temperature_ > 0.11
    assert make(**learns, temperature=0.001).fit(X).temperature_ == 0.01
    assert make().fit(X).temperature_ == 0.1


def test_fits_that_learn_their_temperature_share_a_stack(X):
    embedders = [
        make(learn_temperature=True, temperature=t, negatives=negatives)
        for negatives in ("other", "both")
        for t in (0.07, 0.5)
    ]
    alone = [clone(emb).fit(X) for emb in embedders]
    with stacked_fits():
        stacked = Parallel()(delayed(emb.fit)(X) for emb in embedders)
    for one, other in zip(alone, stacked, strict=True):
        assert one.temperature_ == other.temperature_
        assert np.array_equal(one.transform(X), other.transform(X))
        assert other.net_.criterion_.signature() is not None


def test_augment_acts_on_the_copies_or_else_on_what_is_aligned(X):
    plain = make().fit_transform(X)
    assert np.array_equal(make(augment=None).fit_transform(X), plain)
    copied = make(self_weight=1.0).fit(X)
    assert set(copied.history_) == {"train_loss", "cross", "self"}
    assert not np.allclose(copied.transform(X), plain)
    still = make(self_weight=1.0, augment=None).fit(X)
    assert still.history_["self"][0] != copied.history_["self"][0]
    assert still.history_["cross"][0] == copied.history_["cross"][0]  # as they are, in both


def test_the_copies_of_a_network_are_encoded_alike():
    torch.manual_seed(0)
    copies = (False, True, True)
    network = CLIPNetwork(["a", "b"], {"a": (3,), "b": (5,)}, 2, copies=copies)
    one = {"a": torch.randn(4, 3), "b": torch.randn(4, 5)}
    mask = torch.rand(4, 2) < 0.5
    out = network({name: value.repeat(3, 1) for name, value in one.items()}, mask)
    for name in ("z", "z_one", "z_other"):
        torch.testing.assert_close(out[name], network.encode(one))
    assert (out["z_fused"].view(4, 2, 2)[~mask] == 0).all()


@pytest.mark.parametrize("params", [{}, {"self_weight": 1.0}])
def test_any_pattern_of_absence_trains(X, params):
    mask = np.random.default_rng(0).random((N, 2)) > 0.4
    mask[~mask.any(axis=1), 0] = True
    holes = MultimodalData(X.to_dict(), mask=mask)
    emb = make(batch_size=8, **params).fit(holes)
    assert np.isfinite(emb.transform(holes)).all()
    assert np.isfinite(emb.history_["train_loss"]).all()


@pytest.mark.parametrize("cls", [CLIPEmbedder, CMCCSSEmbedder])
def test_a_warning_where_nobody_has_two_modalities(cls):
    rng = np.random.default_rng(0)
    X = {name: rng.normal(size=(20, 3)) for name in "ab"}
    X["a"][:10], X["b"][10:] = np.nan, np.nan
    with pytest.warns(UserWarning, match=r"No subject has two of the modalities \['a', 'b'\]"):
        cls(solver="gradient", max_epochs=1, random_state=0).fit(X, np.arange(20) % 2)
    X["b"][10:12] = 1.0, 2.0, 3.0
    cls(solver="gradient", max_epochs=1, random_state=0).fit(X, np.arange(20) % 2)
