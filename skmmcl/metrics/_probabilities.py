"""Checks of classes and their probabilities."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.metrics._checks import check_known, check_numbers, check_subjects
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import check_sample_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SUM_TOLERANCE = 1e-3  # of the probabilities of a subject: they may come from float32
ROUNDING = 1e-6  # of a probability in float32, which can be 1.0000001


def check_bins(n_bins: Any) -> int:
    if not isinstance(n_bins, Integral) or isinstance(n_bins, bool) or n_bins < 1:
        raise ValueError(f"n_bins must be a positive integer, got {n_bins!r}.")
    return int(n_bins)


def checked_probabilities(
    y_true: ArrayLike, y_prob: ArrayLike, labels: ArrayLike | None, sample_weight: Any = None
) -> tuple[NDArray, NDArray, NDArray]:
    """Return codes of the classes, probabilities of one or more columns, and weights above 0."""
    check_subjects(y_true=y_true, y_prob=y_prob, sample_weight=sample_weight)
    y = check_known(y_true, "y_true")
    expected = "probabilities of shape (n_samples,) or (n_samples, n_classes)"
    p = check_numbers(y_prob, "y_prob", expected, dtype=np.float64, ensure_2d=False)
    p = p.reshape(len(p), -1)
    _check_probabilities(p)
    p = p.clip(0, 1)
    n_classes = max(p.shape[1], 2)
    classes = np.unique(y) if labels is None else check_known(labels, "labels")
    if labels is None and len(classes) < n_classes:
        binary = n_classes == 2 and set(classes.tolist()) <= {0, 1}
        if not binary:
            raise ValueError(
                f"y_true holds the classes {classes.tolist()}, and y_prob is of {n_classes}: give "
                "labels, such as classes_ of the estimator."
            )
        classes = np.array([0, 1])
    if len(classes) != n_classes:
        raise ValueError(
            f"y_prob is of {n_classes} classes, and there are {len(classes)}: {classes.tolist()}."
        )
    position = {label: code for code, label in enumerate(classes.tolist())}
    if unknown := sorted({str(label) for label in y.tolist() if label not in position}):
        raise ValueError(f"y_true holds {unknown}, which are not among labels {classes.tolist()}.")
    codes = np.array([position[label] for label in y.tolist()])
    weight = np.ones(len(y))
    if sample_weight is not None:
        with named("sample_weight", "one number of 0 or more for each subject"):
            weight = check_sample_weight(sample_weight, p, ensure_non_negative=True)
    if weight.sum() <= 0:
        raise ValueError("sample_weight is 0 for all subjects.")
    counts = weight > 0
    return codes[counts], p[counts], weight[counts].astype(np.float64)


def _check_probabilities(p: NDArray) -> None:
    if p.min() < -ROUNDING or p.max() > 1 + ROUNDING:
        raise ValueError(
            f"y_prob has numbers from {p.min():.3g} to {p.max():.3g}; expected probabilities, "
            "from 0 to 1. Scores of decision_function are none."
        )
    if p.shape[1] > 1 and np.abs(p.sum(axis=1) - 1).max() > SUM_TOLERANCE:
        raise ValueError("The probabilities of a subject must sum to 1 over the classes.")
