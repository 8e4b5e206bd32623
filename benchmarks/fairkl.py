"""FairKL on simulated subjects whose class goes with their site, tested where it does not.

    python benchmarks/fairkl.py            # five cohorts
    python benchmarks/fairkl.py --quick    # one

Of 600 training subjects, patients are of one site and controls of the other, but for one in ten.
The test subjects have every combination alike often. A logistic regression on the embeddings of
the training subjects predicts the class of the test subjects; another one, cross-validated within
the test subjects, the site, which at best is chance, 0.5. The goal: the balanced accuracy of the
site falls by half of what it has above chance, at equal or better accuracy of the class.
"""

from __future__ import annotations

import argparse

import numpy as np
from _report import write_report
from _timing import one_thread
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import EpsSupInfoNCEEmbedder, MultimodalData
from skmmcl.datasets import make_cohort
from skmmcl.metrics import site_predictability

N_TRAIN, N_TEST, ALIGNED = 600, 400, 0.9
LINEAR = {
    "encoders": "linear",
    "n_components": 2,
    "temperature": 0.5,
    "batch_size": 256,
    "max_epochs": 30,
    "lr": 0.01,
}
SETTINGS = {
    "two linear components, no FairKL": LINEAR,
    "two linear components, bias_weight=10": {**LINEAR, "bias": "site", "bias_weight": 10.0},
    "two linear components, bias_weight=100": {**LINEAR, "bias": "site", "bias_weight": 100.0},
    "defaults, no FairKL": {},
    "defaults, bias_weight=100": {"bias": "site", "bias_weight": 100.0},
}
GOALS = {"site above chance": "<= half of that without FairKL", "class": ">= without FairKL"}


def biased_cohort(seed: int) -> tuple[MultimodalData, np.ndarray, np.ndarray, np.ndarray]:
    """Modalities, class, and the rows of the training and of the test subjects."""
    X, y, _ = make_cohort(
        3000,
        modalities=["t2", "clinical"],
        prevalence=0.5,
        n_sites=2,
        site_effect=1.0,
        random_state=seed,
    )
    rng = np.random.default_rng(seed)
    aligned, others = (rng.permutation(np.flatnonzero(rows)) for rows in _as_biased(X, y))
    n_aligned = round(ALIGNED * N_TRAIN)
    train = np.concatenate([aligned[:n_aligned], others[: N_TRAIN - n_aligned]])
    left = np.setdiff1d(np.arange(len(y)), train)
    cells = 2 * y[left] + X.meta["site"][left]
    return X, y, train, np.concatenate([left[cells == k][: N_TEST // 4] for k in range(4)])


def _as_biased(X: MultimodalData, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return y == X.meta["site"], y != X.meta["site"]


def measure(params: dict, seed: int) -> tuple[float, float]:
    """Balanced accuracies of the class and of the site."""
    X, y, train, test = biased_cohort(seed)
    embedder = EpsSupInfoNCEEmbedder(random_state=seed, **params)
    h = embedder.fit_transform(X[train], y[train])
    h_test = embedder.transform(X[test])
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(h, y[train])
    of_class = balanced_accuracy_score(y[test], probe.predict(h_test))
    return of_class, site_predictability(h_test, X[test].meta["site"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one cohort, without the defaults")
    args = parser.parse_args()
    one_thread()
    seeds = range(1 if args.quick else 5)
    rows = {}
    for name, params in SETTINGS.items():
        if args.quick and not params.get("encoders"):
            continue
        found = np.array([measure(params, seed) for seed in seeds])
        rows[name] = {"class": found[:, 0].tolist(), "site": found[:, 1].tolist()}
        means = found.mean(0).round(3).tolist()
        print(f"{name:40} class {means[0]:.3f}, site {means[1]:.3f}  {found.round(3).tolist()}")
    found = {"n_train": N_TRAIN, "n_test": N_TEST, "aligned": ALIGNED, "unit": "balanced accuracy"}
    write_report("fairkl", {**found, "rows": rows, "goals": GOALS})


if __name__ == "__main__":
    main()
