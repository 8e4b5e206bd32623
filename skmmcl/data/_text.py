"""Text of a table cut into a header and rows: its encoding, separator and names of columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from skmmcl.data._identifiers import is_id_name
from skmmcl.exceptions import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_BLANKS = r"\s+"
_POINTERS = ("/annex/objects/", "version https://git-lfs")
_EXCEL = re.compile(r'\A"?sep=."?\n')  # a first line that specifies the separator for Excel
_SAMPLE = 50  # lines from which the separator is found
_WORD = re.compile(r'"([^"]*)"|(\S+)')


class Rows(NamedTuple):
    """Rows of a table below its header: lines, or their fields where some are quoted.

    Lines are cut only as far as they are asked for: tables may have 100,000 columns.
    """

    separator: str
    lines: list[Any]

    def column(self, place: int) -> list[str]:
        """Return one field of each row."""
        if self.lines and isinstance(self.lines[0], list):
            return [row[place] for row in self.lines]
        if self.separator == _BLANKS:
            return [row.split()[place] for row in self.lines]
        return [row.split(self.separator, place + 1)[place] for row in self.lines]

    def row(self, number: int) -> list[str]:
        """Return the fields of a row."""
        line = self.lines[number]
        if isinstance(line, list):
            return line
        return line.split() if self.separator == _BLANKS else line.split(self.separator)

    def widths(self) -> list[int]:
        """Return the number of fields of each row."""
        if self.lines and isinstance(self.lines[0], list):
            return [len(row) for row in self.lines]
        if self.separator == _BLANKS:
            return [len(row.split()) for row in self.lines]
        return [row.count(self.separator) + 1 for row in self.lines]

    def are_blank(self) -> list[bool]:
        """Return which rows hold nothing."""
        marks = self.separator + ' \t"'
        return [not (any(row) if isinstance(row, list) else row.strip(marks)) for row in self.lines]


def read_text(file: Path) -> str:
    """Return the text of a file with the ends of lines of Unix, without what speaks to Excel."""
    raw = file.read_bytes()
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = raw.decode("utf-16")
    else:
        if raw.startswith(b"PK\3\4") or b"\0" in raw[:1000]:
            raise DataError(
                f"{file} is no table of text: it is a workbook or in UTF-16 without a mark of the "
                "order of bytes. Rename a workbook to .xlsx, or save the file as CSV in UTF-8."
            )
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    if text.startswith(_POINTERS):
        raise DataError(f"{file} holds a pointer to its content: fetch it (datalad get, git lfs).")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _EXCEL.sub("", text)


def cut(file: Path, text: str) -> tuple[list[str], Rows]:
    """Return the names of the columns and the rows below them.

    A name that lacks is that which pandas gives, ``Unnamed: 0``. Lines that differ in their number
    of fields, and two columns of one name, are a DataError.
    """
    if not text.strip():
        raise DataError(f"{file} cannot be read as a table: it is empty.")
    separator = _find_separator(file, text)
    whole = Rows(separator, _split(text, separator))
    header, rows = whole.row(0), whole._replace(lines=whole.lines[1:])
    if not rows.lines:
        raise DataError(f"{file} cannot be read as a table: it has a first line and no rows.")
    names = [name.strip() for name in header]
    widths = rows.widths()
    if set(widths) == {len(names) + 1}:
        names = _name_all(file, names, rows)
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
    return [name or _blank_name(k, names) for k, name in enumerate(names)], rows


def read_header(file: Path) -> list[str]:
    """Return the names in the first line of a table."""
    text = read_text(file)
    separator = _find_separator(file, text)
    whole = Rows(separator, _split(text, separator) or [""])
    return [name.strip() for name in whole.row(0)]


def _split(text: str, separator: str) -> list[Any]:
    if '"' in text and separator == _BLANKS:
        lines = filter(str.strip, text.split("\n"))
        return [[quoted or bare for quoted, bare in _WORD.findall(line)] for line in lines]
    if '"' in text:
        return [row for row in csv.reader(StringIO(text), delimiter=separator) if row]
    blanks = " " if separator == "\t" else " \t"
    return [line for line in text.split("\n") if line.strip(blanks)]


def _find_separator(file: Path, text: str) -> str:
    """Return what cuts all lines as it cuts the header, by preference that of the ending."""
    usual = SEPARATORS.get(file.suffix.lower(), ",")
    choices = list(dict.fromkeys([usual, ",", ";", "\t", "|"]))
    if usual == "\t" and not any(choice in text.partition("\n")[0] for choice in choices):
        choices.append(_BLANKS)
    end = 0
    for _ in range(_SAMPLE):
        end = text.find("\n", end) + 1 or len(text)
    widths = {choice: Rows(choice, _split(text[:end], choice)).widths() for choice in choices}
    for extra in (0, 1):
        fitting = [
            choice
            for choice, (head, *others) in widths.items()
            if head > 1 - extra and others and {*others} == {head + extra}
        ]
        if fitting:
            return fitting[0] if extra == 0 else max(fitting, key=lambda c: widths[c][0])
    return max(choices, key=lambda choice: widths[choice][0])


def _blank_name(place: int, names: list[str]) -> str:
    """Return what pandas calls a column without a name, which a saved table may have already."""
    name = f"Unnamed: {place}"
    return f"{name}.1" if name in names else name


def _name_all(file: Path, names: list[str], rows: Rows) -> list[str]:
    """Name the field that each row has in excess: empty at the end, or R's names of rows."""
    if not any(item.strip() for item in rows.column(len(names))):
        return [*names, ""]
    numbered = rows.column(0) == [str(k + 1) for k in range(len(rows.lines))]
    if rows.separator in {_BLANKS, "\t", ";"} and (numbered or not any(map(is_id_name, names))):
        return ["", *names]
    raise DataError(
        f"{file.name} cannot be read as a table: each row has {len(names) + 1} fields, the first "
        f"line {len(names)} ({', '.join(map(repr, names[:5]))}), cut at {rows.separator!r}. Name "
        "every column, and put numbers with a decimal comma in quotes or write them with a point."
    )
