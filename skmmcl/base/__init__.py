"""The base of all estimators: the only ``fit`` and ``transform`` of the package."""

from skmmcl.base._embedder import BaseEmbedder, embedder

__all__ = ["BaseEmbedder", "embedder"]
