"""One method on one split: its fit, its scores, and its predictions for the test subjects."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import BaseCrossValidator

from skmmcl.model_selection._rows import plain, take, take_params
from skmmcl.utils._sklearn import BaseSearchCV


@dataclass(frozen=True)
class Fit:
    """The outcome of one method on one split.

    Parameters
    ----------
    method : str
        Name of the method.
    split : int
        Number of the split.
    scores : dict of str to float
        By metric; NaN where the fit failed or the score is not defined.
    fit_time, score_time : float
        Wall time in seconds; in stacks the time of a fit includes waiting for others.
    error : str
        Type and text of the exception of the fit; empty if there was none.
    messages : tuple of str
        Why scores or predictions are missing although the fit succeeded.
    outputs : dict of str to ndarray
        Outputs for the test subjects, in the order of the split: ``"predict"``, and
        ``"predict_proba"`` or ``"decision_function"``, whichever the method has.
    classes : ndarray or None
        The classes of the fit, which name the columns of probabilities.

    See Also
    --------
    ComparisonResult : Holds one for each method and split.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from skmmcl.model_selection import compare
    >>> X, y = load_iris(return_X_y=True)
    >>> fit = compare({"dummy": DummyClassifier()}, X, y, cv=5).fits[0]
    >>> fit.method, fit.split, {name: round(score, 2) for name, score in fit.scores.items()}
    ('dummy', 0, {'balanced_accuracy': 0.33})
    """

    method: str
    split: int
    scores: dict[str, float]
    fit_time: float = np.nan
    score_time: float = np.nan
    error: str = ""
    messages: tuple[str, ...] = ()
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    classes: np.ndarray | None = None


def evaluate(name: str, method: Any, data: tuple, split: tuple, scorers: Mapping[str, Any]) -> Fit:
    """Fit a clone of a method on one split and score it; errors become part of the outcome."""
    X, y, groups = data
    number, (train, test) = split
    params = groups_of_search(method, groups)
    nothing = dict.fromkeys(scorers, np.nan)
    start = perf_counter()
    try:
        model = clone(method).fit(
            take(X, train), take(y, train), **take_params(params, len(y), train)
        )
    except Exception as error:  # noqa: BLE001  the other methods continue
        return Fit(name, number, nothing, perf_counter() - start, error=_text(error))
    fitted = perf_counter()
    X, y = take(X, test), take(y, test)
    messages: list[str] = []
    scores = {key: _score(key, scorer, model, X, y, messages) for key, scorer in scorers.items()}
    outputs = _outputs(model, X, messages)
    classes = getattr(model, "classes_", None)
    return Fit(
        name, number, scores, fitted - start, perf_counter() - fitted,
        messages=tuple(messages), outputs=outputs,
        classes=None if classes is None or isinstance(classes, list) else plain(classes),
    )  # fmt: skip


def reads_groups(cv: Any) -> bool:
    """Return whether a splitter reads groups; those of other packages are assumed to do so."""
    if cv is None or isinstance(cv, int) or not hasattr(cv, "split"):
        return False
    if not hasattr(cv, "get_metadata_routing"):
        return not isinstance(cv, BaseCrossValidator)
    return bool(cv.get_metadata_routing().split.requests.get("groups"))


def groups_of_search(method: Any, groups: Any) -> dict[str, Any]:
    """Return the groups as a fit parameter, for a search whose inner folds read them."""
    reads = isinstance(method, BaseSearchCV) and reads_groups(method.cv)
    return {} if groups is None or not reads else {"groups": groups}


def _score(name: str, scorer: Any, model: Any, X: Any, y: Any, messages: list[str]) -> float:
    try:
        with warnings.catch_warnings():  # the message below reports the same
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            value = float(scorer(model, X, y))
    except Exception as error:  # noqa: BLE001  other scores may be defined
        messages.append(f"{name} is not defined{_classes_of(y)}: {_text(error)}")
        return np.nan
    if np.isnan(value):
        messages.append(f"{name} is not defined{_classes_of(y)}")
    return value


def _classes_of(y: Any) -> str:
    """Describe test subjects of one class, the usual reason for an undefined score."""
    found = np.unique(plain(y).astype(str))
    if len(found) > 1:
        return ""
    return f": all {len(y)} test subjects are of class {str(found[0])!r}"


def _outputs(model: Any, X: Any, messages: list[str]) -> dict[str, np.ndarray]:
    """Return the outputs of a fitted method for test subjects."""
    outputs = {}
    response = next(
        (name for name in ("predict_proba", "decision_function") if hasattr(model, name)), None
    )
    for name in ("predict", response):
        if name is None or not hasattr(model, name):
            continue
        try:
            outputs[name] = plain(getattr(model, name)(X))
        except Exception as error:  # noqa: BLE001  scores may not need it
            messages.append(f"{name}: {_text(error)}")
    return outputs


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
