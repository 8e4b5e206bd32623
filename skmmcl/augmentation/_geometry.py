"""Geometric augmentations: flips, shifts and zooms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skmmcl.augmentation._axes import SpatialAugmentation, along_axes
from skmmcl.augmentation._base import INFINITY, Range, uniform


@dataclass(frozen=True)
class Flip(SpatialAugmentation):
    """Mirror subjects.

    A flip from left to right exchanges the hemispheres and destroys lateralized information, such
    as that of language, handedness and many diseases; by default, `default_augmentation` has none.

    Parameters
    ----------
    axis : int or None, default=0
        Spatial axis that is mirrored; 0 is left to right in volumes of orientation RAS or LAS.
        None draws an axis for each subject.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Flip
    >>> Flip(p=1, spatial_dims=1)(torch.tensor([[1.0, 2.0, 3.0]]), torch.Generator())
    tensor([[3., 2., 1.]])
    """

    axis: int | None = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.axis is not None and not 0 <= self.axis < self.spatial_dims:
            raise ValueError(
                f"axis must be one of the {self.spatial_dims} spatial axes, got {self.axis!r}."
            )

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        n_axes = len(self._grid(x))
        if self.axis is not None:
            return x.flip(self.axis - n_axes)
        axes = torch.randint(n_axes, (len(x),), generator=generator).tolist()
        return torch.stack(
            [subject.flip(axis - n_axes) for subject, axis in zip(x, axes, strict=True)]
        )


@dataclass(frozen=True)
class Shift(SpatialAugmentation):
    """Move subjects by whole voxels; voxels that leave the grid are lost.

    Parameters
    ----------
    max_shift : float, default=0.06
        Largest move in each direction along each axis, as a fraction of that axis in [0, 1).
    fill : float, default=0.0
        Value of voxels that enter the grid, in the units of the data: that of the background.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Shift
    >>> shift = Shift(0.5, p=1, spatial_dims=1)
    >>> shift(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.Generator().manual_seed(0))
    tensor([[0., 0., 1., 2.]])
    """

    max_shift: float = 0.06
    fill: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.max_shift < 1:
            raise ValueError(f"max_shift must be a fraction in [0, 1), got {self.max_shift!r}.")

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        moves = [
            torch.randint(-most, most + 1, (len(x),), generator=generator).tolist()
            for most in (int(self.max_shift * size) for size in self._grid(x))
        ]
        out = torch.full_like(x, self.fill)
        for new, old, *by in zip(out, x, *moves, strict=True):
            to = [slice(max(d, 0), min(d, 0) or None) for d in by]
            start = [slice(max(-d, 0), min(-d, 0) or None) for d in by]
            new[..., *to] = old[..., *start]
        return out


@dataclass(frozen=True)
class ResizedCrop(SpatialAugmentation):
    """Crop a box at random and enlarge it to the whole grid by linear interpolation.

    Parameters
    ----------
    scale : tuple of two floats, default=(0.8, 1.0)
        Range, within (0, 1], of the side of the box as a fraction of each axis; all axes of a
        subject are enlarged equally, except for ``ratio``.
    ratio : tuple of two floats, default=(1.0, 1.0)
        Range of the ratio of the box's side along the last axis to that along each other axis,
        drawn on a logarithmic scale; the volume of the box remains that of ``scale``. A side is at
        most that of the grid.
    of_area : bool, default=False
        Whether ``scale`` is the fraction of the area, or volume, instead of the side, as in SimCLR.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import ResizedCrop
    >>> crop = ResizedCrop((0.5, 0.5), p=1, spatial_dims=1)
    >>> crop(torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0]]), torch.Generator().manual_seed(0))
    tensor([[0.1125, 0.6125, 1.1125, 1.6125, 2.1125]])
    """

    scale: Range = (0.8, 1.0)
    ratio: Range = (1.0, 1.0)
    of_area: bool = False

    _bounds: ClassVar = {"scale": (1e-3, 1.0), "ratio": (1e-3, INFINITY)}

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        scales = self._scales(x, generator)
        matrices = []
        for size, scale in zip(self._grid(x), scales, strict=True):
            place = torch.arange(size, device=x.device, dtype=x.dtype)
            start = uniform((0.0, 1.0), (len(x), 1), x, generator) * (1 - scale) * (size - 1)
            source = start + scale * place
            matrices.append((1 - (source[..., None] - place).abs()).clamp(min=0))
        return along_axes(x, matrices)

    def _scales(self, x: Tensor, generator: torch.Generator) -> list[Tensor]:
        """Draw the side of each subject's box along each axis."""
        n_axes = len(self._grid(x))
        scale = uniform(self.scale, (len(x), 1), x, generator)
        if self.of_area:
            scale = scale ** (1 / n_axes)
        if tuple(self.ratio) == (1, 1):
            return [scale] * n_axes
        low, high = (math.log(value) for value in self.ratio)
        ratio = uniform((low, high), (len(x), 1), x, generator).exp()
        others = scale * ratio ** (-1 / n_axes)
        return [side.clamp(max=1.0) for side in (*[others] * (n_axes - 1), others * ratio)]
