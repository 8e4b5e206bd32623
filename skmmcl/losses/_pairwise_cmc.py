"""Contrast of each pair of modalities by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skmmcl.losses._similarity import (
    REMOVED,
    cosine_logits,
    log_weights,
    mean_over_anchors,
    removed_where,
)


class PairwiseCMCLoss(nn.Module):
    """Mean over all pairs of views of the NT-Xent loss; with two views NT-Xent itself.

    Within a pair of views every one of the 2 n_samples embeddings is an anchor, the same
    subject's other view its positive, and all other embeddings of both views its
    negatives.

    Parameters
    ----------
    temperature : float, default=0.1
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

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(
        self, z: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Mean loss over the pairs of views.

        Parameters
        ----------
        z : Tensor of shape (n_views, n_samples, n_components)
            Embeddings; each view is a modality or an augmentation.
        mask : Tensor of shape (n_samples, n_views), optional
            True where the subject has the view. A subject takes part in the pairs of
            which it has both views.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor
            Scalar; 0 with fewer than two subjects.
        """
        n_views, n_samples, _ = z.shape
        logits = cosine_logits(z, self.temperature).view(n_views, n_samples, n_views, n_samples)
        own, others = log_weights(n_samples, sample_weight, logits)
        present = torch.ones(n_samples, n_views, device=z.device) if mask is None else mask
        both = (present[:, :, None] * present[:, None, :] > 0).permute(
            1, 2, 0
        )  # view, view, subject
        absent = removed_where(~both, logits)
        within = logits.diagonal(dim1=0, dim2=2).permute(2, 0, 1)[
            :, None
        ]  # view, 1, subject, subject
        same = torch.logsumexp(within + own + absent[:, :, None], dim=-1)
        across = torch.logsumexp(logits.permute(0, 2, 1, 3) + others + absent[:, :, None], dim=-1)
        positive = logits.diagonal(dim1=1, dim2=3)
        loss = torch.logaddexp(same, across) - positive
        pair_means = [
            mean_over_anchors(
                torch.stack([loss[a, b], loss[b, a]]),
                both[a, b] & (torch.stack([same[a, b], same[b, a]]) > REMOVED / 2),
                sample_weight,
            )
            for a in range(n_views)
            for b in range(a + 1, n_views)
        ]
        return torch.stack(pair_means).mean() if pair_means else 0 * z.sum()
