"""Augmentations of boxes: a box is cut out, or two are exchanged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from skmmcl.augmentation._axes import SpatialAugmentation
from skmmcl.augmentation._base import Range, check_fill, uniform


@dataclass(frozen=True)
class Cutout(SpatialAugmentation):
    """Replace the values in a random box by one value.

    Parameters
    ----------
    size : tuple of two floats, default=(0.1, 0.3)
        Range, within [0, 1], of the side of the box as a fraction of each axis; at least a voxel.
    fill : float or "mean", default=0.0
        Value in the box, in the units of the data; "mean" takes the mean of the subject.

    References
    ----------
    :cite:t:`devries2017`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Cutout
    >>> cut = Cutout((0.5, 0.5), p=1, spatial_dims=2)
    >>> cut(torch.ones(1, 4, 4), torch.Generator().manual_seed(0))
    tensor([[[0., 0., 1., 1.],
             [0., 0., 1., 1.],
             [1., 1., 1., 1.],
             [1., 1., 1., 1.]]])
    """

    size: Range = (0.1, 0.3)
    fill: float | str = 0.0

    _bounds: ClassVar = {"size": (0.0, 1.0)}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fill(self.fill)

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        grid, x = self._grid(x), x.clone()
        drawn = uniform(self.size, (len(x),), torch.empty(0), generator).tolist()
        places = torch.rand((len(x), len(grid)), generator=generator).tolist()
        for subject, fraction, place in zip(x, drawn, places, strict=True):
            sides = self._sides(x, fraction)
            corner = [
                int(u * (size - side + 1)) for u, size, side in zip(place, grid, sides, strict=True)
            ]
            value = subject.mean() if self.fill == "mean" else self.fill
            subject[_box(corner, sides)] = value
        return x


@dataclass(frozen=True)
class PatchSwap(SpatialAugmentation):
    """Exchange pairs of boxes within a subject.

    The values stay the same; only their positions change.

    Parameters
    ----------
    size : float, default=0.15
        Side of the boxes as a fraction of each axis, in (0, 0.5]; at least a voxel.
    n_swaps : int, default=5
        Number of pairs that are exchanged.

    References
    ----------
    :cite:t:`chen2019`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import PatchSwap
    >>> swap = PatchSwap(0.25, 1, p=1, spatial_dims=1)
    >>> swap(torch.arange(1.0, 9.0)[None], torch.Generator().manual_seed(0))
    tensor([[1., 2., 3., 4., 7., 8., 5., 6.]])
    """

    size: float = 0.15
    n_swaps: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.size <= 0.5:
            raise ValueError(f"size must be a fraction in (0, 0.5], got {self.size!r}.")
        if self.n_swaps < 1:
            raise ValueError(f"n_swaps must be at least 1, got {self.n_swaps!r}.")

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        grid, sides = self._grid(x), self._sides(x, self.size)
        cells = [size // side for size, side in zip(grid, sides, strict=True)]
        n_cells = math.prod(cells)
        if n_cells < 2:
            return x
        drawn = (len(x), self.n_swaps)
        first = torch.randint(n_cells, drawn, generator=generator)
        # Another cell than the first: boxes of one grid do not overlap.
        second = (first + torch.randint(1, n_cells, drawn, generator=generator)) % n_cells
        x = x.clone()
        margins = [size % side for size, side in zip(grid, sides, strict=True)]
        places = torch.rand((len(x), len(grid)), generator=generator).tolist()
        for subject, *pairs, place in zip(x, first.tolist(), second.tolist(), places, strict=True):
            offset = [int(u * (margin + 1)) for u, margin in zip(place, margins, strict=True)]
            for one, other in zip(*pairs, strict=True):
                box = _cell(one, cells, sides, offset)
                twin = _cell(other, cells, sides, offset)
                kept = subject[box].clone()
                subject[box] = subject[twin]
                subject[twin] = kept
        return x


def _cell(number: int, cells: Sequence[int], sides: Sequence[int], offset: Sequence[int]) -> tuple:
    """Return the box of a cell in a grid of boxes."""
    places = zip(offset, np.unravel_index(number, cells, order="F"), sides, strict=True)
    return _box([first + int(place) * side for first, place, side in places], sides)


def _box(corner: Sequence[int], sides: Sequence[int]) -> tuple:
    ranges = (slice(low, low + side) for low, side in zip(corner, sides, strict=True))
    return (..., *ranges)
