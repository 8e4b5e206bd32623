"""What modalities share: estimators that relate the modalities of a subject."""

from skmmcl.cross_decomposition._cmccss import CMCCSSEmbedder
from skmmcl.cross_decomposition._deep_info_max import DeepInfoMaxEmbedder
from skmmcl.cross_decomposition._supervised import SupervisedEmbedder

__all__ = ["CMCCSSEmbedder", "DeepInfoMaxEmbedder", "SupervisedEmbedder"]
