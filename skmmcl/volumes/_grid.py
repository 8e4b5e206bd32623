"""Grids of voxels: the common grid of a cohort, and which files lie on it."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np

from skmmcl.utils._named import named

TOLERANCE = 1e-3  # mm; headers store float32
MAX_VOXELS = 2**28  # to which a volume may be resampled: 1 GiB


class Grid(NamedTuple):
    """Shape of a grid of voxels, and the affine from their indices to mm."""

    shape: tuple[int, int, int]
    affine: np.ndarray

    def is_near(self, other: Grid) -> bool:
        """Return whether voxels of the two lie at the same positions."""
        return self.shape == other.shape and np.allclose(
            self.affine, other.affine, rtol=0, atol=min(self.tolerance, other.tolerance)
        )

    @property
    def tolerance(self) -> float:
        """Difference in mm up to which entries of affines are equal; less for microscopes."""
        return min(TOLERANCE, 0.01 * float(nib.affines.voxel_sizes(self.affine).min()))

    @property
    def corners(self) -> list[tuple[float, ...]]:
        """Corners of the field of view, in voxels."""
        return list(product(*((-0.5, n - 0.5) for n in self.shape)))

    @property
    def about(self) -> str:
        """Shape, voxel sizes and origin in words."""
        sizes = " x ".join(f"{size:.4g}" for size in nib.affines.voxel_sizes(self.affine))
        origin = ", ".join(f"{x:.4g}" for x in self.affine[:3, 3])
        return f"shape {self.shape} with voxels of {sizes} mm from ({origin})"


def canonical_grid(shape: tuple[int, ...], affine: np.ndarray) -> Grid:
    """Return the grid of an image once its axes point right, anterior, superior."""
    turn = nib.io_orientation(affine)
    turned = np.empty(3, dtype=int)
    turned[turn[:, 0].astype(int)] = shape
    x, y, z = turned.tolist()
    return Grid((x, y, z), affine @ nib.orientations.inv_ornt_aff(turn, shape))


def is_invertible(affine: np.ndarray) -> bool:
    """Return whether an affine can be inverted, whatever its unit."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or not sizes.all():
        return False
    return bool(abs(np.linalg.det(affine[:3, :3] / sizes)) > 1e-6)


def misfit(own: Grid, target: Grid) -> str | None:
    """Return why a volume cannot be resampled to a grid; None if it can."""
    if own.is_near(target):
        return None
    into_target = np.linalg.inv(target.affine) @ own.affine
    ends = list(product(*((0, n - 1) for n in target.shape)))
    read_at = nib.affines.apply_affine(np.linalg.inv(into_target), ends)
    if any(n == 1 and abs(x).max() > 1e-6 for n, x in zip(own.shape, read_at.T, strict=True)):
        return f"is one voxel thick, of shape {own.shape}, and there is nothing to either side"
    corners = nib.affines.apply_affine(into_target, own.corners)
    if (corners.max(axis=0) < -0.5).any() or (
        corners.min(axis=0) > np.array(target.shape) - 0.5
    ).any():
        return f"has {own.about}, outside of {target.about}"
    return None


def target_grid(own: Grid, target_affine: Any, target_shape: Any) -> Grid:
    """Return the grid that a cohort is resampled to: by default the field of view of a file."""
    shape = None if target_shape is None else _checked_shape(target_shape)
    if target_affine is None:
        return own if shape is None else _stretched(own, shape)
    with named("target_affine", "numbers"):
        affine = np.asarray(target_affine, dtype=float)
    if affine.shape in {(), (3,)}:
        affine = np.diag(np.broadcast_to(np.where(affine > 0, affine, np.nan), 3))
    if affine.shape not in {(3, 3), (4, 4)} or not is_invertible(affine):
        raise ValueError(
            "target_affine must be a voxel size in mm, three of them, or an invertible matrix of "
            f"shape (3, 3) or (4, 4); got {target_affine!r}."
        )
    return _covering(own, affine, shape)


def _checked_shape(target_shape: Any) -> tuple[int, int, int]:
    with named("target_shape", "three positive integers"):
        shape = np.asarray(target_shape)
    if shape.shape != (3,) or shape.dtype.kind not in "iu" or (shape < 1).any():
        raise ValueError(f"target_shape must be three positive integers; got {target_shape!r}.")
    x, y, z = shape.tolist()
    return x, y, z


def _stretched(own: Grid, shape: tuple[int, int, int]) -> Grid:
    """Return a grid of the given shape with the same field of view."""
    step = np.array(own.shape) / np.array(shape)
    into_own = nib.affines.from_matvec(np.diag(step), (step - 1) / 2)
    return Grid(shape, own.affine @ into_own)


def _covering(own: Grid, affine: np.ndarray, shape: tuple[int, int, int] | None) -> Grid:
    """Return voxels of the affine's size over the field of view, from the origin of a 4 x 4 one."""
    corners = nib.affines.apply_affine(own.affine, own.corners)
    in_voxels = corners @ np.linalg.inv(affine[:3, :3]).T
    low, high = in_voxels.min(axis=0), in_voxels.max(axis=0)
    if affine.shape == (4, 4):
        start = affine[:3, 3]
        high = high - np.linalg.solve(affine[:3, :3], start) + 0.5
    else:
        start = affine @ (low + 0.5)
        high = high - low
    if shape is None:
        counts = np.nan_to_num(np.maximum(1, np.ceil(high - TOLERANCE)))
        x, y, z = (int(n) for n in counts.tolist())  # Python's integers do not overflow
        shape = x, y, z
    return Grid(shape, nib.affines.from_matvec(affine[:3, :3], start))
