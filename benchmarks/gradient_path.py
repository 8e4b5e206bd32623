"""How well CMC+CSS does when it is trained, with noise on its input and other regularization.

    python benchmarks/gradient_path.py --cohorts aomic ms       # inner folds, then outer ones
    python benchmarks/gradient_path.py --show                   # tables of the last results

Each cohort is split into outer folds. Within the training part of each, every candidate is scored
by inner folds. In each outer fold, a candidate is chosen by the mean of its inner scores over all
cohorts; only then the test part is looked at, once, by the setting before, the chosen one,
the closed form and logistic regression on the concatenation with C by cross-validation. Cohorts
that are not run keep their figures; the choice is made anew. Scores are ROC AUC of
``make_pipeline(embedder, LogisticRegression())``.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from _linear_baselines import linear_baselines
from _report import read_report, write_report
from _worth_report import FIRST, interval
from sklearn.base import TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from worth import TASKS, impute_gaps

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.base import embedder
from skmmcl.losses import SupConLoss
from skmmcl.training import Term

BEFORE = "before"
WIDE = {"input_components": 200}
CANDIDATES: dict[str, dict[str, Any]] = {
    BEFORE: {},
    "noise 0.5": {"input_noise": 0.5},
    "noise 1": {"input_noise": 1.0},
    "noise 1.5": {"input_noise": 1.5},
    "200 components": WIDE,
    "200 components, noise 1": {**WIDE, "input_noise": 1.0},
    "200 components, noise 1.5": {**WIDE, "input_noise": 1.5},
    "200 components, noise 2": {**WIDE, "input_noise": 2.0},
    "200 components, noise 1, css_weight 3": {**WIDE, "input_noise": 1.0, "css_weight": 3.0},
    "200 components, noise 1, cmc_weight 0.3": {**WIDE, "input_noise": 1.0, "cmc_weight": 0.3},
    "200 components, noise 1, css of each view": {**WIDE, "input_noise": 1.0, "each": True},
    "200 components, noise 1, mean of views": {**WIDE, "input_noise": 1.0, "mean": True},
}
N_OUTER, N_INNER = 3, 3
REPORTED = (BEFORE, "noise 0.5", "noise 1", "200 components, noise 1")


class EachView(SupConLoss):
    """The supervised contrast of each view by itself, on average."""

    def forward(self, z, y, sample_weight=None):
        """Average over the views of ``z``, (n_lanes, n_views, n_samples, n_components)."""
        losses = [super(EachView, self).forward(view, y, sample_weight) for view in z.unbind(1)]
        return torch.stack(losses).mean(0)


@embedder
class OfEachView(CMCCSSEmbedder):
    """CMC+CSS with a supervised term of each view instead of one of all jointly."""

    def _make_objective(self):
        cmc, _ = super()._make_objective()
        on = ("z", "y", "sample_weight")
        return [cmc, Term("css", EachView(self.temperature), on=on, weight=self.css_weight)]


def mean_of_views(h: np.ndarray) -> np.ndarray:
    """Average the representations, of width 16, of all modalities."""
    return h.reshape(len(h), -1, 16).mean(axis=1)


def pipeline(X, params: dict[str, Any]):
    """Make the pipeline of a candidate."""
    params = {"input_noise": 0.0, "input_components": 60, "solver": "gradient", **params}
    make = OfEachView if params.pop("each", False) else CMCCSSEmbedder
    mean: list[TransformerMixin] = (
        [FunctionTransformer(mean_of_views)] if params.pop("mean", False) else []
    )
    return make_pipeline(
        *impute_gaps(X), make(**params, random_state=0), *mean, LogisticRegression(max_iter=2000)
    )


def folds(n: int, seed: int) -> StratifiedKFold:
    """Return a splitter."""
    return StratifiedKFold(n, shuffle=True, random_state=seed)


def auc(model, X, y, cv) -> list[float]:
    """Return the ROC AUC of each fold."""
    with stacked_fits():
        found = cross_val_score(model, X, y, cv=cv, scoring="roc_auc_ovr", error_score="raise")
    return found.round(4).tolist()


def inner_scores(X, y, name: str) -> list[list[float]]:
    """Score a candidate in the training part of each outer fold."""
    return [
        auc(pipeline(X, CANDIDATES[name]), X[train], y[train], folds(N_INNER, 1 + k))
        for k, (train, _) in enumerate(folds(N_OUTER, 0).split(y, y))
    ]


def run_inner(report: dict[str, Any], cohort: str, names: list[str]) -> None:
    """Score candidates on a cohort, and write each down."""
    X, y = TASKS[cohort]()
    empty = {"subjects": len(X), "seconds": 0.0, "inner": {}}
    known = report["cohorts"].setdefault(cohort, empty)
    for name in names:
        start = process_time()
        known["inner"][name] = inner_scores(X, y, name)
        known["seconds"] = round(known["seconds"] + process_time() - start, 1)
        print(f"{cohort:14}{name:45}{np.mean(known['inner'][name]):.4f}", flush=True)
        write_report("gradient_path", report)


def choices(cohorts: dict[str, Any]) -> list[str]:
    """Return the candidate of the largest mean over cohorts, in each outer fold."""
    tables = [cohort["inner"] for cohort in cohorts.values()]
    names = [name for name in CANDIDATES if all(name in table for table in tables)]
    means = np.array([[np.mean(t[name], axis=1) for t in tables] for name in names]).mean(axis=1)
    return [names[k] for k in means.argmax(axis=0)]


def outer_scores(X, y, chosen: list[str]) -> dict[str, list[float]]:
    """Score on the test parts: some candidates, the chosen, the closed form, concatenation."""
    splits = list(folds(N_OUTER, 0).split(y, y))
    names = dict.fromkeys([*REPORTED, *chosen])
    by_name = {name: auc(pipeline(X, CANDIDATES[name]), X, y, splits) for name in names}
    return {
        **by_name,
        "chosen": [by_name[name][k] for k, name in enumerate(chosen)],
        "closed form": auc(pipeline(X, {"solver": "closed_form"}), X, y, splits),
        FIRST: auc(linear_baselines(X)[FIRST], X, y, splits),
    }


def show(report: dict[str, Any]) -> None:
    """Print both tables."""
    cohorts = report["cohorts"]
    print(f"{'inner folds':45}" + "".join(f"{name:>14}" for name in cohorts) + f"{'mean':>9}")
    for name in CANDIDATES:
        row = [
            np.mean(c["inner"][name]) if name in c["inner"] else np.nan for c in cohorts.values()
        ]
        print(f"{name:45}" + "".join(f"{x:14.3f}" for x in row) + f"{np.mean(row):9.4f}")
    print("chosen:", report.get("chosen"))
    for name, cohort in cohorts.items():
        if "outer" in cohort:
            outer = cohort["outer"]
            cells = "  ".join(f"{key} {np.mean(value):.3f}" for key, value in outer.items())
            print(f"{name:14}{cells}")
            for key in outer:
                mean, half = interval(outer[key], outer[BEFORE], N_OUTER)
                print(f"{'':14}{key} - {BEFORE}: {mean:+.3f} ± {half:.3f}")


def main() -> None:
    """Run the cohorts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohorts", nargs="*", choices=TASKS, default=[])
    parser.add_argument("--candidates", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--outer", action="store_true", help="choose, and look at the test parts")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    if shared.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(shared))
    warnings.simplefilter("ignore")
    report = {"cohorts": read_report("gradient_path").get("cohorts", {})}
    for name in [] if options.show else options.cohorts:
        run_inner(report, name, options.candidates)
    if options.outer:
        report["chosen"] = choices(report["cohorts"])
        for name, cohort in report["cohorts"].items():
            cohort["outer"] = outer_scores(*TASKS[name](), report["chosen"])
            print(name, {key: np.mean(value).round(3) for key, value in cohort["outer"].items()})
            write_report("gradient_path", report)
    show(report if not options.show else read_report("gradient_path"))


if __name__ == "__main__":
    main()
