"""Contrastive losses in plain torch: tensors in, one number out.

One file is one published loss; what they share lies in ``_parts``. A loss is called with

* ``z`` (n_views, n_samples, n_components), embeddings, which are put on the unit sphere inside
  the loss; each view is a modality or an augmentation,
* in the order of its signature, the metadata that it needs, such as ``y`` (n_samples,),
* ``mask`` (n_samples, n_views), optional: True where the subject has the view; an absent
  embedding takes no part,
* ``sample_weight`` (n_samples,), optional: a subject of weight w counts as w identical subjects.

Fits that are trained together (:func:`~skmmcl.parallel.stacked_fits`) are stacked along a
leading axis of all these tensors. A loss that names its ``stacked_parameters``, numbers of which
each fit may have its own in a tensor of shape (n_models,), takes them so and returns one number
for each fit.
"""

from skmmcl.losses._anatcl import AnatCLLoss
from skmmcl.losses._cca import CCALoss
from skmmcl.losses._clip import CLIPLoss
from skmmcl.losses._cmc import CMCLoss
from skmmcl.losses._comm import CoMMLoss
from skmmcl.losses._conditional import ConditionalAlignmentLoss, ConditionalUniformityLoss
from skmmcl.losses._decoupled import DecoupledUniformityLoss
from skmmcl.losses._deep_info_max import DeepInfoMaxLoss, InfoMaxLoss
from skmmcl.losses._deep_ucsl import DeepUCSLLoss
from skmmcl.losses._eps_supcon import EpsSupInfoNCELoss
from skmmcl.losses._euclidean import EuclideanInfoNCELoss
from skmmcl.losses._fairkl import FairKLLoss
from skmmcl.losses._jaccard_supcon import JaccardSupConLoss
from skmmcl.losses._mmvae import MMVAELoss, log_mixture, looser_iwae_bound
from skmmcl.losses._mulsupcon import MulSupConLoss
from skmmcl.losses._neighbourhood import NeighbourhoodLoss
from skmmcl.losses._nt_xent import PairwiseCMCLoss, SelfContrastLoss
from skmmcl.losses._parts._info_nce import weighted_info_nce
from skmmcl.losses._parts._stacking import loss_signature, merge_losses
from skmmcl.losses._parts._target import has_target
from skmmcl.losses._pseudo_correspondence import PseudoCorrespondenceLoss
from skmmcl.losses._realizability import Realizability, sphere_realizability
from skmmcl.losses._reconstruction import ReconstructionLoss
from skmmcl.losses._regression import ExpRegressionLoss, ThresholdRegressionLoss
from skmmcl.losses._sepvae import SepVAELoss, gaussian_kl
from skmmcl.losses._soft_supcon import SoftSupConLoss
from skmmcl.losses._supcon import SupConLoss
from skmmcl.losses._supervised import AbsoluteErrorLoss, CrossEntropyLoss, SquaredErrorLoss
from skmmcl.losses._xclr import XCLRLoss
from skmmcl.losses._yaware import YAwareLoss

__all__ = [
    "AbsoluteErrorLoss",
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
