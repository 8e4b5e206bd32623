"""What is compared where modalities are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, CoMMEmbedder

OURS = ("CMC+CSS, ridge", "CMC+CSS, mean", "CoMM")
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


def make_methods(max_epochs: int) -> dict[str, Any]:
    """Pipelines by name, ours first."""

    def classifier(C: float) -> LogisticRegression:
        return LogisticRegression(C=C, class_weight="balanced", max_iter=2000)

    def ours(cls: Any, **params: Any) -> Pipeline:
        embedder = cls(random_state=0, max_epochs=max_epochs, **params)
        return make_pipeline(embedder, StandardScaler(), classifier(0.1))

    def concatenation(imputer: Any) -> Pipeline:
        return make_pipeline(StandardScaler(), imputer, classifier(0.01))

    embedders = (
        ours(CMCCSSEmbedder, impute="ridge"),
        ours(CMCCSSEmbedder, impute="mean"),
        ours(CoMMEmbedder),
    )
    mean = concatenation(SimpleImputer(keep_empty_features=True))
    remedies = (mean, concatenation(KNNImputer(keep_empty_features=True)), CompleteCases(mean))
    return {
        **dict(zip(OURS, embedders, strict=True)),
        **dict(zip(BASELINES, remedies, strict=True)),
    }
