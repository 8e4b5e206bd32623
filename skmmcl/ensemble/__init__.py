"""Predictors built on embedders: fine-tuned networks, and deep ensembles of any estimator."""

from skmmcl.ensemble._deep_classifier import DeepEnsembleClassifier
from skmmcl.ensemble._deep_regressor import DeepEnsembleRegressor
from skmmcl.ensemble._fine_tuned_classifier import FineTunedClassifier
from skmmcl.ensemble._fine_tuned_regressor import FineTunedRegressor
from skmmcl.ensemble._transfer import TransferComparison, compare_transfer

__all__ = [
    "DeepEnsembleClassifier",
    "DeepEnsembleRegressor",
    "FineTunedClassifier",
    "FineTunedRegressor",
    "TransferComparison",
    "compare_transfer",
]
