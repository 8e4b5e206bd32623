"""Honest training embeddings, and partly labeled cohorts, in scikit-learn's pipelines."""

from skmmcl.model_selection._cross_fit import CrossFitTransformer
from skmmcl.model_selection._labeled import LabeledOnly
from skmmcl.model_selection._linear_probe import LinearProbe, linear_probe_search
from skmmcl.model_selection._scorer import labeled_scorer

__all__ = [
    "CrossFitTransformer",
    "LabeledOnly",
    "LinearProbe",
    "labeled_scorer",
    "linear_probe_search",
]
