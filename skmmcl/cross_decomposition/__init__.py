"""Estimators that relate the modalities of a subject: what they share and what each adds."""

from skmmcl.cross_decomposition._clip import CLIPEmbedder
from skmmcl.cross_decomposition._cmccss import CMCCSSEmbedder
from skmmcl.cross_decomposition._comm import CoMMEmbedder
from skmmcl.cross_decomposition._deep_info_max import DeepInfoMaxEmbedder
from skmmcl.cross_decomposition._supervised import SupervisedEmbedder
from skmmcl.cross_decomposition._topological_consistency import TopologicalConsistencyEmbedder

__all__ = [
    "CLIPEmbedder",
    "CMCCSSEmbedder",
    "CoMMEmbedder",
    "DeepInfoMaxEmbedder",
    "SupervisedEmbedder",
    "TopologicalConsistencyEmbedder",
]
