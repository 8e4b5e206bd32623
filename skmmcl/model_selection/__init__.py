"""Honest training embeddings, and partly labeled cohorts, in scikit-learn's pipelines."""

from skmmcl.model_selection._cross_fit import CrossFitTransformer
from skmmcl.model_selection._labeled import LabeledOnly
from skmmcl.model_selection._scorer import labeled_scorer

__all__ = ["CrossFitTransformer", "LabeledOnly", "labeled_scorer"]
