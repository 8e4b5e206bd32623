"""Where the files of a cohort are found: in local folders, in the cache, or at their source."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from skmmcl.datasets._registry import SOURCES, Source
from skmmcl.utils._files import cache_folder, write_whole

BASE_URL = "https://raw.githubusercontent.com"
TIMEOUT = 60  # seconds without an answer
N_TRIES = 3
WAIT = 1.0  # seconds before another try


def find_file(
    name: str,
    *,
    data_home: str | Path | None = None,
    download_if_missing: bool = True,
    build: Callable[[], bytes] | None = None,
) -> Path:
    """Return the path of a file such as "nspn/....csv", downloaded first if it is nowhere.

    `build` makes the bytes of a file that has no source of its own from files that have one.
    Local folders are taken as they are; what is downloaded must have the checksum of its source,
    and have it still when it is read from the cache.
    """
    folders = _local_folders(data_home)
    for folder in folders:
        path = folder / name
        if path.is_file() and (folder != cache_folder() or _is_as_downloaded(path, name)):
            return path
    if not download_if_missing:
        raise OSError(
            f"{name} is in none of {', '.join(map(str, folders))}, or altered. Allow its download "
            "by download_if_missing=True, or set SKMMCL_DATA to the folder that holds it."
        )
    path = (cache_folder() if data_home is None else folders[0]) / name
    content = download(SOURCES[name]) if build is None else build()
    write_whole(path, content)
    return path


def _is_as_downloaded(path: Path, name: str) -> bool:
    expected = SOURCES[name].sha256 if name in SOURCES else None
    return expected in {None, hashlib.sha256(path.read_bytes()).hexdigest()}


def _local_folders(data_home: str | Path | None) -> list[Path]:
    """Return the folders to look in, in their order."""
    named = [data_home, os.environ.get("SKMMCL_DATA")]
    return [*(Path(folder).expanduser() for folder in named if folder), cache_folder()]


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
