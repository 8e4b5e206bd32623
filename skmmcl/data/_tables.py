"""One table of text: its encoding, separator, header, decimal mark and missing values."""

from __future__ import annotations

import csv
import re
from collections import Counter
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np

from skmmcl.data._identifiers import is_id_name
from skmmcl.exceptions import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
BLANKS = r"\s+"
_POINTERS = ("/annex/objects/", "version https://git-lfs")
_MISSING = {"", "n/a"}
_MISSING_NUMBER = _MISSING | {"N/A", "NA", "#N/A", "NULL", "None", "NaN", "nan", "null", "<NA>"}
_EXCEL = re.compile(r'\A"?sep=."?\n')  # a first line that tells Excel the separator
_SAMPLE = 50  # lines from which the separator is found
_ZERO = re.compile(r"(?:^|[,;\t| ])0\d")
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?$")
_COMMA = re.compile(r"[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?$")
_PAIR = re.compile(r"\d,\d$")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+$")
_POINT = re.compile(r"(?<![^;\t|\s\"])[+-]?\d+\.\d+(?![^;\t|\s\"])")


class Layout(NamedTuple):
    """Separator of the fields of a line, and names of the columns."""

    separator: str
    names: list[str]


class Table:
    """A table: its values, and the original spelling of its columns.

    `frame` has columns with unique names, and `rows` are the lines, or their fields.
    """

    def __init__(self, file: Path, frame: Any, rows: list, separator: str):
        self.file, self.frame, self._rows, self.separator = file, frame, rows, separator
        self.names = list(frame.columns)
        self.candidates: dict[str, list[str]] | None = None  # see skmmcl.data._candidates

    @classmethod
    def of_text(cls, file: Path, columns: dict[str, list[str]]) -> Table:
        """Return a table of columns of text."""
        import pandas as pd

        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        return cls(file, pd.DataFrame(columns, dtype=str), rows, ",")

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.file.name

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def spelled(self, column: str) -> list[str]:
        """Return a column as it is written in the file."""
        return _fields(self._rows, self.separator, self._places[column])

    @cached_property
    def padded(self) -> set[str]:
        """Names of columns with values such as 007, which are no numbers."""
        found = set()
        for row in self._rows:
            if isinstance(row, list) or _ZERO.search(row):
                fields = _split_row(row, self.separator)
                found |= {place for place, item in enumerate(fields) if _ZERO.match(item)}
        return {self.names[place] for place in found}

    def first_row(self) -> dict[str, str]:
        """Return the values of the first row as they are written in the file."""
        return dict(zip(self.names, _split_row(self._rows[0], self.separator), strict=True))

    def ids(self, column: str) -> list[str]:
        """Return a column of identifiers as written; '' where there is none."""
        return ["" if item.strip() in _MISSING_NUMBER else item for item in self.spelled(column)]

    def keep(self, rows: np.ndarray) -> Table:
        """Return some of the rows."""
        lines = [line for line, kept in zip(self._rows, rows, strict=True) if kept]
        frame = self.frame[rows].reset_index(drop=True)
        table = Table(self.file, frame, lines, self.separator)
        table.names = self.names
        return table


def read_table(file: Path, named: Any = ()) -> Table:
    """Read a table from a file that ends with ``.csv``, ``.tsv`` or ``.txt``.

    `named` are names of columns that are known to be in the header. Lines that differ in their
    number of fields, two columns of one name and a missing header are a DataError.
    """
    return _read_text(file, _decode(file), named)


def _read_text(file: Path, text: str, named: Any) -> Table:
    text = _EXCEL.sub("", text)
    layout, rows = _cut(file, text)
    frame = _parse(file, text, layout)
    if len(frame) != len(rows):
        raise DataError(f"{file.name} cannot be read as a table: quotes do not match.")
    table = Table(file, frame, rows, layout.separator)
    blank = [name for name in table.names if name.startswith("Unnamed:")]
    frame = frame.drop(columns=[k for k in blank if frame[k].isna().all()])
    table.frame = _mend(table, frame, text)
    _check_header(table, {*named})
    return table


def read_header(file: Path) -> list[str]:
    """Return the names in the first line of a table."""
    text = _EXCEL.sub("", _decode(file))
    separator = _find_separator(file, text)
    rows = _split(text, separator) or [""]
    return [name.strip() for name in _split_row(rows[0], separator)]


