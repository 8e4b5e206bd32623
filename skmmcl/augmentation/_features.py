"""Augmentations of vectors, whose features may have different units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skmmcl.augmentation._base import (
    INFINITY,
    Augmentation,
    Range,
    check_fill,
    chosen,
    normal_like,
    per_subject,
    uniform,
)


@dataclass(frozen=True)
class FeatureNoise(Augmentation):
    """Add normal noise to each feature, in the units of that feature.

    Parameters
    ----------
    std : tuple of two floats, default=(0.0, 0.3)
        Range of the noise's standard deviation, in units of the feature's standard deviation over
        the subjects of the batch.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import FeatureNoise
    >>> x = torch.tensor([[1.0, 100.0], [2.0, 100.0]])
    >>> FeatureNoise((1, 1), p=1)(x, torch.Generator().manual_seed(0))[:, 1]  # it is constant
    tensor([100., 100.])
    """

    std: Range = (0.0, 0.3)

    _bounds: ClassVar = {"std": (0.0, INFINITY)}

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        std = per_subject(uniform(self.std, (len(x),), x, generator), x)
        return torch.addcmul(x, normal_like(x, generator).mul_(std), batch.std(0, correction=0))


@dataclass(frozen=True)
class Dropout(Augmentation):
    """Base class of augmentations that replace entries, chosen at random."""

    rate: Range = (0.0, 0.2)
    fill: float | str = "mean"

    _bounds: ClassVar = {"rate": (0.0, 1.0)}
    _fills: ClassVar[tuple[str, ...]] = ("mean",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fill(self.fill, self._fills)

    def _choose(self, x: Tensor, n_axes: int, generator: torch.Generator) -> Tensor:
        """Choose entries of the first axes, each subject at its own rate."""
        rate = uniform(self.rate, (len(x),), x, generator)
        return chosen(rate, x.shape[:n_axes], generator)

    def _replace(self, x: Tensor, dropped: Tensor, mean: Tensor) -> Tensor:
        """Put a number, or the mean over the batch, where something was dropped."""
        if self.fill == "mean":
            return torch.where(dropped, mean, x)
        return x.masked_fill(dropped, float(self.fill))


@dataclass(frozen=True)
class FeatureDropout(Dropout):
    """Replace features of a subject, chosen at random.

    Parameters
    ----------
    rate : tuple of two floats, default=(0.0, 0.2)
        Range, within [0, 1], of the fraction of the features that a subject loses.
    fill : float, "mean" or "other", default="mean"
        Replacement: a number in the units of the data, the mean of the feature over the batch, or
        its value in another subject of the batch :cite:p:`bahri2022`.

    References
    ----------
    :cite:t:`bahri2022`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import FeatureDropout
    >>> drop = FeatureDropout((0.5, 0.5), fill=0, p=1)
    >>> drop(torch.ones(1, 6), torch.Generator().manual_seed(0))
    tensor([[0., 0., 1., 0., 1., 0.]])
    """

    _fills: ClassVar = ("mean", "other")

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        dropped = self._choose(x, x.dim(), generator)
        if self.fill == "other":
            others = torch.randint(len(batch), (len(x),), generator=generator)
            return torch.where(dropped, batch[others.to(x.device)], x)
        return self._replace(x, dropped, batch.mean(0))
