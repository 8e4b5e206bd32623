"""What the benchmarks of accuracy share: cross-validation of pipelines, tables, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.model_selection import cross_validate

from skmmcl import stacked_fits
from skmmcl._demo import SCORES


def compare(methods, X, y, cv, *, groups=None) -> dict[str, dict]:
    """Return the scores of all folds and the processor time of one of them, by method."""
    options = {"scoring": list(SCORES), "error_score": "raise"}
    table = {}
    for name, pipeline in methods.items():
        start = process_time()
        with stacked_fits():
            result = cross_validate(pipeline, X, y, cv=cv, groups=groups, **options)
        table[name] = {score: summary(result[f"test_{score}"]) for score in SCORES}
        n_folds = len(result["fit_time"])
        table[name]["fold_seconds"] = round((process_time() - start) / n_folds, 3)
        print(format_row(name, table[name]), flush=True)
    return table


def summary(values: np.ndarray) -> dict:
    """Return mean and standard deviation over the folds where the score is defined, and all."""
    defined = values[np.isfinite(values)]
    return {
        "mean": round(float(defined.mean()), 4) if len(defined) else None,
        "std": round(float(defined.std()), 4) if len(defined) else None,
        "folds": [round(float(value), 4) if np.isfinite(value) else None for value in values],
    }


def format_row(name: str, row: dict) -> str:
    """Return a line of the table."""
    cells = [f"{row[s]['mean']:.3f} +- {row[s]['std']:.3f}" for s in SCORES]
    return (
        f"  {name:24}" + "".join(f"{cell:>18}" for cell in cells) + f"{row['fold_seconds']:9.2f} s"
    )


def format_head() -> str:
    """Return the head of the table."""
    return " " * 26 + "".join(f"{title:>18}" for title in SCORES.values()) + f"{'one fold':>11}"


def describe_cohort(X, y) -> dict:
    """Return what a cohort holds."""
    classes, counts = np.unique(y, return_counts=True)
    return {
        "subjects": len(X),
        "modalities": {name: list(shape) for name, shape in X.shapes.items()},
        "classes": dict(zip(map(str, classes.tolist()), counts.tolist(), strict=True)),
        "complete": int(X.mask.all(axis=1).sum()),
    }


def update(path: Path, name: str, result: dict) -> None:
    """Write a result into a JSON file and keep the other results in it."""
    results = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**results, name: result}, indent=1) + "\n")
