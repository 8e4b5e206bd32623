"""Contrast of two copies of each modality, by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._pairwise_cmc import pairwise_contrast


class SelfContrastLoss(TemperatureLoss):
    """Mean over the views of the NT-Xent loss of two augmented copies of that view.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.

    References
    ----------
    .. [1] Chen T. et al. (2020). A simple framework for contrastive learning of visual
       representations. ICML.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SelfContrastLoss
    >>> z = torch.eye(2).expand(3, 2, 2)  # three modalities of two subjects
    >>> round(SelfContrastLoss(temperature=1.0)(z, z).item(), 6)
    0.551445
    """

    def __init__(self, temperature: float | Tensor = 0.1) -> None:
        super().__init__(temperature)

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the views.

        Parameters
        ----------
        one, other : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings of both copies.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 with fewer than two subjects.
        """
        found = [
            pairwise_contrast(
                self,
                torch.stack([one[..., view, :, :], other[..., view, :, :]], dim=-3),
                None if mask is None else mask[..., [view, view]],
                sample_weight,
            )
            for view in range(one.shape[-3])
        ]
        return torch.stack(found).mean(0)
