"""Methods as their papers train them, beside today's defaults and linear models.

    python benchmarks/recipes.py                  # about fifteen minutes of one core
    python benchmarks/recipes.py --only volumes   # cohorts whose name has this; others are kept
    python benchmarks/recipes.py --quick          # to see that it runs; writes nothing

Every recipe is ``from_paper()`` at a size that one core bears: a small encoder in place of the
paper's deep one, with 16 components and a head of 16, and the augmentation of this package for the
kind of data where the paper's is of images. Rates, schedules, batches, epochs, temperatures and
bandwidths are the paper's; epochs of volumes and of CMC+CSS are cut to 15 and 200. Nothing was
tuned here.

Tables are IXI's cortical thickness and FCON1000's regional measures, of which the age is told, and
a simulated cohort of several modalities, of which the class is. Volumes are simulated: a blob, at a
place that varies, whose width follows the age. Scores are of held-out folds (volumes: one split),
by ridge (R2) or logistic regression (balanced accuracy) of standardized embeddings; the linear
models see the standardized tables themselves, or the voxels.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import environment, read_report, write_report
from _timing import one_thread
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import skmmcl
from skmmcl import MultimodalData, datasets

N_SPLITS = 3
PENALTIES = np.logspace(-2, 4, 13)
SMALL = {"n_components": 16, "random_state": 0}
HEADED = {"projection_dim": (16, 16)}
TABLES = {**SMALL, **HEADED, "encoders": "mlp", "augment": "auto"}
N_VOLUMES, SIDE = 160, 24

# What of each recipe gives way to the size of the data.
OF_AGE = {
    "YAwareEmbedder": TABLES,
    "ContrastiveRegressionEmbedder": TABLES,
    "DecoupledUniformityEmbedder": TABLES,
}
OF_CLASS = {
    "SupConEmbedder": TABLES,
    "EpsSupInfoNCEEmbedder": {**SMALL, **HEADED, "encoders": "mlp"},
    "MultiLabelSupConEmbedder": TABLES,
    "DecoupledUniformityEmbedder": TABLES,
}
OF_MODALITIES = {
    "CMCCSSEmbedder": {"max_epochs": 200, "random_state": 0},
    "CLIPEmbedder": {**SMALL, **HEADED, "encoders": "auto", "augment": "auto"},
    "CoMMEmbedder": {"n_components": 64, "projection_dim": 64, "random_state": 0},
    "DeepInfoMaxEmbedder": {**SMALL, "encoders": "auto", "input_components": 60},
    "SupervisedEmbedder": {**SMALL, "encoders": "auto", "input_components": 60},
    "MMVAEEmbedder": {**SMALL, "encoders": "auto"},
}
OF_VOLUMES = {
    name: {**SMALL, **HEADED, "encoders": "small_cnn", "max_epochs": 15}
    for name in ("YAwareEmbedder", "ContrastiveRegressionEmbedder")
}


def flat(X: Any) -> np.ndarray:
    """All modalities side by side."""
    return np.hstack([np.asarray(X[name]).reshape(len(X), -1) for name in X.modalities])


def one_table(X: MultimodalData) -> MultimodalData:
    """The modalities as one."""
    return MultimodalData(table=flat(X))


def volumes_of_age() -> tuple[MultimodalData, np.ndarray]:
    """Volumes with a blob whose width follows the age, and its place not."""
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, N_VOLUMES)
    grid = np.stack(np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"), -1)
    center = rng.uniform(0.4, 0.6, (N_VOLUMES, 3)) * SIDE
    squared = ((grid - center[:, None, None, None]) ** 2).sum(-1)
    width = (2.0 + 0.05 * age)[:, None, None, None]
    noise = 0.5 * rng.normal(size=squared.shape)
    return MultimodalData(t1=(np.exp(-squared / (2 * width**2)) + noise).astype(np.float32)), age


def cohorts(*, quick: bool) -> dict[str, tuple[Any, np.ndarray, dict[str, dict]]]:
    """Data, target and methods of each cohort."""
    found = {}
    for name, fetch in (("IXI", datasets.fetch_ixi), ("FCON1000", datasets.fetch_fcon1000)):
        X, age = fetch(target="age", return_X_y=True)
        found[f"{name}, age"] = one_table(X), np.asarray(age, float), OF_AGE
    X, y, _ = datasets.make_cohort(n_subjects=300, random_state=0)
    found["simulated table, class"] = one_table(X), y, OF_CLASS
    found["simulated modalities, class"] = X, y, OF_MODALITIES
    found["simulated volumes, age"] = *volumes_of_age(), OF_VOLUMES
    if quick:
        return {name: (X[:90], y[:90], methods) for name, (X, y, methods) in found.items()}
    return found


def head_of(y: np.ndarray) -> Any:
    """The linear model that reads an embedding."""
    if is_class(y):
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return make_pipeline(StandardScaler(), RidgeCV(PENALTIES))


def is_class(y: np.ndarray) -> bool:
    return y.dtype.kind in "iub"


def score(model: Any, X: Any, y: np.ndarray) -> float:
    found = model.predict(X)
    return balanced_accuracy_score(y, found) if is_class(y) else r2_score(y, found)


def models_of(methods: dict[str, dict], y: np.ndarray, params: dict) -> dict[str, Any]:
    """The linear model, and each method by its recipe and by its defaults."""
    linear = "logistic regression" if is_class(y) else "ridge regression"
    models = {linear: make_pipeline(FunctionTransformer(flat), head_of(y))}
    if is_class(y):
        models["chance"] = make_pipeline(FunctionTransformer(flat), DummyClassifier())
    for name, own in methods.items():
        cls: Any = getattr(skmmcl, name)
        encoder = {"encoders": "small_cnn"} if own.get("encoders") == "small_cnn" else {}
        recipe = cls.from_paper(**{**own, **params})
        defaults = cls(random_state=0, **encoder, **params)
        models[f"{name}, as in the paper"] = make_pipeline(recipe, head_of(y))
        models[f"{name}, defaults"] = make_pipeline(defaults, head_of(y))
    return models


def splits_of(X: Any, y: np.ndarray) -> list:
    kind: Callable[..., Any] = StratifiedKFold if is_class(y) else KFold
    splits = list(kind(N_SPLITS, shuffle=True, random_state=0).split(np.zeros(len(y)), y))
    return splits[:1] if "t1" in X.modalities else splits


def measure(model: Any, X: Any, y: np.ndarray) -> dict[str, Any]:
    """Score of each fold, and the seconds of processor time of all."""
    began, values = time.process_time(), []
    for train, test in splits_of(X, y):
        fitted = clone(model).fit(X[train], y[train])
        values.append(score(fitted, X[test], y[test]))
    seconds = time.process_time() - began
    return {"mean": np.mean(values), "values": values, "seconds": round(seconds, 1)}


def settings_of(model: Any) -> dict[str, str]:
    """What an embedder has other than its defaults."""
    first = model[0]
    if not isinstance(first, skmmcl.base.BaseEmbedder):
        return {}
    defaults = type(first)().get_params()
    return {k: str(v) for k, v in first.get_params().items() if v != defaults[k]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    quick = options.quick
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    if shared.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(shared))
    one_thread()
    warnings.simplefilter("ignore")  # of kernels and batches: the table says what came of it
    params = {"max_epochs": 1} if quick else {}
    results = read_report("recipes").get("cohorts", {})
    for name, (X, y, methods) in cohorts(quick=quick).items():
        if options.only not in name:
            continue
        print(f"\n{name}: {len(y)} subjects", flush=True)
        rows = {}
        for label, model in models_of(methods, y, params).items():
            rows[label] = {**measure(model, X, y), "settings": settings_of(model)}
            print(
                f"  {label:50} {rows[label]['mean']:6.3f} {rows[label]['seconds']:7.1f} s",
                flush=True,
            )
        unit = "balanced accuracy" if is_class(y) else "R2"
        results[name] = {"unit": unit, "n_subjects": len(y), "rows": rows, "run": environment()}
        if not quick:
            write_report("recipes", {"cohorts": results})


if __name__ == "__main__":
    main()
