"""Volumes that are read from their files on demand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skmmcl.data._rows import as_key, take_rows
from skmmcl.volumes._store import VolumeStore

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class LazyVolumes:
    """3-D volumes of the same grid, one for each subject, in files.

    :func:`load_volumes` returns it. It is a modality for :class:`~skmmcl.data.MultimodalData` and
    behaves like an array of shape ``(n_subjects, *grid)``: a slice, a mask or an array of positions
    selects subjects and reads nothing, a single integer reads one volume, ``np.asarray`` reads
    all. Its pickle holds paths and settings, no voxels.

    Parameters
    ----------
    store : VolumeStore
        Files of the whole cohort, as :func:`load_volumes` collects them.
    rows : range or ndarray of int, optional
        Subjects of the cohort; all by default.
    named : bool, default=True
        Whether `ids` returns the names of the subjects, if they were given.

    See Also
    --------
    load_volumes : Volumes from a list of files.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import nibabel as nib, numpy as np
    >>> from skmmcl.volumes import load_volumes
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "s1.nii.gz")
    ...     nib.save(nib.Nifti1Image(np.ones((4, 5, 6), "float32"), np.eye(4)), path)
    ...     volumes = load_volumes([path, None], cache=False)
    ...     volumes[:1], volumes[0].mean()
    (LazyVolumes of shape (1, 4, 5, 6), float32, np.float32(1.0))
    >>> volumes.present
    array([ True, False])
    """

    def __init__(
        self, store: VolumeStore, rows: range | np.ndarray | None = None, *, named: bool = True
    ) -> None:
        self._store, self._named = store, named
        self._rows = range(len(store.files)) if rows is None else rows

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of subjects, and shape of the grid."""
        return len(self), *self._store.recipe.grid.shape

    @property
    def ndim(self) -> int:
        """Always 4."""
        return 4

    @property
    def dtype(self) -> np.dtype:
        """Type in which volumes are returned: float32."""
        return np.dtype(np.float32)

    @property
    def storage_dtype(self) -> np.dtype:
        """Type in which volumes are stored; ``np.asarray(volumes, storage_dtype)`` casts none."""
        return np.dtype(self._store.recipe.dtype)

    @property
    def affine(self) -> np.ndarray:
        """Matrix from indices of voxels to mm, of shape (4, 4)."""
        return self._store.recipe.grid.affine.copy()

    @property
    def mask(self) -> np.ndarray | None:
        """True at voxels that are not set to 0, of the grid's shape; None if none are."""
        mask = self._store.recipe.mask
        return None if mask is None else mask.copy()

    @property
    def ids(self) -> np.ndarray | None:
        """Names of the subjects, if they were given."""
        return self._names if self._named else None

    @property
    def _names(self) -> np.ndarray | None:
        return None if self._store.ids is None else self._store.ids[as_key(self._rows)]

    @property
    def paths(self) -> list[str | None]:
        """File of each subject."""
        files = (self._store.files[row] for row in self._rows)
        return [None if file is None else file.path for file in files]

    @property
    def present(self) -> np.ndarray:
        """True for subjects with a volume; ``on_error="missing"`` reads each file once for it."""
        return self._store.present(self._positions)

    @property
    def _positions(self) -> np.ndarray:
        return np.asarray(self._rows, dtype=np.int64)

    def check(self) -> Self:
        """Read each volume once, which fills the cache.

        `fit` and `transform` of all estimators do it first. Later calls, and those on slices,
        do not read a file again.

        Returns
        -------
        self : LazyVolumes
            The same volumes.

        Raises
        ------
        DataError
            If volumes are damaged or hold values that training cannot use, unless
            ``on_error="missing"``; the message names the subjects and files.
        """
        self._store.check(self._positions)
        return self

    def restrict(self, present: ArrayLike) -> LazyVolumes:
        """Return the same volumes, missing wherever `present` is False.

        Parameters
        ----------
        present : array-like of bool of shape (n_subjects,)
            True for subjects who keep their volume.

        Returns
        -------
        LazyVolumes
            Missing volumes are read as NaN.
        """
        kept = zip(self._rows, np.asarray(present, dtype=bool), strict=True)
        files = [self._store.files[row] if keep else None for row, keep in kept]
        return LazyVolumes(replace(self._store, files=files, ids=self._names), named=self._named)

    def without_ids(self) -> LazyVolumes:
        """Return the same volumes with `ids` None, as a container keeps them.

        Returns
        -------
        LazyVolumes
            Messages still name the subjects.
        """
        return LazyVolumes(self._store, self._rows, named=False)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)):
            (row,) = np.asarray(take_rows(self._rows, key))
            return self._store.read(np.array([row]))[0].astype(np.float32, copy=False)
        return LazyVolumes(self._store, take_rows(self._rows, key), named=self._named)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if copy is False:
            raise ValueError("Volumes in files cannot become an array without a copy.")
        return self._store.read(self._positions).astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        return f"LazyVolumes of shape {self.shape}, {self.dtype}"
