"""Augmentations of connectomes and other matrices whose rows are regions."""

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
from skmmcl.augmentation._features import fill_in


def _check_square(x: Tensor, user: str) -> None:
    if x.dim() != 3 or x.shape[1] != x.shape[2]:
        raise ValueError(
            f"{user} takes batches of square matrices (n_samples, n_regions, n_regions), got "
            f"{tuple(x.shape)}."
        )


def _mirrored(x: Tensor) -> Tensor:
    """Symmetric matrices with the upper triangles of ``x``, zero on the diagonal."""
    upper = x.triu(1)
    return upper + upper.mT


def _mean(batch: Tensor) -> Tensor:
    """Mean matrix, symmetric to the last bit."""
    return _mirrored(batch.mean(0)) + batch.diagonal(dim1=1, dim2=2).mean(0).diag()


@dataclass(frozen=True)
class ConnectomeNoise(Augmentation):
    """Add normal noise to each connection of symmetric connectomes; the diagonal stays.

    Parameters
    ----------
    std : tuple of two floats, default=(0.0, 0.3)
        Range of the noise's standard deviation, in units of the connection's standard deviation
        over the subjects of the batch.
    p : float, default=0.5
        Probability, in [0, 1], that a subject is changed.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import ConnectomeNoise
    >>> x = torch.randn(6, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> noisy = ConnectomeNoise(p=1)(x + x.mT, torch.Generator().manual_seed(0))
    >>> torch.equal(noisy, noisy.mT)
    True
    """

    std: Range = (0.0, 0.3)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("std", self.std, 0.0)

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        _check_square(x, type(self).__name__)
        std = per_subject(uniform(self.std, (len(x),), x, generator), x)
        noise = _mirrored(normal_like(x, generator))
        return torch.addcmul(x, noise.mul_(std), _mirrored(batch.std(0, correction=0)))


@dataclass(frozen=True)
class EdgeDropout(Augmentation):
    """Take connections of a symmetric connectome away from a subject; the diagonal stays.

    Parameters
    ----------
    rate : tuple of two floats, default=(0.0, 0.2)
        Range, within [0, 1], of the part of the connections that a subject loses.
    fill : float or "mean", default="mean"
        What stands in for them: a number in the units of the data, or the mean of the connection
        over the batch.
    p : float, default=0.5
        Probability, in [0, 1], that a subject is changed.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import EdgeDropout
    >>> drop = EdgeDropout((0.5, 0.5), fill=0, p=1)
    >>> drop(torch.ones(1, 3, 3), torch.Generator().manual_seed(0))
    tensor([[[1., 0., 1.],
             [0., 1., 0.],
             [1., 0., 1.]]])
    """

    rate: Range = (0.0, 0.2)
    fill: float | str = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("rate", self.rate, 0.0, 1.0)
        check_fill(self.fill)

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        _check_square(x, type(self).__name__)
        rate = uniform(self.rate, (len(x),), x, generator)
        dropped = _mirrored(chosen(rate, x.shape, generator).to(x)) > 0
        return fill_in(x, dropped, self.fill, _mean(batch))


@dataclass(frozen=True)
class RegionDropout(Augmentation):
    """Take whole regions away from a subject: their rows, and in a connectome their columns.

    Parameters
    ----------
    rate : tuple of two floats, default=(0.0, 0.2)
        Range, within [0, 1], of the part of the regions that a subject loses.
    fill : float or "mean", default="mean"
        What stands in for their values: a number in the units of the data, or the mean of each
        value over the batch.
    symmetric : bool, default=True
        Whether the columns go with the rows, as in a symmetric connectome, whose diagonal then
        stays. False for regions by features.
    p : float, default=0.5
        Probability, in [0, 1], that a subject is changed.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import RegionDropout
    >>> drop = RegionDropout((0.5, 0.5), fill=0, p=1)
    >>> drop(torch.ones(1, 3, 3), torch.Generator().manual_seed(0))
    tensor([[[1., 0., 0.],
             [0., 1., 0.],
             [0., 0., 1.]]])
    """

    rate: Range = (0.0, 0.2)
    fill: float | str = "mean"
    symmetric: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("rate", self.rate, 0.0, 1.0)
        check_fill(self.fill)

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        if x.dim() != 3:
            raise ValueError(
                "RegionDropout takes batches of matrices (n_samples, n_regions, n_features), got "
                f"{tuple(x.shape)}."
            )
        rate = uniform(self.rate, (len(x),), x, generator)
        dropped = chosen(rate, x.shape[:2], generator)[:, :, None]
        if self.symmetric:
            _check_square(x, type(self).__name__)
            diagonal = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
            dropped = (dropped | dropped.mT) & ~diagonal
        mean = _mean(batch) if self.symmetric else batch.mean(0)
        return fill_in(x, dropped, self.fill, mean)
