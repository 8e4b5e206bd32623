"""Files and folders that hold the array of a modality."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from skmmcl.data._identifiers import is_id_name, show, simple_name
from skmmcl.data._text import SEPARATORS
from skmmcl.exceptions import DataError

ARRAYS = {".npy", ".npz"}
SHEETS = {".xlsx"}
MATLAB = {".mat"}
TABLES = SEPARATORS.keys()
FEWEST_MATRICES = 3  # text files of a folder that are taken for one per subject
READ = ARRAYS | SHEETS | MATLAB | SEPARATORS.keys()
_IMAGES = (".nii", ".nii.gz", ".mgz", ".mgh", ".img", ".hdr", ".gii")
_TEXTS = {
    ".bib", ".cff", ".css", ".doc", ".docx", ".gif", ".htm", ".html", ".ipynb", ".jpeg", ".jpg",
    ".js", ".json", ".log", ".m", ".md", ".pdf", ".png", ".ppt", ".pptx", ".py", ".r", ".rst",
    ".sh", ".svg", ".toml", ".yaml", ".yml",
}  # fmt: skip
_DOCUMENTS = {
    "authors", "changelog", "changes", "citation", "copying", "license", "makefile", "readme",
    "upstream_readme",
}  # fmt: skip


class NotRead(Exception):  # noqa: N818
    """The reason why a file is skipped."""


class Arrays(NamedTuple):
    """Arrays of one file by name, and what may be identifiers of their rows."""

    values: dict[str, Any]
    ids: dict[str, list[str]] | None = None


def list_folder(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """Return what can be read, and why the rest cannot."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder.")
    files, skipped = [], {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")):
            continue
        if _is_readable(path):
            files.append(path)
        elif reason := _describe(path):
            skipped[path.name + "/" * path.is_dir()] = reason
    _check_folders([path for path in files if path.is_dir()])
    return files, skipped


_SUBJECT = re.compile(r"(?:sub(?:j(?:ect)?)?[-_ ]?\w+|[a-z]{0,4}[-_ ]?\d+)$", re.IGNORECASE)


def _check_folders(folders: list[Path]) -> None:
    """Raise for folders of one subject each, with a file for each modality."""
    subjects = [folder for folder in folders if _SUBJECT.match(folder.name)]
    stems = [{file.stem for file in _of_subjects(folder)} for folder in subjects]
    if len(subjects) < 2 or any(map(_SUBJECT.match, stems[0])) or not set.intersection(*stems):
        return
    first, file = subjects[0].name, _of_subjects(subjects[0])[0]
    raise DataError(
        f"{show(folder.name for folder in subjects)} are folders of one subject each, and those of "
        f"one modality each are read: move {first}/{file.name} to "
        f"{file.stem}/{first}{file.suffix}, and the others likewise."
    )


def _is_readable(path: Path) -> bool:
    if path.is_dir():
        return bool(_of_subjects(path))
    if path.suffix.lower() not in READ or _is_document(path):
        return False
    if path.is_symlink() and not path.exists():
        raise DataError(
            f"{path} is a link to a file that is not there: fetch it (datalad get, git annex get), "
            "or remove the link."
        )
    return True


def _describe(path: Path) -> str:
    """Return why a file is skipped; '' for documents, in which nobody looks for data."""
    if path.is_symlink() and not path.exists():
        return "a link to a file that is not there"
    if path.is_dir():
        return _describe_folder(path)
    if path.name.lower().endswith(_IMAGES):
        return "an image: see skmmcl.volumes.load_volumes and load_bids"
    if _is_document(path) or path.suffix.lower() in _TEXTS:
        return ""
    return "not .npy, .npz, .csv, .tsv, .txt, .mat or .xlsx"


def _is_document(path: Path) -> bool:
    return path.stem.lower() in _DOCUMENTS and path.suffix.lower() not in ARRAYS


def _describe_folder(path: Path) -> str:
    """Return what a folder holds; '' for one without data."""
    below = [file for file in path.rglob("*") if not file.name.startswith(".") and file.is_file()]
    if any(file.name.lower().endswith(_IMAGES) for file in below):
        return "images: see skmmcl.volumes.load_volumes and load_bids"
    data = [f for f in below if f.suffix.lower() not in _TEXTS and not _is_document(f)]
    if any(file.suffix.lower() in TABLES and file.parent == path for file in data):
        return "a folder without .npy files; tables in it: move them up, next to participants.tsv"
    return "a folder without .npy files" if data else ""


def read_arrays(path: Path, mmap_mode) -> Arrays:
    """Read a file of arrays, or a folder with one for each subject.

    A file without an array of numbers is a DataError; one of another program is `NotRead`.
    """
    if path.is_dir():
        return _stack(path)
    if path.suffix.lower() in MATLAB:
        return _name(path, _load_matlab(path))
    try:
        loaded = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _check_name(path, loaded)
        with loaded as archive:
            return _name(path, {name: archive[name] for name in archive.files})
    except (ValueError, EOFError, OSError, BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    hint = ""
    if "allow_pickle" in str(error):
        hint = ". Save numbers by np.save(file, np.stack(rows)), identifiers as np.array(ids, str)"
    return DataError(f"{path} cannot be read as an array of numbers: {error}{hint}")


def _check_name(path: Path, array: np.ndarray) -> Arrays:
    if _are_ids(path.stem, array):
        raise DataError(
            f"{path.name} seems to hold identifiers of subjects, not a modality: write them into "
            "a column participant_id of participants.tsv and remove the file, or rename it."
        )
    return Arrays({path.stem: array})


_LISTS = re.compile(r"(?:sub(?:j(?:ect)?)?|participant|patient)s?(?:list|names?|codes?|numbers?)?$")


def _are_ids(name: str, array: np.ndarray) -> bool:
    return (
        (is_id_name(name) or bool(_LISTS.match(simple_name(name))))
        and array.dtype.kind in "iuUSO"
        and array.size > 1
        and array.size == max(array.shape, default=0)
        and len(set(map(str, array.ravel()))) == array.size
    )


def _name(path: Path, arrays: dict[str, np.ndarray]) -> Arrays:
    """Take identifiers out of the arrays of a file; a lone array has the name of the file."""
    found = {name: array for name, array in arrays.items() if _are_ids(name, array)}
    ids = {
        name: [str(_plain(item)).rstrip() for item in array.ravel()]  # MATLAB pads text
        for name, array in found.items()
    }
    arrays = {name: array for name, array in arrays.items() if name not in ids}
    first, n_subjects = next(((name, len(each)) for name, each in ids.items()), ("", 0))
    for name, array in [*arrays.items(), *((name, found[name].ravel()) for name in ids)]:
        if ids and (array.ndim == 0 or len(array) != n_subjects):
            raise DataError(
                f"{path.name}: {name!r} has shape {array.shape}, {first!r} lists {n_subjects} "
                "subjects."
            )
    if len(arrays) == 1:
        arrays = {path.stem: next(iter(arrays.values()))}
    return Arrays(arrays, ids or None)


def _plain(item: Any) -> Any:
    """Return what a cell of MATLAB holds."""
    return item.item() if isinstance(item, np.ndarray) and item.size == 1 else item


def _load_matlab(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    try:
        loaded = loadmat(path)
    except NotImplementedError as error:
        raise NotRead("a MATLAB file of version 7.3: save it with -v7") from error
    except Exception as error:
        raise NotRead(f"no MATLAB file: {error}") from error
    arrays = {
        name: array
        for name, array in loaded.items()
        if isinstance(array, np.ndarray)
        and not name.startswith("__")
        and (array.dtype.kind in "biuf" or _are_ids(name, array))
    }
    if len(arrays) > 1:  # numbers next to them are settings
        arrays = {name: array for name, array in arrays.items() if array.size > 1}
    if not any(array.dtype.kind in "biuf" for array in arrays.values()):
        raise NotRead("no array of numbers in it; cells and structs are not read")
    return arrays


# --------------------------------------------------------------------- one file for each subject
def _of_subjects(folder: Path) -> list[Path]:
    """Return the files of a folder with one for each subject: arrays, or matrices as text."""
    seen = sorted(file for file in folder.glob("*.*") if not file.name.startswith((".", "~$")))
    arrays = [file for file in seen if file.suffix.lower() == ".npy"]
    texts = [file for file in seen if file.suffix.lower() in TABLES]
    numbered = all(re.search(r"\d|^sub", file.stem) for file in texts)
    return arrays or (texts if len(texts) >= FEWEST_MATRICES and numbered else [])


def _stack(folder: Path) -> Arrays:
    files = _of_subjects(folder)
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
        named = rows.pop(0)[0] == "" and len(rows) > 0
        rows = [row[1:] for row in rows] if named else rows
    rows = [row[not _are_numbers(row[:1]) :] for row in rows]
    if not rows or any(len(row) != len(rows[0]) or not _are_numbers(row) for row in rows):
        raise ValueError("it is no matrix of numbers with rows of one length")
    return np.array(rows, dtype=float)


def _is_numbered(rows: list[list[str]]) -> bool:
    """Return whether the first line numbers the columns, as pandas does, of a square matrix."""
    head = rows[0][rows[0][0] == "" :]
    counts = [[str(k + start) for k in range(len(head))] for start in (0, 1)]
    return rows[0][0] == "" or (len(rows) == len(head) + 1 and head in counts)


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
        is_text = file.suffix.lower() in TABLES
        return _read_matrix(file) if is_text else np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise _unreadable(file, error) from error


def _subjects(folder: Path, stems: list[str]) -> dict[str, list[str]]:
    """Return what names of files may say of the subject, with fewer or more of their words."""
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
