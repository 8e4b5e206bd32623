"""Private names of scikit-learn, imported only here."""

from typing import Any

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils._param_validation import HasMethods, Options, StrOptions
from sklearn.utils._param_validation import Interval as _Interval
from sklearn.utils._set_output import _get_output_config as get_output_config
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "BaseSearchCV",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_feature_names_in",
    "check_sample_weight",
    "fit_context",
    "get_output_config",
    "num_samples",
]


class Interval(_Interval):
    """Constraint to finite numbers within bounds, of a type that arrays support."""

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value satisfies the constraint."""
        is_number = isinstance(val, (int, float, np.number))
        return is_number and bool(np.isfinite(val)) and super().is_satisfied_by(val)
