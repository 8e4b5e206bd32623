"""Maps over the entries of a modality: masked, rescaled, smoothed, and as images."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from scipy.ndimage import gaussian_filter

from skmmcl.exceptions import DataError
from skmmcl.volumes import LazyVolumes
from skmmcl.volumes._files import in_mm, space_of
from skmmcl.volumes._grid import Grid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def maps_to_image(maps: ArrayLike, reference: Any) -> nib.Nifti1Image:
    """Return maps as a NIfTI image on the grid of a cohort.

    Parameters
    ----------
    maps : array-like of shape (i, j, k) or (..., i, j, k)
        One value for each voxel.
    reference : LazyVolumes, image or array-like of shape (4, 4)
        Where the voxels lie: the volumes that the maps are about, such as ``X["t1"]`` from
        :func:`~skmmcl.volumes.load_volumes`, a nibabel image on the same grid, or an affine from
        indices of voxels to mm.

    Returns
    -------
    nibabel.nifti1.Nifti1Image
        In float32, of shape (i, j, k) or, with the maps one after another, (i, j, k, n_maps).

    Raises
    ------
    DataError
        If the grid of the reference has another shape than the maps.

    Examples
    --------
    >>> import nibabel, numpy as np
    >>> from skmmcl.inspection import maps_to_image
    >>> image = maps_to_image(np.zeros((5, 4, 6, 4)), np.diag([2, 2, 2, 1]))
    >>> image.shape, nibabel.affines.voxel_sizes(image.affine)
    ((4, 6, 4, 5), array([2., 2., 2.]))
    """
    maps = np.asarray(maps, dtype=np.float32)
    if maps.ndim < 3:
        raise DataError(f"Maps of shape {maps.shape} have no voxels; expected (..., i, j, k).")
    affine = affine_of(reference, maps.shape[-3:])
    if maps.ndim > 3:
        maps = np.moveaxis(maps.reshape(-1, *maps.shape[-3:]), 0, -1)
    return nib.Nifti1Image(maps, affine)


def affine_of(reference: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return the affine of a reference, whose grid must have the shape given."""
    affine = np.asarray(_affine_in_mm(reference))
    if affine.shape != (4, 4) or affine.dtype.kind not in "iuf":
        raise TypeError(
            "The reference must be volumes of load_volumes, a nibabel image or an affine of shape "
            f"(4, 4); got {type(reference).__name__} of shape {affine.shape}."
        )
    found = grid_shape(reference)
    if found is not None and found != tuple(shape):
        raise DataError(f"The maps have shape {tuple(shape)}, but the reference {found}.")
    return affine.astype(float)


def _affine_in_mm(reference: Any) -> Any:
    if hasattr(reference, "header"):  # volumes of load_volumes are in mm already
        return in_mm(reference.affine, reference.header)
    return getattr(reference, "affine", reference)


def grid_shape(reference: Any) -> tuple[int, ...] | None:
    """Return the shape of one volume of a reference; None for a bare affine."""
    if not hasattr(reference, "affine"):
        return None
    return tuple(reference.shape[1:] if isinstance(reference, LazyVolumes) else reference.shape[:3])


def read_mask(mask: Any, shape: tuple[int, ...], about: str, reference: Any = None) -> np.ndarray:
    """Return a mask of the shape given, from an array, an image or its path; all entries for None.

    An image must lie on the grid of the reference, if that has one.
    """
    if mask is None:
        mask = getattr(reference, "mask", None)
    if mask is None:
        return np.ones(shape, dtype=bool)
    if isinstance(mask, str | PathLike):
        mask = nib.load(mask)
    image = mask if hasattr(mask, "affine") else None
    values = np.asarray(mask.dataobj if image is not None else mask) != 0
    if image is not None:
        values = values.reshape(space_of(values.shape) or values.shape)
    if values.shape != tuple(shape):
        raise DataError(f"The mask has shape {values.shape}, but {about} {tuple(shape)}.")
    if image is not None and hasattr(reference, "affine"):
        own, theirs = (Grid(shape, np.asarray(_affine_in_mm(x))) for x in (image, reference))  # type: ignore[arg-type]
        if not own.is_near(theirs):
            raise DataError(f"The mask has {own.about}, but {about} {theirs.about}.")
    if not values.any():
        raise DataError(f"The mask of {about} is empty.")
    return values


def rescaled(maps: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return each map from 0 to 1 within the mask, and 0 outside; a constant one is 0."""
    inside = maps[:, mask]
    lowest = inside.min(axis=1, keepdims=True)
    width = inside.max(axis=1, keepdims=True) - lowest
    out = np.zeros_like(maps)
    out[:, mask] = (inside - lowest) / np.where(width > 0, width, 1)
    return out


def smoothed(maps: np.ndarray, mask: np.ndarray, sigma: float) -> np.ndarray:
    """Return each volume smoothed within the mask, as if there were nothing outside."""
    if maps.ndim < 4 or not sigma:
        return maps
    sigmas = (0,) * (maps.ndim - 3) + (sigma,) * 3
    out = gaussian_filter(maps * mask, sigmas, mode="constant")
    weight = gaussian_filter(mask.astype(maps.dtype), sigmas[1:], mode="constant")
    return np.divide(out, weight, out=np.zeros_like(out), where=mask)
