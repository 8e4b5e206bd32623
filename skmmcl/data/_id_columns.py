"""Search for the column of each table that holds the identifiers of the cohort."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from skmmcl.data._candidates import (
    MIN_ROWS,
    candidates,
    fits,
    forms_of,
    is_dense,
    is_evident,
    is_likely,
    is_measure,
    is_row_name,
    is_row_number,
    is_text,
    is_text_id,
    is_whole,
    matching_columns,
    repeated_columns,
    warn_of_likeness,
)
from skmmcl.data._identifiers import (
    canonical,
    check_unique,
    is_code_name,
    is_id_name,
    is_usual_name,
    show,
    simple_name,
)
from skmmcl.data._tables import Table
from skmmcl.exceptions import DataError

_MAX_TRIED = 5  # columns of whole numbers that are looked for in other tables


def find_column(table: Table, wanted: str) -> str | None:
    """Return the column of this name, if need be without regard to case and punctuation."""
    if wanted in table.frame.columns:
        return wanted
    alike = [name for name in table.frame.columns if simple_name(name) == simple_name(wanted)]
    return alike[0] if len(alike) == 1 else None


class Who:
    """Columns that identify the rows of each table.

    `tables` do not contain the `listing` of the subjects, if there is one. `said` is the column of
    identifiers of all tables, or by the stem of their files; None for a table without one. Without
    `join`, tables only help to find the column of the listing. `strangers` are tables of text, such
    as explanations of the columns, that name no subject.
    """

    def __init__(self, tables: list[Table], listing: Table | None, said: Any, *, join=True):
        self.tables, self.listing, self.join = tables, listing, join
        self.said = _read_said(said, tables if listing is None else [listing, *tables])
        self.columns: dict[Table, list[str]] = {}
        self.strangers: list[Table] = []
        chosen = self._choose(tables if listing is None else [listing])
        if chosen is not None:
            self._settle_all(*chosen)
        else:
            self._go_by_position()
        self.tables = [table for table in tables if table not in self.strangers]

    def ids(self, table: Table) -> list[str] | None:
        """Return the identifiers of the rows, as spelled; None where rows go by position."""
        columns = self.columns.get(table)
        return read_ids(table, columns[0]) if columns else None

    # ------------------------------------------------------------------------------ the search
    def _choose(self, tables: list[Table]) -> tuple[Table, str] | None:
        """Return the column that names most subjects of other tables, or does so by its name."""
        choices = [(table, column) for table in tables for column in self._choices(table)]
        ranks = [self._rank(table, column) for table, column in choices]
        if not ranks:
            return None
        best = max(ranks)
        anchor, column = choices[ranks.index(best)]
        is_found = best[1] > 0
        return (anchor, column) if is_found or self._may_name_alone(anchor, column) else None

    def _rank(self, table: Table, column: str) -> tuple[int, ...]:
        """Return the evidence for a column; that two tables number their rows is weak evidence."""
        by_name = table in self.said or is_evident(table, column)
        likely = 2 if by_name else int(is_text_id(table, column))
        n_tables, n_shared = self._score(table, column)
        counts = is_row_number(table, column)
        return n_tables > 0 and not counts, n_tables, n_shared, likely, not counts

    def _may_name_alone(self, table: Table, column: str) -> bool:
        """Return whether a column holds identifiers though no other table has them."""
        if table in self.said or is_evident(table, column):
            return True
        return is_likely(table, column) if table is self.listing else is_text_id(table, column)

    def _settle_all(self, anchor: Table, column: str) -> None:
        self.columns[anchor] = [column]
        for table in self.tables if self.join else ():
            if table is not anchor:
                self._settle(table, anchor)

    def _go_by_position(self) -> None:
        listing = self.listing
        found = self._choose(self.tables) if self.join and listing is not None else None
        if found is not None and listing is not None:
            raise DataError(
                f"{found[0].name} has subject ids and {listing.name} has none: add a column "
                f"participant_id with the values of {found[1]!r}."
            )
        for table in self.tables if self.join else ():
            evident = [c for c in self._choices(table) if is_evident(table, c)]
            if evident and self.listing is not None:
                raise DataError(
                    f"{table.name} has subject ids and {self.listing.name} has none: add a column "
                    f"participant_id with the values of {evident[0]!r}."
                )
            if table not in self.said:
                warn_of_likeness(table)

    def _choices(self, table: Table) -> list[str]:
        """Return columns that may hold identifiers, the likeliest first."""
        if table in self.said:
            column = self.said[table]
            return [] if column is None else [column]
        found = list(candidates(table))
        likely = [name for name in found if is_id_name(name)]
        likely.sort(key=lambda name: (is_row_number(table, name), not is_usual_name(name)))
        text = [name for name in found if is_row_name(table, name) or not is_whole(table, name)]
        repeated = [name for name in table.frame.columns if is_usual_name(name)]
        evident = [name for name in (*likely, *text) if is_evident(table, name)]
        if not evident:
            evident = repeated
        counted = all(is_row_number(table, name) for name in evident)
        if counted and not text and len(table.frame) >= MIN_ROWS:
            text = [name for name in found if name not in evident][:_MAX_TRIED]
        return list(dict.fromkeys([*evident, *(name for name in text if name in found)]))

    def _score(self, anchor: Table, column: str) -> tuple[int, int]:
        """Return in how many other tables these identifiers are found, and how often."""
        known = set(forms_of(anchor, column))
        n_tables = n_shared = 0
        for table in self.tables:
            found = self._find(table, known, column) if table is not anchor else []
            shared = [0]
            for other in found:
                others = set(forms_of(table, other))
                n = len(known & others)
                if table in self.said or fits(anchor, column, n, others, other):
                    shared.append(n)
            n_tables, n_shared = n_tables + (max(shared) > 0), n_shared + max(shared)
        return n_tables, n_shared

    def _find(self, table: Table, known: set[str], name: str) -> list[str]:
        """Return the columns of a table that hold the identifiers of another one's column."""
        if table in self.said:
            column = self.said[table]
            return [] if column is None else [column]
        return matching_columns(table, known, name)

    def _settle(self, table: Table, anchor: Table) -> None:
        """Choose the columns of a table that hold identifiers of another one."""
        if self.said.get(table, "") is None:
            return
        name = self.columns[anchor][0]
        known = forms_of(anchor, name)
        columns = self._find(table, set(known), name)
        if not any(is_evident(table, column) for column in columns):
            columns = repeated_columns(table, set(known)) or columns
        if not columns:
            columns = [name for name in self._choices(table) if is_evident(table, name)][:1]
        if not columns and table not in self.said and is_text(table):
            self.strangers.append(table)
            return
        if not columns:
            raise self.unmatched(table, anchor)
        _check_agreement(table, columns, known)
        if anchor not in self.said:
            forms = forms_of(table, columns[0])
            others = [c for c in matching_columns(anchor, forms, columns[0]) if c != name]
            _check_agreement(anchor, [name, *others], forms)
        _check_header(table, columns[0], known)
        _check_header(anchor, name, forms_of(table, columns[0]))
        self.columns[table] = columns
        evident = is_evident(table, columns[0]) or table in self.said
        looks_measured = is_measure(columns[0]) and not is_code_name(columns[0])
        doubtful = is_dense(known) or looks_measured
        if not evident and is_whole(table, columns[0]) and doubtful:
            warnings.warn(
                f"{table.name}: column {columns[0]!r} is taken for the identifiers of the "
                f"subjects, as it holds the numbers that {anchor.name} gives them. If it is a "
                "feature, say with id_column= which column holds them.",
                stacklevel=2,
            )

    def unmatched(self, table: Table, anchor: Table | None = None) -> DataError:
        """Return the error of a table whose rows are nobody's."""
        anchor = anchor or next(iter(self.columns))
        lists = f"{anchor.name} lists {len(anchor.frame)} subjects"
        return DataError(
            f"{table.name} has {len(table.frame)} rows, {lists}, and no column holds their "
            f"identifiers ({self.columns[anchor][0]}: {show(self.ids(anchor) or [])}). Columns "
            f"seen: {show(table.frame.columns, 8)}. Say which one holds them with id_column=, or "
            "move a file that lists no subjects to another folder."
        )


