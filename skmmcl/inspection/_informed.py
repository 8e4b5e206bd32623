"""Scores of a model on subjects some of whose modalities are hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.metrics import accuracy_score, check_scoring, r2_score
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, check_consistent_length, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed

from skmmcl.data import MultimodalData, as_multimodal, is_multimodal
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils._targets import as_labels, is_unlabeled


def read_subjects(X: Any, y: Any) -> MultimodalData:
    """Return the subjects as a container; raise if they do not name their modalities."""
    if not is_multimodal(X):
        raise ModalityError(
            f"X is a {type(X).__name__}, which does not name its modalities; give MultimodalData, "
            "for example by skmmcl.data.split_columns, or use "
            "sklearn.inspection.permutation_importance for single columns."
        )
    X = as_multimodal(X)
    if y is not None:
        check_consistent_length(X, y)
    # Gathered once here, the other modalities are shared by all that is scored.
    return X.materialize() if isinstance(X.rows, np.ndarray) else X


def _inner_has(method: str) -> Any:
    return lambda self: hasattr(self.estimator, method)


class Informed(BaseEstimator):
    """A fitted predictor that gives its mean prediction for subjects without any modality.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier or regressor.
    X : MultimodalData
        Subjects over whose predictions the mean is taken.
    """

    def __init__(self, estimator: Any, X: MultimodalData) -> None:
        self.estimator = estimator
        self.X = X
        self._means: dict[str, np.ndarray] = {}

    @property
    def classes_(self) -> np.ndarray:
        """Classes of the estimator; AttributeError for a regressor."""
        return self.estimator.classes_

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)

    @available_if(_inner_has("predict"))
    def predict(self, X: MultimodalData) -> np.ndarray:
        """Predict targets; the mean, or the likeliest class, for subjects without any modality."""
        return self._of_known("predict", X)

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: MultimodalData) -> np.ndarray:
        """Predict probabilities; their mean for subjects without any modality."""
        return self._of_known("predict_proba", X)

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X: MultimodalData) -> np.ndarray:
        """Return the decision function; its mean for subjects without any modality."""
        return self._of_known("decision_function", X)

    def score(self, X: MultimodalData, y: Any, **params: Any) -> float:
        """Score as the estimator does; by accuracy or R2 if a subject lacks all modalities."""
        if X.mask.any(axis=1).all():
            return self.estimator.score(X, y, **params)
        metric = accuracy_score if is_classifier(self.estimator) else r2_score
        return metric(y, self.predict(X), **params)

    def _of_known(self, method: str, X: MultimodalData) -> np.ndarray:
        known = X.mask.any(axis=1)
        if known.all():
            return getattr(self.estimator, method)(X)
        mean = self._mean(method)
        if not known.any():
            return np.repeat(mean[np.newaxis], len(X), axis=0)
        found = np.asarray(getattr(self.estimator, method)(X[known]))
        # Names of classes differ in length: none is to be cut short.
        out = np.empty((len(X), *found.shape[1:]), dtype=np.result_type(found, mean))
        out[known], out[~known] = found, mean
        return out

    def _mean(self, method: str) -> np.ndarray:
        if method not in self._means:
            self._means[method] = np.asarray(self._find_mean(method))
        return self._means[method]

    def _find_mean(self, method: str) -> Any:
        somebody = self.X[self.X.mask.any(axis=1)]
        if method != "predict" or not is_classifier(self.estimator):
            return np.mean(getattr(self.estimator, method)(somebody), axis=0)
        if hasattr(self.estimator, "predict_proba"):
            return self.classes_[self._mean("predict_proba").argmax()]
        labels, counts = np.unique(self.estimator.predict(somebody), return_counts=True)
        return labels[counts.argmax()]


def check_predictor(estimator: Any, y: Any, scoring: Any) -> None:
    """Raise if an estimator predicts nothing, or if y has classes that it did not learn."""
    if not (is_classifier(estimator) or is_regressor(estimator)):
        raise TypeError(
            f"{type(estimator).__name__} is no classifier or regressor. Without any modality a "
            "prediction is the mean of all predictions, which a representation has not: give a "
            "pipeline that ends in a classifier or regressor."
        )
    check_classes(estimator, y, scoring)


def check_classes(estimator: Any, y: Any, scoring: Any) -> None:
    """Raise if y has labels that a classifier did not learn, and that the score would count."""
    if not hasattr(estimator, "classes_") or not is_classifier(estimator):
        return
    if np.ndim(y) > 1 and np.shape(y)[1] > 1:  # several labels for each subject
        return
    listed = scoring.values() if isinstance(scoring, Mapping) else [scoring]
    if any(callable(scorer) for scorer in listed):  # it may leave them out
        return
    y = as_labels(y)
    found = y if scoring is None else y[is_unlabeled(y)]  # a fold may lack a rare class
    unknown = sorted(set(found.tolist()) - set(estimator.classes_.tolist()), key=str)
    if unknown:
        raise DataError(
            f"y has {unknown[:5]}, which are no classes of the estimator. If they mark unlabeled "
            "subjects, give scoring=labeled_scorer('balanced_accuracy') of "
            "skmmcl.model_selection, or leave these subjects out."
        )


def drops(names: Any, importances: Any, key: str = "modalities", **others: Any) -> Bunch:
    """Return importances, of shape (n_names, n_repeats), with their mean and deviation."""
    importances = np.asarray(importances, dtype=float)
    return Bunch(
        **{key: tuple(names)},
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
        **others,
    )


def by_scorer(scores: Any, build: Any) -> Any:
    """Build a result of an array of scores; of dicts of several scorers, one for each of them."""
    first = next(iter(np.asarray(scores, dtype=object).flat))
    if not isinstance(first, dict):
        return build(np.asarray(scores, dtype=float))
    pick = np.vectorize(lambda found, key: found[key], otypes=[float], excluded={"key"})
    return {key: build(pick(np.asarray(scores, dtype=object), key=key)) for key in first}


def scores_without(estimator, X, y, hidden, *, cv, groups, scoring, n_jobs) -> list[list]:
    """Return the scores without some modalities, by what is hidden and by fold."""
    if cv is None:
        scorer = check_scoring(estimator, scoring=scoring)
        check_predictor(estimator, y, scoring)
        found = Parallel(n_jobs=n_jobs)(
            delayed(_score)(scorer, estimator, X, y, names) for names in hidden
        )
        return [[score] for score in found]
    splits = folds_of(estimator, X, y, cv, groups)
    of_folds = Parallel(n_jobs=n_jobs)(
        delayed(_score_fold)(estimator, X, y, hidden, scoring, *split) for split in splits
    )
    return list(map(list, zip(*of_folds, strict=True)))


def folds_of(estimator, X, y, cv, groups) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the rows to train and to test on in each fold."""
    return list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y, groups))


def _score(scorer, estimator, X, y, names) -> Any:
    return scorer(Informed(estimator, X), X._without(names), y)  # noqa: SLF001


def _score_fold(estimator, X, y, hidden, scoring, train, test) -> list:
    y = np.asarray(y)
    fitted = clone(estimator).fit(X[train], y[train])
    found = scores_without(
        fitted, X[test].materialize(), y[test], hidden,
        cv=None, groups=None, scoring=scoring, n_jobs=None,
    )  # fmt: skip
    return [score for (score,) in found]
