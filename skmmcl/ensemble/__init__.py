"""Predictors built on embedders: fine-tuned ones, and ensembles of any."""

from skmmcl.ensemble._fine_tuned_classifier import FineTunedClassifier
from skmmcl.ensemble._fine_tuned_regressor import FineTunedRegressor

__all__ = ["FineTunedClassifier", "FineTunedRegressor"]
