"""Stability of subtypes by their number."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from itertools import combinations
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, check_scalar

from skmmcl.cluster._path import StabilityPath
from skmmcl.cluster._target import Target, check_number, read_target
from skmmcl.data._who import check_same_subjects
from skmmcl.model_selection._rows import as_rows, take
from skmmcl.utils._named import check_n_jobs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import Subjects

LARGEST_SEED = np.iinfo(np.int32).max
SMALLEST = 1e-15  # probability, as in scikit-learn's log_loss


def stability_path(
    estimator: BaseEstimator,
    X: Subjects,
    y: ArrayLike,
    *,
    n_clusters: Iterable[int] = range(2, 7),
    n_resamples: int = 10,
    n_permutations: int = 5,
    train_size: float = 0.8,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> StabilityPath:
    """Compare numbers of subtypes by how well resamples of the subjects agree on them.

    The estimator is fitted on random parts of the subjects, stratified by class, and assigns all
    patients to subtypes. The agreement of two parts is the adjusted Rand index of these subtypes: 1
    for the same subtypes, 0 for chance. The same is done with permuted `y`: subtypes that are as
    stable there have nothing to do with the disease.

    Parameters
    ----------
    estimator : estimator
        With a parameter ``n_clusters`` and ``predict_clusters``, such as :class:`UCSL`.
    X : array-like, DataFrame, MultimodalData or dict of arrays
        Subjects, in any form that the estimator takes.
    y : array-like of shape (n_samples,)
        Patients and controls, or a severity, as the estimator takes it.
    n_clusters : iterable of int, default=range(2, 7)
        Numbers of subtypes.
    n_resamples : int, default=10
        Number of parts of the subjects for each number of subtypes, from 2.
    n_permutations : int, default=5
        Number of permutations of `y` for each number of subtypes; the estimator is fitted twice for
        each.
    train_size : float, default=0.8
        Proportion of the subjects in a part, above 0 and below 1.
    random_state : int, RandomState or None, default=None
        Seed of the parts, permutations and fits: the same int gives the same result.
    n_jobs : int, optional
        Number of fits that run at once, as in scikit-learn.

    Returns
    -------
    StabilityPath
        The adjusted Rand indices, and the likelihood of `y` in the subjects left out.

    Raises
    ------
    DataError
        If `n_clusters` is empty or the patients are too few for the largest of them.
    ValueError
        If the estimator has no subtypes, or if a parameter is out of range.

    See Also
    --------
    subtype_confounds : Relates subtypes to site, age and sex.

    Notes
    -----
    A stable number of subtypes does not prove subtypes: a cut through a continuum is stable too, as
    are subtypes that follow the site. The likelihood measures how well the classes of new subjects
    are predicted, and may rise with the number for the same reasons. Warnings of single fits are
    not shown.

    Examples
    --------
    >>> from skmmcl.cluster import UCSL, stability_path
    >>> from skmmcl.datasets import make_subtypes
    >>> X, y, truth = make_subtypes(300, n_subtypes=2, subtype_sep=6, random_state=0)
    >>> ucsl = UCSL(n_consensus=2)
    >>> path = stability_path(
    ...     ucsl, X, y, n_clusters=[2, 3], n_resamples=2, n_permutations=1, random_state=0
    ... )
    >>> bool(path.ari[0].mean() > path.ari[1].mean())
    True
    """
    check_same_subjects({"X": X, "y": y})
    numbers = _numbers(n_clusters)
    _check(estimator, n_resamples, n_permutations, train_size, n_jobs)
    target = _target(estimator, y, int(numbers.max()), train_size)
    X, y = as_rows(X), np.asarray(y)
    rng = np.random.default_rng(check_random_state(random_state).randint(LARGEST_SEED))
    jobs = []
    for number in numbers:
        orders = [np.arange(len(y))] * n_resamples
        orders += np.repeat([rng.permutation(len(y)) for _ in range(n_permutations)], 2, 0).tolist()
        jobs += [(int(number), order, int(rng.integers(LARGEST_SEED))) for order in orders]
    with warnings.catch_warnings():  # here for threads, which share the filters
        warnings.simplefilter("ignore")
        fits = Parallel(n_jobs=n_jobs)(
            delayed(_fit_part)(estimator, X, y, target, train_size, *job) for job in jobs
        )
    size = n_resamples + 2 * n_permutations
    groups = [fits[start : start + size] for start in range(0, len(fits), size)]
    resampled, permuted = ([g[:n_resamples] for g in groups], [g[n_resamples:] for g in groups])
    return StabilityPath(
        numbers,
        np.array([_agreements(combinations(parts, 2)) for parts in resampled]),
        np.array([_agreements(zip(parts[::2], parts[1::2], strict=True)) for parts in permuted]),
        np.array([[part.log_likelihood for part in parts] for parts in resampled]),
    )


class _Part(NamedTuple):
    """Result of a fit on a part of the subjects."""

    labels: np.ndarray
    log_likelihood: float


def _fit_part(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    target: Target,
    train_size: float,
    n_clusters: int,
    order: Any,
    seed: int,
) -> _Part:
    """Fit on a part of the subjects; assign all patients, and predict the other subjects."""
    y, is_patient = y[order], target.is_patient[order]
    model = clone(estimator).set_params(n_clusters=n_clusters)
    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    stratify = None if target.classes is None else y
    train, test = train_test_split(
        np.arange(len(y)), train_size=train_size, stratify=stratify, random_state=seed
    )
    with warnings.catch_warnings():  # and here for processes
        warnings.simplefilter("ignore")
        model.fit(take(X, train), y[train])
        labels = model.predict_clusters(take(X, np.flatnonzero(is_patient)))
        likelihood = _log_likelihood(model, take(X, test), y[test])
    return _Part(labels, likelihood)


def _log_likelihood(model: Any, X: Any, y: np.ndarray) -> float:
    if not hasattr(model, "predict_proba"):
        return float("nan")
    probability = model.predict_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return float(np.log(np.maximum(probability, SMALLEST)).mean())


def _agreements(pairs: Iterable[tuple[_Part, _Part]]) -> list[float]:
    return [adjusted_rand_score(one.labels, other.labels) for one, other in pairs]


def _numbers(n_clusters: Any) -> np.ndarray:
    numbers = list(n_clusters) if isinstance(n_clusters, Iterable) else [n_clusters]
    if not numbers or not all(isinstance(k, Integral) and int(k) >= 2 for k in numbers):
        raise ValueError(f"n_clusters={n_clusters!r}; expected numbers of subtypes from 2.")
    return np.array(numbers, dtype=int)


def _target(estimator: Any, y: Any, largest: int, train_size: float) -> Target:
    """Return the target; raise if patients are too few for the largest number of subtypes."""
    linear = getattr(estimator, "estimator", None)
    regression = None if linear is None else is_regressor(linear)
    positive = getattr(estimator, "positive", None)
    user = type(estimator).__name__
    target = read_target(y, positive, regression=regression, user=user)
    check_number(int(target.is_patient.sum() * train_size), largest)
    return target


def _check(
    estimator: Any, n_resamples: Any, n_permutations: Any, train_size: Any, n_jobs: Any
) -> None:
    can = hasattr(estimator, "predict_clusters") and not isinstance(estimator, type)
    if not can or "n_clusters" not in estimator.get_params():
        raise ValueError(
            f"estimator={estimator!r} has no subtypes: expected a parameter n_clusters and a "
            "method predict_clusters, as UCSL() has."
        )
    check_scalar(n_resamples, "n_resamples", Integral, min_val=2)
    check_scalar(n_permutations, "n_permutations", Integral, min_val=1)
    if not (isinstance(train_size, Real) and 0 < float(train_size) < 1):  # NaN as well
        raise ValueError(f"train_size={train_size!r}; expected a proportion between 0 and 1.")
    check_n_jobs(n_jobs)