def _read_said(said: Any, tables: list[Table]) -> dict[Table, str | None]:
    if said is None:
        return {}
    if isinstance(said, Mapping):
        stems = {table.file.stem: table for table in tables}
        if unknown := [stem for stem in said if stem not in stems]:
            raise DataError(f"id_column= names no table: {unknown}; there are {list(stems)}.")
        wanted = {stems[stem]: column for stem, column in said.items()}
    else:
        wanted = {table: said for table in tables if find_column(table, said) is not None}
        if not wanted:
            wanted = dict.fromkeys(tables[:1], said)
    return {table: None if c is None else _column(table, c) for table, c in wanted.items()}


def _column(table: Table, wanted: str) -> str:
    column = find_column(table, wanted)
    if column is None:
        raise DataError(
            f"{table.name} has no column {wanted!r} of identifiers; it has "
            f"{show(table.frame.columns, 8)}."
        )
    return column


def _check_header(table: Table, column: str, known: Sequence[str]) -> None:
    """Raise if the name of a column is the identifier of a subject."""
    if canonical(column) in known:
        raise DataError(
            f"The first line of {table.name} holds subject {column!r}, not names of columns: add "
            "a header line."
        )


def _check_agreement(table: Table, columns: list[str], known: list[str]) -> None:
    place = {form: position for position, form in enumerate(known)}
    first, *others = columns
    wanted = [place.get(form) for form in forms_of(table, first)]
    for other in others:
        if [place.get(form) for form in forms_of(table, other)] != wanted:
            raise DataError(
                f"{table.name}: columns {first!r} and {other!r} both hold identifiers of the "
                f"cohort, and they disagree. Columns seen: {show(table.frame.columns, 8)}. Say "
                "which one holds them with id_column=."
            )


def read_ids(table: Table, column: str) -> list[str]:
    """Return a column of identifiers; raise if one is missing or occurs twice."""
    ids = table.ids(column)
    if "" in ids:
        raise DataError(f"{table.name} lacks the id ({column}) of row {ids.index('')}.")
    if len(set(ids)) < len(ids):
        try:
            check_unique(ids, table.name)
        except DataError as error:
            raise DataError(f"{error} {_how_to_choose(table, ids)}") from None
    return ids


def _how_to_choose(table: Table, ids: list[str]) -> str:
    """Name the columns that set the rows of one subject apart."""
    frame = table.frame
    for name in frame.columns:
        pairs = set(zip(ids, table.spelled(name), strict=True))
        if len(pairs) == len(ids) and 1 < frame[name].nunique() <= len(ids) // 2:
            value = table.spelled(name)[0]
            return (
                f"Column {name!r} ({show(dict.fromkeys(table.spelled(name)), 3)}) sets them "
                f"apart: choose one of each, in from_folder with rows={{{name!r}: {value!r}}}, on "
                f"the command line with --rows {name}={value}."
            )
    return "Keep one row of each, in from_folder for example with rows={'session': 'ses-01'}."
