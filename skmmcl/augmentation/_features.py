"""Augmentations of vectors, whose values have a unit each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from skmmcl.augmentation._base import (
    Augmentation,
    Range,
    check_fill,
    check_range,
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
    p : float, default=0.5
        Probability, in [0, 1], that a subject is changed.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import FeatureNoise
    >>> x = torch.tensor([[1.0, 100.0], [2.0, 100.0]])
    >>> FeatureNoise((1, 1), p=1)(x, torch.Generator().manual_seed(0))[:, 1]  # it is constant
    tensor([100., 100.])
    """

    std: Range = (0.0, 0.3)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("std", self.std, 0.0)

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        std = per_subject(uniform(self.std, (len(x),), x, generator), x)
        return torch.addcmul(x, normal_like(x, generator).mul_(std), batch.std(0, correction=0))


@dataclass(frozen=True)
class FeatureDropout(Augmentation):
    """Take features away from a subject.

    Parameters
    ----------
    rate : tuple of two floats, default=(0.0, 0.2)
        Range, within [0, 1], of the part of the features that a subject loses.
    fill : float, "mean" or "other", default="mean"
        What stands in for them: a number in the units of the data, the mean of the feature over
        the batch, or its value in another subject of the batch :cite:p:`bahri2022`.
    p : float, default=0.5
        Probability, in [0, 1], that a subject is changed.

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

    rate: Range = (0.0, 0.2)
    fill: float | str = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("rate", self.rate, 0.0, 1.0)
        if self.fill != "other":
            check_fill(self.fill, 'a number, "mean" or "other"')

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        dropped = chosen(uniform(self.rate, (len(x),), x, generator), x.shape, generator)
        if self.fill == "other":
            others = torch.randint(len(batch), (len(x),), generator=generator)
            return torch.where(dropped, batch[others.to(x.device)], x)
        return fill_in(x, dropped, self.fill, batch.mean(0))


def fill_in(x: Tensor, dropped: Tensor, fill: float | str, mean: Tensor) -> Tensor:
    """Put a number, or the mean over the batch, where something was dropped."""
    if fill == "mean":
        return torch.where(dropped, mean, x)
    return x.masked_fill(dropped, float(fill))
