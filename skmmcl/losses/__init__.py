"""Contrastive losses in plain torch: tensors in, one number a lane out.

Embeddings come as ``z`` of shape (n_views, n_samples, n_components) and are put on the
unit sphere inside the loss. Optional ``mask`` (n_samples, n_views) tells which views a
subject has, optional ``sample_weight`` (n_samples,) counts a subject as that many
identical subjects. All may have the same leading lane dimensions, for as many fits that
are trained together: a loss then gives a value for each lane.
"""

from skmmcl.losses._anatcl import AnatCLLoss
from skmmcl.losses._cca import CCALoss
from skmmcl.losses._clip import CLIPLoss
from skmmcl.losses._cmc import CMCLoss
from skmmcl.losses._comm import CoMMLoss
from skmmcl.losses._conditional import ConditionalAlignmentLoss, ConditionalUniformityLoss
from skmmcl.losses._decoupled import DecoupledUniformityLoss
from skmmcl.losses._deep_info_max import DeepInfoMaxLoss
from skmmcl.losses._deep_ucsl import DeepUCSLLoss
from skmmcl.losses._eps_supcon import EpsSupInfoNCELoss
from skmmcl.losses._euclidean import EuclideanInfoNCELoss
from skmmcl.losses._fairkl import FairKLLoss
from skmmcl.losses._info_max import InfoMaxLoss
from skmmcl.losses._iwae import MMVAELoss, log_mixture, looser_iwae_bound
from skmmcl.losses._jaccard_supcon import JaccardSupConLoss
from skmmcl.losses._lanes import loss_signature, merge_losses
from skmmcl.losses._mulsupcon import MulSupConLoss
from skmmcl.losses._neighbourhood import NeighbourhoodLoss
from skmmcl.losses._pairwise_cmc import PairwiseCMCLoss
from skmmcl.losses._pseudo_correspondence import PseudoCorrespondenceLoss
from skmmcl.losses._realizability import Realizability, sphere_realizability
from skmmcl.losses._reconstruction import ReconstructionLoss
from skmmcl.losses._regression import ExpRegressionLoss, ThresholdRegressionLoss
from skmmcl.losses._self_contrast import SelfContrastLoss
from skmmcl.losses._sepvae import SepVAELoss, gaussian_kl
from skmmcl.losses._soft_supcon import SoftSupConLoss
from skmmcl.losses._supcon import SupConLoss
from skmmcl.losses._supervised import CrossEntropyLoss, SquaredErrorLoss
from skmmcl.losses._target import has_target
from skmmcl.losses._weighted_info_nce import weighted_info_nce
from skmmcl.losses._xclr import XCLRLoss
from skmmcl.losses._yaware import YAwareLoss

__all__ = [
    "AnatCLLoss",
    "CCALoss",
    "CLIPLoss",
    "CMCLoss",
    "CoMMLoss",
    "ConditionalAlignmentLoss",
    "ConditionalUniformityLoss",
    "CrossEntropyLoss",
    "DecoupledUniformityLoss",
    "DeepInfoMaxLoss",
    "DeepUCSLLoss",
    "EpsSupInfoNCELoss",
    "EuclideanInfoNCELoss",
    "ExpRegressionLoss",
    "FairKLLoss",
    "InfoMaxLoss",
    "JaccardSupConLoss",
    "MMVAELoss",
    "MulSupConLoss",
    "NeighbourhoodLoss",
    "PairwiseCMCLoss",
    "PseudoCorrespondenceLoss",
    "Realizability",
    "ReconstructionLoss",
    "SelfContrastLoss",
    "SepVAELoss",
    "SoftSupConLoss",
    "SquaredErrorLoss",
    "SupConLoss",
    "ThresholdRegressionLoss",
    "XCLRLoss",
    "YAwareLoss",
    "gaussian_kl",
    "has_target",
    "log_mixture",
    "looser_iwae_bound",
    "loss_signature",
    "merge_losses",
    "sphere_realizability",
    "weighted_info_nce",
]
