"""Scores of a search in an outer cross-validation, and its chosen parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed

from skmmcl.model_selection._evaluate import reads_groups
from skmmcl.model_selection._given import (
    check_data,
    check_methods,
    make_folds,
    make_scorers,
    make_splits,
)
from skmmcl.model_selection._rows import take
from skmmcl.model_selection._stacking import run, stacking
from skmmcl.utils._named import check_n_jobs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skmmcl.utils._typing import CrossValidator, Groups, Scoring, Subjects


class NestedSearchResult(NamedTuple):
    """Result of a search in an outer cross-validation.

    Attributes
    ----------
    scores : ndarray of shape (n_splits,)
        Score of each outer test set, with the parameters chosen by the inner folds.
    best_params : list of dict
        Parameters chosen in each outer split.
    inner_scores : ndarray of shape (n_splits,)
        Best mean score of the inner folds, which is optimistic.
    splits : list of tuple of ndarray
        Training and test rows of each outer split.
    """

    scores: NDArray[np.float64]
    best_params: list[dict[str, Any]]
    inner_scores: NDArray[np.float64]
    splits: list[tuple[NDArray, NDArray]]


def nested_search(
    estimator: Any,
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    X: Subjects,
    y: ArrayLike,
    *,
    groups: Groups = None,
    inner_cv: CrossValidator = 5,
    outer_cv: CrossValidator = 5,
    scoring: Scoring = None,
    n_iter: int | None = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> NestedSearchResult:
    """Score a search for parameters on subjects that took no part in it.

    In each outer split, the parameters are chosen by inner folds of the training subjects alone.
    Groups are kept together in both. All fits of all searches are stacked where the estimator
    trains.

    Parameters
    ----------
    estimator : estimator
        The pipeline.
    params : dict or list of dict
        Values of parameters to try, as those of :class:`~sklearn.model_selection.GridSearchCV`;
        with `n_iter` also distributions, as those of
        :class:`~sklearn.model_selection.RandomizedSearchCV`.
    X : array-like, DataFrame, MultimodalData or dict of arrays
        The data.
    y : array-like of shape (n_samples,)
        The target.
    groups : array-like of shape (n_samples,), optional
        People, or sites, which are kept together in outer and inner folds.
    inner_cv, outer_cv : int, cross-validation generator or iterable, default=5
        The splits. An integer gives shuffled folds, stratified where `y` has classes, with groups
        kept together where there are any.
    scoring : str or callable, optional
        One score; as in :func:`compare` by default.
    n_iter : int, optional
        Number of settings to draw. None tries the whole grid.
    n_jobs : int, optional
        As in :func:`compare`.
    random_state : int, RandomState instance or None, default=None
        Shuffles folds and draws settings.
    verbose : int, default=0
        Above 0, show a bar of outer splits with the time left. Needs tqdm.

    Returns
    -------
    result : NestedSearchResult
        Named tuple ``(scores, best_params, inner_scores, splits)``.

    See Also
    --------
    compare : Takes a ``GridSearchCV`` as one of its methods.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmmcl.model_selection import nested_search
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> pipe = make_pipeline(StandardScaler(), LogisticRegression())
    >>> grid = {"logisticregression__C": [1e-6, 1.0]}
    >>> result = nested_search(pipe, grid, X, y, outer_cv=3, scoring="accuracy", random_state=0)
    >>> result.best_params[0]
    {'logisticregression__C': 1.0}
    >>> bool(result.scores.mean() > 0.95)
    True
    """
    X, y, groups = check_data(X, y, groups)
    estimator = check_methods({"estimator": estimator})["estimator"]
    check_n_jobs(n_jobs)
    (scorer, *others) = make_scorers(scoring, y).values()
    if others:
        raise ValueError("nested_search takes one score: scoring names several.")
    rng = check_random_state(random_state)
    splits = make_splits(outer_cv, X, y, groups, int(rng.randint(2**31 - 1)))
    seeds = rng.randint(2**31 - 1, size=len(splits)).tolist()
    jobs = [
        delayed(_search)(k, (estimator, params, scorer, inner_cv, n_iter), (X, y, groups), split, s)
        for k, (split, s) in enumerate(zip(splits, seeds, strict=True))
    ]
    with stacking([estimator]):
        found = sorted(run(jobs, n_jobs, verbose=verbose), key=lambda one: one[0])
    _, scores, chosen, inner = zip(*found, strict=True)
    return NestedSearchResult(np.array(scores), list(chosen), np.array(inner), splits)


def _search(number: int, settings: tuple, data: tuple, split: tuple, seed: int) -> tuple:
    """Search within one outer training set, and score on its test set."""
    estimator, params, scorer, cv, n_iter = settings
    X, y, groups = data
    train, test = split
    own_groups = None if groups is None else groups[train]
    cv = make_folds(cv, y[train], own_groups, seed)
    options = {"scoring": scorer, "cv": cv, "error_score": "raise"}
    if n_iter is None:
        search: Any = GridSearchCV(clone(estimator), params, **options)
    else:
        options |= {"n_iter": n_iter, "random_state": seed}
        search = RandomizedSearchCV(clone(estimator), params, **options)
    routed = {"groups": own_groups} if reads_groups(cv) else {}
    search.fit(take(X, train), y[train], **routed)
    score = float(scorer(search, take(X, test), y[test]))
    return number, score, search.best_params_, float(search.best_score_)
