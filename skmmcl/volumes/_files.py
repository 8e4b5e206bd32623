"""Header and voxels of one image file."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from skmmcl.exceptions import DataError
from skmmcl.volumes._grid import Grid, canonical_grid, is_invertible

# The extra "volumes" has isal, which takes half the time of zlib.
fast_zlib = import_module("isal.isal_zlib" if find_spec("isal") else "zlib")

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    fast_zlib.error,
    ImageFileError,
    HeaderDataError,
    WrapStructError,
)
GZIPPED = b"\x1f\x8b"
FIRST_BYTES = 4096  # of a file, gzipped or not, within which its header ends
MAX_AT_ONCE = 2**28  # bytes; a damaged file may claim any number
HEAD_BYTES = 544  # enough for any header
DEFLATED = 1032  # bytes at most that gzip compresses into one
# Length in mm of a meter and a micron, by their code in NIfTI; all other codes mean mm.
MM = {1: 1000.0, 3: 0.001}
# Beginnings of the files with which git-annex and git-lfs replace one whose content is elsewhere.
POINTERS = (b"/annex/objects/", b"version https://git-lfs")
# Kinds of images, by the number that a file begins with.
KINDS = {348: nib.Nifti1Image, 540: nib.Nifti2Image, 1: nib.MGHImage}
SINGLE = {348: (344, b"n+1"), 540: (4, b"n+2")}  # position and text of "voxels follow"
LABELS = 1002  # the intent code of maps of labels


class VolumeFile(NamedTuple):
    """A file with the header of a 3-D image.

    `path` is absolute, `stamp` is size, times and number of the file when its header was read, and
    `grid` that of its voxels, in the canonical orientation (right, anterior, superior).
    `holds_labels` is True if the header says so, and `doubt` is what makes its orientation unsure.
    """

    path: str
    stamp: tuple[int, ...]
    grid: Grid
    holds_labels: bool = False
    doubt: str | None = None


def read_header(path: str) -> VolumeFile:
    """Read the header of a file; raise if it is not a 3-D image of numbers."""
    try:
        stamp, header = file_stamp(path), _header(path)
        shape, affine = header.get_data_shape(), in_mm(header.get_best_affine(), header)
    except FileNotFoundError:
        raise DataError(missing_file(path)) from None
    except UNREADABLE as error:
        raise DataError(f"cannot be read as an image: {error}") from error
    dtype = header.get_data_dtype()
    if dtype.kind not in "biuf":
        raise DataError(f"holds no real numbers (dtype {dtype})")
    grid = _checked_grid(shape, affine)
    if math.prod(grid.shape) * dtype.itemsize > DEFLATED * stamp[0]:
        raise DataError(f"is damaged: {stamp[0]} bytes are too few for its shape, {grid.shape}")
    holds_labels = is_nifti(header) and int(header["intent_code"]) == LABELS
    return VolumeFile(path, stamp, grid, holds_labels, doubt_of(header))


def is_nifti(header: Any) -> bool:
    """Return whether a header is one of NIfTI-1 or NIfTI-2."""
    return isinstance(header, nib.Nifti1Header)


def doubt_of(header: Any) -> str | None:
    """Return why the orientation of an image is unsure; None if it is not."""
    if not is_nifti(header):
        return None
    has_qform, has_sform = header["qform_code"] > 0, header["sform_code"] > 0
    if not (has_qform or has_sform):
        return "has no orientation (qform_code and sform_code are 0)"
    # The sign of pixdim[0] is that of the qform's determinant.
    if has_qform and has_sform and np.linalg.det(header.get_sform()) * header["pixdim"][0] < 0:
        return "has a qform and an sform that disagree about left and right"
    return None


def in_mm(affine: Any, header: Any) -> np.ndarray:
    """Return the affine of an image in mm, whatever the unit in its header."""
    unit = int(header["xyzt_units"]) % 8 if is_nifti(header) else 0
    scaled = np.array(affine, dtype=float)
    scaled[:3] *= MM.get(unit, 1.0)
    return scaled


def space_of(shape: Sequence[int]) -> tuple[int, ...] | None:
    """Return the first three axes of a shape; None if there are fewer, or later ones above 1."""
    sizes = tuple(int(n) for n in shape)
    return sizes[:3] if len(sizes) >= 3 and all(n == 1 for n in sizes[3:]) else None


def missing_file(path: str | Path) -> str:
    """Return in words why there is no file at a path."""
    path = Path(path)
    if not path.is_symlink():
        return "is not a file" if path.exists() else "does not exist"
    return (
        f"is a link to {path.readlink()}, which is not there; `datalad get` or `git annex get` "
        "fetches the content of such links"
    )


def file_stamp(path: str) -> tuple[int, ...]:
    """Return numbers that change when a file changes."""
    return stamp_of(os.stat(path))  # noqa: PTH116  Path.stat costs more, and this is done often


def stamp_of(stat: os.stat_result) -> tuple[int, ...]:
    """Return size, times and number of a file."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def decode(content: bytes) -> np.ndarray:
    """Return the voxels of a file's content as float32, in the canonical orientation."""
    try:
        # nibabel itself would read through its own gzip, or several times slower through
        # indexed_gzip where that is installed.
        plain = _inflate(content) if content[:2] == GZIPPED else content
        image = _kind(plain).from_bytes(plain)
        with np.errstate(over="ignore"):  # values that become infinite are found by the caller
            data = image.get_fdata(dtype=np.float32)
    except UNREADABLE as error:
        raise DataError(f"is damaged: {error or type(error).__name__}") from error
    return nib.apply_orientation(data.reshape(data.shape[:3]), nib.io_orientation(image.affine))


