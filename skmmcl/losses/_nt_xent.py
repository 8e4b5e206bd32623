"""NT-Xent: contrast of each pair of views by itself."""

from __future__ import annotations

from dataclasses import KW_ONLY

import torch
from torch import Tensor

from skmmcl.losses._parts._stacking import TemperatureLoss, loss_parameters, stacked_temperature
from skmmcl.losses._parts._view_pairs import ViewPairsLoss, contrast_copies


@loss_parameters
class PairwiseCMCLoss(ViewPairsLoss):
    """Mean over all pairs of views of the NT-Xent loss; with two views NT-Xent itself.

    Within a pair of views every one of the 2 n_samples embeddings i is an anchor, the same
    subject's other view j its positive, and all other embeddings of both views its negatives:
    ``- log(exp(s_ij) / sum_{k != i} exp(s_ik))``, Eq. 1 of :cite:t:`chen2020simple`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    decoupled : bool, default=False
        Whether the sum is over the negatives alone, without the positive j
        :cite:p:`yeh2022decoupled`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import PairwiseCMCLoss
    >>> z = torch.eye(2).expand(2, 2, 2)
    >>> round(PairwiseCMCLoss(temperature=1.0)(z).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    decoupled: bool = False

    own_view = True


@loss_parameters
class SelfContrastLoss(TemperatureLoss):
    """Mean over the views of the NT-Xent loss of two augmented copies of that view.

    The loss of each view is that of `PairwiseCMCLoss`, Eq. 1 of :cite:t:`chen2020simple`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SelfContrastLoss
    >>> z = torch.eye(2).expand(3, 2, 2)  # three modalities of two subjects
    >>> round(SelfContrastLoss(temperature=1.0)(z, z).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss over the views; 0 with fewer than two subjects.

        ``one`` and ``other`` are the embeddings (..., n_views, n_samples, n_components) of both
        copies.
        """
        pairs = torch.stack([one, other], -3)
        if mask is not None:
            mask = torch.stack([mask, mask], -1).movedim(-3, -2)
        return contrast_copies(self, pairs, mask, sample_weight).mean(-1)
