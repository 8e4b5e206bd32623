"""Attributes of fitted models that hold data of training subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skmmcl.data import MultimodalData

# One value or row for each training subject, not needed for predictions.
LEFT_OUT = {
    "_seen_before", "_subject_keys", "_x_scores", "_y_scores", "cv_results_", "cv_values_",
    "inlier_mask_", "labels_", "outliers_", "x_scores_", "y_scores_",
}  # fmt: skip
OF_ROBUST_COVARIANCE = {"dist_", "raw_support_", "support_"}
# Rows or values of training subjects that are needed for predictions, or are parameters.
NEEDED = {
    "K_fit_rows_", "X_fit_", "X_thresholds_", "_fit_X", "component_indices_", "dual_coef_",
    "pretrain", "quantiles_", "support_vectors_", "y_thresholds_",
}  # fmt: skip


def needed_of_subjects(owner: Any, state: Mapping[str, Any]) -> set[str]:
    """Return the attributes that hold data of training subjects and cannot be left out."""
    if getattr(owner, "holds_subjects", False):
        return set(state)
    return {
        name
        for name, value in state.items()
        if (name in NEEDED and value is not None) or isinstance(value, MultimodalData)
    }


def spare_of_subjects(owner: Any, state: Mapping[str, Any]) -> set[str]:
    """Return the attributes that hold data of training subjects and can be left out."""
    is_robust = type(owner).__module__.startswith("sklearn.covariance")
    spare = LEFT_OUT | OF_ROBUST_COVARIANCE if is_robust else LEFT_OUT
    return {name for name, value in state.items() if name in spare and value is not None}


def without(state: Mapping[str, Any], spare: set[str]) -> dict[str, Any]:
    """Return the state without public attributes to spare, and with private ones as None."""
    return {
        name: None if name in spare else value
        for name, value in state.items()
        if name not in spare or name.startswith("_")
    }
