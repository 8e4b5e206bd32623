"""Permutation test: whether a pipeline is better than chance."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import cross_val_score
from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed

from skmmcl.exceptions import DataError
from skmmcl.model_selection._evaluate import groups_of_search
from skmmcl.model_selection._given import (
    as_splits,
    check_data,
    check_methods,
    make_folds,
    make_scorers,
    make_splits,
)
from skmmcl.model_selection._rows import check_groups
from skmmcl.model_selection._stacking import run, stacking
from skmmcl.utils._named import check_n_jobs, check_whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skmmcl.utils._typing import CrossValidator, Groups, Scoring, Subjects


class PermutationResult(NamedTuple):
    """A permutation test of a cross-validated score.

    Attributes
    ----------
    score : float
        Mean score over the splits, with the true labels.
    permutation_scores : ndarray of shape (n_permutations,)
        Mean scores with permuted labels.
    pvalue : float
        ``(c + 1) / (n_permutations + 1)``, where `c` is the number of permutations with a score of
        at least ``score``.
    """

    score: float
    permutation_scores: NDArray[np.float64]
    pvalue: float


def permutation_test(
    estimator: Any,
    X: Subjects,
    y: ArrayLike,
    *,
    groups: Groups = None,
    blocks: Groups = None,
    cv: CrossValidator = 5,
    scoring: Scoring = None,
    n_permutations: int = 1000,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 0,
) -> PermutationResult:
    """Test whether the cross-validated score of a pipeline is better than chance.

    The whole pipeline is fitted again for each permutation of the labels, in stacks where it
    trains. This reveals leaks within the pipeline as well: scores with permuted labels that are
    better than chance are a fault.

    Parameters
    ----------
    estimator : estimator
        The pipeline, with all steps that are fitted.
    X : array-like, DataFrame, MultimodalData or dict of arrays
        The data.
    y : array-like of shape (n_samples,)
        The target.
    groups : array-like of shape (n_samples,), optional
        People who were scanned repeatedly, with one label each. Labels are exchanged between
        people with the same number of scans, and splitters keep people together.
    blocks : array-like of shape (n_samples,), optional
        Blocks within which labels are exchanged, such as sites: the test is then whether the
        pipeline is better than a prediction from the site.
    cv : int, cross-validation generator or iterable, default=5
        The splits, made again for each permutation so that they are stratified. An integer gives
        shuffled folds as in :func:`compare`.
    scoring : str or callable, optional
        One score; as in :func:`compare` by default.
    n_permutations : int, default=1000
        The smallest possible p-value is ``1 / (n_permutations + 1)``.
    n_jobs : int, optional
        As in :func:`compare`.
    random_state : int, RandomState instance or None, default=None
        Draws the permutations, and shuffles the folds of an integer `cv`.
    verbose : int, default=0
        Above 0, show a bar with the time left. Needs tqdm.

    Returns
    -------
    result : PermutationResult
        Named tuple ``(score, permutation_scores, pvalue)``.

    See Also
    --------
    sklearn.model_selection.permutation_test_score : Permutes within groups instead of between
        them.

    Notes
    -----
    The p-value holds for any number of permutations: a true null hypothesis gives ``p <= .05`` at
    most five times in a hundred [1]_.

    References
    ----------
    .. [1] Ojala M., Garriga G.C. (2010). Permutation tests for studying classifier performance.
       JMLR 11, 1833-1863.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmmcl.model_selection import permutation_test
    >>> rng = np.random.default_rng(0)
    >>> y = np.tile([0, 1], 30)
    >>> X = rng.normal(size=(60, 3)) + y[:, None]
    >>> result = permutation_test(LogisticRegression(), X, y, n_permutations=49, random_state=0)
    >>> result.pvalue
    0.02
    >>> bool(abs(result.permutation_scores.mean() - 0.5) < 0.05)
    True
    """
    X, y, groups = check_data(X, y, groups, blocks=blocks)
    estimator = check_methods({"estimator": estimator})["estimator"]
    check_n_jobs(n_jobs)
    n_permutations = check_whole(n_permutations, "n_permutations", 1)
    (scorer, *others) = make_scorers(scoring, y).values()
    if others:
        raise ValueError("permutation_test takes one score: scoring names several.")
    rng = check_random_state(random_state)
    seed = int(rng.randint(2**31 - 1))
    exchange = _exchangeable(y, groups, blocks)
    targets = [y, *(y[_permuted(exchange, rng)] for _ in range(n_permutations))]
    cv = make_folds(cv, y, groups, seed)
    make_splits(cv, X, y, groups, seed)  # checked once, before many fits
    jobs = [
        delayed(_mean_score)(k, clone(estimator), X, target, groups, cv, scorer)
        for k, target in enumerate(targets)
    ]
    with stacking([estimator]):
        found = dict(run(jobs, n_jobs, verbose=verbose))
    score, permuted = found[0], np.array([found[k] for k in range(1, len(targets))])
    return PermutationResult(score, permuted, _pvalue(score, permuted))


def _mean_score(
    number: int, estimator: Any, X: Any, y: Any, groups: Any, cv: Any, scorer: Any
) -> tuple[int, float]:
    splits, params = as_splits(cv, X, y, groups), groups_of_search(estimator, groups)
    with warnings.catch_warnings():  # an undefined score is reported as an error
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        scores = cross_val_score(
            estimator, X, y, cv=splits, scoring=scorer, params=params, error_score="raise"
        )
    return number, float(np.mean(scores))


def _pvalue(score: float, permuted: NDArray) -> float:
    undefined = int(np.isnan(permuted).sum()) + int(np.isnan(score))
    if undefined:
        raise DataError(
            f"The score is not defined for {undefined} of {len(permuted) + 1} orders of the "
            "labels, since a test set has a single class: use stratified splits or fewer folds."
        )
    rounding = 1e-10 * max(abs(score), np.abs(permuted).max())
    return float((np.sum(permuted >= score - rounding) + 1) / (len(permuted) + 1))


def _exchangeable(y: NDArray, groups: Any, blocks: Any) -> list[list[NDArray]]:
    """Return sets of units, each an array of rows, whose labels may be exchanged."""
    n = len(y)
    units = [np.array([row]) for row in range(n)]
    if groups is not None:
        units = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        if mixed := sum(len(np.unique(y[rows])) > 1 for rows in units):
            raise DataError(
                f"{mixed} of {len(units)} groups have several labels: labels can be exchanged "
                "between people with one label each. Give sites as blocks instead of groups."
            )
    within = np.zeros(n, dtype=int)
    if blocks is not None:
        within = np.unique(check_groups(blocks, "blocks", n), return_inverse=True)[1]
    sets: dict[tuple[int, ...], list[NDArray]] = {}
    for rows in units:
        sets.setdefault((len(rows), *np.unique(within[rows])), []).append(rows)
    if not any(len({y[rows[0]] for rows in found}) > 1 for found in sets.values()):
        raise DataError("No labels can be exchanged: all that may be exchanged are the same.")
    return list(sets.values())


def _permuted(sets: list[list[NDArray]], rng: np.random.RandomState) -> NDArray[np.intp]:
    """Return for each row the row whose label it gets."""
    source = np.empty(sum(rows.size for found in sets for rows in found), dtype=int)
    for found in sets:
        for rows, given in zip(found, rng.permutation(len(found)), strict=True):
            source[rows] = found[given]
    return source
