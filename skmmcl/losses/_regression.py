"""Contrastive losses for regression: repulsion grows with the difference of the targets."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

import torch
from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._parts._batch import Batch, mean_over
from skmmcl.losses._parts._gram import REMOVED
from skmmcl.losses._parts._guided import GuidedLoss, KernelWeights
from skmmcl.losses._parts._pairs import (
    add_log_counts,
    for_views,
    log_add,
    log_sum,
    pair_counts,
    products,
    row_mean,
)
from skmmcl.losses._parts._stacking import loss_parameters, per_model, stacked, stacked_temperature
from skmmcl.losses._parts._target import kernel_components, simplex


class RegressionLoss(KernelWeights, GuidedLoss):
    """Base of losses in which each positive of an anchor has a denominator of its own."""

    def _value(self, batch: Batch, y: Tensor) -> Tensor:
        s = products(batch) / per_model(self.temperature, batch.u)
        counts = pair_counts(batch)
        weights = for_views(self._weights(y).to(s.dtype), batch)
        denominator = self._log_denominator(s, weights, counts)
        # A positive whose denominator is empty has no term, but keeps its share.
        terms = torch.where(denominator > REMOVED / 2, denominator - s, 0)
        loss, total = row_mean(terms, weights * counts)
        return mean_over(batch.anchors.flatten(1) * (total > 0), loss)

    def _log_denominator(self, s: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
        """Return the denominator of each positive (a column) of each anchor (a row)."""
        raise NotImplementedError


@loss_parameters
class ExpRegressionLoss(RegressionLoss):
    """L-exp: the more similar a subject is to the anchor, the weaker is its repulsion.

    ``- mean_i 1 / sum_k W_ik sum_k W_ik log(exp(s_ik) / sum_t exp(s_it * (1 - W_it)))``, L^exp
    of :cite:t:`barbano2023regression`. The loss may be negative.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=2.0
        Bandwidth of the kernel, for all columns or for each.
    include_positive : bool, default=True
        Whether the denominator of a positive includes itself, which bounds its term below and
        makes training more stable; the paper's form leaves it out.

    Notes
    -----
    The target is the kernel principal components of the metadata, ``H W H = T T'``: similar
    subjects do not repel, so that the optimum has the kernel itself rather than its logarithm.
    It is an approximation, for small temperatures such as the default.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ExpRegressionLoss
    >>> angle = torch.tensor([0.0, 0.5, 1.0])
    >>> z = torch.stack([angle.cos(), angle.sin()], -1)[None]
    >>> age = torch.tensor([20.0, 22.0, 24.0])
    >>> ordered, mixed = (ExpRegressionLoss()(z, age[i]) for i in ([0, 1, 2], [1, 0, 2]))
    >>> bool(ordered < mixed)
    True
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    kernel: Kernel = "gaussian"
    bandwidth: float | tuple[float, ...] | Tensor = stacked(2.0, above=0)
    include_positive: bool = True

    def _log_denominator(self, s: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
        strength = s * (1 - weights)
        if self.include_positive:
            return log_sum(strength, counts)[..., None].expand_as(s)
        copies = add_log_counts(strength, (counts - 1).clamp_min(0))
        return log_add(_log_sum_of_others(strength, counts), copies)

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        if self.is_of_classes():
            return simplex(rows, sample_weight)
        return kernel_components(rows, lambda x, _: self._weights(x[None])[0], sample_weight)


@loss_parameters
class ThresholdRegressionLoss(RegressionLoss):
    """L-thr: a positive is contrasted with those less similar to the anchor than itself.

    ``- mean_i 1 / sum_k W_ik sum_k W_ik log(exp(s_ik) / sum_{t: W_it < W_ik} exp(s_it))``, L^thr
    of :cite:t:`barbano2023regression`. The loss may be negative, and is unbounded: a positive is
    not in its own denominator, so that its term falls as far as the temperature lets it. Therefore
    it has no `target`, and `has_target` is False.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=2.0
        Bandwidth of the kernel, for all columns or for each.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ThresholdRegressionLoss
    >>> angle = torch.tensor([0.0, 0.5, 1.0])
    >>> z = torch.stack([angle.cos(), angle.sin()], -1)[None]
    >>> age = torch.tensor([20.0, 22.0, 24.0])
    >>> loss = ThresholdRegressionLoss()
    >>> ordered, mixed = (loss(z, age[i]) for i in ([0, 1, 2], [1, 0, 2]))
    >>> bool(ordered < mixed)
    True
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    kernel: Kernel = "gaussian"
    bandwidth: float | tuple[float, ...] | Tensor = stacked(2.0, above=0)

    has_target = False

    def _log_denominator(self, s: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
        # Those of less weight come first in a row that is sorted by weight.
        ordered, order = weights.sort(dim=-1, stable=True)
        cumulated = torch.logcumsumexp(add_log_counts(s, counts).gather(-1, order), -1)
        n_less = torch.searchsorted(ordered, weights)
        less = cumulated.gather(-1, (n_less - 1).clamp_min(0))
        return torch.where(n_less > 0, less, REMOVED)

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        raise NotImplementedError(
            "ThresholdRegressionLoss has no target. It is unbounded: a positive is not among those "
            "that it is compared to, so that no entropy bounds its term, and no geometry of the "
            "optimum is known. Train it by gradient, or take ExpRegressionLoss or YAwareLoss, "
            "which have a target."
        )


def _log_sum_of_others(logits: Tensor, counts: Tensor) -> Tensor:
    """Return the logarithm of the sum over all columns of a row but this.

    What is subtracted is at most half of the sum, save for the largest column, whose others
    are summed again: so no digits are lost.
    """
    none = counts == 0
    logs = add_log_counts(logits, counts)
    everyone = log_sum(logits, counts)[..., None]
    largest = torch.zeros_like(none).scatter_(-1, logs.argmax(-1, keepdim=True), True)
    of_largest = log_sum(logits, counts.masked_fill(largest, 0))[..., None]
    part = torch.exp(logs - everyone).masked_fill(largest | none, 0)
    return torch.where(largest, of_largest, everyone + torch.log1p(-part))
