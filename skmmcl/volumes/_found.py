"""Files of a list of paths: which can be used, and on which grid they lie."""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skmmcl.data._frames import frame_ids, is_frame
from skmmcl.exceptions import DataError
from skmmcl.utils._files import user_path
from skmmcl.utils._named import named
from skmmcl.volumes._files import VolumeFile, read_header
from skmmcl.volumes._grid import MAX_VOXELS, Grid, misfit, target_grid
from skmmcl.volumes._store import in_threads, list_faults, subject_name


def read_paths(paths: Any) -> tuple[list[str | None], np.ndarray | None]:
    """Return absolute paths, None for subjects without one, and the names of the subjects."""
    if isinstance(paths, (str, os.PathLike, Mapping, set, frozenset)):
        raise DataError(
            "load_volumes takes a list or Series of paths, one for each subject in order; got "
            f"{paths!r}."
        )
    ids = frame_ids(paths) if is_frame(paths) else None
    with named("paths", "a list of paths, one for each subject"):
        listed = [_read_path(row, path) for row, path in enumerate(paths)]
    if not any(listed):
        raise DataError(f"None of {len(listed)} subjects has a volume.")
    return listed, ids


def _read_path(row: int, path: Any) -> str | None:
    if path is None or str(path) in {"nan", "<NA>"}:
        return None
    if not isinstance(path, (str, Path)):
        raise DataError(f"Entry {row} of paths must be a path or None; got {path!r}.")
    return str(user_path(path).absolute())


class FoundFiles:
    """Files of the subjects, without those that cannot be used, which are skipped or an error."""

    def __init__(
        self,
        paths: list[str | None],
        ids: np.ndarray | None,
        *,
        skip_faulty: bool,
        n_jobs: int | None,
    ) -> None:
        self.paths, self.ids, self.skip_faulty = paths, ids, skip_faulty
        faults: dict[int, str] = {}

        def look(row: int) -> VolumeFile | None:
            path = paths[row]
            try:
                return None if path is None else read_header(path)
            except DataError as error:
                faults[row] = f"{error}."
                return None

        self.files: list[VolumeFile | None] = in_threads(look, range(len(paths)), n_jobs)
        self._remove(faults)

    def common_grid(self) -> Grid:
        """Return the grid of most files, and remove the others."""
        grids = [file.grid for _, file in self._known()]
        rounded = [(g.shape, np.round(g.affine / (10 * g.tolerance)).tobytes()) for g in grids]
        (common, _), *_ = Counter(rounded).most_common(1)
        grid = grids[rounded.index(common)]

        def fault_of(file: VolumeFile) -> str | None:
            if file.grid.is_near(grid):
                return None
            advice = "Give target_affine= to bring all volumes to one grid."
            return f"has {file.grid.about}; expected {grid.about}. {advice}"

        self._remove_where(fault_of)
        return grid

    def asked_grid(self, interpolation: str, **given: Any) -> Grid:
        """Return the grid asked for, and remove files that cannot be brought to it."""
        _, first = self._known()[0]
        grid = target_grid(first.grid, **given)
        setting = " and ".join(f"{name}={v}" for name, v in given.items() if v is not None)
        n_voxels = math.prod(float(n) for n in grid.shape)  # an int may be too large for a float
        if n_voxels > max(MAX_VOXELS, math.prod(first.grid.shape)):
            raise DataError(
                f"{setting} needs {n_voxels:.4g} voxels, {4 * n_voxels / 2**30:.4g} GiB, for each "
                f"volume; at most {MAX_VOXELS:.4g} are taken. Sizes are in mm; {first.path} has "
                f"{first.grid.about}."
            )

        def fault_of(file: VolumeFile) -> str | None:
            if file.holds_labels and interpolation != "nearest" and not file.grid.is_near(grid):
                return (
                    f"holds labels (its intent_code is 1002), which {interpolation=} would mix; "
                    "use interpolation='nearest'."
                )
            fault = misfit(file.grid, grid)
            return fault and f"{fault}; {setting} cannot be met."

        self._remove_where(fault_of)
        return grid

    def warn_of_doubts(self) -> None:
        """Warn of files whose orientation is unsure, and of one file of several subjects."""
        known = self._known()
        unsure = [f"{file.path} {file.doubt}" for _, file in known if file.doubt]
        if unsure:
            warn(
                f"{unsure[0]} (such files: {len(unsure)} of {len(known)}). nibabel's choice of an "
                "orientation is used, which may exchange left and right. Correct the headers, for "
                "example by converting the original images again."
            )
        rows = defaultdict(list)
        for row, file in known:
            rows[file.path].append(row)
        shared = [path for path in rows if len(rows[path]) > 1]
        if shared:
            who = " and ".join(subject_name(row, self.ids) for row in rows[shared[0]][:2])
            warn(f"{who} have the same file, {shared[0]} (such files: {len(shared)}).")

    def _known(self) -> list[tuple[int, VolumeFile]]:
        return [(row, file) for row, file in enumerate(self.files) if file is not None]

    def _remove_where(self, fault_of: Callable[[VolumeFile], str | None]) -> None:
        self._remove({row: fault for row, file in self._known() if (fault := fault_of(file))})

    def _remove(self, faults: dict[int, str]) -> None:
        """Remove the files of some subjects; raise if these are not to be skipped."""
        for row in faults:
            self.files[row] = None
        if faults and (not self.skip_faulty or not any(self.files)):
            listed = [
                f"{subject_name(row, self.ids)}: {self.paths[row]} {faults[row]}"
                for row in sorted(faults)
            ]
            raise DataError(list_faults(listed, len(self.files)))


def warn(message: str) -> None:
    """Warn the caller of load_volumes, from a function that it calls."""
    warnings.warn(message, UserWarning, stacklevel=4)
