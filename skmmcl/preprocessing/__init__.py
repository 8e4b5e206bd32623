"""Preparation of modalities and metadata: scikit-learn's transformers, and neuroimaging's."""

from skmmcl.preprocessing._combat import ComBat
from skmmcl.preprocessing._confounds import ConfoundRegressor
from skmmcl.preprocessing._connectome import ConnectomeVectorizer
from skmmcl.preprocessing._histogram import HistogramStandardizer
from skmmcl.preprocessing._labels import metadata_labels
from skmmcl.preprocessing._masked_zscore import MaskedZScore
from skmmcl.preprocessing._modality_transformer import ModalityTransformer

__all__ = [
    "ComBat",
    "ConfoundRegressor",
    "ConnectomeVectorizer",
    "HistogramStandardizer",
    "MaskedZScore",
    "ModalityTransformer",
    "metadata_labels",
]
