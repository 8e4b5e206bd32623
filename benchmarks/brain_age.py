"""Age of subjects of new sites, from regional measures: contrast beside ridge and supervision.

    python benchmarks/brain_age.py                       # both cohorts, five minutes of one core
    python benchmarks/brain_age.py --cohorts fcon1000
    python benchmarks/brain_age.py --quick               # a minute, to see that it runs

Whole sites are held out, five groups of them, dealt anew with each seed; all that learns, learns on
the other sites. Errors and R2 are of the subjects of the held-out sites. How well the site can be
told is the balanced accuracy of a linear probe, cross-validated within these subjects, on what the
ridge regression sees: the supervised networks are on a par with the others, their last hidden
layer under a ridge regression. A probe of the true age alone tells how much of it is due to sites
differing in age.

The settings of all embedders, supervised or not, were chosen on ABIDE, by errors at held-out sites
in splits of another seed: its rows are kind to them for that. FCON1000 had no part in it, but that
SupCon on groups of age of like size did badly there; k-means was then tried on ABIDE, and kept.

Intervals are of 95 % and Nadeau's and Bengio's: training sets overlap, so that splits count less
than as many samples.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from _age_methods import make_methods
from _report import write_report
from _timing import one_thread
from joblib import Parallel, delayed
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline

from skmmcl import MultimodalData, datasets, stacked_fits
from skmmcl.metrics import site_predictability

N_SPLITS = 5
COHORTS = ("fcon1000", "abide")
LEAST_OF_SITE = 10  # subjects, for a probe to learn the site
REFERENCE = "supervised, MLP"
MEASURES = ("mae", "r2", "site")


def load(name: str) -> tuple[MultimodalData, np.ndarray]:
    """Regional measures and ages of a cohort."""
    if name == "fcon1000":
        return datasets.fetch_fcon1000(target="age", return_X_y=True)
    X, age = datasets.fetch_abide(target="age", return_X_y=True)
    rows, columns = np.triu_indices(X["fc"].shape[1], 1)
    parts = {"fc": X["fc"][:, rows, columns], "freesurfer": X["freesurfer"]}
    return MultimodalData(parts, meta={"site": X.meta["site"]}), age


def splits_of(sites: np.ndarray, seeds: range) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test rows: whole sites, in each seed every site once."""
    return [
        split
        for seed in seeds
        for split in GroupKFold(N_SPLITS, shuffle=True, random_state=seed).split(sites, None, sites)
    ]


def told_sites(h: np.ndarray, sites: np.ndarray) -> float:
    """Balanced accuracy of the sites that have subjects enough."""
    names, counts = np.unique(sites, return_counts=True)
    kept = np.isin(sites, names[counts >= LEAST_OF_SITE])
    return site_predictability(h[kept], sites[kept])


def measure(model: Pipeline, X: MultimodalData, age: np.ndarray, split: Any) -> dict[str, float]:
    """Train on the sites of one split and look at the others."""
    train, test = split
    model = clone(model).fit(X[train], age[train])
    predicted = model.predict(X[test])
    h = model[:-1].transform(X[test])
    return {
        "mae": mean_absolute_error(age[test], predicted),
        "r2": r2_score(age[test], predicted),
        "site": told_sites(h, X.meta["site"][test]),
    }


def interval(values: np.ndarray, test_share: float) -> dict[str, Any]:
    """Mean and interval of 95 %, of splits that share subjects."""
    n = len(values)
    error = values.std(ddof=1) * np.sqrt(1 / n + test_share / (1 - test_share))
    reach = stats.t.ppf(0.975, n - 1) * error
    mean = values.mean()
    return {
        "mean": round(mean, 4),
        "interval": [round(mean - reach, 4), round(mean + reach, 4)],
        "values": values.round(4).tolist(),
    }


def summarise(found: dict[str, list[dict]]) -> dict[str, Any]:
    """Means and intervals of all methods, and of their differences from supervised training."""
    share = 1 / N_SPLITS
    tables = {
        name: {m: np.array([split[m] for split in splits]) for m in MEASURES}
        for name, splits in found.items()
    }
    rows: dict[str, Any] = {}
    for name, table in tables.items():
        rows[name] = {m: interval(values, share) for m, values in table.items()}
        if name != REFERENCE:
            rows[name][f"less {REFERENCE}"] = {
                m: interval(values - tables[REFERENCE][m], share) for m, values in table.items()
            }
    return rows


def references(X: MultimodalData, age: np.ndarray, splits: list) -> dict[str, Any]:
    """What knows nothing of the subjects, and how well their true age tells the site."""
    sites = X.meta["site"]
    errors = [np.abs(age[test] - age[train].mean()).mean() for train, test in splits]
    told = [told_sites(age[test, None], sites[test]) for _, test in splits]
    n_sites = [
        np.sum(np.unique(sites[t], return_counts=True)[1] >= LEAST_OF_SITE) for _, t in splits
    ]
    return {
        "mae of the mean age": round(float(np.mean(errors)), 4),
        "site told from true age": round(float(np.mean(told)), 4),
        "site by chance": round(float(np.mean(1 / np.array(n_sites))), 4),
    }


def run(name: str, *, seeds: range, n_epochs: int) -> dict[str, Any]:
    """All methods on one cohort."""
    X, age = load(name)
    splits = splits_of(X.meta["site"], seeds)
    known = references(X, age, splits)
    print(f"\n{name}: {len(X)} subjects of {len(np.unique(X.meta['site']))} sites\n{known}")
    found = {}
    for method_name, model in make_methods(n_epochs).items():
        start = process_time()
        with stacked_fits():
            found[method_name] = Parallel()(
                delayed(measure)(model, X, age, split) for split in splits
            )
        means = [np.mean([split[m] for split in found[method_name]]) for m in MEASURES]
        cells = "  ".join(f"{m} {value:.3f}" for m, value in zip(MEASURES, means, strict=True))
        print(f"{method_name:18} {cells}  {process_time() - start:.0f} s", flush=True)
    size = {"subjects": len(X), "sites": len(np.unique(X.meta["site"])), "splits": len(splits)}
    return {**size, "references": known, "methods": summarise(found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", nargs="+", choices=COHORTS, default=COHORTS)
    parser.add_argument("--quick", action="store_true", help="one seed, two epochs, one cohort")
    args = parser.parse_args()
    one_thread()
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    if shared.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(shared))
    size = {"seeds": range(1), "n_epochs": 2} if args.quick else {"seeds": range(3), "n_epochs": 60}
    cohorts = {}
    for name in args.cohorts[: 1 if args.quick else None]:
        cohorts[name] = run(name, **size)
        write_report("brain_age", {"quick": args.quick, "cohorts": cohorts})


if __name__ == "__main__":
    main()
