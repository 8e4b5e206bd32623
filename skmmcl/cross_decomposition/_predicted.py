"""Targets that supervised encoders predict: numbers or classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmmcl.base import ClassGuide, Guide
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.utils._targets import has_fractions, is_unlabeled


class TargetGuide(Guide):
    """Guidance by numbers, which are predicted."""

    is_required = True

    def __init__(self, user: str) -> None:
        super().__init__()
        self.user, self.learned["task_"] = user, "regression"

    def after(self, earlier: Guide) -> Guide:
        """Return the earlier guide: later subjects do not change the task."""
        return earlier

    def values(self, y: Any, data: MultimodalData) -> np.ndarray:
        """Return the numbers, (n_samples, n_columns)."""
        values = as_numbers(y)
        n_columns = len(self.learned.get("target_mean_", values[0]))
        if values.shape[1] != n_columns:
            raise DataError(
                f"y has {values.shape[1]} columns, but {self.user} was fitted on {n_columns}."
            )
        return values

    def learn(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        """Learn the mean and scale of the numbers."""
        weight = np.ones(len(values)) if sample_weight is None else sample_weight
        known = ~np.isnan(values)
        weights, filled = weight[:, None] * known, np.where(known, values, 0)
        total = np.maximum(weights.sum(0), np.finfo(float).tiny)
        mean = (weights * filled).sum(0) / total
        scale = np.sqrt((weights * (filled - mean) ** 2).sum(0) / total)
        if not (scale > 0).all():
            raise DataError(
                f"y must have at least two different values for a regression; column "
                f"{scale.argmin()} of {values.shape[1]} has not, with "
                f"{(~known[:, scale.argmin()]).sum()} of {len(values)} unknown."
            )
        self.learned |= {"target_mean_": mean, "target_scale_": scale}


class TaskClasses(ClassGuide):
    """Guidance by classes, which are predicted."""

    def __init__(self, *, is_guessed: bool) -> None:
        super().__init__(
            instead_of_classes="Set task='regression' to predict the number, or "
            "task='classification' to predict classes."
        )
        self.warns_of_numbers = is_guessed
        self.learned["task_"] = "classification"

    def after(self, earlier: Guide) -> Guide:
        """Return the earlier one: later subjects do not change the task."""
        return earlier


def task_of(y: Any) -> str:
    """Return the task that "auto" means for ``y``."""
    array = np.asarray(y)
    known = array[~is_unlabeled(array)]
    known = np.array(known.tolist()) if known.dtype == object else known
    return "regression" if has_fractions(known) else "classification"


def as_numbers(y: Any) -> np.ndarray:
    """Return columns of numbers, (n_samples, n_columns), with NaN where unknown."""
    array = np.array(y, dtype=object)
    if array.ndim not in (1, 2) or (array.ndim == 2 and not array.shape[1]):
        raise DataError(
            f"y has shape {array.shape}; expected (n_samples,) or (n_samples, n_columns)."
        )
    try:
        values = np.where(is_unlabeled(array, None), np.nan, array).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"y holds no numbers to regress on: {error}") from error
    if np.isinf(values).any():
        raise DataError("y holds infinite numbers.")
    return values.reshape(len(values), -1)
