"""Contrast of each pair of modalities by itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skmmcl.losses._gram import log_sums
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._sharpened import sharpened
from skmmcl.losses._similarity import (
    over,
    pad_subjects,
    share_of_own,
    subject_counts,
    unit_vectors,
    view_similarities,
    weighted_sum,
)


class PairwiseCMCLoss(TemperatureLoss):
    """Mean over all pairs of views of the NT-Xent loss; with two views NT-Xent itself.

    Within a pair of views every one of the 2 n_samples embeddings is an anchor, the same
    subject's other view its positive, and all other embeddings of both views its
    negatives.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.

    References
    ----------
    .. [1] Chen T. et al. (2020). A simple framework for contrastive learning of visual
       representations. ICML.
    .. [2] Tian Y., Krishnan D., Isola P. (2020). Contrastive multiview coding. ECCV.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import PairwiseCMCLoss
    >>> z = torch.eye(2).expand(2, 2, 2)
    >>> round(PairwiseCMCLoss(temperature=1.0)(z).item(), 6)
    0.551445
    """

    is_cross_view = True  # canonical correlations of the modalities solve it

    def __init__(self, temperature: float | Tensor = 0.1) -> None:
        super().__init__(temperature)

    def forward(
        self,
        z: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        log_scale: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the pairs of views.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality or an augmentation.
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
            A scalar without lanes; 0 with fewer than two subjects.
        """
        return pairwise_contrast(self, z, mask, sample_weight, log_scale)


def pairwise_contrast(
    loss: Any,
    z: Tensor,
    mask: Tensor | None,
    sample_weight: Tensor | None,
    log_scale: Tensor | None = None,
) -> Tensor:
    """Compute `PairwiseCMCLoss` with the ``scale`` and ``shifted`` of another loss."""
    u = unit_vectors(z)
    if log_scale is not None:
        u = sharpened(u, log_scale, loss.temperature)
    n_views = u.shape[1]
    weight = subject_counts(u, z.shape[-2], sample_weight)[:, None, None]
    own = share_of_own(weight)
    same = torch.eye(n_views, dtype=u.dtype, device=z.device)
    counts = counts_in_pairs(weight, same, mask)
    scale = loss.scale(u.dtype)
    # An anchor meets its own view (its own subject reduced) and the pair's other view.
    in_pair = (same[:, None] + same)[..., None]
    columns = (counts[:, :, :, None] * in_pair).flatten(-2)
    own_columns = 1 - same[..., None] * (1 - own)
    shifted = loss.shifted or log_scale is not None
    against = log_sums(u, scale, columns, own_columns, shifted=shifted)
    positive = (view_similarities(u) * scale).transpose(2, 3)
    anchors = counts * _meets_another(counts, own)
    totals = anchors.sum(-1, keepdim=True)
    n_pairs = max(1, n_views * (n_views - 1) // 2)
    share = over(anchors, totals + totals.transpose(1, 2)) / n_pairs
    return weighted_sum(against - positive, share).view(z.shape[:-3])


def counts_in_pairs(weight: Tensor, same: Tensor, mask: Tensor | None) -> Tensor:
    """How often a subject counts in a pair of views, (n_lanes, view, view, subject).

    ``weight`` is (n_lanes, 1, 1, subject), ``same`` tells whether two views are the same one.
    """
    counts = (1 - same)[..., None] * weight
    if mask is None:
        return counts
    present = pad_subjects(mask.bool().reshape(len(weight), -1, len(same)), -2).mT
    return counts * (present[:, :, None] & present[:, None])


def _meets_another(counts: Tensor, own: Tensor) -> Tensor:
    """Whether a pair of views has another subject, or a copy of this one, as a negative."""
    counted = (counts > 0).to(counts.dtype)
    others = counted.sum(-1, keepdim=True) - counted
    return (others > 0) | (own > 0)
