"""Reconstruction error of modalities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from skmmcl.losses._parts._batch import at_least_single, mean_of_subjects
from skmmcl.losses._parts._stacking import Loss, loss_parameters


@loss_parameters
class ReconstructionLoss(Loss):
    """Mean squared error of each modality, summed over the modalities.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ReconstructionLoss
    >>> x = {"fc": torch.zeros(4, 3), "smri": torch.zeros(4, 2)}
    >>> ReconstructionLoss()({"fc": torch.ones(4, 3), "smri": torch.full((4, 2), 2.0)}, x)
    tensor(5.)
    """

    def forward(
        self,
        x_hat: Mapping[str, Tensor],
        x: Mapping[str, Tensor],
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the sum over the modalities of reconstructions and data (n_samples, ...).

        The columns of ``mask`` are in the order of ``x_hat``.
        """
        total: Any = 0.0
        for k, (name, found) in enumerate(x_hat.items()):
            errors = (at_least_single(found) - x[name]).square().flatten(1).mean(1)
            present = None if mask is None else mask[:, k]
            total = total + mean_of_subjects(errors, sample_weight, present)
        return total
