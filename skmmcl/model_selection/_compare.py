"""Comparison of methods on the same splits."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import FitFailedWarning, UndefinedMetricWarning
from sklearn.utils.parallel import delayed

import skmmcl
from skmmcl.exceptions import LeakageWarning
from skmmcl.model_selection._evaluate import Fit, evaluate
from skmmcl.model_selection._given import (
    Splits,
    check_data,
    check_methods,
    is_measured,
    make_scorers,
    make_splits,
)
from skmmcl.model_selection._leakage import check_leakage
from skmmcl.model_selection._people import index_of
from skmmcl.model_selection._result import ComparisonResult
from skmmcl.model_selection._stacking import run, stacking
from skmmcl.model_selection._store import Store
from skmmcl.utils._named import check_n_jobs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import CrossValidator, Groups, Scoring, Subjects


def compare(
    methods: Mapping[str, Any],
    X: Subjects,
    y: ArrayLike,
    *,
    cv: CrossValidator = 10,
    scoring: Scoring | Sequence[str] | Mapping[str, Scoring] = None,
    groups: Groups = None,
    n_jobs: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    pretraining: Any = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> ComparisonResult:
    """Compare methods on the same splits, with intervals and corrected tests.

    Parameters
    ----------
    methods : dict of str to estimator
        The methods by name; the first is the reference of the differences. They are cloned.
    X : array-like, DataFrame, MultimodalData or dict of arrays
        The data.
    y : array-like of shape (n_samples,)
        The target.
    cv : int, cross-validation generator or iterable, default=10
        The splits, the same for all methods. An integer gives shuffled folds, stratified where
        `y` has classes, with groups kept together where there are any.
        ``RepeatedStratifiedKFold(n_splits=10, n_repeats=5)`` repeats them.
    scoring : str, callable, list, tuple or dict, optional
        One or several scores, as in scikit-learn; the first is the main one. By default
        ``"roc_auc"`` for two classes, ``"balanced_accuracy"`` for more, and ``"r2"`` for numbers.
    groups : array-like of shape (n_samples,), optional
        People or sites. They are passed to splitters that read them, and to searches whose inner
        folds do; :func:`check_leakage` uses them as well.
    n_jobs : int, optional
        Number of fits at once. By default one or, where a method trains, as many as fit into a
        stack (see :func:`~skmmcl.parallel.stacked_fits`).
    checkpoint : str or path, optional
        Folder where each finished fit is kept, so that the same call resumes after an
        interruption. Fits are taken from it if data, split, scores, and the parameters and code of
        the method are the same; methods may be added. Splits of a `cv` without a seed are kept too.
    pretraining : MultimodalData, DataFrame, array-like or list of identifiers, optional
        The subjects of the pretraining of what the methods contain; test subjects must not be
        among them.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds of an integer `cv`, and seeds a splitter that has no seed of its own.
        Methods keep their own.
    verbose : int, default=0
        Above 0, show a bar with the fits done and the time left. Needs tqdm.

    Returns
    -------
    result : ComparisonResult
        Scores, predictions and errors of all fits, with ``summary()``, ``plot()`` and
        ``report(path)``.

    Raises
    ------
    ValueError
        Before any fit: for numbers of entries that differ, missing entries of `y` or `groups`,
        fewer groups than folds, splits that share subjects, or unknown scores. After the fits: if
        all of them failed.

    Warns
    -----
    LeakageWarning
        For what :func:`check_leakage` finds.
    FitFailedWarning
        For fits that raised an error: the others continue, and the scores are NaN.
    UndefinedMetricWarning
        For scores that are not defined, such as an AUC of test subjects of one class. They are
        NaN, and means and tests are of the other splits.

    See Also
    --------
    permutation_test : Tests whether one method is better than chance.
    nested_search : Scores of a search, with the parameters chosen in each fold.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmmcl.model_selection import compare
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> methods = {
    ...     "linear": make_pipeline(StandardScaler(), LogisticRegression()),
    ...     "tree": DecisionTreeClassifier(random_state=0),
    ... }
    >>> result = compare(methods, X, y, cv=5, random_state=0)
    >>> summary = result.summary()
    >>> summary["score"].round(2).to_dict()
    {'linear': 1.0, 'tree': 0.93}
    >>> bool(summary.loc["tree", "p_corrected"] < 0.05)
    True
    """
    start = perf_counter()
    X, y, groups = check_data(X, y, groups)
    methods = check_methods(methods)
    check_n_jobs(n_jobs)
    scorers = make_scorers(scoring, y)
    store = None if checkpoint is None else Store(checkpoint, X, y, groups)
    splits = make_splits(cv, X, y, groups, random_state, store)
    leaks = check_leakage(X, y, groups=groups, cv=splits, methods=methods, pretraining=pretraining)
    for leak in leaks:
        warnings.warn(leak.message, LeakageWarning, stacklevel=2)
    with stacking(methods.values()):
        fits = _fits(methods, (X, y, groups), splits, scorers, n_jobs, store, verbose)
    _warn_of_failures(fits, methods, len(splits))
    given = {"cv": cv, "scoring": scoring, "n_jobs": n_jobs, "checkpoint": checkpoint}
    given |= {"random_state": random_state, "pretraining": pretraining}
    return ComparisonResult(
        methods=methods, metrics=tuple(scorers), splits=splits, fits=fits, y=y, groups=groups,
        subjects=np.arange(len(y)) if index_of(X) is None else np.asarray(X.index),
        classes=None if is_measured(y) else np.unique(y), leaks=leaks,
        params={**given, "seconds": perf_counter() - start, "versions": _versions()},
    )  # fmt: skip


def _fits(
    methods: dict[str, Any], data: tuple, splits: Splits, scorers: dict[str, Any],
    n_jobs: int | None, store: Store | None, verbose: int,
) -> list[Fit]:  # fmt: skip
    """Return the outcome of each method on each split, by split, for a good estimate of time."""
    bases = {name: store.key(name, m, scorers) if store else "" for name, m in methods.items()}
    fits, jobs = [], []
    for number, split in enumerate(splits):
        for name, method in methods.items():
            key = store.key("the split", bases[name], *split) if store else ""
            if store and (kept := store.load(key)) is not None:
                fits.append(replace(kept, method=name, split=number))
            else:
                task = name, method, data, (number, split), scorers
                jobs.append(delayed(_evaluate_and_keep)(task, store, key))
    if jobs:
        fits += run(jobs, n_jobs, n_done=len(fits), verbose=verbose)
    order = list(methods)
    return sorted(fits, key=lambda fit: (fit.split, order.index(fit.method)))


def _evaluate_and_keep(task: tuple, store: Store | None, key: str) -> Fit:
    fit = evaluate(*task)
    if store and not fit.error:  # failed fits are tried again
        store.save(key, fit)
    return fit


def _warn_of_failures(fits: list[Fit], methods: dict[str, Any], n_splits: int) -> None:
    failed = [fit for fit in fits if fit.error]
    if len(failed) == len(fits):
        raise ValueError(f"All fits of all methods failed. The first with {fits[0].error}")
    for name in methods:
        errors = [fit for fit in failed if fit.method == name]
        if errors:
            warnings.warn(
                f"{name!r} failed in {len(errors)} of {n_splits} splits, first in split "
                f"{errors[0].split} with {errors[0].error}. These scores are NaN; means and tests "
                "are of the other splits, which may be the easier ones.",
                FitFailedWarning,
                stacklevel=3,
            )
        said = [fit for fit in fits if fit.method == name and fit.messages]
        if said:
            warnings.warn(
                f"{name!r}: {'; '.join(said[0].messages)} in split {said[0].split}, and in "
                f"{len(said) - 1} other splits. Means and tests are of the splits with a score.",
                UndefinedMetricWarning,
                stacklevel=3,
            )


def _versions() -> dict[str, str]:
    names = ("scikit-learn", "numpy", "scipy", "torch")
    return {"skmmcl": skmmcl.__version__, **{name: version(name) for name in names}}
