"""Linear probe of an embedding, with a search for its penalty."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array, check_random_state
from sklearn.utils.fixes import parse_version

from skmmcl.model_selection._rows import labeled_part
from skmmcl.utils._named import check_whole
from skmmcl.utils._optional import import_optional
from skmmcl.utils._targets import UNLABELED

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import Scoring

COSTS = (1e-6, 1e3)
L1_RATIOS = {"l1": 1.0, "l2": 0.0}  # "elasticnet" has one of its own
# Without this, scikit-learn before 1.8 ignores l1_ratio.
OLD = (
    {} if parse_version(sklearn.__version__) >= parse_version("1.8") else {"penalty": "elasticnet"}
)


@dataclass(frozen=True)
class LinearProbe:
    """A fitted linear probe, and the search that found it.

    Parameters
    ----------
    best_estimator_ : Pipeline
        Standardization and logistic regression, fitted on all subjects of the search.
    best_params_ : dict
        ``penalty``, ``C`` and, with "elasticnet", ``l1_ratio``.
    best_score_ : float
        Mean score over the folds. As the best of many it is optimistic.
    hold_out_score_ : float or None
        Score on the subjects that took no part in the search.
    trials_ : list of dict
        Parameters and ``score`` of each trial.
    n_search_, n_hold_out_ : int
        Numbers of subjects.
    n_folds_ : int, default=5
        Number of folds.

    Examples
    --------
    >>> from skmmcl.model_selection import LinearProbe
    >>> LinearProbe(None, {"penalty": "l2", "C": 1.0}, 0.75, 0.7, [], 80, 20)
    LinearProbe(penalty='l2', C=1.0, 5-fold score 0.750, hold-out score 0.700)
    """

    best_estimator_: Pipeline | None
    best_params_: dict[str, Any]
    best_score_: float
    hold_out_score_: float | None
    trials_: list[dict[str, Any]] = field(repr=False)
    n_search_: int
    n_hold_out_: int
    n_folds_: int = 5

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.best_params_.items())
        held = (
            "" if self.hold_out_score_ is None else f", hold-out score {self.hold_out_score_:.3f}"
        )
        return f"LinearProbe({params}, {self.n_folds_}-fold score {self.best_score_:.3f}{held})"

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict classes from embeddings.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples,)
            The classes.
        """
        return self.best_estimator_.predict(X)  # type: ignore[union-attr]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict probabilities of classes from embeddings.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities.
        """
        return self.best_estimator_.predict_proba(X)  # type: ignore[union-attr]


def linear_probe_search(
    X: ArrayLike,
    y: ArrayLike,
    *,
    hold_out: float | tuple[ArrayLike, ArrayLike] | None = 0.12,
    n_trials: int = 500,
    n_folds: int = 5,
    scoring: Scoring = None,
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
    max_iter: int = 200,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> LinearProbe:
    """Search for the penalty of a linear probe of embeddings, and score it on others.

    The protocol of :cite:t:`fedorov2021multimodal`: embeddings are standardized, and the penalty
    (l1, l2 or elastic net), its strength and its mixture of a logistic regression (saga) are
    searched for by Optuna over stratified folds. Held-out subjects take no part in the search.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_components)
        Embeddings of subjects.
    y : array-like of shape (n_samples,)
        Their classes; subjects of -1, NaN or None are left out.
    hold_out : float, (X, y) or None, default=0.12
        Fraction of the subjects that is drawn, stratified, and held out; or embeddings and classes
        of other subjects; None for none. The paper holds out 100 of 826. An encoder fitted on the
        held-out subjects makes the score optimistic: hold subjects out before it is fitted, and
        pass their embeddings and classes as a pair.
    n_trials : int, default=500
        Number of penalties that are tried.
    n_folds : int, default=5
        Number of folds in which each is scored.
    scoring : str or callable, default=None
        As in scikit-learn; None for the area under the ROC curve, one class against the rest.
    class_weight : dict or "balanced", default=None
        Weights of the classes in the regression.
    max_iter : int, default=200
        Maximum number of passes of saga over the subjects. Weak penalties need not converge to be
        compared: no warning is given.
    n_jobs : int, default=None
        Number of folds that are scored at once.
    random_state : int, RandomState instance or None, default=None
        Draws the held-out subjects, the folds and the trials.

    Returns
    -------
    LinearProbe
        The probe of the best penalty, fitted on all subjects except those held out.

    Raises
    ------
    ImportError
        Without Optuna, which the extra ``search`` installs.
    ValueError
        If there are not two classes of at least ``n_folds`` subjects.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from skmmcl.model_selection import linear_probe_search
    >>> Z, y = make_classification(200, 16, random_state=0)
    >>> probe = linear_probe_search(Z, y, n_trials=10, random_state=0)
    >>> sorted(probe.best_params_)[:1], probe.n_search_, probe.n_hold_out_
    (['C'], 176, 24)
    """
    optuna = import_optional(
        "optuna", 'linear_probe_search needs Optuna: pip install "skmmcl[search]".'
    )
    for name, count in {"n_trials": n_trials, "max_iter": max_iter}.items():
        check_whole(count, name, 1)
    check_whole(n_folds, "n_folds", 2)
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    Z, labels, Z_held, held_labels = _divide(*_read(X, y, "X"), hold_out, seed)
    _check_classes(labels, n_folds)
    scoring = scoring or ("roc_auc" if len(np.unique(labels)) == 2 else "roc_auc_ovr")
    common = {"max_iter": max_iter, "class_weight": class_weight, "random_state": seed}
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)

    def score(trial: Any) -> float:
        probe = _make_probe(_suggest(trial), **common)
        with _unconverged():
            return float(
                cross_val_score(probe, Z, labels, cv=folds, scoring=scoring, n_jobs=n_jobs).mean()
            )

    study = _search(optuna, score, n_trials, seed)
    best = _make_probe(study.best_params, **common)
    with _unconverged():
        best.fit(Z, labels)
    held = None if held_labels is None else float(get_scorer(scoring)(best, Z_held, held_labels))
    trials = [{**trial.params, "score": trial.value} for trial in study.trials]
    n_held = 0 if held_labels is None else len(held_labels)
    return LinearProbe(
        best, dict(study.best_params), study.best_value, held, trials, len(labels), n_held, n_folds
    )


def _read(X: Any, y: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the embeddings and classes of the labeled subjects."""
    X, y, _ = labeled_part(X, y, {}, UNLABELED, "probe")
    X = check_array(X, dtype=[np.float64, np.float32], input_name=name)
    return X, np.asarray(y)


