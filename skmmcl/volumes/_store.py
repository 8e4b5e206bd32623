"""Files of a whole cohort, read one volume at a time and shared by all slices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.volumes._cache import VolumeCache, read_unchanged
from skmmcl.volumes._files import VolumeFile
from skmmcl.volumes._recipe import Recipe

SHOWN = 5  # faulty files that a message lists


@dataclass(eq=False, kw_only=True)
class VolumeStore:
    """Image files with valid headers, whose voxels are read on demand.

    There is a file for each subject, None for one without the modality, and `ids` are the names of
    the subjects. The `cache` keeps the volumes that the `recipe` computes. With `skip_faulty`,
    subjects with a faulty file lack the modality; `n_jobs` threads read.
    """

    files: list[VolumeFile | None]
    ids: np.ndarray | None
    recipe: Recipe
    cache: VolumeCache | None
    skip_faulty: bool
    n_jobs: int | None
    _sound: set[int] = field(default_factory=set, init=False)
    _faults: dict[int, str] = field(default_factory=dict, init=False)

    def __getstate__(self) -> dict[str, Any]:
        # Without the results of reading: a hash must not depend on which process has read what.
        return {**self.__dict__, "_sound": set(), "_faults": {}}

    def present(self, rows: np.ndarray) -> np.ndarray:
        """Return which subjects have a volume; with `skip_faulty`, all are read for it."""
        has_file = np.array([self.files[row] is not None for row in rows], dtype=bool)
        if self.skip_faulty:
            self.check(rows)
        return has_file & ~np.isin(rows, list(self._faults))

    def check(self, rows: np.ndarray) -> None:
        """Read volumes that were not read before, into the cache if there is one.

        Faulty ones raise a DataError that lists them, unless they are skipped.
        """
        known = self._sound | self._faults.keys()
        new = [row for row in rows.tolist() if self.files[row] is not None and row not in known]
        # Processes that fill one cache at once begin at different ends.
        order = np.random.default_rng(os.getpid()).permutation(new).tolist()
        in_threads(self._try, order, self.n_jobs)
        faults = [self._faults[row] for row in rows.tolist() if row in self._faults]
        if faults and not self.skip_faulty:
            self._faults.clear()  # the user may correct the files
            raise DataError(list_faults(faults, len(rows)))

    def _try(self, row: int) -> None:
        try:
            self.read_one(row, np.empty(self.recipe.grid.shape, self.recipe.dtype))
            self._sound.add(row)
        except DataError as error:
            self._faults[row] = str(error)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read volumes in the stored dtype; subjects without one get NaN."""
        out = np.empty((len(rows), *self.recipe.grid.shape), self.recipe.dtype)
        in_threads(self._read_or_nan, zip(rows.tolist(), out, strict=True), self.n_jobs)
        return out

    def _read_or_nan(self, place: tuple[int, np.ndarray]) -> None:
        row, out = place
        if self.files[row] is None or row in self._faults:
            out.fill(np.nan)
            return
        try:
            self.read_one(row, out)
        except DataError as error:
            if not self.skip_faulty:
                raise
            self._faults[row] = str(error)
            out.fill(np.nan)

    def read_one(self, row: int, out: np.ndarray) -> None:
        """Read the volume of a subject with a file; errors name the subject and the file."""
        file = self.files[row]
        if file is None:
            raise DataError(f"{subject_name(row, self.ids)} has no file.")
        try:
            if self.cache is None:
                out[:] = self.recipe(read_unchanged(file), file)
            else:
                self.cache.read(file, out)
        except DataError as error:
            raise DataError(f"{subject_name(row, self.ids)}: {file.path} {error}.") from error


def in_threads(act: Callable, items: Iterable, n_jobs: int | None) -> list:
    """Apply a function that releases the interpreter's lock to each item, in threads."""
    n_threads = joblib.effective_n_jobs(n_jobs)
    if n_threads == 1:
        return [act(item) for item in items]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(act, items))


def subject_name(row: int, ids: np.ndarray | None) -> str:
    """Return the name of a subject for messages."""
    return f"Subject {row}" if ids is None else f"Subject {ids.tolist()[row]!r} (row {row})"


def list_faults(faults: list[str], n_volumes: int) -> str:
    """Return one message with the first faults."""
    lines = faults[:SHOWN]
    if len(faults) > 1:
        lines = [f"{len(faults)} of {n_volumes} volumes cannot be used.", *lines]
    if len(faults) > SHOWN:
        lines.append("...")
    return "\n".join([*lines, "With on_error='missing', such subjects lack the modality."])
