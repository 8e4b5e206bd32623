"""A cohort read from a folder with one file per modality."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from skmmcl.data._frames import drop_index
from skmmcl.exceptions import DataError

_ARRAYS = {".npy", ".npz"}
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_ID_COLUMNS = ("participant_id", "subject_id", "subject", "subjid", "id")


class _Source(NamedTuple):
    """What one file gives: an array or table, and the ids of its rows if it has any."""

    file: Path
    values: Any
    ids: list[str] | None = None


def read_folder(path, *, meta: str | None, mmap_mode) -> tuple[dict, object, list[str] | None]:
    """Return modalities, side data and subject ids, as MultimodalData takes them.

    Raises
    ------
    DataError
        If the folder holds no modality, a file cannot be read, or subjects cannot be aligned.
    """
    files = _list_files(Path(path))
    listing = _find_listing(files, meta)
    sources: dict[str, _Source] = {}
    for file in files:
        if file != listing:
            for name, source in _read_file(file, mmap_mode).items():
                if name in sources:
                    raise DataError(
                        f"{sources[name].file.name} and {file.name} both give modality {name!r}."
                    )
                sources[name] = source
    if not sources:
        raise DataError(f"{path} holds no modality beside {listing.name if listing else 'it'}.")
    participants = None if listing is None else read_source(listing)
    ids = _list_subjects(sources, participants)
    arrays = {name: _align(source, ids, participants) for name, source in sources.items()}
    return arrays, None if participants is None else drop_index(participants.values), ids


def _list_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder.")
    files = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    known = [file for file in files if file.suffix in _ARRAYS | _SEPARATORS.keys()]
    if not known:
        found = ", ".join(file.name for file in files[:5]) or "nothing"
        raise DataError(
            f"{folder} holds no <modality>.npy, .npz, .csv or .tsv file; found {found}."
        )
    return known


def _find_listing(files: list[Path], meta: str | None) -> Path | None:
    """Return the file that lists the subjects with their side data."""
    if meta is None:
        return None
    stems = [meta, "meta"] if meta == "participants" else [meta]
    for stem in stems:
        for suffix in (".tsv", ".csv"):
            for file in files:
                if file.name == stem + suffix:
                    return file
    if meta != "participants":
        raise DataError(f"There is no {meta}.tsv or {meta}.csv in {files[0].parent}.")
    return None


def _read_file(file: Path, mmap_mode) -> dict[str, _Source]:
    if file.suffix in _SEPARATORS:
        return {file.stem: read_source(file)}
    try:
        loaded = np.load(file, mmap_mode=mmap_mode, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {file.stem: _Source(file, loaded)}
        with loaded as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, OSError, BadZipFile) as error:
        raise DataError(f"{file} cannot be read as an array of numbers: {error}") from error
    if len(arrays) == 1:
        arrays = {file.stem: next(iter(arrays.values()))}
    return {name: _Source(file, array) for name, array in arrays.items()}


def read_source(file: Path) -> _Source:
    """Read a table; ids stay text, so that '007' keeps its zeros."""
    import pandas as pd

    separator = _SEPARATORS[file.suffix]
    try:
        header = pd.read_csv(file, sep=separator, nrows=0).columns
        column = next((name for name in header if name.lower() in _ID_COLUMNS), None)
        if column is None and header[0].startswith("Unnamed:"):
            column = header[0]
        table = pd.read_csv(file, sep=separator, dtype={} if column is None else {column: str})
    except ValueError as error:
        raise DataError(f"{file} cannot be read as a table: {error}") from error
    if column is None:
        return _Source(file, table)
    ids = table.pop(column)
    if column.startswith("Unnamed:") and ids.tolist() == [str(i) for i in range(len(ids))]:
        return _Source(file, table)  # the row numbers that DataFrame.to_csv writes
    _check_ids(file, column, ids)
    return _Source(file, table.set_axis(ids.tolist(), axis=0), ids.tolist())


def _check_ids(file: Path, column: str, ids) -> None:
    if ids.isna().any():
        raise DataError(f"{file.name} lacks the id ({column}) of row {int(ids.isna().argmax())}.")
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].iloc[0]
        raise DataError(f"{file.name} lists subject {twice!r} more than once.")


def _list_subjects(sources: dict[str, _Source], participants: _Source | None) -> list[str] | None:
    """Return the ids of the cohort, in order; None where rows go by position."""
    tables = {s.file.name: s.ids for s in sources.values() if s.ids is not None}
    if participants is not None:
        if participants.ids is None and tables:
            raise DataError(
                f"{next(iter(tables))} has subject ids and {participants.file.name} has none: add "
                "a column participant_id."
            )
        return participants.ids
    by_position = [source.file.name for source in sources.values() if source.ids is None]
    union = list(dict.fromkeys(item for ids in tables.values() for item in ids))
    if by_position and any(ids != union for ids in tables.values()):
        raise DataError(
            f"{by_position[0]} has no subject ids, and the tables do not list the same subjects in "
            "the same order; add a participants.tsv that lists the subjects of its rows."
        )
    return union or None


def _align(source: _Source, ids: list[str] | None, participants: _Source | None):
    """Return the values of a file with one row per subject of the cohort."""
    if source.ids is None or ids is None:
        _check_length(source, ids, participants)
        return source.values
    known = set(ids)
    strangers = [item for item in source.ids if item not in known]
    if strangers and participants is not None:
        raise DataError(
            f"{source.file.name} has {len(strangers)} subjects that {participants.file.name} does "
            f"not list, the first is {strangers[0]!r}; add them there or remove them here."
        )
    return drop_index(source.values if source.ids == ids else source.values.reindex(ids))


def _check_length(source: _Source, ids: list[str] | None, participants: _Source | None) -> None:
    if participants is not None:
        listing, n_listed = f"{participants.file.name} lists", len(participants.values)
    elif ids is not None:
        listing, n_listed = "the tables list", len(ids)
    else:
        return  # the container compares modalities with each other
    if np.ndim(source.values) and len(source.values) != n_listed:
        raise DataError(
            f"{source.file.name} has {len(source.values)} rows, {listing} {n_listed} subjects."
        )
