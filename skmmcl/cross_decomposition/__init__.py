"""What modalities share: estimators that contrast the modalities of a subject."""

from skmmcl.cross_decomposition._cmccss import CMCCSSEmbedder

__all__ = ["CMCCSSEmbedder"]
