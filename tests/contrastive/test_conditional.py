"""ConditionalUniformityEmbedder: its two terms."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from skmmcl import ConditionalUniformityEmbedder


def embedder(**params):
    return ConditionalUniformityEmbedder(
        **{"max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    )


def test_like_subjects_align_and_unlike_ones_spread(showing, cosines, age):
    X = showing(age)
    model = embedder(max_epochs=40, lr=0.02).fit(X, age)
    pairs = np.triu_indices(len(age), 1)
    gap = np.abs(age[:, None] - age)[pairs]
    assert spearmanr(gap, cosines(model, X)[pairs]).statistic < -0.6
    assert model.history_["train_loss"][-1] < model.history_["train_loss"][0]


def test_alignment_alone_collapses(X):
    model = embedder(metadata="age", uniformity_weight=0.0, max_epochs=100, lr=0.01).fit(X)
    assert "uniformity" not in model.history_
    assert model.history_["alignment"][-1] < 0.2


def test_the_weight_of_uniformity_counts(X):
    little, much = (
        embedder(metadata="age", uniformity_weight=w, max_epochs=40, lr=0.01)
        .fit(X).history_["uniformity"][-1]
        for w in (0.1, 10.0)
    )  # fmt: skip
    assert much < little
