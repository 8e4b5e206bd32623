"""Supervised and metadata-guided contrastive learning: classes, age, site, sets of labels."""

from skmmcl.contrastive._anatcl import AnatCLEmbedder
from skmmcl.contrastive._conditional import ConditionalUniformityEmbedder
from skmmcl.contrastive._decoupled import DecoupledUniformityEmbedder
from skmmcl.contrastive._eps_sup_info_nce import EpsSupInfoNCEEmbedder
from skmmcl.contrastive._multi_label import MultiLabelSupConEmbedder
from skmmcl.contrastive._regression import ContrastiveRegressionEmbedder
from skmmcl.contrastive._simclr import SimCLREmbedder
from skmmcl.contrastive._supcon import SupConEmbedder
from skmmcl.contrastive._weighted import WeightedContrastiveEmbedder
from skmmcl.contrastive._yaware import YAwareEmbedder

__all__ = [
    "AnatCLEmbedder",
    "ConditionalUniformityEmbedder",
    "ContrastiveRegressionEmbedder",
    "DecoupledUniformityEmbedder",
    "EpsSupInfoNCEEmbedder",
    "MultiLabelSupConEmbedder",
    "SimCLREmbedder",
    "SupConEmbedder",
    "WeightedContrastiveEmbedder",
    "YAwareEmbedder",
]
