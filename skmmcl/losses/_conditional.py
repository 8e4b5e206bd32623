"""Conditional alignment and uniformity: attraction by similarity, repulsion by dissimilarity."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import torch
from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._parts._batch import Batch, make_batch, mean_over, metadata, safe_divide
from skmmcl.losses._parts._contrast import total_weights, weighted_cosines
from skmmcl.losses._parts._guided import KernelWeights
from skmmcl.losses._parts._pairs import (
    for_views,
    log_mean,
    log_sum,
    pair_counts,
    squared_distances,
)
from skmmcl.losses._parts._stacking import loss_parameters, per_model, stacked


class ConditionalLoss(KernelWeights):
    """Base of losses of distances on the sphere, weighted by a kernel of metadata."""

    def forward(
        self,
        z: Tensor,
        y: Tensor | None = None,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return one number for each fit; 0 when there is no pair.

        A subject with NaN, or -1 among integers, is similar to itself alone; without metadata
        ``y``, every subject is. The other arguments are those of `YAwareLoss`.
        """
        batch = make_batch(z, mask, sample_weight)
        if y is None:
            alone = torch.eye(batch.u.shape[2], dtype=batch.u.dtype, device=z.device)
            weights = alone[None].expand(len(batch.u), -1, -1)
        else:
            weights = self._weights(metadata(y, z, batch.u)).to(batch.u.dtype)
        return self._value(batch, weights).view(z.shape[:-3])

    def _value(self, batch: Batch, weights: Tensor) -> Tensor:
        raise NotImplementedError


@loss_parameters
class ConditionalAlignmentLoss(ConditionalLoss):
    """Mean squared distance between subjects, weighted by how similar they are.

    ``sum_ij W_ij |u_i - u_j|^2 / sum_ij W_ij`` :cite:p:`dufumier2021conditional`. No closed form
    of the optimum with uniformity is known, so there is no ``target``.

    Parameters
    ----------
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Bandwidth of the kernel, for all columns or for each.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ConditionalAlignmentLoss
    >>> z = torch.eye(2)[None]  # one view of two subjects
    >>> ConditionalAlignmentLoss()(z, torch.tensor([20.0, 25.0])).item()
    2.0
    """

    kernel: Kernel = "gaussian"
    bandwidth: float | tuple[float, ...] | Tensor = stacked(5.0, above=0)

    def _value(self, batch: Batch, weights: Tensor) -> Tensor:
        total = total_weights(batch, weights)
        length = batch.u.square().sum(-1)
        # Of a pair, the squares of both lengths come once from either.
        distances = 2 * safe_divide(total * length - weighted_cosines(batch, weights), total)
        return mean_over(batch.anchors * total, distances)


@loss_parameters
class ConditionalUniformityLoss(ConditionalLoss):
    """Logarithm of the mean Gaussian potential of subjects, weighted by how dissimilar they are.

    ``log(sum_ij (1 - W_ij) exp(-t |u_i - u_j|^2) / sum_ij (1 - W_ij))``
    :cite:p:`dufumier2021conditional`. Without metadata this is the uniformity of
    :cite:t:`wang2020understanding`.

    Parameters
    ----------
    t : float or Tensor, default=2.0
        The potential of two embeddings at distance d is ``exp(-t d^2)``.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Bandwidth of the kernel, for all columns or for each.
    divisor : {"weights", "pairs"}, default="weights"
        Whether the sum is divided by the weights, or by the number of pairs.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ConditionalUniformityLoss
    >>> z = torch.eye(2)[None]  # one view of two subjects
    >>> ConditionalUniformityLoss()(z, torch.tensor([20.0, 80.0])).item()
    -4.0
    """

    t: float | Tensor = stacked(2.0, above=0)
    _: KW_ONLY
    kernel: Kernel = "gaussian"
    bandwidth: float | tuple[float, ...] | Tensor = stacked(5.0, above=0)
    divisor: Literal["weights", "pairs"] = "weights"

    def _value(self, batch: Batch, weights: Tensor) -> Tensor:
        counts, anchors = pair_counts(batch), batch.anchors.flatten(1)
        unlike = counts * (1 - for_views(weights, batch)).clamp_min(0)
        distances = squared_distances(batch.u.flatten(1, 2))
        by_row = log_sum(-per_model(self.t, batch.u) * distances, unlike)
        divisor = unlike if self.divisor == "weights" else counts
        return log_mean(by_row, anchors, unlike.sum(-1) > 0, divisor.sum(-1))
