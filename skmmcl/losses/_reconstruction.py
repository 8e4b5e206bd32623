"""How well modalities are reconstructed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.losses._similarity import at_least_single, over


class ReconstructionLoss(nn.Module):
    """Mean squared error of each modality, summed over the modalities.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ReconstructionLoss
    >>> x = {"fc": torch.zeros(4, 3), "smri": torch.zeros(4, 2)}
    >>> ReconstructionLoss()({"fc": torch.ones(4, 3), "smri": torch.full((4, 2), 2.0)}, x)
    tensor(5.)
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(
        self,
        x_hat: Mapping[str, Tensor],
        x: Mapping[str, Tensor],
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Sum over the modalities.

        Parameters
        ----------
        x_hat, x : dict of Tensor ``(n_samples, *shape)``
            The reconstructions, and what they should be.
        mask : Tensor of shape (n_samples, n_modalities), optional
            True where the subject has the modality; columns in the order of ``x_hat``.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor
            A scalar.
        """
        total: Any = 0.0
        for k, (name, found) in enumerate(x_hat.items()):
            errors = (at_least_single(found) - x[name]).square().flatten(1).mean(1)
            weight = torch.ones_like(errors) if sample_weight is None else sample_weight
            weight = weight if mask is None else weight * mask[:, k]
            total = total + (errors * over(weight.to(errors.dtype), weight.sum())).sum()
        return total
