"""Files of the package's own: the cache folder, and writing as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4


def user_path(path: str | os.PathLike[str]) -> Path:
    """Return a path that the user gave, with the home folder for a leading ``~``."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  Path.expanduser raises for "~name"


def cache_folder() -> Path:
    """Return the folder of downloads and caches: SKMMCL_CACHE, else ~/skmmcl_data."""
    return user_path(os.environ.get("SKMMCL_CACHE") or "~/skmmcl_data")


def write_whole(path: Path, *content: bytes | memoryview) -> None:
    """Write a file so that readers see all of it or none, even with several writers.

    It is on the disk before it gets its name: neither a crash nor a full disk leaves half a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}")  # not of mkstemp, for its owner alone
    try:
        with part.open("xb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
