"""Arrays that are published as hundreds of small files, packed into one.

No checksums of the small files are at hand, so shapes and ids are all that is checked; of the
multiple sclerosis cohort, who is who as well.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from skmmcl.datasets._fetch import download
from skmmcl.datasets._registry import ABIDE_PARTS, MS_PARTS, MS_PEOPLE_SHA256, Source

MS_MODALITIES = ("FA", "GM", "RS")
N_CONNECTIONS = 4  # downloads at the same time


def pack_ms(demographics: Path) -> bytes:
    """Return the .npz file of the three connectomes and the type of sclerosis of each subject."""
    lines = np.loadtxt(demographics, dtype=str, delimiter=",", ndmin=2)
    columns = dict(zip(lines[0], lines[1:].T, strict=True))
    _check_people(demographics, columns["id"], columns["mstype"])
    arrays = {
        name: _stack(MS_PARTS, [f"{name}/{i}.csv" for i in columns["id"]], _read_csv)
        for name in MS_MODALITIES
    }
    return _npz(id=columns["id"], mstype=columns["mstype"].astype(np.int8), **arrays)


def _check_people(file: Path, ids: np.ndarray, types: np.ndarray) -> None:
    lines = "".join(f"{i},{kind}\n" for i, kind in zip(ids, types, strict=True))
    found = hashlib.sha256(lines.encode()).hexdigest()
    if found != MS_PEOPLE_SHA256:
        raise OSError(
            f"{file} does not list the subjects that were expected: the sha256 of its columns id "
            f"and mstype is {found}, expected {MS_PEOPLE_SHA256}. Delete it and try again."
        )


def pack_abide(subject_ids: Path) -> bytes:
    """Return the .npz file of the upper triangles of the connectomes."""
    ids = np.loadtxt(subject_ids, dtype=np.int64, ndmin=1)
    matrices = _stack(ABIDE_PARTS, [f"{i}/{i}_ho_correlation.mat" for i in ids], _read_mat)
    rows, columns = np.triu_indices(matrices.shape[1], k=1)
    return _npz(sub_id=ids, X=matrices[:, rows, columns])


def _stack(root: Source, paths: Iterable[str], read: Callable[[bytes], np.ndarray]) -> np.ndarray:
    sources = [root._replace(path=root.path + path) for path in paths]
    with ThreadPoolExecutor(N_CONNECTIONS) as pool:
        return np.stack(list(pool.map(lambda source: read(download(source)), sources)))


def _read_csv(content: bytes) -> np.ndarray:
    return np.loadtxt(io.BytesIO(content), delimiter=",", dtype=np.float32)


def _read_mat(content: bytes) -> np.ndarray:
    return loadmat(io.BytesIO(content))["connectivity"].astype(np.float32)


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
