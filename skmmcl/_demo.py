"""The methods that are compared, their cross-validation, its table and its figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm import tqdm

from skmmcl.contrastive import ContrastiveRegressionEmbedder, YAwareEmbedder
from skmmcl.cross_decomposition import CMCCSSEmbedder
from skmmcl.preprocessing import ModalityTransformer

MAIN = "CMC+CSS"
MAIN_OF_REGRESSION = "contrastive regression"
SCORES = {"balanced_accuracy": "balanced accuracy", "roc_auc_ovr": "ROC AUC"}
SCORES_OF_REGRESSION = {"neg_mean_absolute_error": "MAE", "r2": "R2"}
ALPHAS = [10.0**k for k in range(-2, 6)]  # a penalty for few values, and one for many


class Task(NamedTuple):
    """A comparison of classifiers or regressors; `main` is the method that is drawn and printed."""

    main: str
    scores: dict[str, str]
    make_methods: Callable[..., dict[str, Pipeline]]
    splitter: Callable[..., Any]


def find_gaps(X) -> list[str]:
    """Return the modalities in which single values are missing, not whole rows."""
    present = dict(zip(X.modalities, X.mask.T, strict=True))
    return [name for name, array in X.items() if np.isnan(array[present[name]]).any()]


def make_methods(X, **params) -> dict[str, Pipeline]:
    """Return the pipelines that classify, by name; `params` are those of a trained embedder."""
    return {
        "dummy": Pipeline([("clf", DummyClassifier())]),
        **{f"{name} alone": _linear(X, [name]) for name in X.modalities},
        "concatenation": _linear(X, list(X.modalities)),
        f"{MAIN}, trained": _embedding(X, CMCCSSEmbedder(solver="gradient", **params)),
        MAIN: _embedding(X, CMCCSSEmbedder()),
    }


def make_regressors(X, **params) -> dict[str, Pipeline]:
    """Return the pipelines that predict a number, by name; `params` are those of the embedders."""
    return {
        "dummy": Pipeline([("reg", DummyRegressor())]),
        **{f"{name} alone": _ridge([name]) for name in X.modalities},
        "concatenation": _ridge(list(X.modalities)),
        "y-Aware": _embedding(X, YAwareEmbedder(**params), ("reg", RidgeCV(ALPHAS))),
        MAIN_OF_REGRESSION: _embedding(
            X, ContrastiveRegressionEmbedder(**params), ("reg", RidgeCV(ALPHAS))
        ),
    }


CLASSIFICATION = Task(MAIN, SCORES, make_methods, RepeatedStratifiedKFold)
REGRESSION = Task(MAIN_OF_REGRESSION, SCORES_OF_REGRESSION, make_regressors, RepeatedKFold)


def _linear(X, names: list[str]) -> Pipeline:
    """Return a baseline, whose penalty grows with the number of its values."""
    n_values = sum(math.prod(X.shapes[name]) for name in names)
    return Pipeline([*_flat(names), ("clf", _classifier(C=min(1.0, 10 / n_values)))])


def _ridge(names: list[str]) -> Pipeline:
    return Pipeline([*_flat(names), ("reg", RidgeCV(ALPHAS))])


def _flat(names: list[str]) -> list[tuple]:
    """Return the steps that concatenate some modalities into a scaled table."""
    return [
        ("select", FunctionTransformer(itemgetter(names))),
        ("impute", SimpleImputer(keep_empty_features=True)),
        ("scale", StandardScaler()),
    ]


def _embedding(X, embedder, last: tuple | None = None) -> Pipeline:
    imputers = {name: SimpleImputer(keep_empty_features=True) for name in find_gaps(X)}
    impute = [("impute", ModalityTransformer(imputers))] if imputers else []
    return Pipeline(
        [*impute, ("cmc" if last is None else "embed", embedder), last or ("clf", _classifier())]
    )


def _classifier(**params) -> LogisticRegression:
    return LogisticRegression(class_weight="balanced", max_iter=5000, **params)


def compare(
    methods: dict[str, Pipeline], X, y, splits: list, n_jobs: int = 1, scores: Any = SCORES
) -> dict[str, dict]:
    """Return the scores of every method on every split, by method and score."""
    jobs = [
        delayed(_score)(pipeline, X, y, split, list(scores))
        for split in splits
        for pipeline in methods.values()
    ]
    with parallel_config("loky", inner_max_num_threads=1):
        done = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
        folds = list(tqdm(done, total=len(jobs), unit="fit", desc="Cross-validation"))
    return {
        name: {s: np.ravel([r[f"test_{s}"] for r in folds[i :: len(methods)]]) for s in scores}
        for i, name in enumerate(methods)
    }


def _score(pipeline: Pipeline, X, y, split: tuple, scores: list[str]) -> dict:
    return cross_validate(pipeline, X, y, cv=[split], scoring=scores, error_score="raise")


def format_table(table: dict[str, dict], titles: dict[str, str] = SCORES) -> str:
    """Return mean and standard deviation over the folds as text."""
    width = max(map(len, table))
    lines = [" " * width + "".join(f"{title:>20}" for title in titles.values())]
    for name, scores in table.items():
        shown = [_shown(score, values) for score, values in scores.items()]
        cells = [f"{values.mean():.3f} +- {values.std():.3f}" for values in shown]
        lines.append(f"{name:{width}}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


def _shown(score: str, values: np.ndarray) -> np.ndarray:
    """Return errors with their sign, which scikit-learn inverts."""
    return -values if score.startswith("neg_") else values


def plot(table: dict[str, dict], task: Task, methods: dict, cohort, split: tuple):
    """Return a figure of the scores, and of one fold's held-out subjects."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    scores_axes, map_axes = figure.subplots(1, 2, width_ratios=[1.5, 1])
    _plot_scores(scores_axes, table, task)
    draw = _plot_predictions if cohort.classes is None else _plot_map
    draw(map_axes, methods[task.main], cohort, *split)
    map_axes.set_title(f"{task.main}, first fold")
    return figure


