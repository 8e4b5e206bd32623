"""One table of text: its values, missing values, decimal marks, and header."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from skmmcl.data._identifiers import is_id_name
from skmmcl.data._text import Rows, cut, read_text
from skmmcl.exceptions import DataError
from skmmcl.utils._optional import import_pandas

if TYPE_CHECKING:
    from pandas import DataFrame

_MISSING = {"", "n/a"}
_MISSING_ID = _MISSING | {"N/A", "NA", "#N/A", "NULL", "None", "NaN", "nan", "null", "<NA>"}
_MISSING_NUMBER = _MISSING_ID | {"."}  # which SPSS, SAS and Stata write
_ZERO = re.compile(r"(?:^|[,;\t| ])0\d")
_DIGITS = re.compile(r"\d+")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")
_COMMA = re.compile(r"[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?$")
_PAIR = re.compile(r"\d,\d$")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+$")
_POINT = re.compile(r"(?<![^;\t|\s\"])[+-]?\d+\.\d+(?![^;\t|\s\"])")
_UNNAMED = "Unnamed:"


class Table:
    """A table: its values, and the original spelling of its columns.

    `frame` has columns with unique names, `names` are those of the fields of `rows`.
    """

    def __init__(self, file: Path, frame: DataFrame, rows: Rows, names: list[str] | None = None):
        self.file, self.frame, self._rows = file, frame, rows
        self.names = list(frame.columns) if names is None else names
        self.candidates: dict[str, list[str]] | None = None  # see skmmcl.data._candidates

    @classmethod
    def of_text(cls, file: Path, columns: dict[str, list[str]]) -> Table:
        """Return a table of columns of text."""
        pd = import_pandas()

        lines = [list(row) for row in zip(*columns.values(), strict=True)]
        return cls(file, pd.DataFrame(columns, dtype=str), Rows(",", lines))

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.file.name

    @property
    def separator(self) -> str:
        """Mark between the fields of a row."""
        return self._rows.separator

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def spelled(self, column: str) -> list[str]:
        """Return a column as it is written in the file."""
        return self._rows.column(self._places[column])

    @cached_property
    def padded(self) -> set[str]:
        """Names of columns with values such as 007, which are no numbers."""
        found = set()
        for number, line in enumerate(self._rows.lines):
            if isinstance(line, list) or _ZERO.search(line):
                fields = self._rows.row(number)
                found |= {place for place, item in enumerate(fields) if _ZERO.match(item)}
        return {self.names[place] for place in found}

    def first_row(self) -> dict[str, str]:
        """Return the values of the first row as they are written in the file."""
        return dict(zip(self.names, self._rows.row(0), strict=True))

    def ids(self, column: str) -> list[str]:
        """Return a column of identifiers as written; '' where there is none."""
        return ["" if item.strip() in _MISSING_ID else item for item in self.spelled(column)]

    def keep(self, kept: np.ndarray) -> Table:
        """Return some of the rows."""
        lines = [line for line, is_kept in zip(self._rows.lines, kept, strict=True) if is_kept]
        frame = self.frame[kept].reset_index(drop=True)
        return Table(self.file, frame, self._rows._replace(lines=lines), self.names)


def read_table(file: Path, named: Collection[str] = ()) -> Table:
    """Read a table from a file that ends with ``.csv``, ``.tsv`` or ``.txt``.

    `named` are names of columns that are known to be in the header. Lines that differ in their
    number of fields, two columns of one name and a missing header are a DataError.
    """
    return _parse(file, read_text(file), named)


def read_sheets(file: Path) -> dict[Path, Table]:
    """Read the sheets of a workbook that are not empty; what fails is what pandas raises.

    A lone sheet has the name of the file, several have their own.
    """
    pd = import_pandas()

    if _count_sheets(file) < 2:
        return {file: _read_sheet(file, pd.read_excel(file, header=None, dtype=object))}
    read = pd.read_excel(file, sheet_name=None, header=None, dtype=object)
    sheets = {name: cells for name, cells in read.items() if not cells.empty}
    names = {name: file if len(sheets) == 1 else file / str(name) for name in sheets}
    return {path: _read_sheet(path, sheets[name]) for name, path in names.items()}


def _count_sheets(file: Path) -> int:
    try:
        with ZipFile(file) as archive:
            return sum(name.startswith("xl/worksheets/sheet") for name in archive.namelist())
    except (OSError, BadZipFile):
        return 1


def _read_sheet(file: Path, cells: DataFrame) -> Table:
    pd = import_pandas()

    lines = [["" if pd.isna(cell) else str(cell) for cell in row] for row in cells.to_numpy()]
    text = StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(lines)
    return _parse(file, text.getvalue(), ())


# -------------------------------------------------------------------------------------- values
def _parse(file: Path, text: str, named: Collection[str]) -> Table:
    pd = import_pandas()

    names, rows = cut(file, text)
    if any(map(is_id_name, names)) and any(rows.are_blank()):  # emptied rows of a spreadsheet
        marks = rows.separator + ' \t"'
        text = "\n".join(line for line in text.split("\n") if line.strip(marks))
        names, rows = cut(file, text)
    try:
        frame = pd.read_csv(
            StringIO(text),
            sep=rows.separator,
            names=names,
            header=0,
            index_col=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except ValueError as error:
        raise DataError(f"{file} cannot be read as a table: {error}") from error
    if len(frame) != len(rows.lines):
        raise DataError(f"{file.name} cannot be read as a table: quotes do not match.")
    blank = [name for name in names if name.startswith(_UNNAMED) and frame[name].isna().all()]
    table = Table(file, frame.drop(columns=blank), rows, names)
    table.frame = _mend(table, table.frame, text)
    _check_header(table, {*named})
    return table


def text_columns(frame: DataFrame) -> list[str]:
    """Return the columns of text, which no number is taken for."""
    pd = import_pandas()

    return [
        name
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True)
        if not pd.api.types.is_numeric_dtype(dtype)
        and pd.api.types.infer_dtype(frame[name], skipna=True) == "string"
    ]


def _mend(table: Table, frame: DataFrame, text: str) -> DataFrame:
    """Read decimal commas, points for gaps and typeset minus signs.

    In columns of text, only '' and 'n/a' are missing.
    """
    words = {name: [item.strip() for item in table.spelled(name)] for name in text_columns(frame)}
    numbers = {name: _read_numbers(items, table.separator) for name, items in words.items()}
    commas = [n for n, found in numbers.items() if found and any("," in item for item in words[n])]
    if commas:
        _check_commas(table.name, commas, words, text)
    for name, items in words.items():
        labels: list[Any] = [np.nan if item in _MISSING else item for item in items]
        frame[name] = numbers[name] or labels
    return frame


def _read_numbers(items: list[str], separator: str) -> list[float] | None:
    """Return the numbers of a column that pandas takes for text; None if it is text.

    Where nothing else speaks of decimal commas, 1,3 may be two answers to one question.
    """
    items = [item.replace("\N{MINUS SIGN}", "-") for item in items]
    known = [item for item in items if item not in _MISSING_NUMBER]
    commas = [item for item in known if "," in item]
    if commas and (separator == "," or (separator != ";" and all(map(_PAIR.match, commas)))):
        return None
    if not known or not all(map((_COMMA if commas else NUMBER).match, known)):
        return None
    return [np.nan if i in _MISSING_NUMBER else float(i.replace(",", ".")) for i in items]


def _check_commas(file: str, commas: list[str], words: dict[str, list[str]], text: str) -> None:
    if _POINT.search(text):
        raise DataError(
            f"{file} holds numbers with a decimal comma (column {commas[0]!r}) and others with a "
            "point; write all of them with a point."
        )
    if all(_THOUSANDS.match(item) for name in commas for item in words[name] if "," in item):
        item = next(item for item in words[commas[0]] if "," in item)
        raise DataError(
            f"{file}, column {commas[0]!r}: the comma of {item!r} may mark decimals or thousands; "
            "write numbers with a decimal point and without thousands."
        )


# -------------------------------------------------------------------------------------- header
def _check_header(table: Table, said: set[str]) -> None:
    """Raise if the first line looks like the values below it, or like a title above the names."""
    if said & set(table.names):
        return
    frame = table.frame
    unnamed = [name for name in frame.columns[1:] if name.startswith(_UNNAMED)]
    if 2 * len(unnamed) > len(frame.columns):
        raise DataError(
            f"The first line of {table.name} names {len(frame.columns) - len(unnamed)} of "
            f"{len(frame.columns)} columns ({table.names[0]!r}): remove lines above the names of "
            "the columns, such as a title."
        )
    text = text_columns(frame)
    numbers = [name for name in frame.columns if name not in text and name[:8] != _UNNAMED]
    names = (n for n in numbers if not (_is_number(n) or n in _MISSING_NUMBER))
    all_numbers = not any(frame[name].notna().any() for name in names)
    odd_text = any(_is_one_pattern(name, frame[name]) for name in text) or (
        bool(text) and all((frame[name] == name).any() for name in text)
    )
    named = is_id_name(table.names[0]) or table.names[0].startswith(_UNNAMED)
    odd_numbers = bool(numbers) and all_numbers and not named and not _counts(numbers, frame)
    if odd_numbers or (odd_text and all_numbers):
        seen = ", ".join(map(repr, table.names[:5]))
        raise DataError(
            f"The first line of {table.name} looks like values, not like names of columns: {seen}. "
            "Add a header line; if these are names, say which column holds the identifiers "
            "(id_column=)."
        )


def _is_number(item: str) -> bool:
    return bool(NUMBER.match(item.replace(",", ".")))


def _is_one_pattern(name: str, column: Any) -> bool:
    """Return whether a name equals all values but for digits, as one more identifier does."""
    pattern = _DIGITS.sub("0", name)
    return pattern != name and all(
        isinstance(item, str) and _DIGITS.sub("0", item) == pattern for item in column
    )


def _counts(names: list[str], frame: DataFrame) -> bool:
    """Return whether names are 0, 1, 2, ... or 1, 2, 3, ... and values are not like these."""
    n = len(names)
    listed = [str(k) for k in range(n + 1)]
    if names not in (listed[:-1], listed[1:]):
        return False
    return n > 3 or any((frame[name].dropna() % 1 != 0).any() for name in names)
