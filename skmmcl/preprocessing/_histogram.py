"""TorchIO's histogram standardization as a transformer of scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.preprocessing._lazy import OneByOneTransformer
from skmmcl.utils._optional import import_optional
from skmmcl.utils._sklearn import Interval, fit_context

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MEDIAN = 6  # among TorchIO's landmarks, at 1, 10, 20, 25, 30, 40, 50, 60, ... percent


class HistogramStandardizer(OneByOneTransformer):
    """Match the histogram of each volume to that of the training subjects.

    Percentiles of each volume are mapped onto those of the training subjects, piecewise linearly,
    by TorchIO :cite:p:`perezgarcia2021`. A volume has no histogram if nearly all of its counted
    voxels are equal, as in a constant or binary one: a warning names it, nothing is learned, and
    its voxels become the median of the landmarks. For modalities of a container wrap it:
    ``ModalityTransformer({"t1": HistogramStandardizer()})``. Needs
    ``pip install "skmmcl[volumes]"``.

    Parameters
    ----------
    background : float or None, default=0.0
        Voxels of this value are left out when percentiles are counted, and stay as they are. None
        counts all.

    Attributes
    ----------
    landmarks_ : ndarray of shape (13,)
        The training subjects' landmarks, between 0 and 100.
    n_samples_seen_ : int
        Number of training subjects whose volumes have a histogram.
    n_features_in_ : int
        Number of voxels, where volumes are flat.

    See Also
    --------
    MaskedZScore : Without other subjects.

    References
    ----------
    :cite:t:`nyul1999`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.preprocessing import HistogramStandardizer
    >>> volumes = np.random.default_rng(0).gamma(2.0, [[1.0], [50.0]], size=(2, 500))
    >>> like = HistogramStandardizer().fit_transform(volumes)  # doctest: +SKIP
    >>> np.median(like, axis=1)  # doctest: +SKIP
    array([31.2, 31.2])
    """

    _parameter_constraints: ClassVar = {
        "background": [Interval(Real, None, None, closed="neither"), None]
    }

    landmarks_: np.ndarray

    def __init__(self, background: float | None = 0.0) -> None:
        self.background = background

    def _learn(self, X: ArrayLike) -> None:
        for name in ("n_samples_seen_", "landmarks_"):
            self.__dict__.pop(name, None)
        self.partial_fit(X)
        if not self.n_samples_seen_:
            raise DataError("No volume has a histogram: nearly all voxels of each are equal.")

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: None = None) -> Self:
        """Learn the landmarks of more training subjects.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Volumes, flat or in their own shape.
        y : None
            Not used.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        n_seen = getattr(self, "n_samples_seen_", 0)
        volumes = self._check(X, reset=not n_seen)
        with TemporaryDirectory() as folder:  # TorchIO trains on files
            path = Path(folder, "volume.nrrd")  # a format without a limit on the length of a row
            landmarks = np.array([self._landmarks(volume, path) for volume in volumes])
        has_spread = landmarks[:, -1] - landmarks[:, 0] > 50  # else 0 or NaN
        if not has_spread.all():
            _warn_of_no_spread(np.flatnonzero(~has_spread), "nothing is learned from them")
        # Landmarks of several volumes are the mean of theirs.
        earlier: Any = n_seen * self.landmarks_ if n_seen else 0.0
        self.n_samples_seen_ = n_seen + int(has_spread.sum())
        if self.n_samples_seen_:
            total = earlier + landmarks[has_spread].sum(axis=0)
            self.landmarks_ = total / self.n_samples_seen_
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "landmarks_")

    def _map(self, X: np.ndarray) -> np.ndarray:
        out = np.empty(X.shape, dtype=np.float32)
        constant = []
        for row, (volume, new) in enumerate(zip(X, out, strict=True)):
            mapped = self._standardized(volume)
            if mapped is None:
                constant.append(row)
                mapped = self.landmarks_[MEDIAN]
            kept = False if self.background is None else volume == self.background
            new[...] = np.where(kept, volume, mapped)
        if constant:
            _warn_of_no_spread(constant, "each becomes constant")
        return out

    def _landmarks(self, volume: np.ndarray, path: Path) -> np.ndarray:
        """Return those of one volume, from 0 to 100 if it has any spread."""
        train = _torchio().HistogramStandardization.train
        _write(_image(volume), path)
        with np.errstate(all="ignore"):
            return train([path], masking_function=self._counted, progress=False)

    def _standardized(self, volume: np.ndarray) -> np.ndarray | None:
        """Return the volume with its new histogram; None if it has none."""
        torchio = _torchio()
        counted = self._counted(volume)
        standardize = torchio.HistogramStandardization(
            {"default": self.landmarks_},
            masking_method=lambda image: image.new_tensor(_image(counted)[None]).bool(),
        )
        # TorchIO takes steps below 1e-5 for none; a power of two changes no digit.
        exponent = 60 - int(np.frexp(np.abs(volume).max())[1])
        image = torchio.ScalarImage(tensor=np.ldexp(_image(volume), exponent)[None])
        # To call it would draw from torch's global generator.
        subject = standardize.apply_transform(torchio.Subject(default=image))
        mapped = subject["default"].numpy().reshape(volume.shape)
        # Percentiles that are one and the same map all voxels onto two values.
        if np.all((mapped == mapped.min()) | (mapped == mapped.max())) and not np.ptp(
            np.percentile(volume[counted], [1, 99])
        ):
            return None
        return mapped

    def _counted(self, values: np.ndarray) -> np.ndarray:
        counted = values != (np.inf if self.background is None else self.background)
        return counted if counted.any() else ~counted

    def _check(self, X: ArrayLike, *, reset: bool, **options: Any) -> np.ndarray:
        least = 2 if reset else 1
        return super()._check(
            X, reset=reset, dtype=np.float32, ensure_min_features=least, **options
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _warn_of_no_spread(rows: Iterable, outcome: str) -> None:
    rows = list(rows)
    named = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    warnings.warn(
        f"{len(rows)} volumes have no histogram, since nearly all of their voxels outside the "
        f"background are equal, and {outcome}: rows {named}.",
        UserWarning,
        stacklevel=3,
    )


def _image(volume: np.ndarray) -> np.ndarray:
    """Return a volume of any shape as one of three dimensions; only its values count."""
    return np.ascontiguousarray(volume).reshape(1, 1, -1)


def _torchio() -> Any:
    advice = 'HistogramStandardizer needs TorchIO: pip install "skmmcl[volumes]".'
    return import_optional("torchio", advice)


def _write(image: np.ndarray, path: Path) -> None:
    import SimpleITK  # comes with TorchIO

    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(image), path)
