"""State of a container: base arrays, which all slices share, and rows.

The state and selection of a container are here; how one is made, converted and shown is in
`MultimodalData`.
"""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Collection, Iterator
from typing import Any, Self

import numpy as np

from skmmcl.data._arrays import Modality
from skmmcl.data._frames import is_pandas
from skmmcl.data._parts import Parts
from skmmcl.data._rows import Rows, as_key, is_whole, only_rows, take_rows
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError, ModalityError


class UnknownModalityError(ModalityError, KeyError):
    """A name that is no modality of the container; a `KeyError` too, as for a dict."""

    __str__ = Exception.__str__  # KeyError would print the quoted repr of the message


class UnknownSideDataError(DataError, KeyError):
    """A name that is no side data of the container; a `KeyError` too, as for a dict."""

    __str__ = Exception.__str__


class SideData(dict[str, np.ndarray]):
    """Side data by name; for an unknown name the error lists those that exist."""

    def __missing__(self, name: object) -> np.ndarray:
        close = difflib.get_close_matches(str(name), self, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise UnknownSideDataError(
            f"X.meta has no {name!r}, only {sorted(self)}{hint} Side data come with "
            f"MultimodalData(..., meta={{{name!r}: values}})."
        )


class Content:
    """Base arrays of the whole cohort with the rows of these subjects: the state of a container."""

    def _fill(self, parts: Parts, rows: Rows | None = None) -> Self:
        self._modalities, self._index, self._meta, numbers, self._axis = parts
        self._numbers = range(self._n_base) if numbers is None else numbers
        self._rows = range(self._n_base) if rows is None else rows
        return self

    @classmethod
    def _from_parts(cls, parts: Parts, rows: Rows | None = None) -> Self:
        """Build from parts that are known to be sound."""
        return cls._fill(cls.__new__(cls), parts, rows)

    @property
    def _n_base(self) -> int:
        return len(next(iter(self._modalities.values())).array)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities."""
        return tuple(self._modalities)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one subject's array, by modality."""
        return {name: tuple(m.array.shape[1:]) for name, m in self._modalities.items()}

    @property
    def dtypes(self) -> dict[str, np.dtype]:
        """Type of the values, by modality."""
        return {name: m.array.dtype for name, m in self._modalities.items()}

    @property
    def columns(self) -> dict[str, list[str] | None]:
        """Column names by modality; None where there are none."""
        return {name: m.columns for name, m in self._modalities.items()}

    @property
    def categories(self) -> dict[str, dict[int, list]]:
        """Categories by modality and number of the column, in the order of their codes from 0."""
        return {name: m.categories for name, m in self._modalities.items()}

    @property
    def shape(self) -> tuple[int, int]:
        """Number of subjects, and of values per subject over all modalities."""
        return len(self), sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def ndim(self) -> int:
        """Always 2: subjects by values."""
        return 2

    @property
    def mask(self) -> np.ndarray:
        """Presence, of shape (n_subjects, n_modalities): True where a subject has a modality."""
        return np.column_stack([self._present(name) for name in self._modalities])

    @property
    def index(self) -> np.ndarray | None:
        """Subject ids, or None."""
        return None if self._index is None else self._index[as_key(self._rows)]

    @property
    def axis(self) -> Any:
        """The ids as the pandas index that they came from, with its levels and names, or None."""
        return None if self._axis is None else self._axis[as_key(self._rows)]

    @property
    def meta(self) -> SideData:
        """Side data by name."""
        return SideData((name, v[as_key(self._rows)]) for name, v in self._meta.items())

    @property
    def rows(self) -> slice | np.ndarray:
        """Rows of the base arrays that these are: ``X["fc"]`` is ``X.base("fc")[X.rows]``."""
        return as_key(self._rows)

    @property
    def numbers(self) -> np.ndarray:
        """Row of each subject in the cohort that was given, or its label in the table given."""
        return np.asarray(self._numbers)[as_key(self._rows)]

    def base(self, name: str):
        """Return the array that all slices of this container share.

        Parameters
        ----------
        name : str
            Name of a modality.

        Returns
        -------
        ndarray or lazy array-like
            All subjects of the original container, in its order.
        """
        return self._modality(name).array

    def _modality(self, name: str) -> Modality:
        if not isinstance(name, str):
            raise UnknownModalityError(f"Modalities are named by text; got {name!r}.")
        if name in self._modalities:
            return self._modalities[name]
        hint = f"; {name!r} is side data: X.meta[{name!r}]" if name in self._meta else ""
        close = difflib.get_close_matches(name, self._modalities, n=1)
        hint = hint or (f"; did you mean {close[0]!r}?" if close else "")
        raise UnknownModalityError(f"No modality {name!r}, there are {self.modalities}{hint}")

    def _present(self, name: str) -> np.ndarray:
        return self._modalities[name].present[as_key(self._rows)]

    def _parts(self) -> Parts:
        return Parts(self._modalities, self._index, self._meta, self._numbers, self._axis)

    def _compact(self) -> Parts:
        """Return the parts of these subjects alone: gathered, unless all are there."""
        if is_whole(self._rows, self._n_base):
            return self._parts()
        modalities = {
            name: m.with_array(m.take(self._rows), self._present(name))
            for name, m in self._modalities.items()
        }
        return Parts(modalities, self.index, self.meta, self.numbers, self.axis)

    def _permuted(self, name: str, order: np.ndarray) -> Self:
        """Return these subjects, each with another one's modality or lack of it."""
        parts = self._compact()
        old = parts.modalities[name]
        new = old.with_array(old.take(order), old.present[order])
        return self._from_parts(parts._replace(modalities={**parts.modalities, name: new}))

    def _without(self, names: Collection[str]) -> Self:
        """Return these subjects as if nobody had some modalities; their values are gone."""
        parts = self._compact()
        nobody = np.zeros(len(self), dtype=bool)
        modalities = {
            name: m.with_array(_emptied(m.array, nobody), nobody) if name in names else m
            for name, m in parts.modalities.items()
        }
        return self._from_parts(parts._replace(modalities=modalities))

    def _recoded(self, arrays: dict[str, np.ndarray], categories: dict[str, dict]) -> Self:
        """Return these subjects with other codes of the categories of some modalities."""
        parts = self._compact()
        modalities = dict(parts.modalities)
        for name, array in arrays.items():
            old = modalities[name]
            modalities[name] = Modality(array, old.columns, old.present, categories[name])
        return self._from_parts(parts._replace(modalities=modalities))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._modality(key).take(self._rows)
        if isinstance(key, tuple):
            key = only_rows(key)
        if is_pandas(key) and str(getattr(key, "dtype", None)) in {"bool", "boolean"}:
            check_same_subjects({"X": self, "the selection": key})
        names = key.tolist() if isinstance(key, np.ndarray) and key.dtype.kind == "U" else key
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return self._select(names)
        return self._from_parts(self._parts(), take_rows(self._rows, key))

    def _select(self, names: list[str]) -> Self:
        if len(set(names)) < len(names):
            raise ModalityError(f"A modality is selected twice: {names}.")
        modalities = {name: self._modality(name) for name in names}
        return self._from_parts(self._parts()._replace(modalities=modalities), self._rows)

    def __contains__(self, name) -> bool:
        return isinstance(name, str) and name in self._modalities

    def __iter__(self) -> Iterator[dict[str, np.ndarray | None]]:
        mask = self.mask
        for row in range(len(self)):
            subject = self[row]
            yield {
                name: np.asarray(subject[name])[0] if present else None
                for name, present in zip(self._modalities, mask[row], strict=True)
            }

    def keys(self) -> tuple[str, ...]:
        """Return the names of the modalities.

        Returns
        -------
        tuple of str
            As ``X.modalities``; with it ``dict(X)`` and ``{**X}`` work.
        """
        return self.modalities

    def values(self) -> list[np.ndarray]:
        """Return the arrays of the modalities.

        Returns
        -------
        list of ndarray
            In the order of ``X.modalities``.
        """
        return [self[name] for name in self._modalities]

    def items(self) -> list[tuple[str, np.ndarray]]:
        """Return the names and arrays of the modalities.

        Returns
        -------
        list of (str, ndarray)
            In the order of ``X.modalities``.
        """
        return [(name, self[name]) for name in self._modalities]

    def __len__(self) -> int:
        return len(self._rows)

    def __sizeof__(self) -> int:
        # dask scatters an object once instead of once per task only if it knows it to be large.
        arrays = [m.array for m in self._modalities.values()]
        sizes = [a.nbytes if isinstance(a, np.ndarray) else sys.getsizeof(a) for a in arrays]
        return object.__sizeof__(self) + sum(sizes)


def _emptied(array: Any, nobody: np.ndarray) -> Any:
    if hasattr(array, "restrict"):  # lazy volumes stay in their files
        return array.restrict(nobody)
    dtype = array.dtype if array.dtype.kind == "f" else np.float64
    return np.full(array.shape, np.nan, dtype=dtype)