def read_sheets(file: Path) -> dict[Path, Table]:
    """Read the sheets of a workbook that are not empty; what fails is what pandas raises.

    A lone sheet has the name of the file, several have their own.
    """
    import pandas as pd

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


def _read_sheet(file: Path, cells: Any) -> Table:
    import pandas as pd

    lines = [["" if pd.isna(cell) else str(cell) for cell in row] for row in cells.to_numpy()]
    text = StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(lines)
    return _read_text(file, text.getvalue(), ())


def _decode(file: Path) -> str:
    raw = file.read_bytes()
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = raw.decode("utf-16")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    if text.startswith(_POINTERS):
        raise DataError(f"{file} holds a pointer to its content: fetch it (datalad get, git lfs).")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


# -------------------------------------------------------------------------------------- layout
def _split(text: str, separator: str) -> list:
    """Return the lines of a text, or their fields where some are quoted."""
    if '"' in text and separator == BLANKS:
        lines = filter(str.strip, text.split("\n"))
        return [[quoted or bare for quoted, bare in _WORD.findall(line)] for line in lines]
    if '"' in text:
        return [row for row in csv.reader(StringIO(text), delimiter=separator) if row]
    blanks = " " if separator == "\t" else " \t"
    return [line for line in text.split("\n") if line.strip(blanks)]


def _fields(rows: list, separator: str, place: int) -> list[str]:
    if rows and isinstance(rows[0], list):
        return [row[place] for row in rows]
    if separator == BLANKS:
        return [row.split()[place] for row in rows]
    return [row.split(separator, place + 1)[place] for row in rows]


def _split_row(row: Any, separator: str) -> list[str]:
    if isinstance(row, list):
        return row
    return row.split() if separator == BLANKS else row.split(separator)


def _widths(rows: list, separator: str) -> list[int]:
    if rows and isinstance(rows[0], list):
        return [len(row) for row in rows]
    if separator == BLANKS:
        return [len(row.split()) for row in rows]
    return [row.count(separator) + 1 for row in rows]


def _find_separator(file: Path, text: str) -> str:
    """Return what cuts all lines as it cuts the header, by preference that of the ending."""
    usual = SEPARATORS.get(file.suffix.lower(), ",")
    choices = list(dict.fromkeys([usual, ",", ";", "\t", "|"]))
    if usual == "\t" and not any(choice in text.partition("\n")[0] for choice in choices):
        choices.append(BLANKS)
    end = 0
    for _ in range(_SAMPLE):
        end = text.find("\n", end) + 1 or len(text)
    sample = text[:end]
    widths = {choice: _widths(_split(sample, choice), choice) for choice in choices}
    for extra in (0, 1):
        fitting = [
            choice
            for choice, (head, *others) in widths.items()
            if head > 1 - extra and others and {*others} == {head + extra}
        ]
        if fitting:
            return fitting[0] if extra == 0 else max(fitting, key=lambda c: widths[c][0])
    return max(choices, key=lambda choice: widths[choice][0])


def _cut(file: Path, text: str) -> tuple[Layout, list]:
    """Return the layout and the rows below the header."""
    if not text.strip():
        raise DataError(f"{file} cannot be read as a table: it is empty.")
    separator = _find_separator(file, text)
    header, *rows = _split(text, separator)
    if not rows:
        raise DataError(f"{file} cannot be read as a table: it has a first line and no rows.")
    header = _split_row(header, separator)
    names = [name.strip() for name in header]
    widths = _widths(rows, separator)
    if set(widths) == {len(names) + 1}:
        names = _name_all(file, names, rows, separator)
    for number, width in enumerate(widths, start=1):
        if width != len(names):
            raise DataError(
                f"{file.name} cannot be read as a table: row {number} has {width} fields, the "
                f"first line {len(header)} ({', '.join(map(repr, names[:5]))}), cut at "
                f"{separator!r}."
            )
    twice = [name for name, times in Counter(names).items() if name and times > 1]
    if twice:
        raise DataError(
            f"{file.name} has two columns named {', '.join(map(repr, twice[:5]))}; rename one, or "
            "add a header line if the first line holds values."
        )
    return Layout(separator, [name or _blank(k, names) for k, name in enumerate(names)]), rows


def _blank(place: int, names: list[str]) -> str:
    """Return what pandas calls a column without a name, which a saved table may have already."""
    name = f"Unnamed: {place}"
    return f"{name}.1" if name in names else name


