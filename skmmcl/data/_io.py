"""A cohort read from a folder with one file per modality."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from skmmcl.data._candidates import candidates, numbers_rows
from skmmcl.data._choices import (
    Choices,
    Contents,
    choose_rows,
    find_target,
    leave_out,
    take_text,
)
from skmmcl.data._cohort import Cohort
from skmmcl.data._copies import warn_of_copies
from skmmcl.data._doubts import (
    warn_of_modalities,
    warn_of_subjects,
    warn_of_text,
    warn_of_values,
)
from skmmcl.data._files import SHEETS, NotRead, list_folder, read_arrays
from skmmcl.data._frames import drop_index
from skmmcl.data._id_columns import Who, find_column
from skmmcl.data._identifiers import is_id_name, is_usual_name, show
from skmmcl.data._tables import Table, read_sheets, read_table
from skmmcl.data._text import SEPARATORS
from skmmcl.exceptions import DataError
from skmmcl.utils._files import user_path

if TYPE_CHECKING:
    from pandas import DataFrame


class Source(NamedTuple):
    """One file: its array or table, and the identifiers of its rows if it has any."""

    file: Path
    values: Any
    ids: list[str] | None = None


def read_source(file: Path, *, id_column: str | None = None, known: Collection[str] = ()) -> Source:
    """Read the table that lists a cohort: its columns, and the identifiers if it has any.

    Their column is `id_column`, or else is found by its name or by its values; identifiers `known`
    from elsewhere, such as names of folders, help to find it.
    """
    table = read_table(file, () if id_column is None else (id_column,))
    tables = [Table.of_text(Path("folders"), {"id": list(known)})] if known else []
    who = Who(tables, table, None if id_column is None else {file.stem: id_column}, join=False)
    ids = who.ids(table)
    stripped = None if ids is None else [item.strip() for item in ids]
    return Source(file, _side_data(table, who), stripped)


def read_folder(
    path: str | PathLike[str], *, meta: str | None, mmap_mode: Any, **said: Any
) -> tuple[dict[str, Any], DataFrame | None, list[str] | None]:
    """Return modalities, side data and subject ids, as MultimodalData takes them."""
    choices = Choices(**said)
    found, listing = _read_files(user_path(path), meta, mmap_mode, choices)
    labeled = {**found.labels, **found.tables}
    who = Who([labeled[file] for file in sorted(labeled)], listing, choices.id_column)
    leave_out(who, found, choices)
    for table in found.tables.values():
        _drop_identifiers(table, who, choices.target)
    side = None if listing is None else _side_data(listing, who)
    if listing is None and len(found.tables) == 1 and choices.target is not None:
        side = take_text(found, choices.target)
    cohort = Cohort(who, [file for file in found.arrays if file not in found.labels])
    read = _align(found, cohort, choices)
    if found.skipped and read:
        warnings.warn(f"Not read in {path}: {_list_skipped(found.skipped)}.", stacklevel=2)
    if not read:
        others = f" other than {listing.name}" if listing else ""
        skipped = f"; not read: {_list_skipped(found.skipped)}" if found.skipped else ""
        raise DataError(
            f"{path} holds no modality{others}: add a file for each, such as thickness.csv, fc.npy "
            f"or a folder fc/ with one file per subject{skipped}."
        )
    values = {name: array for name, (array, _) in read.items()}
    files = {name: file.name for name, (_, file) in read.items()}
    _warn_of_doubts(found, side, listing)
    warn_of_subjects(cohort.ids or ())
    warn_of_modalities(values, side, files, has_target=choices.target is not None)
    if choices.target is not None:
        side, column = find_target(choices.target, side, listing, found.tables, cohort)
        for name, array in values.items():
            warn_of_copies(files[name], array, side[column], column)
    return values, side, cohort.ids


def _align(found: Contents, cohort: Cohort, choices: Choices) -> dict[str, tuple[Any, Path]]:
    """Return each modality with one row for each subject, and its file."""
    read: dict[str, tuple[Any, Path]] = {}
    for file in sorted({**found.arrays, **found.tables}):
        table = found.labels.get(file, found.tables.get(file))
        for name, raw in _modalities(file, found, choices).items():
            if name in read:
                raise DataError(
                    f"{read[name][1].name} and {file.name} both give modality {name!r}."
                )
            read[name] = cohort.align(table, raw, file), file
    return read


def _warn_of_doubts(found: Contents, side: DataFrame | None, listing: Table | None) -> None:
    """Warn of what may be read otherwise than it is meant."""
    if listing is not None and side is not None:
        warn_of_values(listing.name, side)
        warn_of_text(listing.name, side)
    for table in found.tables.values():
        warn_of_values(table.name, table.frame)
    for file, arrays in found.arrays.items():
        for array in arrays.values():
            warn_of_values(file.name, array)


# ------------------------------------------------------------------------------------- the files
def _read_files(
    folder: Path, meta: str | None, mmap_mode: Any, choices: Choices
) -> tuple[Contents, Table | None]:
    files, skipped = list_folder(folder)
    found = Contents({}, {}, {}, {})
    said = choices.id_column
    named = {c for c in (said.values() if isinstance(said, Mapping) else [said]) if c}
    if isinstance(choices.target, str):
        named.add(choices.target)
    for file in files:
        try:
            _read_file(file, found, mmap_mode, named)
        except NotRead as error:
            found.skipped[file.name] = str(error)
    found.skipped.update(skipped)  # last, since only the first are shown
    if not (found.tables or found.arrays):
        seen = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        raise DataError(
            f"{folder} holds no <modality>.npy, .npz, .csv or .tsv file; found "
            f"{_list_skipped(found.skipped) or ', '.join(seen[:5]) or 'nothing'}."
        )
    choose_rows(found.tables, choices.rows)
    listing = _find_listing(folder, list(found.tables), meta)
    return found, None if listing is None else found.tables.pop(listing)


def _list_skipped(skipped: dict[str, str]) -> str:
    listed = "; ".join(f"{name} ({reason})" for name, reason in list(skipped.items())[:5])
    return listed + (f"; ... ({len(skipped)} in all)" if len(skipped) > 5 else "")


def _read_file(file: Path, found: Contents, mmap_mode: Any, named: set[str]) -> None:
    kind = file.suffix.lower()
    if file.is_dir() or kind not in SEPARATORS.keys() | SHEETS:
        found.arrays[file], ids = read_arrays(file, mmap_mode)
        if ids is not None:
            found.labels[file] = Table.of_text(file, ids)
    elif kind in SHEETS:
        try:
            found.tables.update(read_sheets(file))
        except ImportError as error:
            advice = 'it needs pandas and openpyxl: pip install "skmmcl[data]", or save it as .csv'
            raise NotRead(advice) from error
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{file.name} cannot be read as a workbook: {error}") from error
    else:
        try:
            found.tables[file] = read_table(file, named)
        except DataError as error:
            if kind != ".txt":
                raise
            raise NotRead(f"no table: {error}") from error


def _find_listing(folder: Path, files: list[Path], meta: str | None) -> Path | None:
    """Return the file that lists the subjects with their side data."""
    if meta is None:
        return None
    for stem in [meta, "meta"] if meta == "participants" else [meta]:
        for spelled in (stem, stem.lower()):
            fitting = [f for f in files if spelled in {f.stem, f.stem.lower()}]
            if len(fitting) > 1:
                raise DataError(
                    f"{' and '.join(f.name for f in fitting)} both list the subjects: keep one."
                )
            if fitting:
                return fitting[0]
    if meta != "participants":
        raise DataError(f"There is no {meta}.tsv or {meta}.csv in {folder}.")
    return None


# ----------------------------------------------------------------------------------- the columns
def _modalities(file: Path, found: Contents, choices: Choices) -> dict[str, Any]:
    """Return the modalities of a file by name."""
    if file in found.arrays:
        return found.arrays[file]
    table = found.tables[file]
    held = None if choices.target is None else find_column(table, choices.target)
    others = {find_column(table, column) for column in choices.rows or ()} | {held}
    values = table.frame.drop(columns=list(others - {None})) if others != {None} else table.frame
    if values.shape[1]:
        return {file.stem: values}
    if held is None:
        found.skipped[file.name] = "it holds nothing but identifiers"
    return {}


def _drop_identifiers(table: Table, who: Who, target: str | None) -> None:
    """Take the columns that name subjects or number the rows out of the values of a table."""
    held = set() if target is None else {find_column(table, target)}
    columns = list(table.frame.columns)
    names = set(who.columns.get(table, ()))
    numberings = {name for name in columns if numbers_rows(table, name)} - names
    if len(numberings) + len(names) == len(columns):
        numberings = set()  # nothing else would be left
    if table in who.columns:
        names |= {c for c in candidates(table) if is_id_name(c) or c.startswith("Unnamed:")}
        usual = [column for column in columns if is_usual_name(column)]
        names |= {c for c in usual if 2 * table.frame[c].nunique() > len(table.frame)}
    if said := [c for c in numberings - names - held if not c.startswith("Unnamed:")]:
        warnings.warn(
            f"{table.name}: column {show(said)} numbers the rows and is left out.", stacklevel=4
        )
    if dropped := (names | numberings) - held:
        table.frame = table.frame.drop(columns=list(dropped))


def _side_data(listing: Table, who: Who) -> DataFrame:
    names = [c for c in listing.frame if c.startswith("Unnamed:") and numbers_rows(listing, c)]
    return drop_index(listing.frame.drop(columns=[*who.columns.get(listing, ())[:1], *names]))
