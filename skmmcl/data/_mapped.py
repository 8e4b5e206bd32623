"""Lazy modalities with something done to each subject when it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from skmmcl.data._rows import as_key, row_blocks
from skmmcl.exceptions import DataError


class BareRows:
    """What has only ``shape``, ``dtype`` and ``array[rows]``, as an array-like.

    Parameters
    ----------
    array : object
        Gives numbers for a slice and for rising numbers of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data._mapped import BareRows
    >>> np.asarray(BareRows(np.eye(2))).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape, self.dtype = tuple(array.shape), array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key):
        return self.array[key]

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.array(self.array[:], dtype=dtype)


class MappedRows:
    """Stands for the array that a function of single subjects makes of a lazy modality.

    Picking subjects reads nothing, as in the modality itself; whatever reads them calls the
    function, each time anew.

    Parameters
    ----------
    base : lazy array-like of shape (n_subjects, ...)
        Has the methods of :class:`~skmmcl.volumes.LazyVolumes`; NaN stands for who is missing.
    function : callable
        Takes and gives arrays of one subject, of shape (1, ...). It must bear to be pickled.
    name : str
        The modality's, for messages.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data._mapped import MappedRows
    >>> rows = MappedRows(np.eye(3), np.negative, "t1")  # in memory, as an example
    >>> rows[1:]
    MappedRows of shape (2, 3), float64
    >>> np.asarray(rows[1:])
    array([[-0., -1., -0.],
           [-0., -0., -1.]])
    """

    def __init__(self, base: Any, function: Callable, name: str) -> None:
        self.base, self.function, self.name = base, function, name

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
        """Who has the modality."""
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
        return MappedRows(self.base.restrict(present), self.function, self.name)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, key):
        if isinstance(key, (int, np.integer)):
            return np.asarray(self[[key]])[0]
        return MappedRows(self.base[key], self.function, self.name)

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
            out = self.function(value[None])[0]
            if not np.isfinite(out).all():
                raise DataError("it holds NaN or infinite values after it was transformed.")
            return out
        except DataError as error:
            raise DataError(f"Modality {self.name!r}, {part.paths[k]}: {error}") from error

    def __repr__(self) -> str:
        return f"MappedRows of shape {self.shape}, {self.dtype}"
