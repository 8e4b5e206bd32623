"""Embeddings beside dummy, single modalities and concatenation, on real cohorts.

    python benchmarks/real_cohorts.py --quick            # a minute or two, to see that it runs
    python benchmarks/real_cohorts.py --full             # the published figures
    python benchmarks/real_cohorts.py --cohorts enigma nspn

Each cohort is written to results/real_cohorts.json as soon as it is done; --quick writes nothing
unless --output says where.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
from _compare import compare, describe_cohort, format_head, update
from _report import RESULTS, environment
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import GroupKFold, RepeatedStratifiedKFold, train_test_split

from skmmcl import datasets
from skmmcl._demo import make_methods

# How each cohort is fetched, and how many of its subjects are taken (None for all).
COHORTS = {
    "enigma": (datasets.fetch_enigma_example, {}, None),
    "ms": (datasets.fetch_ms_multilayer, {}, None),
    "tcga": (datasets.fetch_tcga_breast, {}, None),
    "aomic": (datasets.fetch_aomic_piop2, {}, None),
    "nspn": (datasets.fetch_nspn, {}, None),
    "digits": (datasets.fetch_uci_digits, {}, 500),
    "stroke": (datasets.fetch_soop, {}, None),
    "abide": (datasets.fetch_abide, {}, None),
    "fcon1000": (datasets.fetch_fcon1000, {}, None),
}
MODES = {
    "quick": {"n_splits": 2, "n_repeats": 1, "n_subjects": 120, "params": {"max_epochs": 2}},
    "default": {"n_splits": 5, "n_repeats": 1, "n_subjects": None, "params": {}},
    "full": {"n_splits": 5, "n_repeats": 5, "n_subjects": None, "params": {}},
}
SEED = 0


def load(name: str, at_most: int | None):
    """Return a cohort or a stratified part of it, with class codes."""
    fetch, options, n_subjects = COHORTS[name]
    X, y = fetch(return_X_y=True, **options)
    codes = np.unique(y, return_inverse=True)[1]
    limits = [n for n in (n_subjects, at_most) if n is not None and n < len(X)]
    if not limits:
        return X, codes
    rows, _ = train_test_split(
        np.arange(len(X)), train_size=min(limits), stratify=codes, random_state=SEED
    )
    return X[np.sort(rows)], codes[np.sort(rows)]


def run(name: str, mode: dict) -> dict:
    """Return the scores of all methods on one cohort: random folds, and whole sites held out."""
    X, y = load(name, mode["n_subjects"])
    print(f"\n{name}: {X!r}\n\n{format_head()}")
    methods = make_methods(X, random_state=SEED, **mode["params"])
    folds = {"n_splits": mode["n_splits"], "n_repeats": mode["n_repeats"]}
    random = RepeatedStratifiedKFold(**folds, random_state=SEED)
    result = {"cohort": describe_cohort(X, y), "seed": SEED, **folds, "params": mode["params"]}
    result["random_folds"] = compare(methods, X, y, random)
    sites = X.meta.get("site")
    if sites is not None and len(np.unique(sites)) >= mode["n_splits"]:
        print("  whole sites held out")
        by_site = GroupKFold(mode["n_splits"])
        result["sites_held_out"] = compare(methods, X, y, by_site, groups=sites)
    return result


def main() -> None:
    """Run the cohorts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohorts", nargs="+", choices=COHORTS, default=list(COHORTS))
    parser.add_argument("--quick", dest="mode", action="store_const", const="quick")
    parser.add_argument("--full", dest="mode", action="store_const", const="full")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    mode = options.mode or "default"
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    if shared.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(shared))
    output = options.output or (None if mode == "quick" else RESULTS / "real_cohorts.json")
    for name in options.cohorts:
        with warnings.catch_warnings():
            # Sites with one class have no ROC AUC; such folds are left out of its mean.
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            result = run(name, MODES[mode])
        if output is not None:
            update(output, name, {"environment": environment(), **result})


if __name__ == "__main__":
    main()
