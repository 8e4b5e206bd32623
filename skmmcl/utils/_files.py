"""Files that the package keeps for itself: where they lie, and how they are written."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4


def cache_folder() -> Path:
    """Return the folder of downloads and caches: SKMMCL_CACHE, else ~/skmmcl_data."""
    return Path(os.environ.get("SKMMCL_CACHE") or "~/skmmcl_data").expanduser()


def write_whole(path: Path, *content: bytes | memoryview) -> None:
    """Write a file so that others see all of it or none, whoever writes it at the same time.

    It is on the disk before it has its name: neither a crash nor a full disk leaves half a file.
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
