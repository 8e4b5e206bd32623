"""Wishes of the caller about a folder: the rows, the target, and the column of identifiers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skmmcl.data._cohort import Cohort
from skmmcl.data._id_columns import Who, find_column
from skmmcl.data._identifiers import canonical, show
from skmmcl.data._tables import Table
from skmmcl.exceptions import DataError

if TYPE_CHECKING:
    from pandas import DataFrame


class Contents(NamedTuple):
    """Contents of the files of a folder."""

    arrays: dict[Path, dict[str, Any]]
    tables: dict[Path, Table]
    labels: dict[Path, Table]  # the identifiers of files of arrays
    skipped: dict[str, str]


class Choices(NamedTuple):
    """Wishes of the caller about the tables."""

    id_column: str | Mapping[str, str | None] | None = None
    rows: Mapping[str, Any] | None = None
    target: str | None = None


def choose_rows(tables: dict[Path, Table], rows: Mapping[str, Any] | None) -> None:
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


def leave_out(who: Who, found: Contents, choices: Choices) -> None:
    """Leave out tables of text that name no subject, unless the target is in one."""
    for table in who.strangers:
        if choices.target is not None and find_column(table, choices.target) is not None:
            raise who.unmatched(table)
        del found.tables[table.file]
        found.skipped[table.name] = "text that names no subject"


def take_text(found: Contents, target: str) -> DataFrame | None:
    """Return the columns of text of the only table, which no modality can hold."""
    ((file, table),) = found.tables.items()
    kept = find_column(table, target)
    text = [c for c in table.frame.select_dtypes(["object", "string"]) if c != kept]
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


def find_target(
    wanted: str,
    side: DataFrame | None,
    listing: Table | None,
    tables: dict[Path, Table],
    cohort: Cohort,
) -> tuple[DataFrame, str]:
    """Return side data that hold the target, and its column."""
    found = None if listing is None else find_column(listing, wanted)
    if side is not None and found in side:
        return side, str(found)
    holders = {f: c for f, table in tables.items() if (c := find_column(table, wanted))}
    if len(holders) != 1:
        names = [*([listing] if listing else []), *tables.values()]
        seen = "; ".join(f"{table.name}: {show(table.names, 8)}" for table in names)
        where = f"in {' and '.join(file.name for file in holders)}" if holders else "in no table"
        raise DataError(f"The target {wanted!r} is {where}; one must have it. Columns: {seen}.")
    (file, column), *_ = holders.items()
    labels = cohort.align(tables[file], tables[file].frame[[column]], file)
    if side is None:
        return labels, column
    return side.assign(**{column: labels[column]}), column
