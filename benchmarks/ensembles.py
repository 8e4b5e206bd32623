"""What ensembles of networks give where the cohort shifts, and what they cost.

    python benchmarks/ensembles.py --quick     # a minute, to see that it runs
    python benchmarks/ensembles.py             # the published figures, ten minutes

Five cohorts are simulated, each of four sites. On a large part of three of them encoders are
pretrained without labels, one modality against the other; a small part of the same sites is
labeled; and subjects of the fourth site, which no training saw, are predicted. Members are
fine-tuned from the one pretraining, or are the same networks from scratch. Asked are:

* balanced accuracy and calibration of the mean member, and of ensembles by mean logit and mean
  probability;
* balanced accuracy and ECE against the number of members;
* the barrier between pairs of members on the line between their weights, in balanced accuracy on
  the subjects that both were trained on, and on the shifted ones;
* processor time of ten members together and of ten single fits, in turn.

Intervals are of 95 % over the five cohorts, which share no subjects.
"""

from __future__ import annotations

import argparse
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from _report import write_report
from _timing import in_turn, one_thread, ratio
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score, make_scorer

from skmmcl import CLIPEmbedder, DeepEnsembleClassifier, FineTunedClassifier
from skmmcl.datasets import make_cohort
from skmmcl.ensemble._members import with_seeds
from skmmcl.inspection import member_curve, weight_path
from skmmcl.metrics import (
    adaptive_calibration_error,
    brier_decomposition,
    expected_calibration_error,
)
from skmmcl.networks import MLP

SIZES = [1, 2, 3, 5, 7, 10, 15, 20]
N_PAIRS = 6


def simulate(seed: int, n_large: int, n_small: int) -> dict[str, tuple[Any, np.ndarray]]:
    """Return a large and a small cohort of three sites, and one of a fourth."""
    X, y, _ = make_cohort(
        int(1.4 * (n_large + n_small)), modalities=["t2", "clinical"], n_sites=4, site_effect=1.0,
        prevalence=0.45, n_subtypes=3, class_sep=3.0, random_state=seed,
    )  # fmt: skip
    site = np.asarray(X.meta["site"])
    is_new = site == np.unique(site)[-1]
    known = np.flatnonzero(~is_new)
    rows = {
        "large": known[:n_large],
        "small": known[n_large : n_large + n_small],
        "new": np.flatnonzero(is_new),
    }
    return {name: (X[part], y[part]) for name, part in rows.items()}


