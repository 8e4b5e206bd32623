"""z-scores of each volume within a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.preprocessing._lazy import OneByOneTransformer
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import StrOptions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class MaskedZScore(OneByOneTransformer):
    """Standardize each volume by the mean and standard deviation of its own voxels in a mask.

    Scanners give no absolute units, so that volumes differ in scale. Nothing is learned from other
    subjects. Voxels outside the mask become 0. For modalities of a container wrap it:
    ``ModalityTransformer({"t1": MaskedZScore()})``.

    Parameters
    ----------
    mask : {"nonzero", "all"} or array-like of bool, default="nonzero"
        Voxels that count: those of the volume that are not 0, all, or those of one mask in the
        shape of a volume for all subjects.

    Attributes
    ----------
    n_features_in_ : int
        Number of voxels, where volumes are flat.

    Notes
    -----
    In a constant volume all z-scores are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.preprocessing import MaskedZScore
    >>> MaskedZScore().fit_transform(np.array([[0.0, 1.0, 2.0, 3.0]])).round(2)
    array([[ 0.  , -1.22,  0.  ,  1.22]])
    """

    _parameter_constraints: ClassVar = {"mask": [StrOptions({"nonzero", "all"}), "array-like"]}

    def __init__(self, mask: str | ArrayLike = "nonzero") -> None:
        self.mask = mask

    def _learn(self, X: ArrayLike) -> None:
        volumes = self._check(X, reset=True)
        if not isinstance(self.mask, str):
            with named("mask", "an array of True and False"):
                mask = np.asarray(self.mask)
                if mask.dtype.kind not in "biuf" or not np.isfinite(mask).all():
                    raise ValueError(f"type {mask.dtype}, or not all finite")
            if mask.size != volumes[0].size:
                raise DataError(
                    f"The mask has {mask.size} voxels, the volumes have {volumes[0].size}."
                )
            if not mask.any():
                raise DataError("The mask is empty: no voxel is True.")

    def _map(self, X: np.ndarray) -> np.ndarray:
        out = np.zeros(X.shape, dtype=np.result_type(X.dtype, np.float32))
        for row, (volume, z) in enumerate(zip(X, out, strict=True)):
            inside = self._inside(volume)
            values = volume[inside].astype(np.float64)
            if not len(values):
                raise DataError(f"Volume {row} has no voxel in the mask {self.mask!r}.")
            if not 1e-150 < (largest := np.abs(values).max()) < 1e150:  # of which squares are none
                values = values / (largest or 1.0)
            std = values.std()
            # A constant volume has no more than rounding about its mean.
            flat = std <= 10 * np.finfo(values.dtype).eps * abs(values.mean())
            z[inside] = 0.0 if flat else (values - values.mean()) / std
        return out

    def _inside(self, volume: np.ndarray) -> np.ndarray:
        if isinstance(self.mask, str):
            return volume != 0 if self.mask == "nonzero" else np.ones(volume.shape, dtype=bool)
        return np.asarray(self.mask, dtype=bool).reshape(volume.shape)

    def _check(self, X: ArrayLike, *, reset: bool, **options: Any) -> np.ndarray:
        return super()._check(X, reset=reset, dtype="numeric", **options)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
