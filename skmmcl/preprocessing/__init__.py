"""Preparation of single modalities by scikit-learn's transformers, and of metadata."""

from skmmcl.preprocessing._labels import metadata_labels
from skmmcl.preprocessing._modality_transformer import ModalityTransformer

__all__ = ["ModalityTransformer", "metadata_labels"]
