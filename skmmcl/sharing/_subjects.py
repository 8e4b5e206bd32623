"""What of a fitted model are data of its training subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skmmcl.data import MultimodalData

# One value or row for each training subject, which predictions do not need.
LEFT_OUT = {
    "_x_scores", "_y_scores", "cv_results_", "cv_values_", "inlier_mask_", "labels_", "outliers_",
    "x_scores_", "y_scores_",
}  # fmt: skip
# Rows or values of training subjects that predictions are made of.
NEEDED = {
    "K_fit_rows_", "X_fit_", "X_thresholds_", "_fit_X", "component_indices_", "dual_coef_",
    "quantiles_", "support_vectors_", "y_thresholds_",
}  # fmt: skip


def needed_of_subjects(owner: Any, state: Mapping[str, Any]) -> set[str]:
    """Return the attributes that hold data of training subjects and cannot be left out."""
    if getattr(owner, "holds_subjects", False):
        return set(state)
    return {
        name for name, value in state.items() if name in NEEDED or isinstance(value, MultimodalData)
    }


def without_subjects(owner: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state without the data of training subjects that predictions do not need."""
    of_robust = (
        {"dist_", "raw_support_", "support_"}
        if type(owner).__module__.startswith("sklearn.covariance")
        else set()
    )
    return {name: value for name, value in state.items() if name not in LEFT_OUT | of_robust}
