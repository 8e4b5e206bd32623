"""Contribution of each modality: Shapley values and ablation."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils.parallel import Parallel, delayed

from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import ModalityError
from skmmcl.inspection._informed import by_scorer, drops, folds_of, read_subjects, scores_without

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator
    from sklearn.utils import Bunch

    from skmmcl.utils._typing import CrossValidator, Groups, Scorers, Subjects

MAX_MODALITIES = 12  # the number of their subsets is 4,096


def modality_shapley(
    estimator: BaseEstimator,
    X: Subjects,
    y: ArrayLike,
    *,
    cv: CrossValidator = None,
    groups: Groups = None,
    scoring: Scorers = None,
    n_jobs: int | None = None,
) -> Bunch | dict[str, Bunch]:
    """Divide the score of a model among the modalities, by exact Shapley values.

    The model is scored on each subset of the modalities; the others are missing for all subjects,
    as :ref:`missing modalities <missing_modalities>` are. The value of a modality is what it adds
    to the score, averaged over all orders in which the modalities can be added [1]_. Together the
    values are the score with all modalities minus the score without any.

    Parameters
    ----------
    estimator : estimator
        Classifier, regressor or pipeline that takes :class:`~skmmcl.data.MultimodalData` with
        missing modalities. Fitted, unless `cv` is given.
    X : MultimodalData, dict of arrays, list of records or structured array
        Subjects to score on; with `cv` all subjects.
    y : array-like of shape (n_subjects,)
        Targets.
    cv : int, cross-validation generator or iterable, default=None
        None takes the estimator as it is, and `X` for subjects who did not train it. Otherwise a
        clone is fitted in each fold, and scored on the subjects held out.
    groups : array-like of shape (n_subjects,), default=None
        For splitters that need them.
    scoring : str, callable, list, tuple or dict, default=None
        Scorer or scorers, as for scikit-learn; None uses ``estimator.score``.
    n_jobs : int, default=None
        Number of folds, or of subsets without `cv`, to compute in parallel.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` or dict of such instances
        With several scorers a dict, by their names. The attributes are

        modalities : tuple of str
            Names of the modalities.
        importances_mean : ndarray of shape (n_modalities,)
            Shapley value of each, averaged over the folds.
        importances_std : ndarray of shape (n_modalities,)
            Standard deviation over the folds.
        importances : ndarray of shape (n_modalities, n_folds)
            Shapley values in each fold; one column without `cv`.
        scores : dict of tuple of str to ndarray of shape (n_folds,)
            Score of each subset of the modalities; ``()`` is the empty one.

    Raises
    ------
    ModalityError
        If X does not name its modalities, or has more than 12.
    TypeError
        If the estimator predicts nothing.
    DataError
        If `y` holds labels that the estimator did not learn.

    See Also
    --------
    modality_importance : Permutes each modality.
    modality_ablation : Leaves each modality out.
    plot_modality_importance : Draw the values.

    Notes
    -----
    A subject who has none of the modalities of a subset gets the mean of all predictions, and so
    does everyone for the empty subset: a classifier then scores at chance. Two modalities that
    carry the same information share its value equally, where a permutation of either may show no
    drop at all.

    References
    ----------
    .. [1] Shapley L. S. (1953). A value for n-person games. Contributions to the Theory of Games
       II, 307-317.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl import CMCCSSEmbedder, MultimodalData
    >>> from skmmcl.inspection import modality_shapley
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(100) % 2
    >>> smri = y[:, np.newaxis] + 0.1 * rng.normal(size=(100, 2))
    >>> X = MultimodalData(smri=smri, fc=rng.normal(size=(100, 3)))
    >>> pipe = make_pipeline(CMCCSSEmbedder(), LogisticRegression())
    >>> result = modality_shapley(pipe, X, y, cv=2)
    >>> result.importances_mean.round(1) + 0.0
    array([0.5, 0. ])
    >>> result.scores[()], result.scores["smri", "fc"]
    (array([0.5, 0.5]), array([1., 1.]))
    """
    X = read_subjects(X, y)
    check_same_subjects({"X": X, "y": y, "groups": groups})
    names = X.modalities
    if len(names) > MAX_MODALITIES:
        raise ModalityError(
            f"X has {len(names)} modalities, and so {2 ** len(names):,} subsets of them; "
            f"modality_shapley takes {MAX_MODALITIES} modalities. Choose some, X[names], or use "
            "modality_importance, which takes any number."
        )
    subsets = [s for size in range(len(names) + 1) for s in combinations(names, size)]
    hidden = [tuple(name for name in names if name not in subset) for subset in subsets]
    scores = scores_without(
        estimator, X, y, hidden, cv=cv, groups=groups, scoring=scoring, n_jobs=n_jobs
    )
    return by_scorer(scores, lambda found: _divide(names, dict(zip(subsets, found, strict=True))))


def modality_ablation(
    estimator: BaseEstimator,
    X: Subjects,
    y: ArrayLike,
    *,
    refit: bool = False,
    cv: CrossValidator = None,
    groups: Groups = None,
    scoring: Scorers = None,
    n_jobs: int | None = None,
) -> Bunch | dict[str, Bunch]:
    """Measure how much the score drops when a modality is left out.

    Without `refit` the model stays as it is, and the subjects to predict lack the modality: what
    the model loses when it cannot be measured. With `refit` the model is also trained without it:
    what is lost when it is never measured, which is less where other modalities carry the same.

    Parameters
    ----------
    estimator : estimator
        Classifier, regressor or pipeline that takes :class:`~skmmcl.data.MultimodalData`. Fitted,
        unless `refit` or `cv` is given.
    X : MultimodalData, dict of arrays, list of records or structured array
        Subjects to score on; with `refit` or `cv` all subjects.
    y : array-like of shape (n_subjects,)
        Targets.
    refit : bool, default=False
        Whether the model is fitted again without the modality, on the other ones alone.
    cv : int, cross-validation generator or iterable, default=None
        Folds in which clones of the estimator are fitted. None is for none without `refit`, and
        for 5 folds with it.
    groups : array-like of shape (n_subjects,), default=None
        For splitters that need them.
    scoring : str, callable, list, tuple or dict, default=None
        Scorer or scorers, as for scikit-learn; None uses ``estimator.score``.
    n_jobs : int, default=None
        Number of fits or scores to compute in parallel.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` or dict of such instances
        With several scorers a dict, by their names. The attributes are

        modalities : tuple of str
            Names of the modalities.
        importances_mean : ndarray of shape (n_modalities,)
            Mean drop of the score over the folds.
        importances_std : ndarray of shape (n_modalities,)
            Standard deviation over the folds.
        importances : ndarray of shape (n_modalities, n_folds)
            Drop in each fold; one column without folds.
        full_score : ndarray of shape (n_folds,)
            Score with all modalities.

    Raises
    ------
    ModalityError
        If X does not name its modalities, or has one to refit without.

    See Also
    --------
    modality_shapley : Divides the score among all modalities.
    modality_importance : Permutes each modality.

    Notes
    -----
    With `refit`, subjects who have no other modality are left out of all fits and scores, so that
    each difference is between the same subjects. Within
    :func:`~skmmcl.parallel.stacked_fits` and with ``n_jobs``, networks train together.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl import CMCCSSEmbedder, MultimodalData
    >>> from skmmcl.inspection import modality_ablation
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(100) % 2
    >>> smri = y[:, np.newaxis] + 0.1 * rng.normal(size=(100, 2))
    >>> X = MultimodalData(smri=smri, copy=smri.copy(), fc=rng.normal(size=(100, 3)))
    >>> pipe = make_pipeline(CMCCSSEmbedder(), LogisticRegression())
    >>> modality_ablation(pipe, X, y, refit=True).importances_mean.round(1) + 0.0
    array([0., 0., 0.])
    """
    X = read_subjects(X, y)
    check_same_subjects({"X": X, "y": y, "groups": groups})
    names = X.modalities
    hidden = [(), *((name,) for name in names)]
    options = {"groups": groups, "scoring": scoring, "n_jobs": n_jobs}
    if refit:
        scores = _refitted(estimator, X, y, hidden, cv=5 if cv is None else cv, **options)
    else:
        scores = scores_without(estimator, X, y, hidden, cv=cv, **options)
    return by_scorer(scores, lambda found: drops(names, found[0] - found[1:], full_score=found[0]))


def _divide(names: tuple[str, ...], scores: dict[tuple[str, ...], np.ndarray]) -> Any:
    """Return the Shapley values of a game whose scores of all subsets are known."""
    values = np.zeros((len(names), len(scores[()])))
    for subset, score in scores.items():
        for k, name in enumerate(names):
            if name not in subset:
                joined = tuple(n for n in names if n in subset or n == name)
                orders = factorial(len(subset)) * factorial(len(names) - len(subset) - 1)
                values[k] += orders / factorial(len(names)) * (scores[joined] - score)
    return drops(names, values, scores=scores)


# --------------------------------------------------------------------------------------- refitted
def _refitted(estimator, X, y, hidden, *, cv, groups, scoring, n_jobs) -> list[list]:
    if len(X.modalities) < 2:
        raise ModalityError(
            f"X has the modality {X.modalities[0]!r} alone: there is nothing to refit without it."
        )
    splits = folds_of(estimator, X, y, cv, groups)
    enough = X.mask.sum(axis=1) > 1
    splits = [(train[enough[train]], test[enough[test]]) for train, test in splits]
    jobs = [(names, split) for names in hidden for split in splits]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_refit)(estimator, X, y, names, scoring, *split) for names, split in jobs
    )
    return [found[k : k + len(splits)] for k in range(0, len(found), len(splits))]


def _refit(estimator, X, y, hidden, scoring, train, test) -> Any:
    X, y = X[[name for name in X.modalities if name not in hidden]], np.asarray(y)
    try:
        fitted = clone(estimator).fit(X[train], y[train])
        return check_scoring(fitted, scoring=scoring)(fitted, X[test], y[test])
    except (KeyError, ModalityError) as error:
        if not hidden:
            raise
        raise ModalityError(
            f"The estimator cannot be fitted without {hidden[0]!r}: {error} It must take the "
            "modalities that X has and name none of them."
        ) from error
