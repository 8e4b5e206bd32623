"""Target of a supervised clustering: patients and controls, or a severity."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import type_of_target

from skmmcl.exceptions import DataError
from skmmcl.utils._patients import label_of_patients
from skmmcl.utils._targets import as_labels, is_unlabeled


class Target(NamedTuple):
    """Target of the linear models, and the subjects who are clustered.

    Attributes
    ----------
    values : ndarray of shape (n_samples,)
        1 for patients and 0 for controls, or the severity.
    is_patient : ndarray of bool (n_samples,)
        All subjects for a severity.
    classes : ndarray or None
        Both labels, sorted; None for a severity.
    positive : object
        The label of the patients; None for a severity.
    """

    values: np.ndarray
    is_patient: np.ndarray
    classes: np.ndarray | None
    positive: Any


def read_target(y: Any, positive: Any, *, regression: bool | None, user: str) -> Target:
    """Return the target; raise if it does not identify the patients.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    positive : object or None
        The label of the patients.
    regression : bool or None
        Whether the linear models are regressors; None to decide by `y`.
    user : str
        Name of the estimator.

    Returns
    -------
    Target

    Examples
    --------
    >>> from skmmcl.cluster._target import read_target
    >>> target = read_target(["HC", "SZ", "HC"], "SZ", regression=None, user="UCSL")
    >>> target.values.tolist(), target.classes.tolist()
    ([0.0, 1.0, 0.0], ['HC', 'SZ'])
    """
    y = _known(y, user)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if regression or (regression is None and kind == "continuous"):
        return _severity(y, positive, user)
    if kind == "continuous":
        raise ValueError(
            "Unknown label type: continuous. y holds numbers with fractions, but estimator= is a "
            "classifier; give a regressor, such as Ridge()."
        )
    classes = np.unique(y)
    if len(classes) != 2:
        raise ValueError(_not_two(classes, kind, user))
    positive = label_of_patients(classes, positive, user)
    is_patient = y == positive
    return Target(is_patient.astype(float), is_patient, classes, positive)


def check_number(n_patients: int, n_clusters: int) -> None:
    """Raise if there are fewer than two patients for each subtype."""
    if n_patients < 2 * n_clusters:
        raise DataError(
            f"There are {n_patients} patients to fit on, fewer than 2 for each of n_clusters="
            f"{n_clusters} subtypes; lower n_clusters."
        )


def _known(y: Any, user: str) -> np.ndarray:
    if y is None:
        raise ValueError(
            f"{user} requires y to be passed, but the target y is None: 1 for patients and 0 for "
            "controls, or a severity."
        )
    y = as_labels(y)
    unknown = is_unlabeled(y, None)
    if unknown.any():
        raise DataError(
            f"Input y contains NaN or None for {unknown.sum()} of {len(y)} subjects (first: row "
            f"{int(unknown.argmax())}); leave them out, for example by LabeledOnly({user}())."
        )
    y = np.asarray(y.tolist()) if y.dtype == object else y
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    return y


def _severity(y: np.ndarray, positive: Any, user: str) -> Target:
    if y.dtype.kind not in "biuf":
        raise ValueError(
            f"y holds {y[:3].tolist()}, but estimator= is a regressor, which takes numbers; give a "
            "classifier, such as LogisticRegression()."
        )
    if len(np.unique(y)) <= 2:
        raise ValueError(
            f"y has only the values {np.unique(y).tolist()}, but estimator= is a regressor; give "
            "a classifier, such as LogisticRegression(), to separate patients from controls."
        )
    if positive is not None:
        raise ValueError(
            f"positive={positive!r} names patients, but y is a severity, for which {user} clusters "
            "all subjects; leave positive=None."
        )
    return Target(y.astype(float), np.ones(len(y), dtype=bool), None, None)


def _not_two(classes: np.ndarray, kind: str, user: str) -> str:
    shown = f"{classes.tolist()[:10]}{', ...' if len(classes) > 10 else ''}"
    if len(classes) < 2:
        return f"y has one class, {shown}; {user} contrasts patients with controls: two classes."
    text = (
        f"Only binary classification is supported. The type of the target is {kind}: y has the "
        f"classes {shown}. "
    )
    if -1 in classes.tolist():
        text += f"If -1 marks unlabeled subjects, leave them out: LabeledOnly({user}()). "
    if classes.dtype.kind in "biuf":
        text += "If y is a severity, give a regressor: estimator=Ridge(). "
    return text + "Otherwise choose the subjects of two classes."
