"""The main job: the methods to compare, their cross-validation, its table and its figure."""

from __future__ import annotations

import math
from operator import itemgetter

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm import tqdm

from skmmcl.cross_decomposition import CMCCSSEmbedder
from skmmcl.preprocessing import ModalityTransformer

MAIN = "CMC+CSS"
SCORES = {"balanced_accuracy": "balanced accuracy", "roc_auc_ovr": "ROC AUC"}


def find_gaps(X) -> list[str]:
    """Return the modalities in which single values are missing, not whole rows."""
    present = dict(zip(X.modalities, X.mask.T, strict=True))
    return [name for name, array in X.items() if np.isnan(array[present[name]]).any()]


def make_methods(X, **params) -> dict[str, Pipeline]:
    """Return the pipelines to compare, by name; `params` are those of the embedder."""
    return {
        "dummy": Pipeline([("clf", DummyClassifier())]),
        **{f"{name} alone": _linear(X, [name]) for name in X.modalities},
        "concatenation": _linear(X, list(X.modalities)),
        "CMC only": _embedding(X, {**params, "css_weight": 0.0}),
        "CSS only": _embedding(X, {**params, "cmc_weight": 0.0}),
        MAIN: _embedding(X, params),
    }


def _linear(X, names: list[str]) -> Pipeline:
    """Return a baseline; it would be weak if its penalty did not grow with its width."""
    n_values = sum(math.prod(X.shapes[name]) for name in names)
    steps = {
        "select": FunctionTransformer(itemgetter(names)),
        "impute": SimpleImputer(keep_empty_features=True),
        "scale": StandardScaler(),
        "clf": _classifier(C=min(1.0, 10 / n_values)),
    }
    return Pipeline(list(steps.items()))


def _embedding(X, params: dict) -> Pipeline:
    imputers = {name: SimpleImputer(keep_empty_features=True) for name in find_gaps(X)}
    impute = [("impute", ModalityTransformer(imputers))] if imputers else []
    return Pipeline([*impute, ("cmc", CMCCSSEmbedder(**params)), ("clf", _classifier())])


def _classifier(**params) -> LogisticRegression:
    return LogisticRegression(class_weight="balanced", max_iter=5000, **params)


def compare(methods: dict[str, Pipeline], X, y, splits: list, n_jobs: int = 1) -> dict[str, dict]:
    """Return the scores of every method on every split, by method and score."""
    jobs = [
        delayed(_score)(pipeline, X, y, split) for split in splits for pipeline in methods.values()
    ]
    with parallel_config("loky", inner_max_num_threads=1):
        done = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
        folds = list(tqdm(done, total=len(jobs), unit="fit", desc="Cross-validation"))
    return {
        name: {s: np.ravel([r[f"test_{s}"] for r in folds[i :: len(methods)]]) for s in SCORES}
        for i, name in enumerate(methods)
    }


def _score(pipeline: Pipeline, X, y, split: tuple) -> dict:
    return cross_validate(pipeline, X, y, cv=[split], scoring=list(SCORES), error_score="raise")


def format_table(table: dict[str, dict]) -> str:
    """Return mean and standard deviation over the folds as text."""
    width = max(map(len, table))
    lines = [" " * width + "".join(f"{title:>20}" for title in SCORES.values())]
    for name, scores in table.items():
        cells = [f"{values.mean():.3f} +- {values.std():.3f}" for values in scores.values()]
        lines.append(f"{name:{width}}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def plot(table: dict[str, dict], pipeline: Pipeline, X, y, split: tuple):
    """Return a figure of the scores, and of one fold's held-out subjects in the embedding."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    scores_axes, map_axes = figure.subplots(1, 2, width_ratios=[1.5, 1])
    _plot_scores(scores_axes, table)
    _plot_map(map_axes, pipeline, X, y, *split)
    return figure


def _plot_scores(axes, table: dict[str, dict]) -> None:
    for row, (name, scores) in enumerate(reversed(table.items())):
        color = "#c1272d" if name == MAIN else "#2b6ca3" if name.startswith("C") else "#7f7f7f"
        values = scores["balanced_accuracy"]
        axes.plot(values, np.full(len(values), row), "o", c=color, alpha=0.4, ms=7, mew=0)
        axes.plot(values.mean(), row, "|", c=color, ms=20, mew=3)
    axes.set_yticks(range(len(table)), reversed(table))
    axes.set(title="Cross-validated balanced accuracy", xlabel="each fold (dots) and mean (bar)")
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _plot_map(axes, pipeline: Pipeline, X, y, train, test) -> None:
    embed = pipeline.fit(X[train], y[train])[:-1]
    pca = PCA(2).fit(embed.transform(X[train]))
    for rows, style in ((train, {"s": 12, "alpha": 0.3, "lw": 0}), (test, {"s": 45, "ec": "w"})):
        points = pca.transform(embed.transform(X[rows]))
        for k, name in enumerate(np.unique(y)):
            label = f"{name}, {'held out' if rows is test else 'training'}"
            axes.scatter(*points[y[rows] == name].T, color=f"C{k}", label=label, **style)
    axes.legend(fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.06))
    axes.set(title=f"{MAIN} embedding, first fold", xlabel="PC 1", ylabel="PC 2")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("0.8")
