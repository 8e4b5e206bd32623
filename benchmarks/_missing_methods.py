"""What is compared where modalities are missing."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, CoMMEmbedder, MultimodalData

SOLVED = "CMC+CSS"
RIDGE, MEAN = "CMC+CSS trained, ridge", "CMC+CSS trained, mean"
OURS = (SOLVED, RIDGE, MEAN, "CoMM")
BASELINES = ("mean imputation", "KNN imputation", "complete cases")


class CompleteCases(ClassifierMixin, BaseEstimator):
    """Fit a pipeline on the subjects that have everything; chance if these are too few."""

    def __init__(self, pipeline):
        self.pipeline = pipeline

    def fit(self, X, y):
        complete = X.mask.all(axis=1)
        self.classes_ = np.unique(y)
        self.fitted_ = None
        if len(np.unique(y[complete])) > 1:
            self.fitted_ = clone(self.pipeline).fit(X[complete], y[complete])
        return self

    def predict(self, X):
        usual = np.full(len(X), self.classes_[0])
        return usual if self.fitted_ is None else self.fitted_.predict(X)


def make_methods(max_epochs: int, n_values: int) -> dict[str, Any]:
    """Pipelines by name, ours first; the baselines' penalty grows with their width."""

    def classifier(C: float) -> LogisticRegression:
        return LogisticRegression(C=C, class_weight="balanced", max_iter=2000)

    def ours(cls: Any, **params: Any) -> Pipeline:
        embedder = cls(random_state=0, **params)
        return make_pipeline(embedder, StandardScaler(), classifier(0.1))

    def concatenation(imputer: Any) -> Pipeline:
        return make_pipeline(StandardScaler(), imputer, classifier(min(1.0, 10 / n_values)))

    embedders = (
        ours(CMCCSSEmbedder, solver="gradient", impute="ridge", max_epochs=max_epochs),
        ours(CoMMEmbedder, max_epochs=max(1, max_epochs // 2)),
    )
    mean = concatenation(SimpleImputer(keep_empty_features=True))
    remedies = (mean, concatenation(KNNImputer(keep_empty_features=True)), CompleteCases(mean))
    return {
        SOLVED: make_pipeline(CMCCSSEmbedder(), classifier(1.0)),
        **dict(zip((RIDGE, "CoMM"), embedders, strict=True)),
        **dict(zip(BASELINES, remedies, strict=True)),
    }


def with_mean(model: Pipeline, X: MultimodalData, y: np.ndarray) -> Pipeline:
    """The same embedding with the other imputation, and a classifier trained on that."""
    embedder, *top = (step for _, step in model.steps)
    embedder = copy(embedder).set_params(impute="mean")
    top = make_pipeline(*map(clone, top)).fit(embedder.transform(X), y)
    return make_pipeline(embedder, *(step for _, step in top.steps))
