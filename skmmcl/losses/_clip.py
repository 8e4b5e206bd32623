"""Contrast of two views whose negatives are of the other view only."""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.losses._gram import log_sums
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._pairwise_cmc import counts_in_pairs
from skmmcl.losses._sharpened import sharpened
from skmmcl.losses._similarity import (
    over,
    subject_counts,
    unit_vectors,
    view_similarities,
    weighted_sum,
)


class CLIPLoss(TemperatureLoss):
    """Symmetric cross-entropy of matching subjects across each pair of modalities.

    Unlike `PairwiseCMCLoss`, an anchor is held against the other modality alone, never
    against subjects of its own modality.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.07
        Divides the cosine similarities.

    References
    ----------
    .. [1] Radford A. et al. (2021). Learning transferable visual models from natural
       language supervision. ICML.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CLIPLoss
    >>> z = torch.eye(2).expand(2, 2, 2)
    >>> round(CLIPLoss(temperature=1.0)(z).item(), 6)
    0.313262
    """

    is_cross_view = True  # canonical correlations of the modalities solve it

    def __init__(self, temperature: float | Tensor = 0.07) -> None:
        super().__init__(temperature)

    def forward(
        self,
        z: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        log_scale: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the ordered pairs of views.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view. A subject takes part in the pairs of
            which it has both views.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.
        log_scale : Tensor of shape ``(*lanes,)``, optional
            Logarithm of a factor of the similarities that is learnt, up to where it makes
            the temperature 0.01.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes.
        """
        u = unit_vectors(z)
        if log_scale is not None:
            u = sharpened(u, log_scale, self.temperature)
        n_views = u.shape[1]
        same = torch.eye(n_views, dtype=u.dtype, device=z.device)
        weight = subject_counts(u, z.shape[-2], sample_weight)[:, None, None]
        counts = counts_in_pairs(weight, same, mask)
        scale = self.scale(u.dtype)
        # For an anchor's view and another, the columns of that other view.
        columns = (counts[:, :, :, None] * same[..., None]).flatten(-2)
        everyone = u.new_ones(1, 1, 1, 1)
        shifted = self.shifted or log_scale is not None
        against = log_sums(u, scale, columns, everyone, shifted=shifted)
        positive = (view_similarities(u) * scale).transpose(2, 3)
        n_pairs = max(1, n_views * (n_views - 1))
        share = over(counts, counts.sum(-1, keepdim=True)) / n_pairs
        return weighted_sum((against - positive) * (counts > 0), share).view(z.shape[:-3])
