"""Contrast of what one modality tells, and of what all tell together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._pairwise_cmc import pairwise_contrast


class CoMMLoss(TemperatureLoss):
    """Contrastive multimodal learning: every subset of modalities against all of them.

    Two augmented copies of each subject are encoded with different modalities hidden. The
    fused embedding of the *other* copy, with nothing hidden, is what each must agree with:
    so it learns what modalities share, what each alone has, and what only their
    combination tells.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    weights : sequence of float or None, default=None
        Factor of each subset; they are not normalised. None for 1.

    References
    ----------
    .. [1] Dufumier B., Castillo-Navarro J., Tuia D., Thiran J.-P. (2025). What to align in
       multimodal contrastive learning? ICLR.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CoMMLoss
    >>> z = torch.eye(4).expand(3, 4, 4)  # each of two modalities, and both; four subjects
    >>> round(CoMMLoss(temperature=1.0)(z, z).item(), 4)
    1.1654
    """

    def __init__(
        self, temperature: float | Tensor = 0.1, *, weights: Sequence[float] | None = None
    ) -> None:
        super().__init__(temperature)
        self.weights = None if weights is None else tuple(weights)

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the subsets.

        Parameters
        ----------
        one, other : Tensor of shape ``(*lanes, n_subsets, n_samples, n_components)``
            Embeddings of both copies for each subset of the modalities, the full one last.
        mask : Tensor of shape ``(*lanes, n_samples, n_subsets)``, optional
            True where the subject has a modality of the subset.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 with fewer than two subjects.
        """
        terms = self.terms(one, other, mask, sample_weight)
        if self.weights is not None:
            terms = terms * terms.new_tensor(self.weights)
        return terms.mean(-1)

    def terms(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """The loss of each subset, before weights.

        Parameters
        ----------
        one, other : Tensor of shape ``(*lanes, n_subsets, n_samples, n_components)``
            As in `forward`.
        mask : Tensor of shape ``(*lanes, n_samples, n_subsets)``, optional
            As in `forward`.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            As in `forward`.

        Returns
        -------
        Tensor of shape ``(*lanes, n_subsets)``
            Mean of both directions.
        """
        # Each subset and direction is a lane of its own: one computation for all.
        n_subsets = one.shape[-3]
        lanes = (*one.shape[:-3], n_subsets, 2)
        whole = [z[..., -1:, :, :].expand_as(z) for z in (one, other)]
        ways = [torch.stack(pair, -3) for pair in ((one, whole[1]), (other, whole[0]))]
        if mask is not None:
            mask = torch.stack([mask, mask[..., -1:].expand_as(mask)], -1).movedim(-2, -3)
            mask = mask.unsqueeze(-3).expand(*lanes, -1, -1)
        if sample_weight is not None:
            sample_weight = sample_weight[..., None, None, :].expand(*lanes, -1)
        each = _InLanes(self, 2 * n_subsets)
        return pairwise_contrast(each, torch.stack(ways, -4), mask, sample_weight).mean(-1)


class _InLanes:
    """A loss whose lanes are several times as many."""

    def __init__(self, loss: TemperatureLoss, n_each: int) -> None:
        self._loss, self._n_each = loss, n_each
        self.shifted = loss.shifted

    def scale(self, dtype: torch.dtype) -> float | Tensor:
        """Inverse temperature, as the sums over similarities take it."""
        scale = self._loss.scale(dtype)
        return scale.repeat_interleave(self._n_each, 0) if isinstance(scale, Tensor) else scale
