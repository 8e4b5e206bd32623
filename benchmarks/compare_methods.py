"""Every estimator of the package with its defaults next to what others use, on every cohort.

    python benchmarks/compare_methods.py                    # 5 x 10 folds, all tasks: days
    python benchmarks/compare_methods.py --quick            # one round of five folds, small tasks
    python benchmarks/compare_methods.py --tasks aomic ms --folds 5 --repeats 2
    python benchmarks/compare_methods.py --show             # the tables of the last results

All methods see the same splits, and learn, choose and impute in the training folds only. A run that
is cut off goes on: finished fits lie in ~/.cache/skmmcl-benchmarks/compare. Each task is written to
results/compare_methods.json when it is done. A task "by site" holds whole sites out.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from _ranks import print_tables
from _report import RESULTS, environment
from _rivals import rivals
from _tasks import AGES, TASKS, find_data
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from skmmcl.model_selection import LeaveSitesOut, compare

OUTPUT = RESULTS / "compare_methods.json"
CACHE = Path("~/.cache/skmmcl-benchmarks/compare").expanduser()
SCORES = {
    "classes": ["roc_auc_ovr", "balanced_accuracy", "neg_log_loss"],
    "years": ["neg_mean_absolute_error", "r2"],
}
BY_SITE = ("nspn sex", "fcon1000 sex", "abide", "nspn years", "fcon1000 years", "abide years")
ALL = {**TASKS, **AGES, **{f"{name}, by site": {**TASKS, **AGES}[name] for name in BY_SITE}}
QUICK = ("aomic", "ms", "nspn sex, by site", "ixi years")
MOST_SITES = 5


def make_splits(name: str, X, y, options: argparse.Namespace) -> list:
    """Return the splits of a task."""
    if name.endswith("by site"):
        site = np.asarray(X.meta["site"]).astype(str)
        n_splits = min(MOST_SITES, len(np.unique(site)))
        return list(LeaveSitesOut(n_splits, random_state=0).split(X, y, site))
    kind = RepeatedKFold if y.dtype.kind == "f" else RepeatedStratifiedKFold
    folds = {"n_splits": options.folds, "n_repeats": options.repeats, "random_state": options.seed}
    return list(kind(**folds).split(X, y))


def run(name: str, options: argparse.Namespace) -> dict:
    """Return what a comparison on one task has found."""
    X, y = ALL[name]()
    methods = rivals(X, y)
    if options.methods:
        methods = {key: methods[key] for key in options.methods}
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = compare(
            methods, X, y, cv=make_splits(name, X, y, options), verbose=1, checkpoint=CACHE,
            scoring=SCORES["years" if y.dtype.kind == "f" else "classes"],
        )  # fmt: skip
    table = result.summary()
    found = {}
    for key in methods:
        fits = [fit for fit in result.fits if fit.method == key]
        found[key] = {
            "scores": {m: _rounded([fit.scores[m] for fit in fits]) for m in result.metrics},
            "summary": {c: _number(value) for c, value in table.loc[key].items()},
            "errors": sorted({fit.error for fit in fits if fit.error}),
        }
    return {
        "environment": environment(),
        "subjects": len(X),
        "modalities": {m: list(shape) for m, shape in X.shapes.items()},
        "splits": len(result.splits),
        "sizes": result.sizes,
        "metrics": list(result.metrics),
        "processor_seconds": round(process_time() - start),
        "leaks": [leak.message for leak in result.leaks],
        "methods": found,
    }


def _rounded(values: list[float]) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None


def read(path: Path) -> dict[str, dict]:
    """Return what was found before."""
    return json.loads(path.read_text()) if path.exists() else {}


def main() -> None:
    """Run the tasks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=ALL)
    parser.add_argument("--methods", nargs="+", help="names of methods; all by default")
    parser.add_argument("--folds", type=int)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="5 folds once, four small tasks")
    parser.add_argument("--show", action="store_true", help="only print the guide's tables")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    options.folds = options.folds or (5 if options.quick else 10)
    options.repeats = options.repeats or (1 if options.quick else 5)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    find_data()
    if not options.show:
        for name in options.tasks or (QUICK if options.quick else ALL):
            found = run(name, options)
            kept = read(options.output)  # by another process, perhaps
            options.output.write_text(json.dumps({**kept, name: found}, indent=1) + "\n")
            print(f"{name}: {found['processor_seconds']} s", flush=True)
    print_tables(read(options.output))


if __name__ == "__main__":
    main()
