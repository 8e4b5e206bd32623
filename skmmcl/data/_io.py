"""A cohort read from a folder with one file per modality."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skmmcl.data._candidates import candidates, numbers_rows
from skmmcl.data._cohort import Cohort
from skmmcl.data._copies import warn_of_copies
from skmmcl.data._doubts import (
    warn_of_modalities,
    warn_of_numberings,
    warn_of_subjects,
    warn_of_text,
    warn_of_values,
)
from skmmcl.data._files import SHEETS, NotRead, list_folder, read_arrays
from skmmcl.data._frames import drop_index
from skmmcl.data._id_columns import Who, find_column
from skmmcl.data._identifiers import canonical, is_id_name, is_usual_name, show
from skmmcl.data._tables import Table, read_sheets, read_table
from skmmcl.data._text import SEPARATORS
from skmmcl.exceptions import DataError


class Source(NamedTuple):
    """One file: its array or table, and the identifiers of its rows if it has any."""

    file: Path
    values: Any
    ids: list[str] | None = None


def read_source(file: Path, *, id_column: str | None = None, known=()) -> Source:
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


class Contents(NamedTuple):
    """Contents of the files of a folder."""

    arrays: dict[Path, dict[str, Any]]
    tables: dict[Path, Table]
    labels: dict[Path, Table]  # the identifiers of files of arrays
    skipped: dict[str, str]


class Choices(NamedTuple):
    """Wishes of the caller about the tables."""

    id_column: Any = None
    rows: Mapping[str, Any] | None = None
    target: str | None = None


def read_folder(
    path, *, meta: str | None, mmap_mode, **said
) -> tuple[dict, object, list[str] | None]:
    """Return modalities, side data and subject ids, as MultimodalData takes them."""
    choices = Choices(**said)
    found, listing = _read_files(Path(path), meta, mmap_mode, choices)
    labeled = {**found.labels, **found.tables}
    tables = [labeled[file] for file in sorted(labeled)]
    who = Who(tables, listing, choices.id_column)
    _leave_out(who, found, choices)
    dropped = {file: _no_features(table, who) for file, table in found.tables.items()}
    side = None if listing is None else _side_data(listing, who)
    if listing is None and len(found.tables) == 1 and choices.target is not None:
        side = _take_text(found, dropped, choices.target)
    cohort = Cohort(who, [file for file in found.arrays if file not in found.labels])
    files: dict[str, Path] = {}
    values = {}
    for file in sorted({**found.arrays, **found.tables}):
        for name, raw in _modalities(file, found, dropped.get(file, set()), choices).items():
            if name in files:
                raise DataError(f"{files[name].name} and {file.name} both give modality {name!r}.")
            files[name] = file
            values[name] = cohort.align(labeled.get(file), raw, file)
    if found.skipped and values:
        warnings.warn(f"Not read in {path}: {_list_skipped(found.skipped)}.", stacklevel=2)
    if not values:
        beside = f" beside {listing.name}" if listing else ""
        skipped = f"; not read: {_list_skipped(found.skipped)}" if found.skipped else ""
        raise DataError(
            f"{path} holds no modality{beside}: add a file for each, such as thickness.csv, fc.npy "
            f"or a folder fc/ with one file per subject{skipped}."
        )
    names = {name: file.name for name, file in files.items()}
    _warn_of_doubts(found, dropped, side, listing)
    warn_of_subjects(cohort.ids or ())
    warn_of_modalities(values, side, names, has_target=choices.target is not None)
    if choices.target is not None:
        side, column = _find_target(choices.target, side, listing, found.tables, cohort)
        for name, array in values.items():
            warn_of_copies(files[name].name, array, side[column], column)
    return values, side, cohort.ids


def _warn_of_doubts(
    found: Contents, dropped: dict[Path, set[str]], side: Any, listing: Table | None
) -> None:
    """Warn of what may be read otherwise than it is meant."""
    if listing is not None:
        warn_of_values(listing.name, side)
        warn_of_text(listing.name, side)
    for file, table in found.tables.items():
        warn_of_numberings(table, dropped[file])
        warn_of_values(table.name, table.frame.drop(columns=list(dropped[file])))
    for file, arrays in found.arrays.items():
        for array in arrays.values():
            warn_of_values(file.name, array)


# ------------------------------------------------------------------------------------- the files
def _read_files(
    folder: Path, meta: str | None, mmap_mode, choices: Choices
) -> tuple[Contents, Table | None]:
    files, skipped = list_folder(folder)
    found = Contents({}, {}, {}, skipped)
    said = choices.id_column
    named = {c for c in (said.values() if isinstance(said, Mapping) else [said]) if c}
    if isinstance(choices.target, str):
        named.add(choices.target)
    for file in files:
        try:
            _read_file(file, found, mmap_mode, named)
        except NotRead as error:
            skipped[file.name] = str(error)
    if not (found.tables or found.arrays):
        seen = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        raise DataError(
            f"{folder} holds no <modality>.npy, .npz, .csv or .tsv file; found "
            f"{_list_skipped(skipped) or ', '.join(seen[:5]) or 'nothing'}."
        )
    _choose_rows(found.tables, choices.rows)
    listing = _find_listing(folder, list(found.tables), meta)
    return found, None if listing is None else found.tables.pop(listing)


def _list_skipped(skipped: dict[str, str]) -> str:
    listed = "; ".join(f"{name} ({reason})" for name, reason in list(skipped.items())[:5])
    return listed + (f"; ... ({len(skipped)} in all)" if len(skipped) > 5 else "")


def _read_file(file: Path, found: Contents, mmap_mode, named: set[str]) -> None:
    kind = file.suffix.lower()
    if file.is_dir() or kind not in SEPARATORS.keys() | SHEETS:
        found.arrays[file], ids = read_arrays(file, mmap_mode)
        if ids is not None:
            found.labels[file] = Table.of_text(file, ids)
    elif kind in SHEETS:
        try:
            found.tables.update(read_sheets(file))
        except ImportError as error:
            raise NotRead(f"it needs a package ({error}), or save it as .csv") from error
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
def _choose_rows(tables: dict[Path, Table], rows: Mapping[str, Any] | None) -> None:
    """Keep the rows that have the values wanted, in all tables that have the columns."""
    for wanted, values in (rows or {}).items():
        holders = {
            file: column
            for file, table in tables.items()
            if (column := find_column(table, wanted)) is not None
        }
        if not holders:
            raise DataError(f"rows= names {wanted!r}, which no table has as a column.")
        for file, column in holders.items():
            tables[file] = _keep(tables[file], column, values)


def _keep(table: Table, column: str, values: Any) -> Table:
    values = [values] if np.ndim(values) == 0 else list(values)
    spelled = [item.strip() for item in table.spelled(column)]
    for form in (str, canonical):
        wanted = {form(value) for value in values}
        kept = np.array([form(item) in wanted for item in spelled])
        if kept.any():
            return table.keep(kept)
    raise DataError(
        f"{table.name}: column {column!r} has no row with {show(values)}, only "
        f"{show(dict.fromkeys(spelled))}."
    )


def _leave_out(who: Who, found: Contents, choices: Choices) -> None:
    """Leave out tables of text that name no subject, unless the target is in one."""
    for table in who.strangers:
        if choices.target is not None and find_column(table, choices.target) is not None:
            raise who.unmatched(table)
        del found.tables[table.file]
        found.skipped[table.name] = "text that names no subject"


def _modalities(file: Path, found: Contents, dropped: set[str], choices: Choices) -> dict[str, Any]:
    """Return what a file gives, by name."""
    if file in found.arrays:
        return found.arrays[file]
    table = found.tables[file]
    held = None if choices.target is None else find_column(table, choices.target)
    chosen = {find_column(table, column) for column in choices.rows or ()}
    values = table.frame.drop(columns=list({*dropped, *chosen, held} - {None}))
    if values.shape[1]:
        return {file.stem: values}
    if held is None:
        found.skipped[file.name] = "it holds nothing but identifiers"
    return {}


def _no_features(table: Table, who: Who) -> set[str]:
    """Return the columns that name subjects or number the rows."""
    names = set(who.columns.get(table, ()))
    numberings = {name for name in table.frame.columns if numbers_rows(table, name)}
    if len(names | numberings) < table.frame.shape[1]:
        names |= numberings
    if names and table in who.columns:
        names |= {c for c in candidates(table) if is_id_name(c) or c.startswith("Unnamed:")}
        usual = [column for column in table.frame.columns if is_usual_name(column)]
        names |= {c for c in usual if 2 * table.frame[c].nunique() > len(table.frame)}
    return names


def _side_data(listing: Table, who: Who):
    names = [c for c in listing.frame if c.startswith("Unnamed:") and numbers_rows(listing, c)]
    return drop_index(listing.frame.drop(columns=[*who.columns.get(listing, ())[:1], *names]))


def _take_text(found: Contents, dropped: dict[Path, set[str]], target: str) -> Any:
    """Return the columns of text of the only table, which no modality can hold."""
    ((file, table),) = found.tables.items()
    kept = {*dropped[file], find_column(table, target)}
    text = [c for c in table.frame.select_dtypes(["object", "string"]) if c not in kept]
    if not text:
        return None
    side = table.frame[text]
    table.frame = table.frame.drop(columns=text)
    warnings.warn(
        f"{file.name}: the columns of text, {show(text)}, are side data (X.meta) and no features; "
        "code them as numbers to use them.",
        stacklevel=3,
    )
    return side


def _find_target(
    wanted: str, side: Any, listing: Table | None, tables: dict[Path, Table], cohort: Cohort
) -> tuple[Any, str]:
    """Return side data that hold the target, and its column."""
    if listing is not None and (found := find_column(listing, wanted)) in side:
        return side, str(found)
    holders = {f: c for f, table in tables.items() if (c := find_column(table, wanted))}
    if len(holders) != 1:
        names = [*([listing] if listing else []), *tables.values()]
        seen = "; ".join(f"{table.name}: {show(table.frame.columns, 8)}" for table in names)
        where = f"in {' and '.join(file.name for file in holders)}" if holders else "in no table"
        raise DataError(f"The target {wanted!r} is {where}; one must have it. Columns: {seen}.")
    (file, column), *_ = holders.items()
    labels = cohort.align(tables[file], tables[file].frame[[column]], file)
    if side is None:
        return labels, column
    return side.assign(**{column: labels[column]}), column