def _divide(X: np.ndarray, y: np.ndarray, hold_out: Any, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return embeddings and classes of the search, and those held out."""
    if hold_out is None:
        return X, y, None, None
    if isinstance(hold_out, float) and 0 < hold_out < 1:
        X, X_held, y, y_held = train_test_split(
            X, y, test_size=hold_out, stratify=y, random_state=seed
        )
        return X, y, X_held, y_held
    if not isinstance(hold_out, tuple | list) or len(hold_out) != 2:
        raise ValueError(
            "hold_out must be a fraction between 0 and 1, a pair of embeddings and classes of "
            f"other subjects, or None; got {hold_out!r}."
        )
    X_held, y_held = _read(hold_out[0], hold_out[1], "hold_out")
    if X_held.shape[1] != X.shape[1]:
        raise ValueError(
            f"The held-out embeddings have {X_held.shape[1]} columns, X has {X.shape[1]}."
        )
    unknown = np.setdiff1d(y_held, y).tolist()
    if unknown:
        raise ValueError(f"The held-out subjects have the classes {unknown}, which y lacks.")
    return X, y, X_held, y_held


def _check_classes(y: np.ndarray, n_folds: int) -> None:
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2 or counts.min() < n_folds:
        found = dict(zip(classes.tolist(), counts.tolist(), strict=True))
        raise ValueError(
            f"A search over {n_folds} folds needs at least two classes of {n_folds} subjects each; "
            f"found {found}, unlabeled subjects (-1, NaN, None) left out."
        )


def _suggest(trial: Any) -> dict[str, Any]:
    penalty = trial.suggest_categorical("penalty", [*L1_RATIOS, "elasticnet"])
    params = {"penalty": penalty, "C": trial.suggest_float("C", *COSTS, log=True)}
    if penalty == "elasticnet":
        params["l1_ratio"] = trial.suggest_float("l1_ratio", 0.0, 1.0)
    return params


def _make_probe(params: dict[str, Any], **common: Any) -> Pipeline:
    ratio = params["l1_ratio"] if "l1_ratio" in params else L1_RATIOS[params["penalty"]]
    classifier = LogisticRegression(solver="saga", C=params["C"], l1_ratio=ratio, **OLD, **common)
    return make_pipeline(StandardScaler(), classifier)


def _search(optuna: Any, score: Callable[[Any], float], n_trials: int, seed: int) -> Any:
    """Run the trials without messages of Optuna."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = optuna.samplers.TPESampler(seed=seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(score, n_trials=n_trials)
    finally:
        optuna.logging.set_verbosity(verbosity)
    return study


@contextmanager
def _unconverged() -> Iterator[None]:
    """Ignore warnings of saga that it stopped before it converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
