"""What the method promises, on simulated cohorts where the truth is known.

The seeds were not used in choosing any default, of the estimator or of the cohort. The
margins are below what these seeds gave (see the mean over them when a test fails).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.datasets import make_cohort

SEEDS = range(200, 205)
CV = StratifiedKFold(5, shuffle=True, random_state=0)


def classifier():
    return LogisticRegression(class_weight="balanced", max_iter=2000)


def score(pipe, X, y):
    with stacked_fits():
        return cross_val_score(pipe, X, y, cv=CV, scoring="balanced_accuracy").mean()


def alone(name):
    flatten = FunctionTransformer(lambda X: X[name].reshape(len(X), -1))
    return make_pipeline(flatten, StandardScaler(), classifier())


def embedded(**params):
    return make_pipeline(CMCCSSEmbedder(solver="gradient", random_state=0, **params), classifier())


@cache
def scores(complementarity):
    """Mean balanced accuracy over the folds, one row per seed."""
    rows = []
    for seed in SEEDS:
        X, y, _ = make_cohort(complementarity=complementarity, random_state=seed)
        row = {name: score(alone(name), X, y) for name in X.modalities}
        row = {"best modality": max(row.values())}
        row["concatenation"] = score(make_pipeline(StandardScaler(), classifier()), X, y)
        row["cmc"] = score(embedded(css_weight=0.0), X, y)
        row["css"] = score(embedded(cmc_weight=0.0), X, y)
        row["both"] = score(embedded(), X, y)
        rows.append(row)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("complementarity", "other", "margin"),
    [
        (0.4, "best modality", 0.05),
        (0.4, "concatenation", 0.005),
        (0.4, "cmc", 0.0),
        (0.4, "css", 0.01),
        # With modalities that share little, concatenation is the stronger baseline.
        (0.7, "best modality", 0.05),
        (0.7, "concatenation", -0.02),
        (0.7, "cmc", 0.03),
        (0.7, "css", 0.01),
    ],
)
def test_both_terms_beat(complementarity, other, margin):
    found = scores(complementarity)
    assert found["both"].mean() > found[other].mean() + margin, found


@pytest.mark.slow
def test_nested_score_of_noise_is_chance():
    X, y, _ = make_cohort(class_sep=0.0, random_state=205)
    search = GridSearchCV(
        embedded(), {"cmccssembedder__css_weight": [0.3, 3.0]}, cv=2, scoring="roc_auc"
    )
    with stacked_fits():
        outer = cross_val_score(search, X, y, cv=StratifiedKFold(3), scoring="roc_auc")
    assert abs(outer.mean() - 0.5) < 0.1
