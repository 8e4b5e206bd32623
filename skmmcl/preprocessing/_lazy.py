"""Transformers of each volume by itself, also of volumes that stay in their files."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skmmcl.data import MultimodalData
from skmmcl.data._flat import blank
from skmmcl.data._rows import as_key, row_blocks
from skmmcl.exceptions import DataError
from skmmcl.preprocessing._tables import nobody_has
from skmmcl.utils._named import named
from skmmcl.utils._site import SiteLinkMixin
from skmmcl.utils._sklearn import fit_context

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class OneByOneTransformer(SiteLinkMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Base of transformers of each volume by itself, which keep its shape.

    Subclasses that learn anything have ``partial_fit``.
    """

    one_by_one: ClassVar[bool] = True  # `ModalityTransformer` leaves lazy volumes in their files

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Check the volumes of the training subjects, and learn from them where needed.

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

        Raises
        ------
        DataError
            If the volumes cannot be used: if the mask is empty or of another size, or if no volume
            has a histogram.
        """
        self._learn(X)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Transform each volume.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Volumes, flat or in their own shape.

        Returns
        -------
        X_out : ndarray of that shape
            The transformed volumes, of float32 or float64.

        Raises
        ------
        DataError
            If no voxel of a volume is in the mask.
        """
        check_is_fitted(self)
        return self._map(self._check(X, reset=False))

    @abstractmethod
    def _learn(self, X: ArrayLike) -> None:
        """Learn from volumes that are not checked yet."""

    @abstractmethod
    def _map(self, X: np.ndarray) -> np.ndarray:
        """Transform volumes that are checked."""

    def _check(self, X: ArrayLike, *, reset: bool, **options: Any) -> np.ndarray:
        with named("X", "volumes of shape (n_samples, ...)"):
            return validate_data(self, X, reset=reset, allow_nd=True, **options)


def stays_lazy(transformer: Any, X: MultimodalData, name: str) -> bool:
    """Return whether a modality can stay in its files under a transformer."""
    return getattr(transformer, "one_by_one", False) and hasattr(X.base(name), "restrict")


def fit_by_blocks(transformer: Any, X: MultimodalData, name: str) -> Any:
    """Fit with a few of the subjects who have the modality in memory at a time."""
    blocks = _present_blocks(X, name)
    first = next(blocks, None)
    if first is None:
        raise nobody_has(name, transformer)
    transformer.fit(first)
    if hasattr(transformer, "partial_fit"):
        for block in blocks:
            transformer.partial_fit(block)
    return transformer


def _present_blocks(X: MultimodalData, name: str) -> Iterator[np.ndarray]:
    present = np.flatnonzero(X.mask[:, X.modalities.index(name)])
    n_values = math.prod(X.shapes[name])
    for rows in row_blocks(present, n_values * X.dtypes[name].itemsize):
        yield np.asarray(X[rows][name]).reshape(len(rows), n_values)


def transformed_when_read(transformer: Any, X: MultimodalData, name: str) -> MappedRows:
    """Return the modality as it will be transformed; missing stays missing."""
    present = X.mask[:, X.modalities.index(name)]
    return MappedRows(blank(X[name], present), transformer, name)


class MappedRows:
    """A lazy modality as a fitted transformer of single subjects makes it, each time it is read.

    Selecting subjects reads nothing, as in the modality itself; NaN marks missing subjects.
    """

    def __init__(self, base: Any, transformer: Any, name: str) -> None:
        self.base, self.transformer, self.name = base, transformer, name

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of subjects, and shape of one."""
        return tuple(self.base.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """That of the modality, or float32 if that has no fractions."""
        return np.result_type(self.base.dtype, np.float32)

    @property
    def present(self) -> np.ndarray:
        """Presence of the modality, True for subjects who have it."""
        return self.base.present

    @property
    def paths(self) -> list[str | None]:
        """File of each subject."""
        return self.base.paths

    def check(self) -> Self:
        """Let the modality look at its files."""
        self.base.check()
        return self

    def restrict(self, present) -> MappedRows:
        """Return the same rows, missing wherever `present` is False."""
        return MappedRows(self.base.restrict(present), self.transformer, self.name)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, key):
        if isinstance(key, (int, np.integer)):
            return np.asarray(self[[key]])[0]
        return MappedRows(self.base[key], self.transformer, self.name)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError("Rows that are changed when they are read need memory of their own.")
        out = np.empty(self.shape, dtype or self.dtype)
        for rows in row_blocks(range(len(self)), out[:1].nbytes):
            part = self.base[as_key(rows)]
            values = np.asarray(part, dtype=self.dtype)
            for k, (row, value) in enumerate(zip(rows, values, strict=True)):
                out[row] = value if np.isnan(value).all() else self._mapped(value, part, k)
        return out

    def _mapped(self, value: np.ndarray, part: Any, k: int) -> np.ndarray:
        try:
            out = self.transformer.transform(value.reshape(1, -1)).reshape(value.shape)
            if not np.isfinite(out).all():
                raise DataError("it holds NaN or infinite values after it was transformed.")
            return out
        except DataError as error:
            raise DataError(f"Modality {self.name!r}, {part.paths[k]}: {error}") from error

    def __repr__(self) -> str:
        return f"MappedRows of shape {self.shape}, {self.dtype}"
