"""What modalities share: estimators that contrast the modalities of a subject."""

from skmmcl.cross_decomposition._cmccss import CMCCSSEmbedder
from skmmcl.cross_decomposition._topological_consistency import TopologicalConsistencyEmbedder

__all__ = ["CMCCSSEmbedder", "TopologicalConsistencyEmbedder"]
