"""ContrastiveRegressionEmbedder: what it learns, and which losses it has."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skmmcl import ContrastiveRegressionEmbedder, YAwareEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.losses import ExpRegressionLoss


def embedder(**params):
    return ContrastiveRegressionEmbedder(
        **{"max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    )


@pytest.mark.parametrize("loss", ["exp", "threshold", "y-aware"])
def test_near_in_age_is_near_in_embedding(showing, cosines, age, loss):
    X = showing(age)
    model = embedder(loss=loss, max_epochs=40, lr=0.02).fit(X, age)
    pairs = np.triu_indices(len(age), 1)
    gap = np.abs(age[:, None] - age)[pairs]
    assert spearmanr(gap, cosines(model, X)[pairs]).statistic < -0.6


def test_age_of_new_subjects():
    X, _, _ = make_cohort(120, modalities=["t2", "clinical"], age_effect=1.0, random_state=300)
    pipe = make_pipeline(embedder(max_epochs=20, n_components=8), RidgeCV())
    assert cross_val_score(pipe, X, X.meta["age"], cv=3).mean() > 0.3


def test_the_losses_differ_and_y_aware_is_that_of_its_estimator(X, age):
    found = {
        loss: embedder(loss=loss).fit(X, age).transform(X)
        for loss in ("exp", "threshold", "y-aware")
    }
    assert not np.allclose(found["exp"], found["threshold"], atol=1e-4)
    y_aware = YAwareEmbedder(max_epochs=2, n_components=3, random_state=0).fit(X, age)
    np.testing.assert_array_equal(found["y-aware"], y_aware.transform(X))


def test_bad_targets(X):
    with pytest.raises(ValueError, match=r"'y' .*holds text"):
        embedder().fit(X, ["young", "old"] * 20)
    with pytest.raises(ValueError, match="'loss' parameter"):
        embedder(loss="rank").fit(X, np.arange(40))


def test_the_form_without_the_positive_reaches_the_loss(X, age):
    params = {"max_epochs": 1, "batch_size": 64, "lr": 1e-12}
    found = {}
    for include in (True, False):
        model = embedder(include_positive=include, **params).fit(X, age)
        z = torch.tensor(model.transform(X)).view(len(age), 2, 3).transpose(0, 1)
        loss = ExpRegressionLoss(0.1, bandwidth=model.bandwidth_[0], include_positive=include)
        found[include] = model.history_["regression"][0]
        assert found[include] == pytest.approx(loss(z, torch.tensor(age)).item(), rel=1e-4)
    assert found[False] < found[True]  # fewer in each denominator
    others = [
        embedder(loss="threshold", include_positive=include, **params).fit_transform(X, age)
        for include in (True, False)
    ]
    np.testing.assert_array_equal(*others)
