"""Losses of supervised predictions, one of each view."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.losses._parameters import LaneParameter, per_column
from skmmcl.losses._similarity import at_least_single, over, weighted_sum


class CrossEntropyLoss(nn.Module):
    """Cross-entropy of each view's class scores, as a mean over the views.

    Parameters
    ----------
    balanced : bool, default=False
        Whether every class of a batch counts alike, however many subjects it has.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CrossEntropyLoss
    >>> scores = torch.zeros(2, 3, 4)  # two views of three subjects, four classes
    >>> round(CrossEntropyLoss()(scores, torch.tensor([0, 3, -1])).item(), 6)  # log 4
    1.386294
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, balanced: bool = False) -> None:
        super().__init__()
        self.balanced = balanced

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean over the labelled subjects that have the view, and over the views.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_classes)``
            Scores of the classes, before the softmax.
        y : Tensor of int ``(*lanes, n_samples)``
            Classes; -1 for a subject that takes no part.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no subject is labelled.
        """
        z = at_least_single(z)
        code = y.clamp_min(0).unsqueeze(-2).expand(z.shape[:-1])
        losses = -F.log_softmax(z, -1).gather(-1, code.unsqueeze(-1)).squeeze(-1)
        counts = _counts(losses, y >= 0, mask, sample_weight)
        if self.balanced:
            members = F.one_hot(code, z.shape[-1]) * counts.unsqueeze(-1)
            counts = over(counts, members.sum(-2).gather(-1, code))
        return _mean_over_views(losses, counts)


class SquaredErrorLoss(nn.Module):
    """Squared error of each view's predictions of scaled targets, as a mean over the views.

    Parameters
    ----------
    center, scale : float, sequence of float or Tensor, default=0.0 and 1.0
        Targets are predicted less the center, over the scale: one for all columns or for
        each; a tensor is of shape ``(*lanes,)`` or ``(*lanes, n_columns)``.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SquaredErrorLoss
    >>> age = torch.tensor([30.0, 50.0, torch.nan])
    >>> SquaredErrorLoss(center=40.0, scale=5.0)(torch.zeros(2, 3, 1), age)
    tensor(4.)
    """

    center = LaneParameter()
    scale = LaneParameter()
    lane_parameters: ClassVar[tuple[str, ...]] = ("center", "scale")

    def __init__(
        self,
        center: float | tuple[float, ...] | Tensor = 0.0,
        scale: float | tuple[float, ...] | Tensor = 1.0,
    ) -> None:
        super().__init__()
        self.center = center
        self.scale = scale

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean over the subjects that have the view, their known targets and the views.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_columns)``
            Predictions of the scaled targets.
        y : Tensor of shape ``(*lanes, n_samples)`` or ``(*lanes, n_samples, n_columns)``
            Targets; NaN where unknown.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no target is known.
        """
        z = at_least_single(z)
        lanes, width = z.shape[:-3], z.shape[-1]
        y = y.to(z.dtype).reshape(-1, z.shape[-2], width)
        scaled = (y - per_column(self.center, y)) / per_column(self.scale, y)
        scaled = scaled.reshape(*lanes, 1, *y.shape[1:])
        known = ~scaled.isnan()
        errors = (z - scaled.where(known, 0)).square() * known
        n_known = known.sum(-1).expand(errors.shape[:-1])
        losses = over(errors.sum(-1), n_known.to(z.dtype))
        counts = _counts(losses, torch.ones_like(known[..., 0, :, 0]), mask, sample_weight)
        return _mean_over_views(losses, counts * n_known)


def _counts(
    losses: Tensor, known: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Tensor:
    """How often each subject counts in each view, ``(*lanes, n_views, n_samples)``."""
    weight = known.to(losses.dtype)
    weight = weight if sample_weight is None else weight * sample_weight
    counts = weight.unsqueeze(-2).expand(losses.shape)
    return counts if mask is None else counts * mask.mT


def _mean_over_views(losses: Tensor, counts: Tensor) -> Tensor:
    share = over(counts, counts.sum(-1, keepdim=True)) / losses.shape[-2]
    lanes = losses.shape[:-2]
    return weighted_sum(*(x.reshape(-1, *x.shape[-2:]) for x in (losses, share))).view(lanes)