def _plot_scores(axes, table: dict[str, dict], task: Task) -> None:
    score, title = next(iter(task.scores.items()))
    for row, (name, scores) in enumerate(reversed(table.items())):
        is_baseline = name in {"dummy", "concatenation"} or name.endswith(" alone")
        color = "#c1272d" if name == task.main else "#7f7f7f" if is_baseline else "#2b6ca3"
        values = _shown(score, scores[score])
        axes.plot(values, np.full(len(values), row), "o", c=color, alpha=0.4, ms=7, mew=0)
        axes.plot(values.mean(), row, "|", c=color, ms=20, mew=3)
    axes.set_yticks(range(len(table)), reversed(table))
    better = "smaller" if score.startswith("neg_") else "greater"
    axes.set(
        title=f"Cross-validated {title}",
        xlabel=f"{title} of each fold (dots) and mean (bar); {better} is better",
    )
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _plot_map(axes, pipeline: Pipeline, cohort, train, test) -> None:
    """Draw the classes in the embedding."""
    X, y = cohort.X, cohort.y
    embed = pipeline.fit(X[train], y[train])[:-1]
    Z = embed.transform(X[train])
    pca = PCA(min(2, Z.shape[1])).fit(Z)
    for rows, style in ((train, {"s": 12, "alpha": 0.3, "lw": 0}), (test, {"s": 45, "ec": "w"})):
        points = pca.transform(embed.transform(X[rows]))
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
        for k, name in enumerate(cohort.classes):
            label = f"{name}, {'held out' if rows is test else 'training'}"
            axes.scatter(*points[y[rows] == k].T, color=f"C{k}", label=label, **style)
    axes.legend(fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.06))
    axes.set(xlabel="PC 1", ylabel="PC 2" if Z.shape[1] > 1 else "", xticks=[], yticks=[])
    axes.spines[:].set_color("0.8")


def _plot_predictions(axes, pipeline: Pipeline, cohort, train, test) -> None:
    """Draw predictions of held-out subjects against the truth."""
    X, y = cohort.X, cohort.y
    predicted = pipeline.fit(X[train], y[train]).predict(X[test])
    axes.axline((y.min(), y.min()), slope=1, color="0.8", zorder=0)
    axes.scatter(y[test], predicted, s=45, ec="w", color="#c1272d")
    axes.set(xlabel=f"true {cohort.target}, held out", ylabel=f"predicted {cohort.target}")
    axes.spines[:].set_color("0.8")
