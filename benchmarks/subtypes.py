"""Whether subtypes of patients are found, by contrast with controls and by plain clustering.

    python benchmarks/subtypes.py

Each method sees patients and controls of `make_subtypes` and says the subtype of each patient.
The adjusted Rand index and the balanced accuracy (of the best matching of labels) are means over
seeds, with 95 % intervals. The digits of scikit-learn are the real images: some digits are the
patients, the others the controls, and which digit it is is hidden. Time and memory are those of
1,000 subjects with 300 features, 3 subtypes and 10 runs of consensus.
"""

from __future__ import annotations

import argparse
import tracemalloc
import warnings
from collections.abc import Callable
from functools import partial
from time import process_time

import numpy as np
from _report import read_report, write_report
from _timing import one_thread
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, confusion_matrix
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from skmmcl.cluster import UCSL, DeepUCSL
from skmmcl.datasets import make_subtypes
from skmmcl.decomposition import SepVAEEmbedder

DIGITS = {"1 and 7": (1, 7), "3 and 8": (3, 8)}


def of_patients(make: Callable) -> Callable:
    """Return a method that clusters the patients alone."""

    def labels(X, y, n_clusters, seed):
        return make(n_clusters, seed).fit_predict(np.asarray(X)[y == 1])

    return labels


def guided(make: Callable) -> Callable:
    """Return a method that is fitted on patients and controls."""

    def labels(X, y, n_clusters, seed):
        return make(n_clusters, seed).fit(X, y).predict_clusters(X[y == 1])

    return labels


def salient(X, y, n_clusters, seed):
    """Cluster what is salient in patients."""
    sep = SepVAEEmbedder(random_state=seed).fit(X, y)
    h = sep.transform(X[y == 1], part="salient")
    return GaussianMixture(n_clusters, n_init=3, random_state=seed).fit_predict(h)


METHODS = {
    "KMeans": of_patients(lambda k, seed: KMeans(k, n_init=10, random_state=seed)),
    "GMM": of_patients(lambda k, seed: GaussianMixture(k, reg_covar=1e-3, random_state=seed)),
    "PCA + KMeans": of_patients(
        lambda k, seed: make_pipeline(
            PCA(10, random_state=seed), KMeans(k, n_init=10, random_state=seed)
        )
    ),
    "UCSL": guided(lambda k, seed: UCSL(k, random_state=seed)),
    "DeepUCSL": guided(lambda k, seed: DeepUCSL(n_clusters=k, random_state=seed)),
    "SepVAE + GMM": salient,
}


def matched_accuracy(truth: np.ndarray, labels: np.ndarray) -> float:
    """Return the balanced accuracy of the matching of labels for which it is largest."""
    table = confusion_matrix(truth, labels)
    recalls = table[: len(np.unique(truth))] / np.bincount(truth)[:, None]
    rows, columns = linear_sum_assignment(-recalls)
    return float(recalls[rows, columns].sum() / len(recalls))


def interval(values: list[float]) -> dict[str, float]:
    """Return the mean with its 95 % interval."""
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    mean, half = float(np.mean(values)), float(half)
    return {"mean": round(mean, 3), "low": round(mean - half, 3), "high": round(mean + half, 3)}


def compare(data: Callable, seeds: range, n_clusters: int) -> dict[str, dict]:
    """Run all methods on the data of each seed."""
    scores = {name: {"ari": [], "balanced accuracy": []} for name in METHODS}
    for seed in seeds:
        X, y, truth = data(seed)
        for name, method in METHODS.items():
            labels = method(X, y, n_clusters, seed)
            scores[name]["ari"].append(adjusted_rand_score(truth, labels))
            scores[name]["balanced accuracy"].append(matched_accuracy(truth, labels))
    return {name: {k: interval(v) for k, v in found.items()} for name, found in scores.items()}


def cohorts(form: str, n_subtypes: int) -> Callable:
    """Return what makes patients and controls of a seed, with the true subtypes."""

    def data(seed):
        X, y, truth = make_subtypes(
            n_subtypes=n_subtypes, form=form, dtype="float64", random_state=seed
        )
        return X, y, truth.subtype[y == 1]

    return data


def digits(patients: tuple[int, ...]) -> Callable:
    """Return the digits, of which some are the patients; seeds differ in the methods alone."""
    images, target = load_digits(return_X_y=True)
    y = np.isin(target, patients).astype(int)
    return lambda _: (images, y, np.searchsorted(patients, target[y == 1]))


def cost() -> dict[str, float]:
    """Return processor seconds, and the highest memory of a fit in units of the data."""
    data, y, _ = make_subtypes(1000, modalities={"roi": (300,)}, dtype="float64", random_state=0)
    X = np.asarray(data)
    UCSL(2, n_consensus=2, random_state=0).fit(X[:100, :20], y[:100])
    start = process_time()
    UCSL(3, random_state=0).fit(X, y)
    found = {"seconds": round(process_time() - start, 2)}
    for name, given in {"of an array": X, "of a container": data}.items():
        tracemalloc.start()
        UCSL(3, random_state=0).fit(given, y)
        found[f"memory {name}, times the data"] = round(
            tracemalloc.get_traced_memory()[1] / X.nbytes, 2
        )
        tracemalloc.stop()
    return found


def main() -> None:
    """Run all and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two seeds, to see that it runs")
    parser.add_argument("--only", default="", help="tasks whose name has this; others are kept")
    args = parser.parse_args()
    one_thread()
    warnings.simplefilter("ignore")
    seeds = range(2 if args.quick else 10)
    tasks = {
        f"{form}, {n_subtypes} subtypes": (cohorts(form, n_subtypes), n_subtypes)
        for form in ("linear", "nonlinear")
        for n_subtypes in (2, 3, 4)
    }
    tasks |= {f"digits {name}": (digits(patients), 2) for name, patients in DIGITS.items()}
    runs = {name: partial(compare, data, seeds, k) for name, (data, k) in tasks.items()}
    runs["cost of UCSL"] = cost
    for name, run in runs.items():
        if args.only in name:
            found = run()
            print(name, *found.items(), sep="\n  ", flush=True)
            kept = {key: old for key, old in read_report("subtypes").items() if key in runs}
            write_report("subtypes", {**kept, name: found})


if __name__ == "__main__":
    main()
