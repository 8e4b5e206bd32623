"""The tasks of the benchmarks of accuracy: subjects and what is to be predicted of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.impute import SimpleImputer

from skmmcl import datasets
from skmmcl._demo import find_gaps
from skmmcl.data import MultimodalData
from skmmcl.preprocessing import ModalityTransformer

Task = Callable[[], tuple[MultimodalData, np.ndarray]]


def find_data() -> None:
    """Look for the cohorts next to the repository, unless SKMMCL_DATA says where they are."""
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    if shared.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(shared))


def impute_gaps(X) -> list:
    """Return the step that fills single missing values, which an embedder refuses."""
    imputers = {name: SimpleImputer(keep_empty_features=True) for name in find_gaps(X)}
    return [ModalityTransformer(imputers)] if imputers else []


def fetched(fetch: Callable, *, age: bool = False, n_subjects: int | None = None) -> Task:
    """Return a task of a cohort: its classes, or who is older than the median."""

    def load() -> tuple[MultimodalData, np.ndarray]:
        X, y = fetch(return_X_y=True)
        if age:
            years = np.asarray(X.meta["age"], dtype=float)
            X, years = X[np.isfinite(years)], years[np.isfinite(years)]
            y = years > np.median(years)
        y = np.unique(y, return_inverse=True)[1]
        rows = np.random.default_rng(0).permutation(len(X))[:n_subjects]
        return X[np.sort(rows)], y[np.sort(rows)]

    return load


def of_age(fetch: Callable) -> Task:
    """Return a task of predicting the age in years."""

    def load() -> tuple[MultimodalData, np.ndarray]:
        X, _ = fetch(return_X_y=True)
        years = np.asarray(X.meta["age"], dtype=float)
        return X[np.isfinite(years)], years[np.isfinite(years)]

    return load


def simulated_age() -> tuple[MultimodalData, np.ndarray]:
    """Return the simulated cohort with its age as the target."""
    X, _, _ = datasets.make_cohort(random_state=0)
    return X, np.asarray(X.meta["age"], dtype=float)


def simulated(seed: int, **options) -> Task:
    """Return a task of a simulated cohort."""
    return lambda: datasets.make_cohort(random_state=seed, **options)[:2]


TASKS: dict[str, Task] = {
    "nspn sex": fetched(datasets.fetch_nspn),
    "nspn age": fetched(datasets.fetch_nspn, age=True),
    "ms": fetched(datasets.fetch_ms_multilayer),
    "aomic": fetched(datasets.fetch_aomic_piop2),
    "tcga": fetched(datasets.fetch_tcga_breast),
    "fcon1000 sex": fetched(datasets.fetch_fcon1000),
    "fcon1000 age": fetched(datasets.fetch_fcon1000, age=True),
    "abide": fetched(datasets.fetch_abide),
    "ixi age": fetched(datasets.fetch_ixi, age=True),
    "soop": fetched(datasets.fetch_soop),
    "digits": fetched(datasets.fetch_uci_digits, n_subjects=500),
    "simulated 0": simulated(0),
    "simulated 1": simulated(1),
}


AGES: dict[str, Task] = {
    "nspn years": of_age(datasets.fetch_nspn),
    "fcon1000 years": of_age(datasets.fetch_fcon1000),
    "abide years": of_age(datasets.fetch_abide),
    "ixi years": of_age(datasets.fetch_ixi),
    "simulated years": simulated_age,
}
