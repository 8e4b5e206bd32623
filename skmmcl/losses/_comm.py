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
        n_subsets = one.shape[-3]
        found = []
        for k in range(n_subsets):
            both = None if mask is None else mask[..., [k, n_subsets - 1]]
            pairs = (
                torch.stack([a[..., k, :, :], b[..., -1, :, :]], dim=-3)
                for a, b in ((one, other), (other, one))
            )
            ways = [pairwise_contrast(self, pair, both, sample_weight) for pair in pairs]
            found.append(torch.stack(ways).mean(0))
        return torch.stack(found, dim=-1)
