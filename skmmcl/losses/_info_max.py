"""Bounds on the information that a place of one view has about places of another."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.losses._parts._batch import at_least_single, safe_divide
from skmmcl.losses._parts._gram import REMOVED


class InfoMaxLoss(nn.Module):
    """Deep InfoMax: each place of an anchor against all places of all other subjects.

    A positive is a place of the anchor with a place of the same subject's target; it is
    held against every place of all other subjects. An anchor or target without places is
    the vector of a whole subject.

    Parameters
    ----------
    clip : float or None, default=20.0
        Scores are bent to ``clip * tanh(score / clip)``; None for no limit. Only the
        "infonce" estimator clips.
    penalty : float, default=0.04
        Factor of the mean squared score, before clipping, that is added.
    estimator : {"infonce", "jsd"}, default="infonce"
        Noise contrast, or the dual form of the Jensen-Shannon divergence.

    References
    ----------
    .. [1] Hjelm R. D. et al. (2019). Learning deep representations by mutual information
       estimation and maximization. ICLR.
    .. [2] Fedorov A. et al. (2021). On self-supervised multimodal representation learning:
       an application to Alzheimer's disease. ISBI.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import InfoMaxLoss
    >>> x = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]])
    >>> round(InfoMaxLoss(penalty=0.0)(x, x).item(), 6)
    0.127722
    """

    def __init__(
        self,
        *,
        clip: float | None = 20.0,
        penalty: float = 0.04,
        estimator: Literal["infonce", "jsd"] = "infonce",
    ) -> None:
        super().__init__()
        self.clip = clip
        self.penalty = penalty
        self.estimator = estimator

    def extra_repr(self) -> str:
        """Say how scores are limited and compared.

        Returns
        -------
        str
            The settings.
        """
        return f"clip={self.clip}, penalty={self.penalty}, estimator={self.estimator!r}"

    def forward(
        self,
        anchor: Tensor,
        target: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over subjects and places, with the penalty.

        Parameters
        ----------
        anchor, target : Tensor of shape ``(n_samples, n_components, *places)``
            The number of places may differ; without places, one vector per subject.
        mask : Tensor of shape (n_samples,), optional
            True for the subjects that have both.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor
            A scalar; 0 but for the penalty with fewer than two subjects.
        """
        scores = _scores(anchor, target)
        weight = scores.new_ones(len(scores)) if sample_weight is None else sample_weight
        weight = weight.to(scores.dtype)
        weight = weight if mask is None else weight * mask
        bound = self._infonce if self.estimator == "infonce" else _jensen_shannon
        loss = bound(scores, weight)
        if not self.penalty:
            return loss
        squares = scores.square().mean((2, 3))
        return loss + self.penalty * _mean(squares, weight[:, None] * weight)

    def _infonce(self, scores: Tensor, weight: Tensor) -> Tensor:
        s = scores if self.clip is None else self.clip * torch.tanh(scores / self.clip)
        counts = _negatives(weight)
        of_pairs = torch.logsumexp(s, (2, 3)).masked_fill(counts == 0, REMOVED)
        counts = counts.masked_fill(counts == 0, 1)
        against = torch.logsumexp(of_pairs + counts.log(), 1)
        positive = s.diagonal(dim1=0, dim2=1)
        loss = torch.logaddexp(against, positive) - positive
        return _mean(loss.mean((0, 1)), weight)


def _scores(anchor: Tensor, target: Tensor) -> Tensor:
    """Scaled products (n_samples, n_samples, places of the anchor, places of the target)."""
    anchor, target = (_places(x) for x in (anchor, target))
    rows, columns = (x.transpose(1, 2).flatten(0, 1) for x in (anchor, target))
    products = rows @ columns.mT / math.sqrt(anchor.shape[1])
    shape = len(anchor), anchor.shape[2], len(target), target.shape[2]
    return products.view(shape).transpose(1, 2)


def _places(x: Tensor) -> Tensor:
    x = at_least_single(x)
    return x.unsqueeze(-1) if x.dim() == 2 else x.flatten(2)


def _negatives(weight: Tensor) -> Tensor:
    """How often the column's subject is a negative of the row's: copies of oneself are."""
    counts = weight.expand(len(weight), -1).clone()
    counts.diagonal().sub_(1).clamp_min_(0)
    return counts


def _jensen_shannon(scores: Tensor, weight: Tensor) -> Tensor:
    positive = math.log(2) - F.softplus(-scores.diagonal(dim1=0, dim2=1))
    negative = F.softplus(-scores) + scores - math.log(2)
    apart = weight[:, None] * _negatives(weight)
    return _mean(negative.mean((2, 3)), apart) - _mean(positive.mean((0, 1)), weight)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * safe_divide(weight, weight.sum())).sum()
