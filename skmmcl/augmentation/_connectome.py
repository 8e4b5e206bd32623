"""Augmentations of connectomes and other matrices whose rows are regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skmmcl.augmentation._base import (
    INFINITY,
    Augmentation,
    Range,
    normal_like,
    per_subject,
    uniform,
)
from skmmcl.augmentation._features import Dropout


def _check_square(x: Tensor, user: str) -> None:
    if x.dim() != 3 or x.shape[1] != x.shape[2]:
        raise ValueError(
            f"{user} takes batches of square matrices (n_samples, n_regions, n_regions), got "
            f"{tuple(x.shape)}."
        )


def _mirrored(x: Tensor) -> Tensor:
    """Return symmetric matrices with the upper triangles of ``x``, zero on the diagonal."""
    upper = x.triu(1)
    return upper + upper.mT


def _mean(batch: Tensor) -> Tensor:
    """Return the mean matrix, symmetric to the last bit where all subjects are symmetric."""
    diagonal = batch.diagonal(dim1=1, dim2=2).mean(0).diag()
    return _mirrored_where_symmetric(batch.mean(0), batch) + diagonal


def _mirrored_where_symmetric(values: Tensor, batch: Tensor) -> Tensor:
    """Mirror a statistic of the entries, zero on the diagonal; keep those of directed ones."""
    is_symmetric = (batch == batch.mT).all(0)
    return torch.where(is_symmetric, _mirrored(values), values)


@dataclass(frozen=True)
class ConnectomeNoise(Augmentation):
    """Add symmetric normal noise to the connections of connectomes, except the diagonal.

    Parameters
    ----------
    std : tuple of two floats, default=(0.0, 0.3)
        Range of the noise's standard deviation, in units of the connection's standard deviation
        over the subjects of the batch.

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

    _bounds: ClassVar = {"std": (0.0, INFINITY)}

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        _check_square(x, type(self).__name__)
        std = per_subject(uniform(self.std, (len(x),), x, generator), x)
        noise = _mirrored(normal_like(x, generator))
        scale = _mirrored_where_symmetric(batch.std(0, correction=0), batch)
        return torch.addcmul(x, noise.mul_(std), scale)


@dataclass(frozen=True)
class EdgeDropout(Dropout):
    """Replace connections of a symmetric connectome, chosen at random, except the diagonal.

    Parameters
    ----------
    rate : tuple of two floats, default=(0.0, 0.2)
        Range, within [0, 1], of the fraction of the connections that a subject loses.
    fill : float or "mean", default="mean"
        Replacement: a number in the units of the data, or the mean of the connection over the
        batch.

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

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        _check_square(x, type(self).__name__)
        dropped = _mirrored(self._choose(x, 3, generator).to(x)) > 0
        return self._replace(x, dropped, _mean(batch))


@dataclass(frozen=True)
class RegionDropout(Dropout):
    """Replace whole regions, chosen at random: their rows, and in a connectome their columns.

    Parameters
    ----------
    rate : tuple of two floats, default=(0.0, 0.2)
        Range, within [0, 1], of the fraction of the regions that a subject loses.
    fill : float or "mean", default="mean"
        Replacement of their values: a number in the units of the data, or the mean of each value
        over the batch.
    symmetric : bool, default=True
        Whether the columns are replaced with the rows, as in a symmetric connectome, except the
        diagonal. False for matrices of regions by features.

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

    symmetric: bool = True

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        if x.dim() != 3:
            raise ValueError(
                "RegionDropout takes batches of matrices (n_samples, n_regions, n_features), got "
                f"{tuple(x.shape)}."
            )
        dropped = self._choose(x, 2, generator)[:, :, None]
        if self.symmetric:
            _check_square(x, type(self).__name__)
            diagonal = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
            dropped = (dropped | dropped.mT) & ~diagonal
        mean = _mean(batch) if self.symmetric else batch.mean(0)
        return self._replace(x, dropped, mean)
