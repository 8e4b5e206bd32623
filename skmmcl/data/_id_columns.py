"""Which column of each table holds the identifiers of the cohort."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from skmmcl.data._identifiers import (
    canonical,
    check_unique,
    is_id_name,
    is_usual_name,
    show,
    simple_name,
)
from skmmcl.data._tables import Table
from skmmcl.exceptions import DataError

_FEWEST = 3  # rows from which whole numbers that two tables share are evidence of identifiers
_GAPS = 4  # average step up to which numbers are small
_MOST = 5  # columns of whole numbers that are looked for in other tables
_ENOUGH = 10  # rows from which those of one table are worth a warning
_DATE = re.compile(r"\s*\d+[-/.:]\d+[-/.:]\d+")
_WHOLE = re.compile(r"\s*\d+(?:[.,]0*)?\s*$")
_MEASURE = re.compile(
    r"vol|area|thick|mm|icv|tiv|count|num|age|score|size|iq|total|mean|time|left|right|[lr]h|n_",
    re.IGNORECASE,
)


def find_column(table: Table, wanted: str) -> str | None:
    """Return the column of this name, if need be without regard to case and punctuation."""
    if wanted in table.frame.columns:
        return wanted
    alike = [name for name in table.frame.columns if simple_name(name) == simple_name(wanted)]
    return alike[0] if len(alike) == 1 else None


class Who:
    """What each table says of who its rows are.

    Parameters
    ----------
    tables : list of Table
        The tables, without the one that lists the subjects.
    listing : Table or None
        The one that does.
    said : str, dict of str to (str or None), or None
        Column of identifiers, of all tables or by the stem of their files; None in a dict for a
        table without.
    join : bool, default=True
        Whether every table must name subjects; if not, tables only help to find the column of
        the listing.
    """

    def __init__(self, tables: list[Table], listing: Table | None, said: Any, *, join=True):
        self.tables, self.listing, self.join = tables, listing, join
        self.said = _read_said(said, tables if listing is None else [listing, *tables])
        self.columns: dict[Table, list[str]] = {}
        chosen = self._choose(tables if listing is None else [listing])
        if chosen is not None:
            self._settle_all(*chosen)
        else:
            self._go_by_position()

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
        """Return what speaks for a column; that two tables number their rows says little."""
        by_name = table in self.said or is_evident(table, column)
        likely = 2 if by_name else int(_is_text_id(table, column))
        n_tables, n_shared = self._score(table, column)
        counts = is_row_number(table, column)
        return n_tables > 0 and not counts, n_tables, n_shared, likely, not counts

    def _may_name_alone(self, table: Table, column: str) -> bool:
        """Tell whether a column holds identifiers though no other table has them."""
        if table in self.said or is_evident(table, column):
            return True
        return _is_likely(table, column) if table is self.listing else _is_text_id(table, column)

    def _settle_all(self, anchor: Table, column: str) -> None:
        self.columns[anchor] = [column]
        for table in self.tables if self.join else ():
            if table is not anchor:
                self._settle(table, anchor)

    def _go_by_position(self) -> None:
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
        if counted and not text and len(table.frame) >= _FEWEST:
            text = [name for name in found if name not in evident][:_MOST]
        return list(dict.fromkeys([*evident, *(name for name in text if name in found)]))

    def _score(self, anchor: Table, column: str) -> tuple[int, int]:
        """Return in how many other tables these identifiers are found, and how often."""
        known = set(_forms(anchor, column))
        n_tables = n_shared = 0
        for table in self.tables:
            found = self._find(table, known, column) if table is not anchor else []
            shared = [0]
            for other in found:
                others = set(_forms(table, other))
                n = len(known & others)
                if table in self.said or _fits(anchor, column, n, others, other):
                    shared.append(n)
            n_tables, n_shared = n_tables + (max(shared) > 0), n_shared + max(shared)
        return n_tables, n_shared

    def _find(self, table: Table, known: set[str], name: str) -> list[str]:
        """Return the columns of a table that hold what a column of another one holds."""
        if table in self.said:
            column = self.said[table]
            return [] if column is None else [column]
        return matching_columns(table, known, name)

    def _settle(self, table: Table, anchor: Table) -> None:
        """Choose the columns of a table that hold identifiers of another one."""
        if self.said.get(table, "") is None:
            return
        name = self.columns[anchor][0]
        known = _forms(anchor, name)
        columns = self._find(table, set(known), name)
        if not any(is_evident(table, column) for column in columns):
            columns = _repeated(table, set(known)) or columns
        if not columns:
            columns = [name for name in self._choices(table) if is_evident(table, name)][:1]
        if not columns:
            self._refuse(table, anchor)
        _check_agreement(table, columns, known)
        if anchor not in self.said:
            forms = _forms(table, columns[0])
            others = [c for c in matching_columns(anchor, forms, columns[0]) if c != name]
            _check_agreement(anchor, [name, *others], forms)
        _check_header(table, columns[0], known)
        _check_header(anchor, name, _forms(table, columns[0]))
        self.columns[table] = columns
        evident = is_evident(table, columns[0]) or table in self.said
        if not evident and is_whole(table, columns[0]) and is_dense(known):
            warnings.warn(
                f"{table.name}: column {columns[0]!r} is taken for the identifiers of the "
                f"subjects, as it holds the numbers that {anchor.name} gives them. If it is a "
                "feature, say with id_column= which column holds them.",
                stacklevel=2,
            )

    def _refuse(self, table: Table, anchor: Table) -> None:
        lists = f"{anchor.name} lists {len(anchor.frame)} subjects"
        raise DataError(
            f"{table.name} has {len(table.frame)} rows, {lists}, and no column holds their "
            f"identifiers ({self.columns[anchor][0]}: {show(self.ids(anchor) or [])}). Columns "
            f"seen: {show(table.frame.columns, 8)}. Say which one holds them with id_column=."
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


# ----------------------------------------------------------------------------------- candidates
def candidates(table: Table) -> dict[str, list[str]]:
    """Return columns whose values are unique text or whole numbers, in canonical spelling."""
    if table.candidates is None:
        kinds = {name: dtype.kind for name, dtype in table.frame.dtypes.items()}
        forms = {
            name: _unique_forms(table, name, kinds[name])
            for name, first in table.first_row().items()
            if name in kinds
            and (kinds[name] not in "biuf" or _WHOLE.match(first))
            and not (name.startswith("Unnamed:") and is_count(table, name, 0))
        }
        table.candidates = {name: found for name, found in forms.items() if found is not None}
    return table.candidates


def _unique_forms(table: Table, name: str, kind: str) -> list[str] | None:
    if kind in "iuf" and not is_id_name(name) and (kind == "f" or is_whole(table, name)):
        values = table.frame[name].to_numpy()
        if len(np.unique(values)) < len(values) or not _are_whole(values) or values.min() < 0:
            return None
        return [str(int(value)) for value in values]
    if kind == "b" or (kind == "f" and not is_whole(table, name)):
        return None
    spelled = [item.strip() for item in table.ids(name)]
    if "" in spelled or len(set(spelled)) < len(spelled):
        return None
    return [canonical(item) for item in spelled]


def _are_whole(values: np.ndarray) -> bool:
    return values.dtype.kind != "f" or bool((np.mod(values, 1) == 0).all())


def _forms(table: Table, column: str) -> list[str]:
    forms = candidates(table).get(column)
    return [canonical(item) for item in table.ids(column)] if forms is None else forms


def is_whole(table: Table, name: str) -> bool:
    """Tell whether a column holds whole numbers that are not padded with zeros."""
    column = table.frame[name]
    if column.dtype.kind in "iu":
        return name not in table.padded
    return column.dtype.kind == "f" and _are_whole(column.dropna().to_numpy())


def is_row_name(table: Table, name: str) -> bool:
    """Tell whether this is a first column without a name that does not count 0, 1, 2, ..."""
    unnamed = name == table.names[0] and name.startswith("Unnamed:")
    return unnamed and not is_count(table, name, 0)


def is_row_number(table: Table, name: str) -> bool:
    """Tell whether a column numbers the rows from 0 or 1."""
    return is_count(table, name, 0) or is_count(table, name, 1)


def is_count(table: Table, name: str, start: int) -> bool:
    """Tell whether a column numbers the rows from `start`."""
    column = table.frame[name]
    numbers = range(start, start + len(column))
    return column.dtype.kind in "iuf" and bool((column.to_numpy() == numbers).all())


def is_evident(table: Table, name: str) -> bool:
    """Tell whether the name of a column says that it holds identifiers."""
    return is_id_name(name) or is_row_name(table, name)


def _is_likely(listing: Table, name: str) -> bool:
    """Tell whether values that are unique name the subjects, in a table that lists them."""
    if len(listing.frame) < _FEWEST or _MEASURE.search(name) or is_row_number(listing, name):
        return False
    return name == first_column(listing) or _is_text_id(listing, name)


def _is_text_id(table: Table, name: str) -> bool:
    """Tell whether a column of unique values is text, and not dates."""
    enough = len(table.frame) >= _FEWEST
    return enough and not is_whole(table, name) and not all(map(_DATE.match, table.ids(name)))


def first_column(table: Table, *, counts: bool = True) -> str:
    """Return the first column that has a name, and does not number the rows unless `counts`."""
    named = (name for name in table.frame.columns if not name.startswith("Unnamed:"))
    return next((name for name in named if counts or not is_row_number(table, name)), "")


def _repeated(table: Table, known: set[str]) -> list[str]:
    """Return columns that name subjects of the cohort more than once."""
    columns = table.frame.columns
    names = [name for name in columns if is_usual_name(name) or not is_whole(table, name)]
    names += [name for name in columns[:1] if name not in names]
    found = []
    for name in names:
        forms = set(_forms(table, name)) - {""}
        if len(forms) < len(table.frame) and 2 * len(forms & known) > len(forms):
            found.append(name)
    return found[:1]


def warn_of_likeness(table: Table) -> None:
    """Warn of a first column of whole numbers that is more likely to name subjects."""
    first, n = first_column(table), len(table.frame)
    forms = candidates(table).get(first, ())
    others = [name for name in table.frame.columns if name != first]
    if n < _ENOUGH or not forms or not others or _MEASURE.search(first):
        return
    if is_dense(forms) or not any(is_whole(table, name) for name in others):
        warnings.warn(
            f"{table.name}: column {first!r} ({show(forms, 3)}) is read as a feature. If it names "
            f"the subjects, say so with id_column={first!r}; if not, with "
            f"id_column={{{table.file.stem!r}: None}}.",
            stacklevel=2,
        )


def matching_columns(table: Table, known: Collection[str], name: str) -> list[str]:
    """Return columns whose values are identifiers of the cohort, given in canonical spelling.

    `name` is that of the column that holds them elsewhere.

    Whole numbers in a column of another name count for less than a column whose name says that
    it holds identifiers, unless as many of them fit.
    """
    known = set(known)
    shared = {c: len(known.intersection(forms)) for c, forms in candidates(table).items()}
    evident = [column for column, n in shared.items() if n and is_evident(table, column)]
    least = max((shared[column] for column in evident), default=0)
    counted = bool(evident) and all(is_row_number(table, column) for column in evident)
    found = [
        column
        for column, n in shared.items()
        if column in evident
        or (n > least and counted)
        or (n >= max(1, least) and _fits(table, column, n, known, name))
    ]
    named = [column for column in found if not column.startswith("Unnamed:")]
    return named or found


def _fits(table: Table, name: str, shared: int, known: set[str], other: str) -> bool:
    if is_id_name(name) or not is_whole(table, name):
        return True
    smaller = min(len(table.frame), len(known))
    if is_dense(known):  # so are ranks and counts: whole numbers are no evidence
        places = {table.names[0], first_column(table), first_column(table, counts=False), other}
        return name in places and shared == smaller
    return 2 * shared >= smaller


def is_dense(forms: Collection[str]) -> bool:
    """Tell whether most identifiers are whole numbers as small as ranks and counts are."""
    if not all(form.isdecimal() for form in forms):
        return False
    values = sorted(map(int, forms))
    return not values or (values[0] <= len(values) >= values[len(values) // 2] / _GAPS)


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
    wanted = [place.get(form) for form in _forms(table, first)]
    for other in others:
        if [place.get(form) for form in _forms(table, other)] != wanted:
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
                f"apart: choose one of each with rows={{{name!r}: {value!r}}}."
            )
    return "Choose one row of each, for example with rows={'session': 'ses-01'}."
