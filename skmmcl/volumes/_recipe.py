"""Processing of a file's voxels before they are stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nibabel as nib
import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.utils._optional import import_optional
from skmmcl.volumes._files import VolumeFile, decode
from skmmcl.volumes._grid import Grid

INSTALL = 'pip install "skmmcl[volumes]"'
SMALLEST = 2.0**-14  # normal number of float16; those below lose their digits
EXACT = 2**24  # float32, as which voxels are read, rounds whole numbers from here on
MAKES_VOXELS = ("_files.py", "_grid.py", "_recipe.py")


@dataclass(frozen=True, eq=False)
class Recipe:
    """Settings that a stored volume depends on, in addition to the content of its file.

    All volumes are brought to `grid`, those on another grid by `interpolation`; voxels outside of
    `mask` become 0; `dtype` is the type that is stored.
    """

    grid: Grid
    interpolation: str
    mask: np.ndarray | None
    dtype: str

    def key(self) -> bytes:
        """Return a hash of the settings, this code and the versions of what computes voxels."""
        shape, affine = self.grid
        mask = b"" if self.mask is None else np.packbits(self.mask).tobytes()
        settings = repr((shape, affine.tolist(), self.interpolation, self.dtype, code_version()))
        return hashlib.sha256(settings.encode() + mask).digest()

    def __call__(self, content: bytes, file: VolumeFile) -> np.ndarray:
        """Return the volume to store of a file's content.

        Damaged files and voxels that training cannot use raise a DataError.
        """
        data = decode(content)
        gaps = ~np.isfinite(data)
        holed = bool(gaps.any())
        if holed:
            data = np.where(gaps, np.float32(0), data)
        if not file.grid.is_near(self.grid):
            data = resample(data, file.grid.affine, self.grid, self.interpolation)
            if holed:
                holes = gaps.astype(np.float32)
                gaps = resample(holes, file.grid.affine, self.grid, "nearest") > 0
        if self.mask is not None:
            data = np.where(self.mask, data, np.float32(0))
            gaps = gaps & self.mask if holed else gaps
        if holed:
            _check_gaps(gaps)
        with np.errstate(over="ignore"):  # what becomes infinite is an error of _check_stored
            stored = np.ascontiguousarray(data, dtype=self.dtype)
        _check_stored(data, stored)
        if file.holds_labels or self.interpolation == "nearest":
            _check_labels(data, stored)
        return stored


@cache
def code_version() -> str:
    """Return a hash of the code that computes voxels, and the versions of what it calls."""
    folder = Path(__file__).parent
    code = hashlib.sha256(b"".join((folder / name).read_bytes() for name in MAKES_VOXELS))
    versions = [f"{name} {_version(name)}" for name in ("nibabel", "nilearn", "scipy")]
    return " ".join([code.hexdigest(), *versions])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def resample(data: np.ndarray, affine: np.ndarray, grid: Grid, interpolation: str) -> np.ndarray:
    """Resample voxels to a grid by nilearn; outside their field of view, values are 0."""
    advice = "Volumes are resampled by nilearn, which is not installed: " + INSTALL
    nilearn = import_optional("nilearn.image", advice)
    try:
        image = nilearn.resample_img(
            nib.Nifti1Image(data, affine),
            target_affine=grid.affine,
            target_shape=grid.shape,
            interpolation=interpolation,
            copy_header=True,
            force_resample=True,
        )
    except nilearn.resampling.BoundingBoxError as error:
        raise DataError(f"lies outside of the grid of {grid.about}") from error
    return np.asarray(image.dataobj, dtype=np.float32)


def _check_gaps(gaps: np.ndarray) -> None:
    if gaps.any():
        place = tuple(np.argwhere(gaps)[0].tolist())
        raise DataError(
            f"has {int(gaps.sum())} voxels that are NaN or infinite, the first at {place}; fill "
            "them, or give a mask without them"
        )


def _check_stored(data: np.ndarray, stored: np.ndarray) -> None:
    if stored.dtype != np.float16:
        return
    largest = float(np.abs(data).max())
    if 0 < largest < SMALLEST or not np.isfinite(stored).all():
        size = "small" if largest < 1 else "large"
        raise DataError(
            f"has values up to {largest:.4g}, too {size} for dtype='float16'; use 'float32'"
        )


def _check_labels(data: np.ndarray, stored: np.ndarray) -> None:
    """Raise if labels are rounded; values that are not whole numbers are none."""
    largest = float(np.abs(data).max())
    is_exact = largest < EXACT and (stored.dtype == data.dtype or np.array_equal(data, stored))
    if not is_exact and np.array_equal(data, np.rint(data)):
        raise DataError(
            f"has labels up to {largest:.0f}, and dtype={stored.dtype.name!r} rounds labels above "
            f"{2 ** (np.finfo(stored.dtype).nmant + 1)}; use 'float32' or renumber them"
        )