def _name_all(file: Path, names: list[str], rows: list, separator: str) -> list[str]:
    """Name the field that each row has in excess: empty at the end, or R's names of rows."""
    if not any(item.strip() for item in _fields(rows, separator, len(names))):
        return [*names, ""]
    numbered = _fields(rows, separator, 0) == [str(k + 1) for k in range(len(rows))]
    if separator in {BLANKS, "\t", ";"} and (numbered or not any(map(is_id_name, names))):
        return ["", *names]
    raise DataError(
        f"{file.name} cannot be read as a table: each row has {len(names) + 1} fields, the first "
        f"line {len(names)} ({', '.join(map(repr, names[:5]))}), cut at {separator!r}. Name every "
        "column, and put numbers with a decimal comma in quotes or write them with a point."
    )


# -------------------------------------------------------------------------------------- values
def _parse(file: Path, text: str, layout: Layout):
    import pandas as pd

    try:
        return pd.read_csv(
            StringIO(text),
            sep=layout.separator,
            names=layout.names,
            header=0,
            index_col=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except ValueError as error:
        raise DataError(f"{file} cannot be read as a table: {error}") from error


def _text_columns(frame) -> list[str]:
    import pandas as pd

    return [
        name
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True)
        if not pd.api.types.is_numeric_dtype(dtype)
        and pd.api.types.infer_dtype(frame[name], skipna=True) == "string"
    ]


def _mend(table: Table, frame, text: str):
    """Read decimal commas; in columns of text, let only '' and 'n/a' be missing."""
    words = {name: [item.strip() for item in table.spelled(name)] for name in _text_columns(frame)}
    commas = [name for name, items in words.items() if _has_commas(items, table.separator)]
    if commas:
        _check_commas(table.name, commas, words, text)
    for name, items in words.items():
        if name in commas:
            frame[name] = [_to_number(item) for item in items]
        else:
            frame[name] = [np.nan if item in _MISSING else item for item in items]
    return frame


def _has_commas(items: list[str], separator: str) -> bool:
    """Return whether a column holds numbers with a decimal comma.

    Where nothing else speaks of them, 1,3 may be two answers to one question.
    """
    commas = [item for item in items if "," in item]
    return (
        separator != ","
        and bool(commas)
        and (separator == ";" or not all(map(_PAIR.match, commas)))
        and all(item in _MISSING_NUMBER or _COMMA.match(item) for item in items)
    )


def _check_commas(file: str, commas: list[str], words: dict, text: str) -> None:
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


def _to_number(item: str) -> float:
    return np.nan if item in _MISSING_NUMBER else float(item.replace(",", "."))


# -------------------------------------------------------------------------------------- header
def _check_header(table: Table, said: set[str]) -> None:
    """Raise if the first line looks like the values below it."""
    if said & set(table.names):
        return
    frame = table.frame
    text = _text_columns(frame)
    numbers = [name for name in frame.columns if name not in text and name[:8] != "Unnamed:"]
    names = (n for n in numbers if not (_NUMBER.match(n) or n in _MISSING_NUMBER))
    all_numbers = not any(frame[name].notna().any() for name in names)
    odd_text = any(_is_one_pattern(name, frame[name]) for name in text) or (
        bool(text) and all((frame[name] == name).any() for name in text)
    )
    named = is_id_name(table.names[0]) or table.names[0].startswith("Unnamed:")
    odd_numbers = bool(numbers) and all_numbers and not named and not _counts(numbers, frame)
    if odd_numbers or (odd_text and all_numbers):
        seen = ", ".join(map(repr, table.names[:5]))
        raise DataError(
            f"The first line of {table.name} looks like values, not like names of columns: {seen}. "
            "Add a header line; if these are names, say which column holds the identifiers "
            "(id_column=)."
        )


def _is_one_pattern(name: str, column) -> bool:
    """Return whether a name equals all values but for digits, as one more identifier does."""
    pattern = _DIGITS.sub("0", name)
    return pattern != name and all(
        isinstance(item, str) and _DIGITS.sub("0", item) == pattern for item in column
    )


def _counts(names: list[str], frame) -> bool:
    """Return whether names are 0, 1, 2, ... or 1, 2, 3, ... and values are not like these."""
    n = len(names)
    listed = [str(k) for k in range(n + 1)]
    if names not in (listed[:-1], listed[1:]):
        return False
    return n > 3 or any((frame[name].dropna() % 1 != 0).any() for name in names)
