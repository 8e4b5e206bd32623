"""Contribution of each term of an objective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import check_scoring
from sklearn.utils.parallel import Parallel, delayed

from skmmcl.base import BaseEmbedder
from skmmcl.data._who import check_same_subjects
from skmmcl.inspection._informed import by_scorer, drops, folds_of
from skmmcl.model_selection._rows import as_rows, take

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.utils import Bunch

    from skmmcl.utils._typing import CrossValidator, Groups, Scorers, Subjects


def term_ablation(
    estimator: BaseEstimator,
    X: Subjects,
    y: ArrayLike,
    *,
    cv: CrossValidator = 5,
    groups: Groups = None,
    scoring: Scorers = None,
    n_jobs: int | None = None,
) -> Bunch | dict[str, Bunch]:
    """Measure how much the score drops when an embedder is fitted without a term.

    In each fold the model is fitted with its whole objective, and again without each of the terms,
    on the same subjects and with the same seed.

    Parameters
    ----------
    estimator : estimator
        Embedder, or pipeline or other estimator that holds one.
    X : MultimodalData, dict of arrays, list of records or structured array
        All subjects.
    y : array-like of shape (n_subjects,)
        Targets.
    cv : int, cross-validation generator or iterable, default=5
        Folds.
    groups : array-like of shape (n_subjects,), default=None
        For splitters that need them.
    scoring : str, callable, list, tuple or dict, default=None
        Scorer or scorers, as for scikit-learn; None uses ``estimator.score``.
    n_jobs : int, default=None
        Number of fits to compute in parallel.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` or dict of such instances
        With several scorers a dict, by their names. The attributes are

        terms : tuple of str
            Names of the terms.
        importances_mean : ndarray of shape (n_terms,)
            Mean drop of the score over the folds; negative where the model is better without.
        importances_std : ndarray of shape (n_terms,)
            Standard deviation over the folds.
        importances : ndarray of shape (n_terms, n_folds)
            Drop in each fold.
        full_score : ndarray of shape (n_folds,)
            Score with the whole objective.

    Raises
    ------
    TypeError
        If the estimator holds no embedder of this package, or several.
    ValueError
        If the objective has a single term.

    See Also
    --------
    modality_ablation : The same for modalities.
    plot_modality_importance : Draw the drops.

    Notes
    -----
    With ``solver="auto"`` an objective may be solved in closed form, while what is left of it
    without a term is trained; ``solver="closed_form"`` or ``"gradient"`` avoids that.

    Examples
    --------
    >>> from skmmcl import CMCCSSEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.inspection import term_ablation
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y, _ = make_cohort(n_subjects=80, random_state=0)
    >>> pipe = make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression())
    >>> result = term_ablation(pipe, X, y, cv=2)
    >>> result.terms, result.importances.shape
    (('cmc', 'css'), (2, 2))
    """
    X = as_rows(X)
    check_same_subjects({"X": X, "y": y, "groups": groups})
    path = _find_embedder(estimator)
    splits = folds_of(estimator, X, y, cv, groups)
    names = _names_of_terms(estimator, path, X, np.asarray(y), splits[0][0])
    models = [estimator, *(_changed(estimator, path, _without(name)) for name in names)]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_score)(model, X, np.asarray(y), scoring, *split)
        for model in models
        for split in splits
    )
    scores = [found[k : k + len(splits)] for k in range(0, len(found), len(splits))]
    return by_scorer(scores, lambda of: drops(names, of[0] - of[1:], key="terms", full_score=of[0]))


def _score(estimator, X, y, scoring, train, test) -> Any:
    fitted = clone(estimator).fit(take(X, train), y[train])
    return check_scoring(fitted, scoring=scoring)(fitted, take(X, test), y[test])


def _find_embedder(estimator: BaseEstimator) -> str:
    """Return the name of the parameter that is the embedder; empty for the estimator itself."""
    if isinstance(estimator, BaseEmbedder):
        return ""
    params = estimator.get_params(deep=True)
    found = [name for name, value in params.items() if isinstance(value, BaseEmbedder)]
    if len(found) != 1:
        raise TypeError(
            f"{type(estimator).__name__} must hold one embedder of skmmcl, whose terms are left "
            f"out in turn; found {found or 'none'}."
        )
    return found[0]


def _changed(estimator: Any, path: str, change: Any) -> Any:
    """Return a clone whose embedder has another objective."""
    if not path:
        return change(estimator)
    return clone(estimator).set_params(**{path: change(estimator.get_params()[path])})


def _without(name: str) -> Any:
    return lambda embedder: _with_objective(
        embedder, lambda terms: [term for term in terms if term.name != name]
    )


def _with_objective(embedder: BaseEmbedder, choose: Any) -> BaseEmbedder:
    """Return an unfitted copy of which only the objective differs."""
    kind = type(embedder)

    class Changed(kind):  # type: ignore[misc, valid-type]
        def _make_objective(self) -> list:
            return choose(super()._make_objective())

    Changed.__name__ = Changed.__qualname__ = kind.__name__  # as in its messages
    return Changed(**clone(embedder).get_params(deep=False))


class _TermsFound(BaseException):  # no Exception, which searches catch
    """Names of the terms, with which a fit ends before it trains."""


def _names_of_terms(estimator, path, X, y, rows) -> list[str]:
    def stop(terms: list) -> list:
        raise _TermsFound([term.name for term in terms if term.weight])

    try:
        _changed(estimator, path, lambda embedder: _with_objective(embedder, stop)).fit(
            take(X, rows), y[rows]
        )
    except _TermsFound as found:
        (names,) = found.args
    if len(names) < 2:
        raise ValueError(
            f"The objective has the term {names[0]!r} alone: without it there is nothing to fit."
        )
    return names
