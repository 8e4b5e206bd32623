"""How the defaults of CMCCSSEmbedder were chosen.

    python benchmarks/defaults.py [--cohorts nspn simulated ...] [--n-jobs 2]

Each cohort is split once; the test part is never looked at here. On the training part,
every candidate is scored by repeated stratified cross-validation of
``make_pipeline(CMCCSSEmbedder(solver="gradient", **candidate), LogisticRegression(...))``.
Candidates differ from the defaults in what their name says; none has noise on its input, which
``gradient_path.py`` is about. The table gives the
ROC AUC per cohort, and the mean over cohorts of the difference from the defaults. Cohorts
that are not run keep the figures of the last run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from _report import read_report, write_report
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.data import MultimodalData
from skmmcl.datasets import fetch_ms_multilayer, fetch_nspn, make_cohort

CANDIDATES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "linear encoders": {"encoders": "linear"},
    "mlp, no shortcut": {"encoders": "mlp"},
    "input_components 15": {"input_components": 15},
    "input_components 30": {"input_components": 30},
    "input_components 100": {"input_components": 100},
    "input_components None": {"input_components": None},
    "css_weight 0.1": {"css_weight": 0.1},
    "css_weight 0.3": {"css_weight": 0.3},
    "css_weight 3": {"css_weight": 3.0},
    "temperature 0.2": {"temperature": 0.2},
    "temperature 1.5": {"temperature": 1.5},
    "denominator all": {"denominator": "all"},
    "pairwise": {"pairwise": True},
    "normalize_each": {"normalize_each": True},
    "projection_dim 16": {"projection_dim": 16},
    "n_components 8": {"n_components": 8},
    "n_components 32": {"n_components": 32},
    "lr 0.0003": {"lr": 3e-4},
    "lr 0.003": {"lr": 3e-3},
    "lr 0.003, css_weight 0.3": {"lr": 3e-3, "css_weight": 0.3},
    "lr 0.01": {"lr": 1e-2},
    "max_epochs 50": {"max_epochs": 50},
    "max_epochs 200": {"max_epochs": 200},
    "batch_size 32": {"batch_size": 32},
    "batch_size 256": {"batch_size": 256},
    "weight_decay 0": {"weight_decay": 0.0},
    "weight_decay 0.01": {"weight_decay": 1e-2},
    "from_paper, 100 epochs": {"paper": True, "max_epochs": 100},
}


COHORTS: dict[str, Callable[[], tuple[MultimodalData, np.ndarray]]] = {
    "nspn": lambda: fetch_nspn(return_X_y=True),
    "simulated": lambda: make_cohort(random_state=100)[:2],
    "ms": lambda: fetch_ms_multilayer(return_X_y=True),
    "complementary": lambda: make_cohort(complementarity=0.7, random_state=101)[:2],
    "small": lambda: make_cohort(100, random_state=102)[:2],
}


def score(params: dict[str, Any], X: MultimodalData, y: np.ndarray, n_repeats: int) -> np.ndarray:
    """ROC AUC in each fold."""
    params = dict(params)
    make = CMCCSSEmbedder.from_paper if params.pop("paper", False) else CMCCSSEmbedder
    pipe = make_pipeline(
        make(**{"solver": "gradient", **params}, random_state=0),
        LogisticRegression(class_weight="balanced", max_iter=1000),
    )
    cv = RepeatedStratifiedKFold(n_splits=4, n_repeats=n_repeats, random_state=0)
    with stacked_fits():
        return cross_val_score(pipe, X, y, cv=cv, scoring="roc_auc")


def gains(table: dict[str, dict[str, float]]) -> dict[str, float]:
    """Mean over cohorts of each candidate's difference from the defaults."""
    base = table["defaults"]
    return {name: float(np.mean([row[c] - base[c] for c in row])) for name, row in table.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", nargs="+", choices=COHORTS, default=list(COHORTS))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    earlier = read_report("defaults").get("roc_auc", {})
    table: dict[str, dict[str, float]] = {name: earlier.get(name, {}) for name in CANDIDATES}
    for cohort in args.cohorts:
        X, y = COHORTS[cohort]()
        y = np.asarray(y)
        rows, _ = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=0)
        scores = Parallel(args.n_jobs)(
            delayed(score)(params, X[rows], y[rows], args.repeats) for params in CANDIDATES.values()
        )
        for name, values in zip(CANDIDATES, scores, strict=True):
            table[name][cohort] = float(np.mean(values))
            print(f"{cohort:15s} {name:25s} {np.mean(values):.3f}", flush=True)
        write_report("defaults", {"roc_auc": table, "mean_gain_over_defaults": gains(table)})
    mean_gains = gains(table)
    for name in sorted(mean_gains, key=lambda name: -mean_gains[name]):
        cells = "  ".join(f"{cohort} {value:.3f}" for cohort, value in table[name].items())
        print(f"{name:25s} {mean_gains[name]:+.3f}   {cells}")


if __name__ == "__main__":
    main()
