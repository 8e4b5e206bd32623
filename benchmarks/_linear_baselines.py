"""Linear models of several modalities, each tuned within its training folds."""

from __future__ import annotations

from operator import itemgetter

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

STRENGTHS = np.logspace(-4, 1, 6)
PENALTIES = np.logspace(-2, 6, 17)


class RowSpace(TransformerMixin, BaseEstimator):
    """Rotate the rows into the space that the training subjects span.

    A penalty on the length of the weights gives the same model there, in a fraction of the time.
    """

    def fit(self, X, y=None):
        """Find the rotation."""
        self.rotation_ = None
        if X.shape[1] > X.shape[0]:
            values, vectors = np.linalg.eigh(X @ X.T)
            kept = values > 1e-10 * values[-1]
            self.rotation_ = X.T @ (vectors[:, kept] / np.sqrt(values[kept]))
        return self

    def transform(self, X):
        """Rotate."""
        return X if self.rotation_ is None else X @ self.rotation_


class BlockScaler(TransformerMixin, BaseEstimator):
    """Divide z-scores by the root of their number, so that each modality counts the same."""

    def fit(self, X, y=None):
        """Count."""
        self.n_features_ = X.shape[1]
        return self

    def transform(self, X):
        """Divide, and bring back to the scale of a lone modality."""
        return X / np.sqrt(self.n_features_) * 10


class Scores(PLSRegression):
    """Scores of partial least squares of one-hot classes."""

    def fit(self, X, y):
        """Regress on classes."""
        return super().fit(X, OneHotEncoder(sparse_output=False).fit_transform(y[:, None]))

    def fit_transform(self, X, y):
        """Return scores of the training subjects."""
        return self.fit(X, y).transform(X)


def _features(names: list[str]) -> list:
    return [
        FunctionTransformer(itemgetter(names)),
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
    ]


def _tuned() -> LogisticRegressionCV:
    return LogisticRegressionCV(
        Cs=STRENGTHS, cv=5, l1_ratios=(0,), scoring="neg_log_loss",
        solver="newton-cholesky", use_legacy_attributes=False,
    )  # fmt: skip


def _model(names: list[str], *steps) -> Pipeline:
    return make_pipeline(*_features(names), *steps)


def single_modalities(X) -> dict[str, Pipeline]:
    """Return logistic regression on each modality alone."""
    return {name: _model([name], RowSpace(), _tuned()) for name in X.modalities}


def _blocks(names: list[str]) -> FeatureUnion:
    return FeatureUnion(
        [(name, make_pipeline(*_features([name]), BlockScaler())) for name in names]
    )


def linear_baselines(X) -> dict[str, object]:
    """Return the models by name; the first is what users have today."""
    names = list(X.modalities)
    singles = list(single_modalities(X).items())
    blocks = _blocks(names)
    pls = _model(names, RowSpace(), Scores(n_components=2, scale=False), StandardScaler(), _plain())
    return {
        "concatenation": _model(names, RowSpace(), _tuned()),
        "concatenation, fixed penalty": _model(names, RowSpace(), _plain(C=1e-2)),
        "block-scaled": make_pipeline(blocks, RowSpace(), _tuned()),
        "principal components": _model(
            names, PCA(min(60, X.shape[1]), svd_solver="full"), StandardScaler(), _tuned()
        ),
        "PLS": GridSearchCV(
            pls, {"scores__n_components": [1, 2, 4, 8]}, cv=5, scoring="neg_log_loss"
        ),
        "late fusion": VotingClassifier(singles, voting="soft"),
        "stacking": StackingClassifier(singles, _plain(), cv=5),
        "best modality": BestModality(singles),
    }


def linear_regressors(X) -> dict[str, object]:
    """Return the same for numbers: ridge regression, and what is made of it."""
    names = list(X.modalities)
    singles = [(name, _model([name], RidgeCV(PENALTIES))) for name in names]
    pls = _model(names, PLSRegression(scale=False))
    n_components = min(60, X.shape[1])
    return {
        "concatenation": _model(names, RidgeCV(PENALTIES)),
        "block-scaled": make_pipeline(_blocks(names), RidgeCV(PENALTIES)),
        "principal components": _model(
            names, PCA(n_components, svd_solver="full"), StandardScaler(), RidgeCV(PENALTIES)
        ),
        "PLS": GridSearchCV(
            pls, {"plsregression__n_components": [1, 2, 4, 8]}, cv=5,
            scoring="neg_mean_absolute_error",
        ),
        "late fusion": VotingRegressor(singles),
        "stacking": StackingRegressor(singles, RidgeCV(PENALTIES), cv=5),
        **{f"{name} alone": model for name, model in singles},
    }  # fmt: skip


def _plain(**params) -> LogisticRegression:
    return LogisticRegression(solver="newton-cholesky", **params)


class BestModality(ClassifierMixin, BaseEstimator):
    """The single modality whose model does best in the inner cross-validation of its penalty."""

    def __init__(self, models: list):
        self.models = models

    def fit(self, X, y):
        """Fit all, and keep the best."""
        fitted = [clone(model).fit(X, y) for _, model in self.models]
        self.best_ = max(fitted, key=lambda model: np.max(np.mean(_inner_scores(model), axis=0)))
        self.classes_ = self.best_.classes_
        return self

    def predict(self, X):
        """Predict by the best."""
        return self.best_.predict(X)

    def predict_proba(self, X):
        """Predict by the best."""
        return self.best_.predict_proba(X)


def _inner_scores(model: Pipeline) -> np.ndarray:
    """Return the scores of a tuned model, (n_folds, n_penalties)."""
    scores = model[-1].scores_
    return scores.reshape(scores.shape[0], -1)
