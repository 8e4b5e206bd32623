"""Contrastive losses in plain torch: tensors in, one number a lane out.

Embeddings come as ``z`` of shape (n_views, n_samples, n_components) and are put on the
unit sphere inside the loss. Optional ``mask`` (n_samples, n_views) tells which views a
subject has, optional ``sample_weight`` (n_samples,) counts a subject as that many
identical subjects. All may have the same leading lane dimensions, for as many fits that
are trained together: a loss then gives a value for each lane.
"""

from skmmcl.losses._cmc import CMCLoss
from skmmcl.losses._lanes import loss_signature, merge_losses
from skmmcl.losses._pairwise_cmc import PairwiseCMCLoss
from skmmcl.losses._supcon import SupConLoss
from skmmcl.losses._yaware import YAwareLoss

__all__ = ["CMCLoss", "PairwiseCMCLoss", "SupConLoss", "loss_signature", "merge_losses"]
