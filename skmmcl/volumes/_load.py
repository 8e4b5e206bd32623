"""Volumes from a list of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import nibabel as nib
import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.utils._files import cache_folder, user_path
from skmmcl.utils._named import check_n_jobs, named
from skmmcl.utils._optional import import_optional
from skmmcl.volumes._cache import VolumeCache
from skmmcl.volumes._files import UNREADABLE, doubt_of, in_mm, space_of
from skmmcl.volumes._found import FoundFiles, read_paths, warn
from skmmcl.volumes._grid import Grid
from skmmcl.volumes._lazy import LazyVolumes
from skmmcl.volumes._recipe import INSTALL, Recipe, resample
from skmmcl.volumes._store import VolumeStore

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CHOICES = {
    "interpolation": ("continuous", "linear", "nearest"),
    "dtype": ("float32", "float16"),
    "on_error": ("raise", "missing"),
}


def load_volumes(
    paths: Iterable[str | Path | None],
    *,
    target_affine: ArrayLike | None = None,
    target_shape: Sequence[int] | None = None,
    interpolation: Literal["continuous", "linear", "nearest"] = "continuous",
    mask: str | Path | nib.Nifti1Image | None = None,
    dtype: Literal["float32", "float16"] = "float32",
    cache: str | Path | Literal[False] | None = None,
    on_error: Literal["raise", "missing"] = "raise",
    n_jobs: int | None = None,
) -> LazyVolumes:
    """Load 3-D images in files as a modality, whose voxels are read when they are needed.

    Headers are read now: all volumes must be 3-D and lie on the same grid of voxels once their
    axes point right, anterior, superior; else give `target_affine` or `target_shape`. Voxels are
    first read by `fit`, before it trains, or by :meth:`LazyVolumes.check`; later they come from the
    cache. Positions are in mm, whatever the unit in a header; a header without a unit is in mm.

    Parameters
    ----------
    paths : list, array or Series of str or path
        NIfTI (``.nii``, ``.nii.gz``) or MGH files (``.mgz``), one for each subject; None or NaN
        for one without. The index of a Series names the subjects.
    target_affine : float, (3,), (3, 3) or (4, 4) array-like, optional
        Size of voxels in mm, or affine, of the grid to which nilearn resamples all volumes. The
        grid covers the field of view of the first file, or has `target_shape` voxels; its axes
        are those of the affine.
    target_shape : (int, int, int), optional
        Number of voxels of that grid; alone, it keeps the field of view.
    interpolation : {"continuous", "linear", "nearest"}, default="continuous"
        How values between voxels are computed; use "nearest" for maps of labels.
    mask : "brain", path or Nifti1Image, optional
        Voxels outside become 0. "brain" is nilearn's mask of the MNI152 template, for volumes
        in MNI space. Values above 0 are inside. Masks are brought to the grid of the volumes, and
        may have further axes of length 1, as volumes may.
    dtype : {"float32", "float16"}, default="float32"
        Type in which volumes are stored; float16 halves the cache and keeps three digits.
    cache : path or False, optional
        Folder of the processed volumes; by default ``volumes`` in the folder that
        ``SKMMCL_CACHE`` names, else in ``~/skmmcl_data``. It may be deleted at any time. With
        False, each file is read and processed again in each epoch.
    on_error : {"raise", "missing"}, default="raise"
        Whether a file that cannot be used is an error, or marks its subject as lacking the
        modality.
    n_jobs : int, optional
        Number of threads that read; None means 1, -1 all processors.

    Returns
    -------
    LazyVolumes
        One volume for each path.

    Raises
    ------
    DataError
        If files are missing, are no 3-D images, lie on different grids or cannot be resampled;
        names subjects and files. If a target needs more than 1 GiB for each volume, and more
        voxels than the files have. If maps of labels, by their ``intent_code``, would be
        interpolated by another method than "nearest".

    Warns
    -----
    UserWarning
        If headers do not say how the axes lie, or contradict themselves about left and right; if
        several subjects have the same file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import nibabel as nib, numpy as np
    >>> from skmmcl.volumes import load_volumes
    >>> with TemporaryDirectory() as folder:
    ...     paths = [Path(folder, f"s{k}.nii.gz") for k in range(3)]
    ...     for path in paths:
    ...         nib.save(nib.Nifti1Image(np.ones((4, 5, 6), "float32"), np.eye(4)), path)
    ...     load_volumes(paths, cache=folder).check()
    LazyVolumes of shape (3, 4, 5, 6), float32
    """
    check_n_jobs(n_jobs)
    _check_choices(interpolation=interpolation, dtype=dtype, on_error=on_error)
    found = FoundFiles(*read_paths(paths), skip_faulty=on_error == "missing", n_jobs=n_jobs)
    if target_affine is None and target_shape is None:
        grid = found.common_grid()
    else:
        grid = found.asked_grid(
            interpolation, target_affine=target_affine, target_shape=target_shape
        )
    found.warn_of_doubts()
    recipe = Recipe(grid, interpolation, _read_mask(mask, grid), dtype)
    store = VolumeStore(
        files=found.files,
        ids=found.ids,
        recipe=recipe,
        cache=_open_cache(cache, recipe),
        skip_faulty=found.skip_faulty,
        n_jobs=n_jobs,
    )
    return LazyVolumes(store)


def _check_choices(**given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, str) or value not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {CHOICES[name]}; got {value!r}.")


def _read_mask(mask: str | Path | nib.Nifti1Image | None, grid: Grid) -> np.ndarray | None:
    if mask is None:
        return None
    image = _mask_image(mask)
    if doubt := doubt_of(image.header):
        warn(f"mask {doubt}; nibabel's choice is used, which may exchange left and right.")
    shape, affine = space_of(image.shape), in_mm(image.affine, image.header)
    if shape is None:
        raise DataError(f"mask must be a 3-D image; got shape {image.shape}.")
    try:
        values = np.asarray(image.dataobj, dtype=np.float32).reshape(shape)
        if values.shape != grid.shape or not Grid(grid.shape, affine).is_near(grid):
            values = resample(values, affine, grid, "nearest")
    except UNREADABLE as error:
        raise DataError(f"mask cannot be used: {error}.") from error
    inside = values > 0
    if not inside.any():
        raise DataError(f"mask is empty on the grid of the volumes, {grid.about}.")
    return inside


def _mask_image(mask: Any) -> Any:
    if isinstance(mask, str) and mask == "brain":
        advice = "mask='brain' comes from nilearn, which is not installed: " + INSTALL
        return import_optional("nilearn.datasets", advice).load_mni152_brain_mask(resolution=1)
    if isinstance(mask, (str, Path)):
        try:
            return nib.load(mask)
        except UNREADABLE as error:
            raise DataError(f"mask {mask} cannot be read as an image: {error}") from error
    if not hasattr(mask, "dataobj"):
        raise ValueError(f"mask must be 'brain', a path or an image of nibabel; got {mask!r}.")
    return mask


def _open_cache(cache: Any, recipe: Recipe) -> VolumeCache | None:
    if cache is False:
        return None
    with named("cache", "a folder, False, or None for the usual one"):
        folder = cache_folder() / "volumes" if cache is None else user_path(cache)
    return VolumeCache(folder.absolute(), recipe)
