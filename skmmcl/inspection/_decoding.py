"""Linear probes that decode classes and numbers from a representation."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from skmmcl.exceptions import DataError
from skmmcl.inspection._values import known_values
from skmmcl.metrics._site import site_probe
from skmmcl.utils._plain import plain_labels

ALPHAS = 10.0 ** np.arange(-2, 6)  # of ridge regression


class Fold(NamedTuple):
    """Rows to train and to test a probe on, and the representation of all subjects in the fold."""

    train: np.ndarray
    test: np.ndarray
    Z: np.ndarray


class Task(NamedTuple):
    """A confound to decode: its known values, and the folds and units of those who have one."""

    folds: list[Fold]
    labels: np.ndarray
    is_class: bool
    units: np.ndarray | None = None  # families or people with several rows


def read_confound(name: str, values: Any) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return who has a known value, these values, and whether they are classes."""
    known, kept, is_measured = known_values(values)
    if len(set(kept.tolist())) < 2:
        raise DataError(f"Confound {name!r} has one value: there is nothing to decode.")
    if is_measured and not np.isfinite(kept).all():
        raise DataError(f"Confound {name!r} has infinite values; set them to None.")
    if is_measured:
        return known, kept.astype(float), False
    return known, np.unique(plain_labels(kept, name), return_inverse=True)[1], True


def splits_of(
    labels: np.ndarray, units: np.ndarray | None, cv: int, seed: int, name: str, *, is_class: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return training and test rows of each fold; `units` stay together."""
    n_units = len(labels) if units is None else units.max() + 1
    kind: Any = KFold if units is None else GroupKFold
    if is_class:
        kind = StratifiedKFold if units is None else StratifiedGroupKFold
        of_units = np.arange(len(labels)) if units is None else units
        pairs = np.unique(np.column_stack([labels, of_units]), axis=0)
        counts, what = np.bincount(pairs[:, 0]), "subject" if units is None else "group"
        if counts.min() < 2:
            raise DataError(
                f"Confound {name!r}: {(counts < 2).sum()} of {len(counts)} classes have a single "
                f"{what}, so that no probe can both learn and be tested on them; set them to None."
            )
        n_units = counts.max()
    if n_units < 2:
        raise DataError(f"Confound {name!r} is known of a single group: no other can be held out.")
    splitter = kind(min(cv, n_units), shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # predictions are pooled: a fold may lack a small class
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(labels, labels, units))


def _permutation(n_subjects: int, units: np.ndarray | None, rng: Any) -> np.ndarray:
    """Return a random order of the subjects, or one that exchanges whole units of equal size."""
    if units is None:
        return rng.permutation(n_subjects)
    order, sizes = np.empty(n_subjects, dtype=int), np.bincount(units)
    for size in np.unique(sizes):
        rows = np.array([np.flatnonzero(units == k) for k in np.flatnonzero(sizes == size)])
        order[rows] = rng.permutation(rows)
    return order


def decode(task: Task, n_permutations: int, seed: int) -> tuple[float, np.ndarray]:
    """Return the score of a probe on the held-out subjects of all folds, and those by chance."""
    folds, labels, is_class, units = task
    rng = check_random_state(int(seed))
    orders = [_permutation(len(labels), units, rng) for _ in range(n_permutations)]
    probe = site_probe() if is_class else make_pipeline(StandardScaler(), RidgeCV(ALPHAS))
    score = balanced_accuracy_score if is_class else r2_score

    def score_of(values: np.ndarray) -> float:
        tested = np.concatenate([test for _, test, _ in folds])
        predicted = [_predict(probe, Z, values, train, test) for train, test, Z in folds]
        return float(score(values[tested], np.concatenate(predicted)))

    return score_of(labels), np.array([score_of(labels[order]) for order in orders])


def _predict(probe: Any, Z: np.ndarray, values: np.ndarray, train, test) -> np.ndarray:
    if len(np.unique(values[train])) < 2:  # chance may leave a rare class out
        return np.full(len(test), values[train][0])
    return clone(probe).fit(Z[train], values[train]).predict(Z[test])
