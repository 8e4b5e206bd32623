"""Search for the files of a cohort: in local folders, in the cache, and at their source."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np

from skmmcl.utils._files import cache_folder, user_path, write_whole

BASE_URL = "https://raw.githubusercontent.com"
TIMEOUT = 60  # seconds without an answer
N_TRIES = 3
WAIT = 1.0  # seconds before another try
N_CONNECTIONS = 4  # downloads at the same time


class Source(NamedTuple):
    """A file in a public repository; `sha256` is None where no checksum was taken."""

    repo: str
    commit: str
    path: str
    sha256: str | None = None


def sources(repo: str, commit: str, root: str, sums: Mapping[str, str]) -> dict[str, Source]:
    """Return files of one folder of a repository by name, given their checksums."""
    return {name: Source(repo, commit, root + name, sha256) for name, sha256 in sums.items()}


def find_file(
    name: str,
    make: Callable[[], bytes],
    *,
    sha256: str | None = None,
    data_home: str | PathLike[str] | None = None,
    download_if_missing: bool = True,
) -> Path:
    """Return the path of a file such as "nspn/....csv"; if it is nowhere, `make` gives its bytes.

    Local folders are taken as they are; a file in the cache must still have its checksum.
    """
    folders = _local_folders(data_home)
    for folder in folders:
        path = folder / name
        if path.is_file() and (folder != cache_folder() or _is_as_made(path, sha256)):
            return path
    if not download_if_missing:
        raise OSError(
            f"{name} is in none of {', '.join(map(str, folders))}, or altered. Allow its download "
            "by download_if_missing=True, or set SKMMCL_DATA to the folder that holds it."
        )
    path = (cache_folder() if data_home is None else folders[0]) / name
    write_whole(path, make())
    return path


def _is_as_made(path: Path, sha256: str | None) -> bool:
    return sha256 in {None, hashlib.sha256(path.read_bytes()).hexdigest()}


def _local_folders(data_home: str | PathLike[str] | None) -> list[Path]:
    """Return the folders to look in, in their order."""
    named = [data_home, os.environ.get("SKMMCL_DATA")]
    return [*(user_path(folder) for folder in named if folder), cache_folder()]


def download(source: Source) -> bytes:
    """Return the content of a source, checked where its checksum is known."""
    url = f"{BASE_URL}/{source.repo}/{source.commit}/{quote(source.path)}"
    content = _read(url)
    found = hashlib.sha256(content).hexdigest()
    if source.sha256 not in {None, found}:
        raise OSError(
            f"{url} is not the file that was expected: its sha256 is {found}, expected "
            f"{source.sha256}. Try again; if it stays so, the source has changed: please report it."
        )
    return content


def _read(url: str) -> bytes:
    tries_left = N_TRIES
    while True:
        tries_left -= 1
        try:
            with urlopen(url, timeout=TIMEOUT) as response:
                return response.read()
        except (OSError, HTTPException) as error:
            if not tries_left:
                raise OSError(
                    f"{url} could not be downloaded ({error}). Without a connection, set "
                    "SKMMCL_DATA to a folder that holds the files of the cohorts."
                ) from error
        time.sleep(WAIT)


# --------------------------------------------- arrays that are published as hundreds of small files
def download_stack(
    root: Source, paths: Iterable[str], read: Callable[[BytesIO], np.ndarray]
) -> np.ndarray:
    """Return the arrays in files below a root, stacked.

    There are no checksums of such files; the only check is that all have one shape.
    """
    parts = [root._replace(path=root.path + path) for path in paths]
    with ThreadPoolExecutor(N_CONNECTIONS) as pool:
        return np.stack(list(pool.map(lambda part: read(BytesIO(download(part))), parts)))


def as_npz(**arrays: Any) -> bytes:
    """Return the bytes of a compressed .npz file."""
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
