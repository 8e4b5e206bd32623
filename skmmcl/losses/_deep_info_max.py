"""Deep InfoMax: bounds on the information that a place of one view has about places of another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY
from itertools import permutations
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from skmmcl.losses._parts._batch import at_least_single, safe_divide
from skmmcl.losses._parts._gram import REMOVED
from skmmcl.losses._parts._stacking import Loss, loss_parameters


@loss_parameters
class InfoMaxLoss(Loss):
    """Deep InfoMax: each place of an anchor against all places of all other subjects.

    A positive is a place of the anchor with a place of the same subject's target; its negatives
    are all places of all other subjects. An anchor or target without places is the vector of a
    whole subject. The scores are ``s = clip * tanh(r / clip)``, ``r = <y, x> / sqrt(d)``
    :cite:p:`fedorov2021multimodal`.

    Parameters
    ----------
    clip : float or None, default=20.0
        Limit of the scores; None for no limit. Only the "infonce" estimator clips.
    penalty : float, default=0.04
        Factor of the mean squared score, before clipping, that is added.
    estimator : {"infonce", "jsd"}, default="infonce"
        Noise contrast, or the dual form of the Jensen-Shannon divergence, as in the
        estimator of that name of :cite:t:`hjelm2019learning`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import InfoMaxLoss
    >>> x = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]])
    >>> round(InfoMaxLoss(penalty=0.0)(x, x).item(), 6)
    0.127722
    """

    _: KW_ONLY
    clip: float | None = 20.0
    penalty: float = 0.04
    estimator: Literal["infonce", "jsd"] = "infonce"

    def forward(
        self,
        anchor: Tensor,
        target: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the mean over subjects and places; only the penalty with fewer than two subjects.

        ``anchor`` and ``target`` have shapes (n_samples, n_components, *places), whose number of
        places may differ; ``mask`` (n_samples,) is True for the subjects that have both.
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
        negatives = torch.logsumexp(of_pairs + counts.log(), 1)
        positive = s.diagonal(dim1=0, dim2=1)
        loss = torch.logaddexp(negatives, positive) - positive
        return _mean(loss.mean((0, 1)), weight)


@loss_parameters
class DeepInfoMaxLoss(Loss):
    """Deep InfoMax along one kind of edge between the modalities of a subject.

    ======  =============================================  ==========================
    edge    anchor                                         target
    ======  =============================================  ==========================
    "L"     the embedding of a modality                    its own local map
    "CL"    the embedding of a modality                    each other's local map
    "CS"    one place of a modality's local map, drawn     each other's local map
    "S"     the embedding of a modality                    each other's embedding
    ======  =============================================  ==========================

    Parameters
    ----------
    edge : {"L", "CL", "CS", "S"}, default="S"
        Parts that are compared :cite:p:`fedorov2021multimodal`.
    clip : float or None, default=20.0
        Limit of the scores, as in `InfoMaxLoss`.
    penalty : float, default=0.04
        Factor of the mean squared score, added for each pair.
    estimator : {"infonce", "jsd"}, default="infonce"
        As in `InfoMaxLoss`.
    seed : int, default=0
        Seed of the places that are drawn for "CS".

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import DeepInfoMaxLoss
    >>> rng = torch.Generator().manual_seed(0)
    >>> z, local = torch.randn(2, 6, 4, generator=rng), torch.randn(2, 6, 4, 3, generator=rng)
    >>> DeepInfoMaxLoss("L")(z, local).shape
    torch.Size([])
    """

    edge: Literal["L", "CL", "CS", "S"] = "S"
    _: KW_ONLY
    clip: float | None = 20.0
    penalty: float = 0.04
    estimator: Literal["infonce", "jsd"] = "infonce"
    seed: int = 0

    def __post_init__(self) -> None:
        settings: Any = {"penalty": self.penalty, "estimator": self.estimator}
        self.bound = InfoMaxLoss(clip=self.clip, **settings)
        self.rng = np.random.default_rng(self.seed)

    def forward(
        self,
        z: Tensor,
        local: Sequence[Tensor] | Tensor | None = None,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        places: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Return the sum over the modalities, or over the ordered pairs of modalities.

        ``local`` are the maps (n_samples, n_components, *places) of each view, of which "S" needs
        none; ``places`` (n_samples,) of each view are the anchors of "CS", drawn if absent.
        """
        anchors = list(z) if self.edge != "CS" else self._places(len(z), local, places)
        total: Any = 0.0
        for i, j in self._pairs(len(z)):
            both = None if mask is None else mask[:, i] & mask[:, j]
            target = z[j] if self.edge == "S" else _map_of(local, j)
            total = total + self.bound(anchors[i], target, both, sample_weight)
        return total

    def _pairs(self, n_views: int) -> Iterator[tuple[int, int]]:
        if self.edge == "L":
            return ((i, i) for i in range(n_views))
        return permutations(range(n_views), 2)

    def _places(self, n_views: int, local: Any, given: Sequence[Tensor] | None) -> list[Tensor]:
        """Return one place of each subject's map; a validation always draws the same ones."""
        rng = self.rng if torch.is_grad_enabled() else np.random.default_rng(self.seed)
        found = []
        for view in range(n_views):
            maps = _map_of(local, view).flatten(2)
            drawn = torch.as_tensor(rng.integers(maps.shape[2], size=len(maps)))
            index = (drawn if given is None else given[view]).to(maps.device).view(-1, 1, 1)
            found.append(maps.gather(2, index.expand(-1, maps.shape[1], 1))[:, :, 0])
        return found


def _map_of(local: Sequence[Tensor] | Mapping[Any, Tensor] | Tensor | None, view: int) -> Tensor:
    if local is None:
        raise ValueError("This edge needs the local maps of the encoders, but none were given.")
    return local[view]


def _scores(anchor: Tensor, target: Tensor) -> Tensor:
    """Return scaled products (n_samples, n_samples, places of the anchor, places of the target)."""
    anchor, target = (at_least_single(x) for x in (anchor, target))
    anchor, target = (x[..., None] if x.dim() == 2 else x.flatten(2) for x in (anchor, target))
    rows, columns = (x.transpose(1, 2).flatten(0, 1) for x in (anchor, target))
    products = rows @ columns.mT / math.sqrt(anchor.shape[1])
    shape = len(anchor), anchor.shape[2], len(target), target.shape[2]
    return products.view(shape).transpose(1, 2)


def _negatives(weight: Tensor) -> Tensor:
    """Return how often the column's subject is a negative of the row's: copies of oneself are."""
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
