"""CoMM: contrast of each modality, and of all modalities together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY

import torch
from torch import Tensor

from skmmcl.losses._parts._stacking import TemperatureLoss, loss_parameters, stacked_temperature
from skmmcl.losses._parts._view_pairs import contrast_copies


@loss_parameters
class CoMMLoss(TemperatureLoss):
    """Contrastive multimodal learning: every subset of modalities against all of them.

    Two augmented copies ' and '' of each subject are encoded with different modalities hidden.
    Each must agree with the fused embedding of the *other* copy, with nothing hidden: so
    embeddings learn the information that modalities share, that each alone has, and that only
    their combination has. With NT-Xent L, the term of subset k is ``(L(z'_k, z''_all) + L(z''_k,
    z'_all)) / 2`` :cite:p:`dufumier2025`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    weights : sequence of float or None, default=None
        Factor of each subset; they are not normalized. None for 1.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CoMMLoss
    >>> z = torch.eye(4).expand(3, 4, 4)  # each of two modalities, and both; four subjects
    >>> round(CoMMLoss(temperature=1.0)(z, z).item(), 4)
    1.1654
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.weights is not None:
            self.weights = tuple(self.weights)

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss over the subsets, of the arguments of `terms`."""
        terms = self.terms(one, other, mask, sample_weight)
        if self.weights is not None:
            if len(self.weights) != terms.shape[-1]:
                raise ValueError(
                    f"Expected {terms.shape[-1]} weights, one for each subset of the modalities; "
                    f"got {self.weights}."
                )
            terms = terms * terms.new_tensor(self.weights)
        return terms.mean(-1)

    def terms(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the loss of each subset, before weights; 0 with fewer than two subjects.

        Parameters
        ----------
        one, other : Tensor of shape (..., n_subsets, n_samples, n_components)
            Embeddings of both copies for each subset of the modalities, the full one last.
        mask : Tensor of shape (..., n_samples, n_subsets), optional
            True where the subject has a modality of the subset.
        sample_weight : Tensor of shape (..., n_samples), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape (..., n_subsets)
            Mean of both directions.
        """
        whole = [z[..., -1:, :, :].expand_as(z) for z in (one, other)]
        ways = [torch.stack(pair, -3) for pair in ((one, whole[1]), (other, whole[0]))]
        if mask is not None:
            mask = torch.stack([mask, mask[..., -1:].expand_as(mask)], -1)
            mask = torch.cat([mask, mask], -2).movedim(-3, -2)
        both = contrast_copies(self, torch.cat(ways, -4), mask, sample_weight)
        return both.unflatten(-1, (2, -1)).mean(-2)
