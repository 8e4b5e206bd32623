"""Subjects, methods, scores and splits of a comparison, checked before any fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target

from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.model_selection._evaluate import reads_groups
from skmmcl.model_selection._rows import as_rows, check_groups, check_known, n_rows, row_numbers
from skmmcl.model_selection._store import Store
from skmmcl.utils._named import named
from skmmcl.utils._targets import is_unlabeled, seem_measured

Splits = list[tuple[np.ndarray, np.ndarray]]


def check_data(
    X: Any, y: Any, groups: Any, **others: Any
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Return subjects, target and groups of one length; `others` list the same subjects."""
    if y is None:
        raise ValueError("A target y is needed to score predictions, got None.")
    check_same_subjects({"X": X, "y": y, "groups": groups, **others})
    X = as_rows(X)
    advice = (
        "predictions of it cannot be scored. Leave these subjects out, or mark them by -1 and use "
        "LabeledOnly and labeled_scorer."
    )
    y = check_known(y, "y", n_rows(X), advice)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    return X, y, None if groups is None else check_groups(groups, "groups", len(y))


def check_methods(methods: Any) -> dict[str, Any]:
    """Return clones of the methods by name."""
    if not isinstance(methods, Mapping) or not methods:
        raise TypeError(
            'methods must be a dict of name to estimator, such as {"linear": LogisticRegression()};'
            f" got {methods!r}."
        )
    for name, method in methods.items():
        if not isinstance(name, str):
            raise TypeError(f"methods: names must be text, got {name!r}.")
        if isinstance(method, type) or not hasattr(method, "fit"):
            raise TypeError(f"methods: {name!r} must be an estimator with fit, got {method!r}.")
    return {name: clone(method) for name, method in methods.items()}


def make_scorers(scoring: Any, y: np.ndarray) -> dict[str, Any]:
    """Return the scorers by name."""
    if scoring is None:
        n_classes = len(np.unique(y))
        scoring = "r2" if is_measured(y) else "roc_auc" if n_classes == 2 else "balanced_accuracy"
    if isinstance(scoring, str):
        return {scoring: get_scorer(scoring)}
    if callable(scoring):
        return {getattr(scoring, "__name__", "score"): scoring}
    if not isinstance(scoring, Mapping):
        if not all(isinstance(name, str) for name in scoring):
            raise TypeError("scoring: pass callables as a dict of name to scorer, not as a list.")
        scoring = {name: name for name in scoring}
    if not scoring:
        raise ValueError("scoring names no score.")
    return {str(name): get_scorer(scorer) for name, scorer in scoring.items()}


def is_measured(y: np.ndarray) -> bool:
    """Return whether a target seems to be measured numbers rather than classes."""
    return y.ndim == 1 and seem_measured(y)


def as_splits(cv: Any, X: Any, y: Any, groups: Any) -> Splits | None:
    """Return training and test rows of each split; groups go to splitters that read them."""
    if cv is None:
        return None
    has_classes = y is not None and not (is_unlabeled(y, None).any() or is_measured(y))
    splitter = check_cv(cv, y, classifier=has_classes)
    read = groups if reads_groups(splitter) else None
    n = n_rows(X)
    return [(row_numbers(a, n), row_numbers(b, n)) for a, b in splitter.split(X, y, read)]


def complementary_folds(cv: Any, X: Any, y: Any, **split_params: Any) -> Splits:
    """Return training and test rows of folds that leave out each row exactly once."""
    n = n_rows(X)
    with named("cv", f"folds of {n} subjects"):
        splitter = check_cv(cv, y, classifier=_can_stratify(y, cv))
        found = list(splitter.split(X, y, **split_params))
    folds = [(row_numbers(train, n), row_numbers(test, n)) for train, test in found]
    left_out = np.concatenate([np.empty(0, dtype=int), *(test for _, test in folds)])
    times_left_out = np.bincount(left_out, minlength=n)
    if np.any(times_left_out != 1):
        raise ValueError(
            f"cv={cv!r} leaves out some subjects {times_left_out.min()} times and others "
            f"{times_left_out.max()} times; cross-fitting needs folds that leave out every subject "
            "exactly once, such as those of StratifiedKFold."
        )
    return folds


def _can_stratify(y: Any, cv: Any) -> bool:
    """Return whether y has classes, of which at least one is in every fold."""
    if y is None:
        return False
    values, n_folds = np.asarray(y), cv if isinstance(cv, Integral) else 5
    if is_unlabeled(values, None).any() or is_measured(values):
        return False
    if type_of_target(values) not in {"binary", "multiclass"}:
        return False
    return bool(np.unique(values, return_counts=True)[1].max() >= n_folds)


def make_splits(
    cv: Any, X: Any, y: np.ndarray, groups: Any, random_state: Any, store: Store | None = None
) -> Splits:
    """Return the splits of all methods; those of an earlier call with the same folder."""
    kept_as = None
    if store is not None and (isinstance(cv, Integral) or hasattr(cv, "split")):
        kept_as = store.key("cv", cv, random_state)
    cv = make_folds(cv, y, groups, random_state)
    _check_groups(cv, groups)

    def make() -> Splits:
        return as_splits(cv, X, y, groups) or []

    splits = make() if store is None or kept_as is None else store.splits(kept_as, make)
    _check_splits(splits)
    return splits


def make_folds(cv: Any, y: np.ndarray, groups: Any, random_state: Any) -> Any:
    """Return a splitter with a seed, or a list of splits."""
    if isinstance(cv, Integral):
        seed = check_random_state(random_state).randint(2**31 - 1)
        return _kind_of_folds(y, groups)(int(cv), shuffle=True, random_state=seed)
    if not hasattr(cv, "split"):
        if not isinstance(cv, Iterable):
            raise TypeError(f"cv must be a number of folds, a splitter or splits, got {cv!r}.")
        return list(cv)
    if getattr(cv, "random_state", 0) is None and getattr(cv, "shuffle", True):
        cv = copy(cv)
        cv.random_state = random_state
    return cv


def _kind_of_folds(y: np.ndarray, groups: Any) -> Any:
    if groups is None:
        return KFold if is_measured(y) else StratifiedKFold
    return GroupKFold if is_measured(y) else StratifiedGroupKFold


def _check_groups(cv: Any, groups: Any) -> None:
    """Raise for groups that are fewer than the folds which keep them together."""
    if groups is None or not reads_groups(cv):
        return
    n_groups, n_folds = len(np.unique(groups)), getattr(cv, "n_splits", None)
    is_partition = not hasattr(cv, "test_size")
    if is_partition and n_folds is not None and n_groups < n_folds:
        raise DataError(
            f"groups has {n_groups} different values, fewer than the {n_folds} folds of "
            f"{type(cv).__name__}, each of which needs one. Use at most {n_groups} folds."
        )


def _check_splits(splits: Splits) -> None:
    if not splits:
        raise ValueError("cv gives no splits.")
    for number, (train, test) in enumerate(splits):
        if not len(train) or not len(test):
            raise DataError(
                f"Split {number} of cv has {len(train)} training and {len(test)} test subjects: "
                "both are needed. Use fewer folds."
            )
        if len(both := np.intersect1d(train, test)):
            raise DataError(
                f"Split {number} of cv has {len(both)} subjects in training and test, such as row "
                f"{both[0]}: scores would be too good."
            )
