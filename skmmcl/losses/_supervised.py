"""Supervised losses of each view's predictions."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from skmmcl.losses._parts._batch import at_least_single, safe_divide, weighted_sum
from skmmcl.losses._parts._stacking import Loss, loss_parameters, per_column, stacked


@loss_parameters
class CrossEntropyLoss(Loss):
    """Cross-entropy of each view's class scores, as a mean over the views.

    Parameters
    ----------
    balanced : bool, default=False
        Whether all classes of a batch have equal weight, however many subjects they have.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CrossEntropyLoss
    >>> scores = torch.zeros(2, 3, 4)  # two views of three subjects, four classes
    >>> round(CrossEntropyLoss()(scores, torch.tensor([0, 3, -1])).item(), 6)  # log 4
    1.386294
    """

    _: KW_ONLY
    balanced: bool = False

    stacked_parameters: ClassVar[tuple[str, ...]] = ()

    def forward(
        self, z: Tensor, y: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the mean over the views and the labeled subjects that have them; 0 if none.

        ``z`` are scores (..., n_views, n_samples, n_classes) before the softmax, ``y`` classes
        (..., n_samples), -1 for a subject that takes no part.
        """
        z = at_least_single(z)
        code = y.clamp_min(0).unsqueeze(-2).expand(z.shape[:-1])
        losses = -F.log_softmax(z, -1).gather(-1, code.unsqueeze(-1)).squeeze(-1)
        counts = _counts(losses, y >= 0, mask, sample_weight)
        if self.balanced:
            members = F.one_hot(code, z.shape[-1]) * counts.unsqueeze(-1)
            counts = safe_divide(counts, members.sum(-2).gather(-1, code))
        return _mean_over_views(losses, counts)


@loss_parameters
class ErrorLoss(Loss):
    """Base of the mean errors of each view's predictions of scaled targets."""

    center: float | tuple[float, ...] | Tensor = stacked(0.0)
    scale: float | tuple[float, ...] | Tensor = stacked(1.0, above=0)

    def forward(
        self, z: Tensor, y: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the mean over subjects that have the view, known targets and views; 0 if none.

        ``z`` are predictions (..., n_views, n_samples, n_columns) of the scaled targets, ``y``
        targets (..., n_samples) or (..., n_samples, n_columns) with NaN where unknown.
        """
        z = at_least_single(z)
        stacks, width = z.shape[:-3], z.shape[-1]
        y = y.to(z.dtype).reshape(-1, z.shape[-2], width)
        scaled = (y - per_column(self.center, y)) / per_column(self.scale, y)
        scaled = scaled.reshape(*stacks, 1, *y.shape[1:])
        known = ~scaled.isnan()
        errors = self._error(z - scaled.where(known, 0)) * known
        n_known = known.sum(-1).expand(errors.shape[:-1])
        losses = safe_divide(errors.sum(-1), n_known.to(z.dtype))
        counts = _counts(losses, torch.ones_like(known[..., 0, :, 0]), mask, sample_weight)
        return _mean_over_views(losses, counts * n_known)

    def _error(self, difference: Tensor) -> Tensor:
        raise NotImplementedError


class SquaredErrorLoss(ErrorLoss):
    """Squared error of each view's predictions of scaled targets, as a mean over the views.

    Parameters
    ----------
    center, scale : float, sequence of float or Tensor, default=0.0 and 1.0
        Targets are predicted less the center, over the scale: one for all columns or for each.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SquaredErrorLoss
    >>> age = torch.tensor([30.0, 50.0, torch.nan])
    >>> SquaredErrorLoss(center=40.0, scale=5.0)(torch.zeros(2, 3, 1), age)
    tensor(4.)
    """

    def _error(self, difference: Tensor) -> Tensor:
        return difference.square()


class AbsoluteErrorLoss(ErrorLoss):
    """Absolute error of each view's predictions of scaled targets, as a mean over the views.

    It is less sensitive to outliers than the squared error; benchmarks of brain age use it.

    Parameters
    ----------
    center, scale : float, sequence of float or Tensor, default=0.0 and 1.0
        Targets are predicted less the center, over the scale: one for all columns or for each.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import AbsoluteErrorLoss
    >>> age = torch.tensor([30.0, 55.0, torch.nan])
    >>> AbsoluteErrorLoss(center=40.0, scale=5.0)(torch.zeros(2, 3, 1), age)
    tensor(2.5000)
    """

    def _error(self, difference: Tensor) -> Tensor:
        return difference.abs()


def _counts(
    losses: Tensor, known: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Tensor:
    """Return how often each subject counts in each view, (..., n_views, n_samples)."""
    weight = known.to(losses.dtype)
    weight = weight if sample_weight is None else weight * sample_weight
    counts = weight.unsqueeze(-2).expand(losses.shape)
    return counts if mask is None else counts * mask.mT


def _mean_over_views(losses: Tensor, counts: Tensor) -> Tensor:
    share = safe_divide(counts, counts.sum(-1, keepdim=True)) / losses.shape[-2]
    flat = (x.reshape(-1, *x.shape[-2:]) for x in (losses, share))
    return weighted_sum(*flat).view(losses.shape[:-2])
