"""z-scores of each volume within a mask."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skmmcl.exceptions import DataError
from skmmcl.utils._named import named
from skmmcl.utils._site import SiteLinkMixin
from skmmcl.utils._sklearn import StrOptions, fit_context


class MaskedZScore(SiteLinkMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardize each volume by the mean and standard deviation of its own voxels in a mask.

    Scanners give no absolute units, so that volumes differ in scale. Nothing is learned from other
    subjects. Voxels outside the mask become 0. For modalities of a container wrap it:
    ``ModalityTransformer({"t1": MaskedZScore()})``.

    Parameters
    ----------
    mask : {"nonzero", "all"} or array-like of bool, default="nonzero"
        Which voxels count: those of the volume that are not 0, all, or those of one mask in the
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

    one_by_one: ClassVar[bool] = True  # `ModalityTransformer` leaves lazy volumes in their files
    _parameter_constraints: ClassVar = {"mask": [StrOptions({"nonzero", "all"}), "array-like"]}

    def __init__(self, mask: Any = "nonzero") -> None:
        self.mask = mask

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: None = None) -> Self:
        """Check the volumes and the mask; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Volumes, flat or in their own shape.
        y : None
            Not used.

        Returns
        -------
        self : object
            The transformer.

        Raises
        ------
        DataError
            If the mask is empty or of another size than a volume.
        """
        X = self._check(X, reset=True)
        if not isinstance(self.mask, str):
            with named("mask", "an array of True and False"):
                mask = np.asarray(self.mask)
                if mask.dtype.kind not in "biuf" or not np.isfinite(mask).all():
                    raise ValueError(f"type {mask.dtype}, or not all finite")
            if mask.size != X[0].size:
                raise DataError(f"The mask has {mask.size} voxels, the volumes have {X[0].size}.")
            if not mask.any():
                raise DataError("The mask is empty: no voxel is True.")
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Standardize each volume.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Volumes, flat or in their own shape.

        Returns
        -------
        X_out : ndarray of that shape
            The z-scores, 0 outside the mask.

        Raises
        ------
        DataError
            If no voxel of a volume is in the mask.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
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

    def _check(self, X: Any, *, reset: bool) -> np.ndarray:
        with named("X", "volumes of shape (n_samples, ...)"):
            return validate_data(self, X, reset=reset, allow_nd=True, dtype="numeric")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
