"""Gain by pretraining: frozen, fine-tuned and from scratch on the same splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import check_cv, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.data import as_multimodal, is_multimodal
from skmmcl.data._who import check_same_subjects
from skmmcl.ensemble._fine_tuned import BaseFineTuned
from skmmcl.ensemble._overlap import report_overlap, seen_before
from skmmcl.ensemble._source import fit_on
from skmmcl.model_selection import corrected_ttest
from skmmcl.parallel import stacked_fits
from skmmcl.utils._optional import import_pandas

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import CrossValidator, Groups, Scoring, Subjects

ARMS = ("frozen", "fine-tuned", "scratch")


class Difference(NamedTuple):
    """Mean of scores or of their differences, with interval and p-value."""

    mean: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class TransferComparison:
    """Scores of all arms on the same splits, as returned by `compare_transfer`.

    Parameters
    ----------
    scores : dict of str to ndarray of shape (n_splits,)
        Score of each arm on each split. Splits in which one of two scores is NaN have no part in
        their difference.
    ratio : float
        Number of test subjects per training subject, by which intervals are corrected. 0 for
        none.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.ensemble import TransferComparison
    >>> scores = {"frozen": np.array([0.7, 0.8, 0.7]), "scratch": np.array([0.6, 0.6, 0.7])}
    >>> found = TransferComparison(scores, ratio=0.25).difference("frozen", "scratch")
    >>> round(found.mean, 6), round(found.low, 3), round(found.high, 3)
    (0.1, -0.229, 0.429)
    """

    scores: Mapping[str, np.ndarray]
    ratio: float

    def interval(self, arm: str, *, confidence: float = 0.95) -> Difference:
        """Return the mean score of an arm with its corrected interval.

        Parameters
        ----------
        arm : str
            Its name.
        confidence : float, default=0.95
            Confidence level of the interval.

        Returns
        -------
        Difference
            Mean, both ends of the interval, and the p-value of a score of 0.
        """
        return corrected(self.scores[arm], self.ratio, confidence)

    def difference(self, arm: str, other: str, *, confidence: float = 0.95) -> Difference:
        """Return the difference of the scores of two arms, with its corrected interval.

        Parameters
        ----------
        arm, other : str
            Their names.
        confidence : float, default=0.95
            Confidence level of the interval.

        Returns
        -------
        Difference
            Mean, both ends of the interval, and the p-value of no difference.
        """
        return corrected(self.scores[arm] - self.scores[other], self.ratio, confidence)

    def to_frame(self, reference: str | None = None) -> Any:
        """Return a table with one row for each arm.

        Parameters
        ----------
        reference : str, default=None
            Arm that the others are compared with; None for the first.

        Returns
        -------
        DataFrame
            Score with its interval; difference to the reference with interval and p-value.
        """
        pd = import_pandas("A table of scores")
        first = next(iter(self.scores)) if reference is None else reference
        rows = {}
        for arm in self.scores:
            own, to_first = self.interval(arm), self.difference(arm, first)
            rows[arm] = [*own[:3], *(to_first if arm != first else [np.nan] * 4)]
        names = ["score", "low", "high", "difference", "difference low", "difference high", "p"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def corrected(values: np.ndarray, ratio: float, confidence: float = 0.95) -> Difference:
    """Return the mean over the splits, with the interval and p-value of `corrected_ttest`."""
    found = corrected_ttest(values, n_train=1, n_test=ratio, confidence=confidence)
    return Difference(found.difference, found.lower, found.upper, found.pvalue)


def compare_transfer(
    models: BaseFineTuned | Mapping[str, BaseFineTuned],
    X: Subjects,
    y: ArrayLike,
    *,
    cv: CrossValidator = None,
    scoring: Scoring = None,
    groups: Groups = None,
    arms: str | Sequence[str] = ARMS,
    probe: Any = None,
    others: Mapping[str, Any] | None = None,
) -> TransferComparison:
    """Score frozen, fine-tuned and untrained networks on the same splits.

    A pretraining may be good for a linear model on its frozen representation and bad for
    fine-tuning, or the reverse: methods rank differently by both [1]_. Neither shows the gain by
    pretraining, which is the difference from the same architecture trained from scratch.

    Parameters
    ----------
    models : FineTunedClassifier, FineTunedRegressor or dict of them
        Models by the name of the pretraining; the names of arms begin with it if there are
        several. Their embedders are fitted, or are fitted once on their ``pretrain``.
    X : MultimodalData, mapping, list of records, DataFrame or array
        The target cohort.
    y : array-like of shape (n_samples,)
        The target.
    cv : int, cross-validation generator or iterable, default=None
        The splits; None for 5 folds.
    scoring : str or callable, default=None
        Scorer, as in scikit-learn; None for the ``score`` of the models.
    groups : array-like of shape (n_samples,), default=None
        Groups for a `cv` that reads them, such as people who were scanned repeatedly.
    arms : sequence of str, default=("frozen", "fine-tuned", "scratch")
        Arms to run. "frozen" is `probe` on the pretrained representation, "fine-tuned" the model,
        and "scratch" the model with ``reset_weights=True``.
    probe : estimator, default=None
        Linear model on the frozen, z-scored representation. None for logistic regression with
        ``C=0.1`` or, in regression, for ridge regression with cross-validated penalty.
    others : dict of str to estimator, default=None
        Other estimators to score on the same splits.

    Returns
    -------
    TransferComparison
        Scores by arm, and corrected intervals of their differences.

    Raises
    ------
    DataError
        If subjects were in the pretraining, by ``X.index``, and a model has ``on_overlap="raise"``.
    TypeError
        If a model is not a fine-tuned one, or its embedder has no pretraining.

    Notes
    -----
    Networks are trained inside :func:`~skmmcl.parallel.stacked_fits`. Intervals are those of the
    corrected resampled t-test [2]_.

    References
    ----------
    .. [1] Takaya E., Inamori R. (2025). ModAn-MulSupCon. arXiv 2508.18613.
    .. [2] Nadeau C., Bengio Y. (2003). Inference for the generalization error. Machine Learning
       52, 239-281.

    Examples
    --------
    >>> from skmmcl import FineTunedClassifier, YAwareEmbedder, compare_transfer
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=120, random_state=0)
    >>> big = YAwareEmbedder(max_epochs=5, random_state=0).fit(X[:80], X.meta["age"][:80])
    >>> clf = FineTunedClassifier(big, max_epochs=5, random_state=0)
    >>> found = compare_transfer(clf, X[80:], y[80:], cv=3, scoring="roc_auc")
    >>> list(found.scores), found.scores["scratch"].shape
    (['frozen', 'fine-tuned', 'scratch'], (3,))
    """
    check_same_subjects({"X": X, "y": y, "groups": groups})
    named = models if isinstance(models, Mapping) else {"": models}
    arms = [arms] if isinstance(arms, str) else list(arms)
    if unknown := [arm for arm in arms if arm not in ARMS]:
        raise ValueError(f"arms names {unknown}, which are none of {ARMS}.")
    runs: dict[str, Any] = {}
    for name, model in named.items():
        ready = _pretrained(model, X)
        for arm in arms:
            runs[f"{name}, {arm}" if name else arm] = _arm(arm, ready, probe)
    runs.update(others or {})
    classifies = is_classifier(next(iter(named.values())))
    splits = list(check_cv(cv, y, classifier=classifies).split(X, y, groups))
    scores = {}
    for name, run in runs.items():
        # Only networks gain from a stack.
        with stacked_fits() if isinstance(run, BaseFineTuned) else nullcontext():
            scores[name] = cross_val_score(
                run, X, y, cv=splits, scoring=scoring, error_score="raise"
            )
    ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    return TransferComparison(scores, ratio)


def _pretrained(model: Any, X: Any) -> Any:
    """Return a clone of a model whose embedder is fitted; raise if that has seen X."""
    if not isinstance(model, BaseFineTuned):
        raise TypeError(
            f"compare_transfer needs a FineTunedClassifier or FineTunedRegressor, got {model!r}."
        )
    ready = clone(model)
    if isinstance(ready.estimator, FrozenEstimator):
        ready.set_params(estimator=ready.estimator.estimator)
    if not ready._is_given_fitted():  # noqa: SLF001
        if model.pretrain is None or model.estimator is None:
            raise TypeError(
                "There is no pretraining to judge: pass the model a fitted embedder, or one to be "
                "fitted on pretrain=."
            )
        fitted = fit_on(clone(model.estimator), model.pretrain)
        ready.set_params(estimator=fitted, pretrain=None)
    if is_multimodal(X):
        data = as_multimodal(X)
        known = getattr(ready.estimator, "_subject_keys", None)
        report_overlap(seen_before(data, known), data, ready.on_overlap)
    return ready


def _arm(arm: str, model: Any, probe: Any) -> Any:
    if arm == "fine-tuned":
        return model
    if arm == "scratch":
        return clone(model).set_params(reset_weights=True)
    if probe is None:
        probe = (
            LogisticRegression(C=0.1, class_weight=model.class_weight, max_iter=1000)
            if is_classifier(model)
            else RidgeCV(np.logspace(-2, 4, 13))
        )
    return make_pipeline(FrozenEstimator(model.estimator), StandardScaler(), probe)
