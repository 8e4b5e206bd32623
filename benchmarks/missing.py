"""Balanced accuracy where whole modalities are missing, beside the usual remedies.

    python benchmarks/missing.py --quick      # a minute, to see that it runs
    python benchmarks/missing.py              # half an hour of one thread
    python benchmarks/missing.py --full       # five repeats of five folds, hours

0, 10, 30 and 50 % of the entries (a modality of a subject) are taken away at random, in test
subjects alone or in all. Each subject keeps at least one modality.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
from _report import read_report, write_report
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, CoMMEmbedder, MultimodalData, datasets, stacked_fits

RATES = (0.0, 0.1, 0.3, 0.5)


class CompleteCases(ClassifierMixin, BaseEstimator):
    """Fit a pipeline on the subjects that have everything; chance if these are too few."""

    def __init__(self, pipeline):
        self.pipeline = pipeline

    def fit(self, X, y):
        self.classes_, counts = np.unique(y[X.mask.all(axis=1)], return_counts=True)
        self.usual_ = np.unique(y)[0]
        if len(counts) > 1:
            complete = X.mask.all(axis=1)
            self.fitted_ = clone(self.pipeline).fit(X[complete], y[complete])
        return self

    def predict(self, X):
        return self.fitted_.predict(X) if len(self.classes_) > 1 else np.full(len(X), self.usual_)


def make_methods(max_epochs: int) -> dict:
    def classifier(C=1.0):
        return LogisticRegression(C=C, class_weight="balanced", max_iter=2000)

    def ours(cls, **params):
        return make_pipeline(
            cls(random_state=0, max_epochs=max_epochs, **params), StandardScaler(), classifier(0.1)
        )

    def concatenation(imputer):
        return make_pipeline(StandardScaler(), imputer, classifier(0.01))

    mean = concatenation(SimpleImputer())
    return {
        "CMC+CSS, mean": ours(CMCCSSEmbedder),
        "CMC+CSS, ridge": ours(CMCCSSEmbedder, impute="ridge"),
        "CoMM": ours(CoMMEmbedder),
        "mean imputation": mean,
        "KNN imputation": concatenation(KNNImputer()),
        "complete cases": CompleteCases(mean),
    }


def take_away(X: MultimodalData, rate: float, rng: np.random.Generator) -> MultimodalData:
    """Hide modalities of subjects at random; each keeps at least one of those it has."""
    kept = X.mask & (rng.random(X.mask.shape) >= rate)
    for row in np.flatnonzero(~kept.any(axis=1)):
        kept[row, rng.choice(np.flatnonzero(X.mask[row]))] = True
    return MultimodalData(dict(X.items()), mask=kept)


def cohort(name: str, seed: int):
    """A cohort and its classes; simulated ones are drawn anew for each repeat."""
    if name == "simulated":
        X, y, _ = datasets.make_cohort(random_state=seed)
        return X, y
    fetch = {"nspn": datasets.fetch_nspn, "abide": datasets.fetch_abide}[name]
    X, y = fetch(return_X_y=True)
    return X, np.unique(y, return_inverse=True)[1]


def run(name: str, n_repeats: int, n_splits: int, max_epochs: int) -> dict:
    """Scores by place of the holes, method, rate and fold."""
    methods = make_methods(max_epochs)
    scores = {
        place: {method: {str(rate): [] for rate in RATES} for method in methods}
        for place in ("test", "both")
    }
    for seed in range(n_repeats):
        X, y = cohort(name, seed)
        folds = list(StratifiedKFold(n_splits, shuffle=True, random_state=seed).split(y, y))
        holes = {rate: take_away(X, rate, np.random.default_rng(seed)) for rate in RATES}
        for method, pipeline in methods.items():
            jobs = [(rate, train) for train, _ in folds for rate in RATES]
            with stacked_fits():
                models = Parallel()(
                    delayed(fitted)(pipeline, holes[rate][train], y[train]) for rate, train in jobs
                )
            for fold, (_, test) in enumerate(folds):
                on_whole, *_ = of_fold = models[fold * len(RATES) : (fold + 1) * len(RATES)]
                for rate, with_holes in zip(RATES, of_fold, strict=True):
                    for place, model in {"test": on_whole, "both": with_holes}.items():
                        found = model.predict(holes[rate][test])
                        score = balanced_accuracy_score(y[test], found)
                        scores[place][method][str(rate)].append(round(float(score), 4))
            last = [np.mean(scores["test"][method][str(rate)]) for rate in RATES]
            print(f"  {name} {seed} {method:18}", *(f"{score:.3f}" for score in last), flush=True)
    return scores


def fitted(pipeline, X, y):
    return clone(pipeline).fit(X, y)


def table(scores: dict) -> str:
    lines = []
    for place, of_place in scores.items():
        lines.append(f"missing in {place}: balanced accuracy, and what is lost from 0 to 50 %")
        for method, by_rate in of_place.items():
            means = [np.mean(by_rate[str(rate)]) for rate in RATES]
            cells = "".join(f"{mean:8.3f}" for mean in means)
            lines.append(f"  {method:18}{cells}   {means[0] - means[-1]:6.3f}")
    return "\n".join(lines)


MODES = {
    "quick": {"n_repeats": 1, "n_splits": 2, "max_epochs": 2},
    "default": {"n_repeats": 1, "n_splits": 3, "max_epochs": 20},
    "full": {"n_repeats": 5, "n_splits": 5, "max_epochs": 60},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cohorts", nargs="+", default=["simulated", "nspn"])
    parser.add_argument("--quick", dest="mode", action="store_const", const="quick")
    parser.add_argument("--full", dest="mode", action="store_const", const="full")
    options = parser.parse_args()
    mode = options.mode or "default"
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    if shared.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(shared))
    for name in options.cohorts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            scores = run(name, **MODES[mode])
        print(name, table(scores), sep="\n", flush=True)
        if mode != "quick":
            others = {k: v for k, v in read_report("missing").items() if k != "environment"}
            found = {**MODES[mode], "rates": RATES, "scores": scores}
            write_report("missing", {**others, name: found})


if __name__ == "__main__":
    main()
