"""Columns of a table that may hold identifiers, and the evidence for them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection

import numpy as np

from skmmcl.data._identifiers import canonical, is_id_name, is_usual_name, show, simple_name
from skmmcl.data._tables import Table

MIN_ROWS = 3  # rows from which whole numbers that two tables share are evidence of identifiers
_GAPS = 4  # average step up to which numbers are small
_MANY_ROWS = 10  # rows from which whole numbers in order are hardly a measure
_DATE = re.compile(r"\s*\d+[-/.:]\d+[-/.:]\d+")
_WHOLE = re.compile(r"\s*\d+(?:[.,]0*)?\s*$")
_NUMBERINGS = {"index", "level0", "no", "nr", "row", "rownames", "rownumber", "x"}
_MEASURE = re.compile(
    r"vol|area|thick|mm|icv|tiv|count|num|age|score|size|iq|total|mean|time|left|right|[lr]h|n_",
    re.IGNORECASE,
)


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


def forms_of(table: Table, column: str) -> list[str]:
    """Return a column of identifiers in canonical spelling; '' where there is none."""
    forms = candidates(table).get(column)
    return [canonical(item) for item in table.ids(column)] if forms is None else forms


def is_whole(table: Table, name: str) -> bool:
    """Return whether a column holds whole numbers that are not padded with zeros."""
    column = table.frame[name]
    if column.dtype.kind in "iu":
        return name not in table.padded
    return column.dtype.kind == "f" and _are_whole(column.dropna().to_numpy())


def is_row_name(table: Table, name: str) -> bool:
    """Return whether this is a first column without a name that does not count 0, 1, 2, ..."""
    unnamed = name == table.names[0] and name.startswith("Unnamed:")
    return unnamed and not is_count(table, name, 0)


def is_row_number(table: Table, name: str) -> bool:
    """Return whether a column numbers the rows from 0 or 1."""
    return is_count(table, name, 0) or is_count(table, name, 1)


def numbers_rows(table: Table, name: str) -> bool:
    """Return whether a column holds the row numbers that pandas, R or a person wrote."""
    if name.startswith("Unnamed:"):
        return is_row_number(table, name)
    is_named = name.startswith("...") or simple_name(name) in _NUMBERINGS
    return is_named and len(table.frame) >= _MANY_ROWS and is_row_number(table, name)


def is_count(table: Table, name: str, start: int) -> bool:
    """Return whether a column numbers the rows from `start`."""
    column = table.frame[name]
    numbers = range(start, start + len(column))
    return column.dtype.kind in "iuf" and bool((column.to_numpy() == numbers).all())


def is_evident(table: Table, name: str) -> bool:
    """Return whether the name of a column says that it holds identifiers."""
    return is_id_name(name) or is_row_name(table, name)


def is_measure(name: str) -> bool:
    """Return whether the name of a column is rather one of a measure."""
    return bool(_MEASURE.search(name))


def is_likely(listing: Table, name: str) -> bool:
    """Return whether values that are unique name the subjects, in a table that lists them."""
    if len(listing.frame) < MIN_ROWS or is_measure(name) or is_row_number(listing, name):
        return False
    return name == first_column(listing) or is_text_id(listing, name)


def is_text(table: Table) -> bool:
    """Return whether a table holds no numbers at all."""
    return not any(dtype.kind in "biufc" for dtype in table.frame.dtypes)


def is_text_id(table: Table, name: str) -> bool:
    """Return whether a column of unique values is text, and not dates."""
    enough = len(table.frame) >= MIN_ROWS
    return enough and not is_whole(table, name) and not all(map(_DATE.match, table.ids(name)))


def first_column(table: Table, *, counts: bool = True) -> str:
    """Return the first column that has a name, and does not number the rows unless `counts`."""
    named = (name for name in table.frame.columns if not name.startswith("Unnamed:"))
    return next((name for name in named if counts or not is_row_number(table, name)), "")


def repeated_columns(table: Table, known: set[str]) -> list[str]:
    """Return columns that name subjects of the cohort more than once."""
    columns = table.frame.columns
    names = [name for name in columns if is_usual_name(name) or not is_whole(table, name)]
    names += [name for name in columns[:1] if name not in names]
    found = []
    for name in names:
        forms = set(forms_of(table, name)) - {""}
        if len(forms) < len(table.frame) and 2 * len(forms & known) > len(forms):
            found.append(name)
    return found[:1]


def warn_of_likeness(table: Table) -> None:
    """Warn of a first column of whole numbers that is more likely to name subjects."""
    first, n = first_column(table), len(table.frame)
    forms = candidates(table).get(first, ())
    others = [name for name in table.frame.columns if name != first]
    if n < _MANY_ROWS or not forms or not others or is_measure(first):
        return
    if numbers_rows(table, first):
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

    `name` is that of the column that holds them elsewhere. Whole numbers in a column of another
    name count for less than a column whose name says that it holds identifiers, unless as many of
    them fit.
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
        or (n >= max(1, least) and fits(table, column, n, known, name))
    ]
    named = [column for column in found if not column.startswith("Unnamed:")]
    return named or found


def fits(table: Table, name: str, shared: int, known: set[str], other: str) -> bool:
    """Return whether enough values of a column are identifiers of the cohort."""
    if is_id_name(name) or not is_whole(table, name):
        return True
    smaller = min(len(table.frame), len(known))
    if is_dense(known):  # so are ranks and counts: whole numbers are no evidence
        places = {table.names[0], first_column(table), first_column(table, counts=False), other}
        return name in places and shared == smaller
    return 2 * shared >= smaller


def is_dense(forms: Collection[str]) -> bool:
    """Return whether most identifiers are whole numbers as small as ranks and counts are."""
    if not all(form.isdecimal() for form in forms):
        return False
    values = sorted(map(int, forms))
    return not values or (values[0] <= len(values) >= values[len(values) // 2] / _GAPS)
