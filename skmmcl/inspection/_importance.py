"""Importance of whole modalities."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skmmcl.data._who import check_same_subjects
from skmmcl.inspection._informed import by_scorer, check_classes, drops, read_subjects

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.utils import Bunch

    from skmmcl.utils._typing import RandomState, SampleWeight, Scorers, Subjects, Target


def modality_importance(
    estimator: BaseEstimator,
    X: Subjects,
    y: Target,
    *,
    scoring: Scorers = None,
    n_repeats: int = 5,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    sample_weight: SampleWeight = None,
) -> Bunch | dict[str, Bunch]:
    """Measure how much the score of a fitted model drops without one modality's information.

    The subjects' rows of one modality are permuted, missing ones along with the others, while
    all else stays in place; the drop of the score is the importance of that modality, as in
    permutation importance by feature [1]_. Give test data: on training data the model's own
    overfitting looks like importance.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator or pipeline that takes :class:`~skmmcl.data.MultimodalData`.
    X : MultimodalData, dict of arrays, list of records or structured array
        Data to score on, of shape (n_subjects, n_features).
    y : array-like of shape (n_subjects,) or None
        Targets; None where the scorer does not need them.
    scoring : str, callable, list, tuple or dict, default=None
        Scorer or scorers, as for scikit-learn; None uses ``estimator.score``.
    n_repeats : int, default=5
        Number of permutations.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations. Every modality gets the same ones.
    n_jobs : int, default=None
        Number of scores to compute in parallel. None means 1 unless in a
        :obj:`joblib.parallel_backend` context, -1 means all processors.
    sample_weight : array-like of shape (n_subjects,), default=None
        Weights passed to the scorer.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` or dict of such instances
        With several scorers a dict, by their names. The attributes are

        modalities : tuple of str
            Names of the modalities.
        importances_mean : ndarray of shape (n_modalities,)
            Mean importance over the permutations.
        importances_std : ndarray of shape (n_modalities,)
            Standard deviation over the permutations.
        importances : ndarray of shape (n_modalities, n_repeats)
            Drop of the score in each permutation.

    Raises
    ------
    ModalityError
        If X does not name its modalities.
    DataError
        If `y` has labels that the estimator did not learn.

    See Also
    --------
    modality_shapley : Divides the score among the modalities.
    modality_ablation : Leaves each modality out.
    sklearn.inspection.permutation_importance : The same for single columns.

    Notes
    -----
    Modalities that carry the same information replace one another: each may look unimportant
    although together they matter. The importances do not add up to the score.

    References
    ----------
    .. [1] L. Breiman, "Random Forests", Machine Learning, 45(1), 5-32, 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.inspection import modality_importance
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 50)
    >>> X = MultimodalData(
    ...     smri=y[:, np.newaxis] + 0.1 * rng.normal(size=(100, 2)), fc=np.zeros((100, 3))
    ... )
    >>> result = modality_importance(LogisticRegression().fit(X, y), X, y, random_state=0)
    >>> result.modalities
    ('smri', 'fc')
    >>> result.importances_mean.round(1)
    array([0.5, 0. ])
    """
    if not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats must be a positive integer, got {n_repeats!r}.")
    X = read_subjects(X, y)
    check_same_subjects({"X": X, "y": y, "sample_weight": sample_weight})
    if y is not None:
        check_classes(estimator, y, scoring)
    scorer = check_scoring(estimator, scoring=scoring)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    random_state = check_random_state(random_state)
    orders = [random_state.permutation(len(X)) for _ in range(n_repeats)]
    baseline = scorer(estimator, X, y, **weights)
    scores = Parallel(n_jobs=n_jobs)(
        delayed(_permuted_score)(scorer, estimator, X, y, weights, name, order)
        for name in X.modalities
        for order in orders
    )
    return by_scorer(
        [baseline, *scores],
        lambda of: drops(X.modalities, of[0] - of[1:].reshape(len(X.modalities), -1)),
    )


def _permuted_score(scorer, estimator, X, y, weights, name, order):
    return scorer(estimator, X._permuted(name, order), y, **weights)  # noqa: SLF001
