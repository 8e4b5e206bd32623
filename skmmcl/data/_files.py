"""Files and folders that hold the array of a modality."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from skmmcl.data._identifiers import is_id_name, simple_name
from skmmcl.data._subject_files import Arrays, check_subjects, of_subjects, stack, unreadable
from skmmcl.data._text import SEPARATORS
from skmmcl.exceptions import DataError

ARRAYS = {".npy", ".npz"}
SHEETS = {".xlsx"}
MATLAB = {".mat"}
TABLES = SEPARATORS.keys()
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


def list_folder(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """Return the files that can be read, and why the others cannot."""
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
    check_subjects(files)
    return files, skipped


def _is_readable(path: Path) -> bool:
    if path.is_dir():
        return bool(of_subjects(path))
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
    """Return the kind of content of a folder; '' for one without data."""
    below = [file for file in path.rglob("*") if not file.name.startswith(".") and file.is_file()]
    if any(file.name.lower().endswith(_IMAGES) for file in below):
        return "images: see skmmcl.volumes.load_volumes and load_bids"
    data = [f for f in below if f.suffix.lower() not in _TEXTS and not _is_document(f)]
    if any(file.suffix.lower() in TABLES and file.parent == path for file in data):
        return "a folder without .npy files; tables in it: move them up, next to participants.tsv"
    return "a folder without .npy files" if data else ""


def read_arrays(path: Path, mmap_mode: Any) -> Arrays:
    """Read a file of arrays, or a folder with one for each subject.

    A file without an array of numbers is a DataError; one of another program is `NotRead`.
    """
    if path.is_dir():
        return stack(path)
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
        raise unreadable(path, error) from error


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
    """Return the content of a cell of MATLAB."""
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
    lengths = {len(array) for array in arrays.values() if array.ndim > 1 and len(array) > 1}
    arrays = {  # MATLAB has no vectors: a row of one entry per subject is a column
        name: array.T if len(array) == 1 and array.ndim == 2 and {array.size} == lengths else array
        for name, array in arrays.items()
    }
    if not any(array.dtype.kind in "biuf" for array in arrays.values()):
        raise NotRead("no array of numbers in it; cells and structs are not read")
    return arrays
