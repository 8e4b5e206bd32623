"""How the defaults of CMCCSSEmbedder were chosen.

    python benchmarks/defaults.py [--quick] [--n-jobs 2]

Each cohort is split once; the test part is never looked at here. On the training part,
every candidate is scored by repeated stratified cross-validation of
``make_pipeline(CMCCSSEmbedder(**candidate), LogisticRegression(class_weight="balanced"))``.
Candidates differ from the present defaults in what their name says. The table gives the
ROC AUC per cohort, and the mean over cohorts of the difference from the defaults.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
from _report import write_report
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder
from skmmcl.data import MultimodalData
from skmmcl.datasets import fetch_abide, fetch_ms_multilayer, fetch_nspn, make_cohort

CANDIDATES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "temperature 0.1": {"temperature": 0.1},
    "temperature 0.3": {"temperature": 0.3},
    "temperature 0.7": {"temperature": 0.7},
    "css_weight 0.3": {"css_weight": 0.3},
    "css_weight 1": {"css_weight": 1.0},
    "css_weight 3": {"css_weight": 3.0},
    "denominator all": {"denominator": "all"},
    "pairwise": {"pairwise": True},
    "normalize_each": {"normalize_each": True},
    "projection head 16": {"projection_dim": 16},
    "n_components 8": {"n_components": 8},
    "n_components 16": {"n_components": 16},
    "n_components 32": {"n_components": 32},
    "lr 0.0001": {"lr": 1e-4},
    "lr 0.0003": {"lr": 3e-4},
    "lr 0.001": {"lr": 1e-3},
    "max_epochs 50": {"max_epochs": 50},
    "max_epochs 200": {"max_epochs": 200},
    "batch_size 32": {"batch_size": 32},
    "batch_size 128": {"batch_size": 128},
    "weight_decay 0": {"weight_decay": 0.0},
    "weight_decay 0.01": {"weight_decay": 1e-2},
    "cosine schedule": {"lr_schedule": "cosine"},
    "mlp encoders": {"encoders": "mlp"},
    "linear encoders": {"encoders": "linear"},
    "not standardised": {"standardize": False},
    "from_paper, 100 epochs": {"paper": True, "max_epochs": 100},
}


def cohorts(*, quick: bool) -> Iterator[tuple[str, MultimodalData, np.ndarray]]:
    """Training parts, by name."""
    yield "simulated", *make_cohort(random_state=100)[:2]
    yield "complementary", *make_cohort(complementarity=0.8, random_state=101)[:2]
    if quick:
        return
    yield "small", *make_cohort(100, random_state=102)[:2]
    for name, fetch in (("nspn", fetch_nspn), ("ms", fetch_ms_multilayer), ("abide", fetch_abide)):
        yield name, *fetch(return_X_y=True)


def score(params: dict[str, Any], X: MultimodalData, y: np.ndarray, n_repeats: int) -> np.ndarray:
    """ROC AUC in each fold."""
    params = dict(params)
    make = CMCCSSEmbedder.from_paper if params.pop("paper", False) else CMCCSSEmbedder
    pipe = make_pipeline(
        make(random_state=0, **params), LogisticRegression(class_weight="balanced", max_iter=1000)
    )
    cv = RepeatedStratifiedKFold(n_splits=4, n_repeats=n_repeats, random_state=0)
    return cross_val_score(pipe, X, y, cv=cv, scoring="roc_auc")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    table: dict[str, dict[str, float]] = {name: {} for name in CANDIDATES}
    for cohort, X, y in cohorts(quick=args.quick):
        rows, _ = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=0)
        scores = Parallel(args.n_jobs)(
            delayed(score)(params, X[rows], y[rows], 1) for params in CANDIDATES.values()
        )
        for name, values in zip(CANDIDATES, scores, strict=True):
            table[name][cohort] = float(np.mean(values))
            print(f"{cohort:15s} {name:25s} {np.mean(values):.3f}", flush=True)
    base = table["defaults"]
    gains = {n: float(np.mean([row[c] - base[c] for c in base])) for n, row in table.items()}
    for name in sorted(gains, key=gains.get, reverse=True):
        print(f"{name:25s} {gains[name]:+.3f}  {table[name]}")
    write_report("defaults", {"roc_auc": table, "mean_gain_over_defaults": gains})


if __name__ == "__main__":
    main()
