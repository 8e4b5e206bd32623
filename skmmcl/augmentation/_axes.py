"""Spatial axes of a batch, and matrices that act along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skmmcl.augmentation._base import Augmentation


@dataclass(frozen=True)
class SpatialAugmentation(Augmentation):
    """Base class of augmentations that distinguish spatial axes from channels."""

    _: KW_ONLY
    spatial_dims: int = 3

    _inherited: ClassVar = {
        **Augmentation._inherited,  # noqa: SLF001
        "spatial_dims": "{1, 2, 3}, default=3\n"
        "    Number of the last axes that are spatial; those before them are channels.",
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.spatial_dims not in (1, 2, 3):
            raise ValueError(f"spatial_dims must be 1, 2 or 3, got {self.spatial_dims!r}.")

    def _grid(self, x: Tensor) -> tuple[int, ...]:
        """Return the sizes of the spatial axes."""
        if x.dim() <= self.spatial_dims:
            raise ValueError(
                f"{type(self).__name__} with spatial_dims={self.spatial_dims} takes batches of at "
                f"least {self.spatial_dims + 1} dimensions, got {tuple(x.shape)}."
            )
        return tuple(x.shape[-self.spatial_dims :])

    def _sides(self, x: Tensor, fraction: float) -> list[int]:
        """Return a fraction of each spatial axis, in voxels, at least one."""
        return [max(1, round(fraction * size)) for size in self._grid(x)]


def along_axes(x: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Multiply each of the last axes by a matrix, one for each subject.

    Parameters
    ----------
    x : Tensor of shape (n_samples, ..., *sizes)
        The batch.
    matrices : sequence of Tensor
        For each of ``sizes``, (n_samples, new_size, size).

    Returns
    -------
    Tensor of shape (n_samples, ..., *new_sizes)
    """
    n, first = len(x), x.dim() - len(matrices)
    for k, matrix in enumerate(matrices):
        before, after = x.shape[: first + k], x.shape[first + k + 1 :]
        if not after:
            x = torch.bmm(x.reshape(n, -1, x.shape[-1]), matrix.mT)
        else:
            rest = torch.Size(after).numel()
            blocks = x.reshape(n, -1, x.shape[first + k], rest)
            # Subject by subject: a broadcast product would copy the matrix for each block.
            x = torch.stack([torch.matmul(m, b) for m, b in zip(matrix, blocks, strict=True)])
        x = x.reshape(*before, matrix.shape[1], *after)
    return x