def _inflate(content: bytes) -> bytes:
    """Undo gzip into memory that is allocated once: the last bytes of the content are its size."""
    n_bytes = int.from_bytes(content[-4:], "little")
    plain = fast_zlib.decompress(content, 31, min(max(n_bytes, 1), MAX_AT_ONCE))
    # A file in several parts, as bgzip writes it, has now given only the first.
    return plain if len(plain) == n_bytes else gzip.decompress(content)


def _header(path: str) -> Any:
    with Path(path).open("rb") as file:
        head = file.read(FIRST_BYTES)
    if head[:2] == GZIPPED:
        head = zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    kind = _kind(head)
    if kind is nib.MGHImage:
        return kind.header_class.from_fileobj(BytesIO(head))
    n_bytes = kind.header_class.template_dtype.itemsize
    if len(head) < n_bytes:
        raise EOFError(f"it ends after {len(head)} bytes, within the header")
    return kind.header_class.from_fileobj(BytesIO(head[:n_bytes] + bytes(4)))  # no extensions


def _kind(content: bytes) -> Any:
    sizes = [int.from_bytes(content[:4], order) for order in ("little", "big")]
    for size in sizes:
        if size in KINDS:
            start, magic = SINGLE.get(size, (0, b""))
            if content[start : start + len(magic)] not in (magic, b""):
                raise ValueError(
                    "it is the header of two files, .hdr and .img; save them as one .nii file"
                )
            return KINDS[size]
    if content.startswith(POINTERS):
        raise ValueError("it is a pointer; `git annex get` or `git lfs pull` fetches the content")
    raise ValueError("it is none of NIfTI-1, NIfTI-2 and MGH, in one file, gzipped or not")


def _checked_grid(shape: Sequence[int], affine: np.ndarray) -> Grid:
    space = space_of(shape)
    if space is None:
        raise DataError(f"is {len(shape)}-D, of shape {tuple(shape)}; expected a 3-D volume")
    if 0 in space:
        raise DataError(f"is empty, of shape {tuple(shape)}")
    if not is_invertible(affine):
        raise DataError(f"has an affine that cannot be inverted: {affine.tolist()}")
    return canonical_grid(space, affine)
