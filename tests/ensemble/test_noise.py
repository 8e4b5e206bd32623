"""Labels that are pure noise: whatever is stacked and pretrained, held-out scores are at chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import (
    CMCCSSEmbedder,
    CrossFitTransformer,
    DeepEnsembleClassifier,
    FineTunedClassifier,
    MultimodalData,
    SupervisedEmbedder,
    stacked_fits,
)


def noise(seed, n=60):
    rng = np.random.default_rng(seed)
    X = MultimodalData(a=rng.normal(size=(n, 12)), b=rng.normal(size=(n, 8)))
    return X, rng.permutation(np.arange(n) % 2)


def stacking(seed, X, y):
    """Stack a solved embedder, a cross-fitted one, and a network."""
    linear = LogisticRegression()
    members = {
        "solved": make_pipeline(CMCCSSEmbedder(), StandardScaler(), linear),
        "cross-fitted": make_pipeline(CrossFitTransformer(CMCCSSEmbedder(), cv=3), linear),
        "tuned": FineTunedClassifier(max_epochs=10, random_state=seed),
    }
    return StackingClassifier([*members.items()], final_estimator=linear, cv=3)


def deep(seed, X, y):
    """Combine networks that begin from the labels of other subjects."""
    embedder = SupervisedEmbedder(solver="gradient", max_epochs=10, random_state=seed)
    one = FineTunedClassifier(embedder, pretrain=noise(seed + 1000), max_epochs=10)
    return DeepEnsembleClassifier(one, n_estimators=2, random_state=seed)


@pytest.mark.parametrize("n_cohorts", [3, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", [stacking, deep])
def test_noise_gives_chance(make, n_cohorts):
    scores = []
    for seed in range(n_cohorts):
        X, y = noise(seed)
        cv = StratifiedKFold(3, shuffle=True, random_state=seed)
        with stacked_fits():
            found = cross_val_score(make(seed, X, y), X, y, cv=cv, scoring="roc_auc")
        scores.append(found.mean())
    # Areas of 60 subjects by chance deviate by .075.
    assert abs(np.mean(scores) - 0.5) <= 2.5 * 0.075 / np.sqrt(n_cohorts)
