"""Does a linear probe prefer representations of length one, the part that a contrast trains?

    python benchmarks/directions.py            # five minutes of one core
    python benchmarks/directions.py --quick    # half a minute, to see that it runs

Guided embedders with their defaults, trained on n subjects drawn from a cohort: simulated ones,
IXI, and the lifespan of NKI and OASIS-2. A probe reads the representation of the same fit as
`transform` gives it with ``normalize=False`` and with ``normalize=True``, each column standardized:
ridge regression of age (R2) after y-Aware and L^exp, logistic regression of the class or of sex
(ROC AUC) after SupCon and epsilon-SupInfoNCE. All figures are of subjects held out. Nothing is
chosen here.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from _held_out import (
    auc_of_probe,
    find_shared_data,
    ixi,
    lifespan,
    mean_of,
    r2_of_probe,
    simulated,
)
from _report import write_report
from _timing import one_thread
from joblib import Parallel, delayed

from skmmcl import (
    ContrastiveRegressionEmbedder,
    EpsSupInfoNCEEmbedder,
    SupConEmbedder,
    YAwareEmbedder,
    stacked_fits,
)
from skmmcl.data import MultimodalData

OF_AGE = {"y-Aware": YAwareEmbedder, "L^exp": ContrastiveRegressionEmbedder}
OF_CLASS = {"SupCon": SupConEmbedder, "epsilon-SupInfoNCE": EpsSupInfoNCEEmbedder}
SIZES = {"simulated": (100, 500), "ixi": (100, 400), "lifespan": (100, 500)}
N_TEST = 150
SEEDS = (20, 21, 22, 23, 24)


def draw(
    cohort: str, n: int, seed: int
) -> tuple[MultimodalData, dict[str, np.ndarray], np.ndarray]:
    """Subjects of a cohort, what they are probed for, and an order: the first n train."""
    if cohort == "simulated":
        X, age = simulated(n + N_TEST, seed)
        label = X.meta["class"]
    else:
        X, age = {"ixi": ixi, "lifespan": lifespan}[cohort]()
        label = X.meta["sex"]
    order = np.random.default_rng(seed).permutation(len(age))
    return X, {"age": age, "class": np.asarray(label)}, order


def measure(method: str, cohort: str, n: int, seed: int) -> dict[str, float]:
    """What a probe reads from the representation, and from its directions."""
    X, known, order = draw(cohort, n, seed)
    train, test = order[:n], order[n : n + N_TEST]
    of_age = method in OF_AGE
    y = known["age" if of_age else "class"]
    embedder = (OF_AGE | OF_CLASS)[method](random_state=seed).fit(X[train], y[train])
    probe = r2_of_probe if of_age else auc_of_probe
    found = {}
    for name, normalize in (("as it is", False), ("directions", True)):
        embedder.set_params(normalize=normalize)
        h, h_test = embedder.transform(X[train]), embedder.transform(X[test])
        found[name] = probe(h, y[train], h_test, y[test])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few subjects, one draw")
    args = parser.parse_args()
    one_thread()
    find_shared_data()
    sizes, seeds = ({"simulated": (100,)}, SEEDS[:1]) if args.quick else (SIZES, SEEDS)
    rows: dict[str, Any] = {}
    for method in OF_AGE | OF_CLASS:
        for cohort, n in ((cohort, n) for cohort, some in sizes.items() for n in some):
            with stacked_fits():
                found = Parallel()(delayed(measure)(method, cohort, n, seed) for seed in seeds)
            gains = [f["directions"] - f["as it is"] for f in found]
            row: dict[str, Any] = {key: mean_of([f[key] for f in found]) for key in found[0]}
            row |= {"gain": mean_of(gains), "better in": sum(gain > 0 for gain in gains)}
            rows.setdefault(method, {})[f"{cohort}, n={n}"] = row
            print(f"{method:20} {cohort:10} {n:4} {row}", flush=True)
    means = {
        method: {
            key: mean_of([row[key] for row in table.values()]) for key in ("as it is", "directions")
        }
        for method, table in rows.items()
    }
    print(means)
    unit = "R2 of age; ROC AUC of class or sex; subjects held out"
    found = {"unit": unit, "seeds": seeds, "means": means, "rows": rows}
    write_report("directions", {"quick": args.quick, **found})


if __name__ == "__main__":
    main()
