"""Volumes through an embedder: what is learnt, and what a batch norm gets to see."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from torch import nn

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.training import _batches


def blobs(n, side, center, signs, rng):
    """Noise with a blob that is brighter in one class and darker in the other."""
    squared = ((np.indices((side,) * 3).T - center) ** 2).sum(-1)
    noise = rng.normal(size=(n, side, side, side))
    volumes = noise + signs[:, None, None, None] * np.exp(-squared / 8)
    return volumes.astype(np.float32)


def test_default_encoder_of_volumes_learns_in_cross_validation():
    rng = np.random.default_rng(0)
    y = np.arange(32) % 2
    signs = np.where(y == 1, 1.0, -1.0)
    X = MultimodalData(
        t1=blobs(32, 12, (4, 3, 8), signs, rng), falff=blobs(32, 12, (8, 5, 3), signs, rng)
    )
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=8, batch_size=8, random_state=0)
    scores = cross_val_score(make_pipeline(embedder, LogisticRegression()), X, y, cv=2)
    assert scores.mean() > 0.75


def encoder_with_batch_norm(shape, n_components):
    return nn.Sequential(
        nn.Unflatten(1, (1, shape[0])),
        nn.BatchNorm3d(1, momentum=None),
        nn.Flatten(),
        nn.LazyLinear(n_components),
    )


def fitted(X, **params):
    embedder = CMCCSSEmbedder(
        solver="gradient",
        encoders=encoder_with_batch_norm,
        css_weight=0,
        max_epochs=2,
        batch_size=6,
        random_state=0,
    )
    return embedder.set_params(**params).fit(X)


def small_volumes(n=13):
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(n, 3, 4, 3)).astype(np.float32) for name in ("t1", "falff")}


def test_batches_of_volumes_are_not_padded(monkeypatch):
    once = fitted(small_volumes())
    monkeypatch.setattr(_batches, "MULTIPLE", 32)
    other = fitted(small_volumes())
    assert np.array_equal(once.history_["train_loss"], other.history_["train_loss"])
    for name, value in once.net_.module_.state_dict().items():
        assert torch.equal(value, other.net_.module_.state_dict()[name]), name


def test_batch_norm_sees_the_present_volumes_only():
    X = small_volumes()
    X["t1"][[2, 7]] = np.nan
    norm = fitted(X, batch_size=64).net_.module_.encoders[0].module[1]
    n = 11 * 36
    np.testing.assert_allclose(norm.running_mean, 0, atol=1e-6)
    np.testing.assert_allclose(norm.running_var, n / (n - 1), rtol=1e-5)
