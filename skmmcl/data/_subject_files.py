"""Folders with one array for each subject, and the identifiers in the names of their files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skmmcl.data._identifiers import show
from skmmcl.data._text import SEPARATORS
from skmmcl.exceptions import DataError

FEWEST_MATRICES = 3  # text files of a folder that are taken for one per subject


class Arrays(NamedTuple):
    """Arrays of one file by name, and what may be identifiers of their rows."""

    values: dict[str, Any]
    ids: dict[str, list[str]] | None = None


def of_subjects(folder: Path) -> list[Path]:
    """Return the files of a folder with one for each subject: arrays, or matrices as text."""
    seen = sorted(file for file in folder.glob("*.*") if not file.name.startswith((".", "~$")))
    arrays = [file for file in seen if file.suffix.lower() == ".npy"]
    texts = [file for file in seen if file.suffix.lower() in SEPARATORS]
    numbered = all(re.search(r"\d|^sub", file.stem) for file in texts)
    return arrays or (texts if len(texts) >= FEWEST_MATRICES and numbered else [])


def stack(folder: Path) -> Arrays:
    """Return the arrays of a folder with one for each subject, stacked."""
    files = of_subjects(folder)
    ids = _subjects(folder, [file.stem for file in files])
    arrays = [_load(file) for file in files]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        odd = next(k for k, array in enumerate(arrays) if array.shape != arrays[0].shape)
        raise DataError(
            f"{folder.name}/{files[odd].name} has shape {arrays[odd].shape}, "
            f"{files[0].name} {arrays[0].shape}: all subjects must have the same. Of time "
            "series of different lengths, give the connectomes (ConnectomeVectorizer, nilearn)."
        )
    return Arrays({folder.name: np.stack(arrays)}, ids)


def _read_matrix(file: Path) -> np.ndarray:
    """Read a matrix of numbers from text, with or without names of rows and columns."""
    lines = [line.strip(" ") for line in file.read_text(encoding="utf-8-sig").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    separator = next((mark for mark in "\t;," if lines and mark in lines[0]), None)
    if separator in {"\t", ";"} and not any("." in line for line in lines):
        lines = [line.replace(",", ".") for line in lines]
    rows = [[item.strip('" ') for item in line.split(separator)] for line in lines]
    if rows and (not _are_numbers(rows[0][1:]) or _is_numbered(rows)):
        rows = _drop_numbers_of_rows(rows.pop(0), rows) if len(rows) > 1 else []
    rows = [row[not _are_numbers(row[:1]) :] for row in rows]
    if not rows or any(len(row) != len(rows[0]) or not _are_numbers(row) for row in rows):
        raise ValueError("it is no matrix of numbers with rows of one length")
    return np.array(rows, dtype=float)


def _is_numbered(rows: list[list[str]]) -> bool:
    """Return whether the first line numbers the columns, as pandas does, of a square matrix."""
    head = rows[0][not _are_numbers(rows[0][:1]) :]
    return rows[0][0] == "" or (len(rows) == len(head) + 1 > 2 and _count(head))


def _drop_numbers_of_rows(head: list[str], rows: list[list[str]]) -> list[list[str]]:
    """Drop the first column where the header, or a square matrix of the others, says so."""
    width = len(rows[0])
    is_square = len(rows) == width - 1 and _count([row[0] for row in rows])
    return [row[1:] for row in rows] if head[0] == "" or len(head) < width or is_square else rows


def _count(items: list[str]) -> bool:
    """Return whether texts are 0, 1, 2, ... or 1, 2, 3, ..."""
    return items in [[str(k + start) for k in range(len(items))] for start in (0, 1)]


def _are_numbers(items: list[str]) -> bool:
    try:
        np.array(items, dtype=float)
    except ValueError:
        return False
    return True


def _load(file: Path) -> np.ndarray:
    if file.is_symlink() and not file.exists():
        raise DataError(f"{file} is a link to a file that is not there: fetch it (datalad get).")
    try:
        is_text = file.suffix.lower() in SEPARATORS
        return _read_matrix(file) if is_text else np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise unreadable(file, error) from error


def _subjects(folder: Path, stems: list[str]) -> dict[str, list[str]]:
    """Return candidates for identifiers: the names of files with fewer or more of their words."""
    words = [stem.split("_") for stem in stems]
    bids = [[word for word in each if word.startswith("sub-")] for each in words]
    head, tail = _count_common(words), _count_common([each[::-1] for each in words])
    if all(len(found) == 1 for found in bids):
        ids = [found[0] for found in bids]
    else:
        ids = ["_".join(each[: len(each) - tail]) for each in words]
    if len(set(ids)) < len(ids):
        twice = next(item for item in ids if ids.count(item) > 1)
        several = [stem for stem, item in zip(stems, ids, strict=True) if item == twice]
        raise DataError(
            f"Folder {folder.name} has several files of subject {twice!r}: {show(several)}. Keep "
            "one of each."
        )
    shorter = {
        f"from word {k}": ["_".join(each[k : len(each) - tail]) for each in words]
        for k in range(1, head + 1)
    }
    return {"id": ids, **shorter, "stem": stems}


def _count_common(words: list[list[str]]) -> int:
    """Return with how many words all names begin, of those that leave one of each."""
    shortest = min(map(len, words)) - 1 if len(words) > 1 else 0
    same = [len({each[k] for each in words}) == 1 for k in range(shortest)]
    return [*same, False].index(False)


def unreadable(path: Path, error: Exception) -> DataError:
    hint = ""
    if "allow_pickle" in str(error):
        hint = ". Save numbers by np.save(file, np.stack(rows)), identifiers as np.array(ids, str)"
    return DataError(f"{path} cannot be read as an array of numbers: {error}{hint}")


_SUBJECT = re.compile(r"(?:sub(?:j(?:ect)?)?(?:[-_ ]\w*|)\d\w*|\d+)(?:[-_ ].*)?$", re.IGNORECASE)


def check_subjects(paths: list[Path]) -> None:
    """Raise for files, and for folders, of one subject each next to each other."""
    named = [path for path in paths if _SUBJECT.match(path.stem)]
    files = [path for path in named if path.is_file() and not path.stem[0].isdigit()]  # 2019.csv
    if _are_numbered(path.stem for path in files):
        raise DataError(
            f"{show(file.name for file in files)} are files of one subject each: put them into a "
            "folder with the name of the modality, such as fc/."
        )
    folders = [path for path in named if path.is_dir()]
    stems = [{file.stem for file in of_subjects(folder)} for folder in folders]
    if len(folders) < 2 or any(map(_SUBJECT.match, stems[0])) or not set.intersection(*stems):
        return
    if folders[0].stem[0].isdigit():  # also modalities in an order: 1_fc/ and 2_sc/
        kinds = {re.sub(r"\d+", "0", folder.stem) for folder in folders}
        if len(kinds) > 1 or _are_numbered(set.intersection(*stems)):
            return
    first, file = folders[0].name, of_subjects(folders[0])[0]
    raise DataError(
        f"{show(folder.name for folder in folders)} are folders of one subject each, and those of "
        f"one modality each are read: move {first}/{file.name} to "
        f"{file.stem}/{first}{file.suffix}, and the others likewise."
    )


def _are_numbered(stems: Iterable[str]) -> bool:
    """Return whether names differ in their numbers: sub-1, sub-2, ... and not sub_T1, sub_b0."""
    numbered = (re.match(r"(\D*)\d", stem) for stem in stems)
    heads = Counter(found[1] for found in numbered if found)
    return max(heads.values(), default=0) >= FEWEST_MATRICES