def measure(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Return the scores of probabilities."""
    return {
        "balanced_accuracy": balanced_accuracy_score(y, p.argmax(axis=1)),
        "ece": expected_calibration_error(y, p),
        "adaptive_ece": adaptive_calibration_error(y, p),
        "brier": brier_decomposition(y, p).score,
    }


def barriers(members: list[Any], X: Any, y: np.ndarray) -> list[float]:
    """Return the barrier between pairs of members."""
    pairs = list(combinations(range(len(members)), 2))[:N_PAIRS]
    return [
        weight_path(members[a], members[b], X, y, scoring="balanced_accuracy").barrier
        for a, b in pairs
    ]


def one_seed(seed: int, options: dict[str, Any]) -> dict[str, Any]:
    """Return all figures of one cohort, by kind of member."""
    parts = simulate(seed, options["n_large"], options["n_small"])
    encoder = partial(MLP, hidden=(128, 128))
    big = CLIPEmbedder(encoders=encoder, max_epochs=options["epochs"], random_state=seed)
    big.fit(parts["large"][0])
    kinds = {
        "fine-tuned": FineTunedClassifier(big, lr=0.01),
        "scratch": FineTunedClassifier(big, reset_weights=True),
    }
    (X, y), new = parts["new"], parts["new"]
    found = {}
    for kind, member in kinds.items():
        ensemble = DeepEnsembleClassifier(
            member, n_estimators=options["n_members"], random_state=seed
        ).fit(*parts["small"])
        ece = make_scorer(expected_calibration_error, response_method="predict_proba")
        sizes = [size for size in SIZES if size <= options["n_members"]]
        asked = {"sizes": sizes, "n_repeats": options["repeats"], "random_state": seed}
        curves = {
            "balanced_accuracy": member_curve(
                ensemble, X, y, scoring="balanced_accuracy", **asked
            ).mean.tolist(),
            "ece": member_curve(ensemble, X, y, scoring=ece, **asked).mean.tolist(),
        }
        each = [measure(y, p) for p in ensemble.predict_members(X)]
        ten = clone(ensemble).set_params(n_estimators=min(10, options["n_members"]))
        ten.estimators_ = ensemble.estimators_[: ten.n_estimators]
        by_logit = measure(y, ten.predict_proba(X))
        by_probability = measure(y, ten.set_params(combine="probability").predict_proba(X))
        found[kind] = {
            "mean_member": {name: np.mean([e[name] for e in each]) for name in each[0]},
            "ten_by_logit": by_logit,
            "ten_by_probability": by_probability,
            "sizes": sizes,
            "curves": curves,
            "barrier_training": np.mean(barriers(ensemble.estimators_, *parts["small"])),
            "barrier_new": np.mean(barriers(ensemble.estimators_, *new)),
        }
    return found


def interval(values: list[float]) -> dict[str, float]:
    """Return mean and 95 % interval over cohorts."""
    mean, error = np.mean(values), stats.sem(values)
    half = stats.t.ppf(0.975, len(values) - 1) * error
    return {"mean": mean, "low": mean - half, "high": mean + half}


def summarize(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what holds over cohorts."""
    out: dict[str, Any] = {}
    for kind in runs[0]:
        gains = {
            f"{how}_less_mean_member": {
                name: interval([run[kind][how][name] - run[kind]["mean_member"][name]
                                for run in runs])
                for name in runs[0][kind]["mean_member"]
            }
            for how in ("ten_by_logit", "ten_by_probability")
        }  # fmt: skip
        levels = {
            how: {name: interval([run[kind][how][name] for run in runs])
                  for name in runs[0][kind][how]}
            for how in ("mean_member", "ten_by_logit", "ten_by_probability")
        }  # fmt: skip
        curves = {
            name: np.mean([run[kind]["curves"][name] for run in runs], axis=0).tolist()
            for name in runs[0][kind]["curves"]
        }
        walls = {name: interval([run[kind][name] for run in runs])
                 for name in ("barrier_training", "barrier_new")}  # fmt: skip
        out[kind] = {**levels, **gains, "sizes": runs[0][kind]["sizes"], "curves": curves, **walls}
    return out


def time_ten(options: dict[str, Any]) -> dict[str, Any]:
    """Return processor seconds of ten members together and of ten single fits."""
    X, y = simulate(0, options["n_large"], options["n_small"])["small"]
    one = FineTunedClassifier(max_epochs=30)

    def together() -> None:
        DeepEnsembleClassifier(one, random_state=0).fit(X, y)

    def single() -> None:
        rng = np.random.RandomState(0)
        for _ in range(10):
            with_seeds(clone(one), rng).fit(X, y)

    times = in_turn({"together": together, "single": single}, options["timings"])
    return {"seconds": times, "together_per_single": 1 / ratio(times, "single", "together")}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    one_thread()
    options = {"n_large": 1200, "n_small": 200, "epochs": 30, "n_members": 20, "repeats": 50,
               "timings": 3, "seeds": 5}  # fmt: skip
    if quick:
        options |= {"n_large": 200, "n_small": 60, "epochs": 2, "n_members": 3, "repeats": 3,
                    "timings": 1, "seeds": 2}  # fmt: skip
    runs = []
    for seed in range(options["seeds"]):
        runs.append(one_seed(seed, options))
        print(f"cohort {seed} done", flush=True)
    result = {"settings": options, "summary": summarize(runs), "time": time_ten(options),
              "cohorts": runs}  # fmt: skip
    print(result["time"])
    if not quick:
        write_report("ensembles", result)


if __name__ == "__main__":
    main()
