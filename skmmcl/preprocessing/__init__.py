"""Preparation of single modalities: scikit-learn's transformers, and those of neuroimaging."""

from skmmcl.preprocessing._combat import ComBat
from skmmcl.preprocessing._confounds import ConfoundRegressor
from skmmcl.preprocessing._connectome import ConnectomeVectorizer
from skmmcl.preprocessing._histogram import HistogramStandardizer
from skmmcl.preprocessing._masked_zscore import MaskedZScore
from skmmcl.preprocessing._modality_transformer import ModalityTransformer

__all__ = [
    "ComBat",
    "ConfoundRegressor",
    "ConnectomeVectorizer",
    "HistogramStandardizer",
    "MaskedZScore",
    "ModalityTransformer",
]
