"""The main job: methods to compare, their cross-validation, its table and its figure."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm import tqdm

from skmmcl.cross_decomposition import CMCCSSEmbedder
from skmmcl.data import MultimodalData
from skmmcl.preprocessing import ModalityTransformer

SCORES = {"balanced_accuracy": "balanced accuracy", "roc_auc_ovr": "ROC AUC"}
MAIN = "CMC+CSS"


class Fold(NamedTuple):
    """What one method reached on one fold, and the fitted pipeline."""

    method: str
    scores: dict[str, float]
    pipeline: BaseEstimator


def find_gaps(X: MultimodalData) -> list[str]:
    """Return the modalities with single values missing in subjects who have the modality."""
    present = dict(zip(X.modalities, X.mask.T, strict=True))
    return [name for name, array in X.items() if np.isnan(array[present[name]]).any()]


def make_methods(X: MultimodalData, **params: Any) -> dict[str, Pipeline]:
    """Return the pipelines to compare, by name; ``params`` are those of the embedder.

    The penalty of the linear baselines grows with the number of values per subject, without
    which they would be far too weak on connectomes.
    """
    widths = {name: math.prod(shape) for name, shape in X.shapes.items()}
    methods = {"dummy": Pipeline([("clf", DummyClassifier())])}
    methods |= {f"{name} alone": _linear([name], width) for name, width in widths.items()}
    methods["concatenation"] = _linear(list(widths), sum(widths.values()))
    for name, weights in {
        "CMC only": {"css_weight": 0.0},
        "CSS only": {"cmc_weight": 0.0},
        MAIN: {},
    }.items():
        methods[name] = _embedding(find_gaps(X), {**params, **weights})
    return methods


def _linear(names: list[str], n_values: int) -> Pipeline:
    steps = [
        ("select", FunctionTransformer(_flatten, kw_args={"names": names})),
        ("impute", SimpleImputer(keep_empty_features=True)),
        ("scale", StandardScaler()),
        ("clf", _classifier(C=min(1.0, 10 / n_values))),
    ]
    return Pipeline(steps)


def _flatten(X: MultimodalData, names: list[str]) -> np.ndarray:
    return np.asarray(X[names])


def _embedding(gaps: list[str], params: dict[str, Any]) -> Pipeline:
    imputers = {name: SimpleImputer(keep_empty_features=True) for name in gaps}
    impute = [("impute", ModalityTransformer(imputers))] if gaps else []
    return Pipeline([*impute, ("cmc", CMCCSSEmbedder(**params)), ("clf", _classifier())])


def _classifier(**params: Any) -> LogisticRegression:
    return LogisticRegression(class_weight="balanced", max_iter=5000, **params)


def compare(
    methods: dict[str, Pipeline], X: MultimodalData, y: np.ndarray, splits: list, n_jobs: int = 1
) -> list[Fold]:
    """Cross-validate every method on the same splits, with a progress bar on stderr."""
    jobs = [
        delayed(_run)(name, method, X, y, split)
        for split in splits
        for name, method in methods.items()
    ]
    done = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    return list(tqdm(done, total=len(jobs), unit="fit", desc="cross-validation"))


def _run(name: str, method: Pipeline, X: MultimodalData, y: np.ndarray, split: tuple) -> Fold:
    result = cross_validate(
        method, X, y, cv=[split], scoring=list(SCORES), return_estimator=True, error_score="raise"
    )
    scores = {score: float(result[f"test_{score}"][0]) for score in SCORES}
    return Fold(name, scores, result["estimator"][0] if name == MAIN else None)
