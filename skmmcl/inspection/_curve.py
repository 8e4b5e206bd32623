"""Learning curve over labeled subjects, while all subjects stay."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.inspection._informed import by_scorer, folds_of
from skmmcl.model_selection import labeled_scorer
from skmmcl.model_selection._rows import as_rows, is_labeled, take
from skmmcl.utils._targets import UNLABELED, as_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator

    from skmmcl.utils._typing import CrossValidator, Groups, RandomState, Scorers, Subjects

SIZES = (0.1, 0.25, 0.5, 0.75, 1.0)


def learning_curve(
    estimator: BaseEstimator,
    X: Subjects,
    y: ArrayLike,
    *,
    train_sizes: Sequence[float] | np.ndarray = SIZES,
    cv: CrossValidator = 5,
    groups: Groups = None,
    scoring: Scorers = None,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> Bunch | dict[str, Bunch]:
    """Score a model for growing numbers of labeled training subjects.

    All training subjects stay in the training. Only labels are hidden, so that a semi-supervised
    embedder learns from everyone, as it would where diagnoses are few and scans are many;
    :func:`sklearn.model_selection.learning_curve` would take the subjects away as well.

    Parameters
    ----------
    estimator : estimator
        Model that takes unlabeled subjects, such as a pipeline of an embedder and
        :class:`~skmmcl.model_selection.LabeledOnly` around a classifier or regressor.
    X : MultimodalData, dict of arrays, list of records or structured array
        All subjects.
    y : array-like of shape (n_subjects,)
        Targets; -1 (of classes), NaN or None where a subject is unlabeled from the start.
    train_sizes : array-like of float or int, default=(0.1, 0.25, 0.5, 0.75, 1.0)
        Labeled subjects in the training folds: fractions up to 1.0 of those of a fold, or integer
        numbers.
    cv : int, cross-validation generator or iterable, default=5
        Folds.
    groups : array-like of shape (n_subjects,), default=None
        For splitters that need them.
    scoring : str, callable, list, tuple or dict, default=None
        Scorer or scorers, as for scikit-learn; None uses ``estimator.score``. Unlabeled test
        subjects are left out.
    random_state : int, RandomState instance or None, default=0
        Draws the labeled subjects, stratified by class. A subject who is labeled at one size is
        labeled at all larger ones.
    n_jobs : int, default=None
        Number of fits to compute in parallel.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` or dict of such instances
        With several scorers a dict, by their names. The attributes are

        train_sizes : ndarray of shape (n_sizes,)
            Labeled subjects in training, averaged over the folds.
        test_scores : ndarray of shape (n_sizes, n_folds)
            Scores of the held-out subjects.

    Raises
    ------
    DataError
        If sizes are out of range, or fewer than the classes.
    ValueError
        If a classifier learns the mark of unlabeled subjects as a class.

    See Also
    --------
    plot_learning_curve : Draw it.

    Examples
    --------
    >>> from skmmcl import CMCCSSEmbedder, LabeledOnly
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.inspection import learning_curve
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y, _ = make_cohort(n_subjects=80, random_state=0)
    >>> pipe = make_pipeline(CMCCSSEmbedder(), LabeledOnly(LogisticRegression()))
    >>> curve = learning_curve(pipe, X, y, train_sizes=[10, 20, 40], cv=2, scoring="roc_auc")
    >>> curve.train_sizes, curve.test_scores.shape
    (array([10., 20., 40.]), (3, 2))
    """
    X = as_rows(X)
    check_same_subjects({"X": X, "y": y, "groups": groups})
    y, mark = _maskable(y, is_classifier(estimator))
    labeled = is_labeled(y, mark)
    scoring = None if scoring is None else labeled_scorer(scoring, unlabeled=mark)
    rng = check_random_state(random_state)
    jobs, sizes = [], []
    with warnings.catch_warnings():  # those of one class may be few: the unlabeled
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = folds_of(estimator, X, _codes(y) if is_classifier(estimator) else y, cv, groups)
    for train, test in splits:
        order = _in_order(train[labeled[train]], y, is_classifier(estimator), rng)
        counts = _counts(train_sizes, len(order), y[order], is_classifier(estimator))
        sizes.append(counts)
        jobs += [(np.setdiff1d(train, order[:n]), train, test[labeled[test]]) for n in counts]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_score)(estimator, X, y, mark, scoring, *job) for job in jobs
    )
    n_sizes = len(sizes[0])
    scores = [found[k::n_sizes] for k in range(n_sizes)]
    mean = np.mean(sizes, axis=0)
    return by_scorer(scores, lambda of: Bunch(train_sizes=mean, test_scores=of))


def _maskable(y: Any, classes: bool) -> tuple[np.ndarray, Any]:
    """Return targets that can hold the mark of unlabeled subjects, and the mark."""
    y = as_labels(y)
    if classes:
        return (y, UNLABELED) if y.dtype.kind in "if" else (y.astype(object), None)
    if y.dtype.kind not in "iuf":
        y = np.array([np.nan if value is None else value for value in y])
    return y.astype(float), np.nan


def _codes(labels: np.ndarray) -> np.ndarray:
    """Return numbers for labels of which some may be None."""
    return np.unique([str(label) for label in labels], return_inverse=True)[1]


def _in_order(rows: np.ndarray, y: np.ndarray, classes: bool, rng: Any) -> np.ndarray:
    """Return rows so that the first of them hold each class in proportion, and at least once."""
    rows = rng.permutation(rows)
    if not classes:
        return rows
    codes = _codes(y[rows])
    place = np.empty(len(rows))
    for code in np.unique(codes):
        (members,) = np.nonzero(codes == code)
        place[members] = np.arange(len(members)) / len(members)
    return rows[np.argsort(place, kind="stable")]


def _counts(sizes: Any, n_labeled: int, y: np.ndarray, classes: bool) -> list[int]:
    sizes = np.asarray(sizes)
    if sizes.ndim != 1 or not len(sizes):
        raise DataError(f"train_sizes must be a list of sizes, got {sizes.tolist()}.")
    counts = sizes if sizes.dtype.kind in "iu" else np.round(sizes * n_labeled)
    least = len(np.unique(_codes(y))) if classes else 2
    counts = np.asarray(counts, dtype=int)
    if sizes.dtype.kind not in "iu" and ((sizes <= 0) | (sizes > 1)).any():
        raise DataError(f"Fractions in train_sizes lie above 0 and up to 1; got {sizes.tolist()}.")
    if (counts < least).any() or (counts > n_labeled).any():
        raise DataError(
            f"train_sizes ask for {counts.tolist()} labeled subjects; a training fold has "
            f"{n_labeled}, and needs {least} at least, one of each class."
        )
    return counts.tolist()


def _score(estimator, X, y, mark, scoring, hidden, train, test) -> Any:
    partly = y.copy()
    partly[hidden] = mark
    fitted = clone(estimator).fit(take(X, train), _plain(partly[train]))
    scorer = check_scoring(fitted, scoring=scoring)
    if hasattr(fitted, "classes_") and not is_labeled(fitted.classes_, mark).all():
        raise ValueError(
            f"The estimator learned {mark!r}, the mark of unlabeled subjects, as a class: wrap the "
            "classifier in skmmcl.model_selection.LabeledOnly."
        )
    return scorer(fitted, take(X, test), _plain(y[test]))


def _plain(y: np.ndarray) -> np.ndarray:
    """Return labels of one kind as an array of that kind."""
    return np.array(y.tolist()) if y.dtype == object and all(v is not None for v in y) else y
