"""TorchIO's histogram standardisation as a transformer of scikit-learn."""

from __future__ import annotations

from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skmmcl.utils._named import named
from skmmcl.utils._sklearn import Interval, fit_context


class HistogramStandardizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Give volumes the histogram of the training subjects.

    Percentiles of each volume are mapped onto those of the training subjects, piecewise linearly,
    by TorchIO :cite:p:`perezgarcia2021`. For modalities of a container wrap it:
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
        Number of training subjects.
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

    one_by_one: ClassVar[bool] = True  # `ModalityTransformer` leaves lazy volumes in their files
    _parameter_constraints: ClassVar = {
        "background": [Interval(Real, None, None, closed="neither"), None]
    }

    def __init__(self, background=0.0):
        self.background = background

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the landmarks of the training subjects.

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
        for name in ("n_samples_seen_", "landmarks_"):
            self.__dict__.pop(name, None)
        return self.partial_fit(X)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
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
        torchio = _torchio()
        n_seen = getattr(self, "n_samples_seen_", 0)
        X = self._check(X, reset=not n_seen)
        train = torchio.HistogramStandardization.train
        landmarks = []
        with TemporaryDirectory() as folder:  # TorchIO trains on files
            path = Path(folder, "volume.nrrd")  # bears any number of voxels in a row
            for volume in X:
                _write(_image(volume), path)
                landmarks.append(train([path], masking_function=self._counted, progress=False))
        # Landmarks of several volumes are the mean of theirs.
        earlier = n_seen * self.landmarks_ if n_seen else 0.0
        self.n_samples_seen_ = n_seen + len(X)
        self.landmarks_ = (earlier + np.sum(landmarks, axis=0)) / self.n_samples_seen_
        return self

    def transform(self, X):
        """Map the histogram of each volume onto the landmarks.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Volumes, flat or in their own shape.

        Returns
        -------
        X_out : ndarray of float32 and that shape
            Standardised volumes.
        """
        check_is_fitted(self)
        torchio = _torchio()
        X = self._check(X, reset=False)
        standardize = torchio.HistogramStandardization(
            {"default": self.landmarks_}, masking_method=self._counted
        )
        out = np.empty(X.shape, dtype=np.float32)
        for volume, new in zip(X, out, strict=True):
            image = torchio.ScalarImage(tensor=_image(volume)[None])
            subject = standardize(torchio.Subject(default=image))
            kept = False if self.background is None else volume == self.background
            new[...] = np.where(kept, volume, subject["default"].numpy().reshape(volume.shape))
        return out

    def _counted(self, values):
        counted = values != (np.inf if self.background is None else self.background)
        return counted if counted.any() else ~counted

    def _check(self, X, *, reset):
        least = 2 if reset else 1
        with named("X", "volumes of shape (n_samples, ...)"):
            return validate_data(
                self, X, reset=reset, allow_nd=True, dtype=np.float32, ensure_min_features=least
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _image(volume):
    """A volume of any shape as one of three dimensions; only its values count."""
    return np.ascontiguousarray(volume).reshape(1, 1, -1)


def _torchio():
    try:
        import torchio
    except ImportError as error:
        raise ImportError(
            'HistogramStandardizer needs TorchIO: pip install "skmmcl[volumes]".'
        ) from error
    return torchio


def _write(image, path):
    import SimpleITK  # comes with TorchIO

    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(image), path)
