"""Balanced accuracy where whole modalities are missing, beside the usual remedies.

    python benchmarks/missing.py --quick               # a minute, to see that it runs
    python benchmarks/missing.py                       # twenty minutes of one core
    python benchmarks/missing.py --cohorts nspn
    python benchmarks/missing.py --only CMC+CSS        # other methods keep their last scores
    python benchmarks/missing.py --plot missing.png    # draws the last results, runs nothing

0, 10, 30 and 50 % of the entries (a modality of a subject) are taken away at random, in test
subjects alone or in all. Each subject keeps at least one modality. Each repeat draws folds and
holes anew, and a simulated cohort as well; test subjects meet several draws of holes.

What a method loses is its balanced accuracy without holes less that with them. Intervals are of
95 %: over the repeats for simulated cohorts, which share no subjects; Nadeau's and Bengio's over
the folds of real ones. All choices were made in repeats of other seeds.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _missing_methods import MEAN, RIDGE, make_methods, with_mean
from _missing_report import PLACES, SIMULATED, Scores, compared, plot, print_tables
from _report import read_report, write_report
from _timing import one_thread
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold

from skmmcl import MultimodalData, datasets, stacked_fits

RATES = (0.0, 0.1, 0.3, 0.5)


def take_away(X: MultimodalData, rate: float, rng: np.random.Generator) -> MultimodalData:
    """Hide modalities of subjects at random; each keeps at least one of those it has."""
    kept = X.mask & (rng.random(X.mask.shape) >= rate)
    for row in np.flatnonzero(~kept.any(axis=1)):
        kept[row, rng.choice(np.flatnonzero(X.mask[row]))] = True
    return MultimodalData(dict(X.items()), mask=kept)


def load(name: str, seed: int) -> tuple[MultimodalData, np.ndarray]:
    """A cohort and its classes; simulated ones are drawn anew for each repeat."""
    if name == SIMULATED:
        X, y, _ = datasets.make_cohort(random_state=seed)
        return X, y
    fetch = {"nspn": datasets.fetch_nspn, "fcon1000": datasets.fetch_fcon1000}[name]
    X, y = fetch(return_X_y=True)
    return X, np.unique(y, return_inverse=True)[1]


def fitted(pipeline: Any, X: MultimodalData, y: np.ndarray) -> Any:
    return clone(pipeline).fit(X, y)


def repeat(
    name: str, seed: int, only: list[str] | None, *, n_splits: int, n_draws: int, max_epochs: int
) -> Scores:
    """Folds and holes of one seed: scores (n_rates, n_splits) by place and method."""
    X, y = load(name, seed)
    methods = make_methods(max_epochs, X.shape[1])
    methods = {n: m for n, m in methods.items() if only is None or n in only}
    rng = np.random.default_rng(seed)
    holes = [[take_away(X, rate, rng) for _ in range(n_draws if rate else 1)] for rate in RATES]
    folds = list(StratifiedKFold(n_splits, shuffle=True, random_state=seed).split(y, y))
    jobs = [(draws[0][train], y[train]) for draws in holes for train, _ in folds]
    found: Scores = {place: {} for place in PLACES}
    for method, pipeline in methods.items():
        with stacked_fits():
            models = Parallel()(delayed(fitted)(pipeline, *job) for job in jobs)
        variants = {method: models}
        if method == RIDGE:
            pairs = zip(models, jobs, strict=True)
            variants[MEAN] = [with_mean(model, *job) for model, job in pairs]
        for variant, of_jobs in variants.items():
            for place in PLACES:
                trained = [of_jobs[k * n_splits * (place == "both") :] for k in range(len(RATES))]
                of_place = [
                    [
                        score(m, draws, y, test)
                        for m, (_, test) in zip(of_rate[:n_splits], folds, strict=True)
                    ]
                    for of_rate, draws in zip(trained, holes, strict=True)
                ]
                found[place][variant] = np.array(of_place)
            cells = (f"{place} {found[place][variant].mean(1).round(3)}" for place in PLACES)
            print(f"  {name} {seed} {variant:16}", *cells, flush=True)
    return found


def score(model: Any, draws: list[MultimodalData], y: np.ndarray, test: np.ndarray) -> float:
    """Mean over draws of holes."""
    return float(np.mean([balanced_accuracy_score(y[test], model.predict(X[test])) for X in draws]))


def run(name: str, n_repeats: int, size: dict[str, int], only: list[str] | None) -> Scores:
    """All methods on one cohort, or some and the last scores of the others."""
    repeats = [repeat(name, seed, only, **size) for seed in range(n_repeats)]
    known = {} if only is None else known_cohorts().get(name, {}).get("scores", {})
    return {
        place: {
            **{m: np.stack([found[place][m] for found in repeats], axis=1) for m in of_place},
            **{m: np.array(v) for m, v in known.get(place, {}).items() if m not in of_place},
        }
        for place, of_place in repeats[0].items()
    }


QUICK = {"n_splits": 2, "n_draws": 1, "max_epochs": 2}
DEFAULT = {"n_draws": 3, "max_epochs": 40}
# Repeats and folds. Intervals of real cohorts hardly narrow with more: their subjects are the same.
COHORTS = {SIMULATED: (6, 3), "nspn": (5, 5), "fcon1000": (2, 5)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohorts", nargs="+", choices=COHORTS, default=list(COHORTS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", metavar="METHOD")
    parser.add_argument("--plot", metavar="FILE")
    options = parser.parse_args()
    if options.plot:
        plot(known_cohorts(), options.plot)
        return
    one_thread()
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    if shared.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(shared))
    for name in options.cohorts:
        n_repeats, n_splits = COHORTS[name]
        size = QUICK if options.quick else {"n_splits": n_splits, **DEFAULT}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            scores = run(name, 2 if options.quick else n_repeats, size, options.only)
        comparison = compared(scores, redrawn=name == SIMULATED)
        kept = {p: {m: v.round(4).tolist() for m, v in s.items()} for p, s in scores.items()}
        part = {**size, "rates": RATES, "comparison": comparison, "scores": kept}
        print_tables(name, part)
        if not options.quick:
            write_report("missing", {**known_cohorts(), name: part})


def known_cohorts() -> dict[str, Any]:
    """Results of cohorts that were run before."""
    return {k: v for k, v in read_report("missing").items() if k != "environment"}


if __name__ == "__main__":
    main()
