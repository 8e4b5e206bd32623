"""What `compare_methods.py` compares: every estimator of the package, and what others use."""

from __future__ import annotations

from importlib.util import find_spec
from operator import itemgetter

import numpy as np
from _linear_baselines import PENALTIES, linear_baselines, linear_regressors, single_modalities
from _tasks import impute_gaps
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmmcl.base import BaseEmbedder
from skmmcl.utils import all_estimators

N_COMPONENTS = 8  # of canonical correlations


class CanonicalScores(TransformerMixin, BaseEstimator):
    """Scores of all modalities on canonical components that they share.

    Modalities are reduced to principal components first, since with more features than subjects
    any two of them correlate perfectly. ``by`` is "sklearn" for the first two modalities,
    "mvlearn" or "cca-zoo" for all.
    """

    def __init__(self, by: str = "sklearn", n_components: int = N_COMPONENTS):
        self.by = by
        self.n_components = n_components

    def fit(self, X, y=None):
        """Find the components."""
        self.names_ = list(X.modalities)[: 2 if self.by == "sklearn" else None]
        self.reduce_ = {
            name: make_pipeline(
                SimpleImputer(keep_empty_features=True), StandardScaler(),
                PCA(min(20, len(X) // 5, int(np.prod(X.shapes[name])))),
            ).fit(self._table(X, name))
            for name in self.names_
        }  # fmt: skip
        views = self._views(X)
        n_components = min(self.n_components, *(view.shape[1] for view in views))
        if self.by == "sklearn":
            self.model_ = CCA(n_components, max_iter=2000).fit(*views)
        elif self.by == "mvlearn":
            from mvlearn.embed import MCCA

            self.model_ = MCCA(n_components=n_components, regs=0.1).fit(views)
        else:
            from cca_zoo.linear import MCCA

            self.model_ = MCCA(latent_dimensions=n_components, c=0.1).fit(views)
        return self

    def transform(self, X):
        """Return the scores of all modalities side by side."""
        views = self._views(X)
        sklearn = self.by == "sklearn"
        scores = self.model_.transform(*views) if sklearn else self.model_.transform(views)
        return np.hstack([*scores])

    def _table(self, X, name):
        return itemgetter([name])(X)

    def _views(self, X):
        return [self.reduce_[name].transform(self._table(X, name)) for name in self.names_]


def rivals(X, y) -> dict[str, object]:
    """Return all methods by name, the one that others are compared to first."""
    regress = np.asarray(y).dtype.kind == "f"
    found = linear_regressors(X) if regress else linear_baselines(X)
    if not regress:
        found |= {f"{name} alone": model for name, model in single_modalities(X).items()}
    boost = HistGradientBoostingRegressor if regress else HistGradientBoostingClassifier
    found |= {
        "dummy": DummyRegressor() if regress else DummyClassifier(),
        "gradient boosting": make_pipeline(_select(X), boost(random_state=0)),
        "CCA": make_pipeline(CanonicalScores(), StandardScaler(), _last(regress)),
    }
    for package, module in {"mvlearn": "mvlearn", "cca-zoo": "cca_zoo"}.items():
        if find_spec(module):
            scores = CanonicalScores(package)
            found[package] = make_pipeline(scores, StandardScaler(), _last(regress))
    return found | embedders(X, regress=regress)


def embedders(X, *, regress: bool) -> dict[str, object]:
    """Return every embedder of the package with its defaults, a linear model on top."""
    found = {}
    for name, kind in all_estimators():
        if issubclass(kind, BaseEmbedder):
            embedder = kind(random_state=0)
            scale = [StandardScaler()] if regress else []
            found[name] = make_pipeline(*impute_gaps(X), embedder, *scale, _last(regress))
    return found


def _select(X):
    return FunctionTransformer(itemgetter(list(X.modalities)))


def _last(regress: bool):
    return RidgeCV(PENALTIES) if regress else LogisticRegression(max_iter=2000)
