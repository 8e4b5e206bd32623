"""CLIP: contrast of two views whose negatives are of the other view only."""

from __future__ import annotations

from torch import Tensor

from skmmcl.losses._parts._stacking import loss_parameters, stacked_temperature
from skmmcl.losses._parts._view_pairs import ViewPairsLoss


@loss_parameters
class CLIPLoss(ViewPairsLoss):
    """Symmetric cross-entropy of matching subjects across each pair of modalities.

    For subject i in views v and w, ``- log(exp(s(vi, wi)) / sum_j exp(s(vi, wj)))`` (the
    pseudocode of Fig. 3 of :cite:t:`radford2021learning`): unlike in `PairwiseCMCLoss`, all
    negatives are of the other modality.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CLIPLoss
    >>> z = torch.eye(2).expand(2, 2, 2)
    >>> round(CLIPLoss(temperature=1.0)(z).item(), 6)
    0.313262
    """

    temperature: float | Tensor = stacked_temperature(0.1)

    own_view = False
