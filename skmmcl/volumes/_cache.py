"""Processed volumes on disk: one file for each, named by a hash of everything that made it."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.utils._files import write_whole
from skmmcl.volumes._files import VolumeFile, fast_zlib, file_stamp, stamp_of
from skmmcl.volumes._recipe import Recipe

ABANDONED = 86_400.0  # seconds after which no process is still writing a file
MTIME_RESOLUTION = 2.0  # seconds; a younger file could change without a new time stamp
CHECKSUM_BYTES = 4
# Stamps of the stored volumes whose checksum this process has compared.
_compared: dict[Path, tuple[int, ...]] = {}


class VolumeCache:
    """A folder of ``.npy`` files that any number of processes may fill and read at once.

    A volume's name is a hash of its source's content and of the recipe, and it gets that name when
    it is complete, so that a file with that name can be used. If two processes write it at once,
    the later of two equal files stays. A checksum follows its voxels; each process compares it when
    it first reads the file, and again after the file was written to. The hash of a source is kept
    under the source's path, size and times, so that a source is read once.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder, self.recipe = folder, recipe
        self._of_recipe = recipe.key()
        self._keys: dict[str, str] = {}
        self._is_swept = False

    def __reduce__(self) -> tuple:
        return VolumeCache, (self.folder, self.recipe)

    def read(self, file: VolumeFile, out: np.ndarray) -> None:
        """Read the volume of a file into an array of the recipe's shape and dtype."""
        key = self._keys.get(file.path) or self._known_key(file)
        if key is None or not self._load(key, out):
            self._make(file, out)

    def _make(self, file: VolumeFile, out: np.ndarray) -> None:
        content = read_unchanged(file)
        digest = hashlib.sha256(content).hexdigest()
        self._note(file, digest)
        key = self._keys[file.path] = self._key(digest)
        if not self._load(key, out):  # another file may have had the same content
            out[:] = self.recipe(content, file)
            voxels = out.data.cast("B")
            self._write(self._volume(key), _npy_header(out), voxels, _checksum(key, voxels))

    def _load(self, key: str, out: np.ndarray) -> bool:
        """Read a stored volume; return False if it is missing, incomplete or altered."""
        header, voxels, path = _npy_header(out), out.data.cast("B"), self._volume(key)
        try:
            # Reading takes half the time of copying from a memory map, and a file that is cut off
            # meanwhile is noticed instead of ending the process.
            with path.open("rb", buffering=0) as file:
                stamp = stamp_of(os.fstat(file.fileno()))
                if file.read(len(header)) != header or file.readinto(voxels) != out.nbytes:
                    return False
                checksum = file.read(CHECKSUM_BYTES + 1)
        except OSError:
            return False
        if _compared.get(path) != stamp:
            if checksum != _checksum(key, voxels):
                return False
            _compared[path] = stamp
        return True

    def _key(self, digest: str) -> str:
        return hashlib.sha256(digest.encode() + self._of_recipe).hexdigest()[:40]

    def _volume(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def _note_of(self, file: VolumeFile) -> Path:
        name = hashlib.sha256(repr((file.path, file.stamp)).encode()).hexdigest()[:40]
        return self.folder / "sources" / name

    def _known_key(self, file: VolumeFile) -> str | None:
        try:
            digest = self._note_of(file).read_text()
        except OSError:
            return None
        self._keys[file.path] = self._key(digest)
        return self._keys[file.path]

    def _note(self, file: VolumeFile, digest: str) -> None:
        _, *times, _ = file.stamp
        if time.time() - max(times) / 1e9 > MTIME_RESOLUTION:
            self._write(self._note_of(file), digest.encode())

    def _write(self, path: Path, *content: bytes | memoryview) -> None:
        self._sweep()
        try:
            write_whole(path, *content)
        except OSError as error:
            warnings.warn(
                f"The cache of volumes in {self.folder} cannot be written ({error}); files are "
                "read again in each epoch. Give cache= another folder, or free disk space.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _sweep(self) -> None:
        """Remove, once, incomplete files of processes that were killed."""
        left = [] if self._is_swept else self.folder.glob(".*.npy.*")
        self._is_swept = True
        for part in left:
            with suppress(OSError):  # another process may be sweeping too
                if time.time() - part.stat().st_mtime > ABANDONED:
                    part.unlink()


def read_unchanged(file: VolumeFile) -> bytes:
    """Read the content of a file that has not changed since its header was read."""
    try:
        content = Path(file.path).read_bytes()
        if file_stamp(file.path) == file.stamp:
            return content
    except OSError as error:
        raise DataError(f"can no longer be read: {error}") from error
    raise DataError("has changed since load_volumes read its header; call load_volumes again")


def _checksum(key: str, voxels: memoryview) -> bytes:
    """Return a checksum of voxels and of their name, which differs from another volume's."""
    return fast_zlib.crc32(voxels, fast_zlib.crc32(key.encode())).to_bytes(CHECKSUM_BYTES, "little")


def _npy_header(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    about = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(buffer, about)
    return buffer.getvalue()
