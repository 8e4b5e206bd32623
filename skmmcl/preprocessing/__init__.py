"""Preparation of single modalities by scikit-learn's transformers."""

from skmmcl.preprocessing._modality_transformer import ModalityTransformer

__all__ = ["ModalityTransformer"]
