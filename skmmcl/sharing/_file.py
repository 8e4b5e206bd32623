"""Model file: a safetensors file, whose header holds JSON and whose body holds the arrays.

The header's ``__metadata__`` has one entry, ``skmmcl``, which is JSON: ``format_version``,
``about`` (facts for readers), ``model`` (its parts), and ``digest``, the hash of the latter two and
of the arrays. It is one entry because safetensors writes several in an order that varies.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from skmmcl.exceptions import ModelFileError
from skmmcl.utils._files import user_path, write_whole
from skmmcl.utils._optional import import_optional

ENTRY, FORMAT_VERSION = "skmmcl", 1
MAX_HEADER = 100_000_000  # bytes; safetensors' own limit
ADVICE = 'Model files need safetensors: pip install "skmmcl[weights]".'


def write_file(
    path: str | os.PathLike[str],
    about: Mapping[str, Any],
    model: Any,
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write a file, as a whole or not at all."""
    texts = [_text(about), _text(model)]
    if sum(map(len, texts)) > MAX_HEADER // 2:
        raise ModelFileError("The model cannot be saved: it consists of too many parts.")
    write_texts(path, texts, arrays)


def write_texts(
    path: str | os.PathLike[str], texts: Sequence[str], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a file of texts that are JSON already."""
    safetensors = import_optional("safetensors.numpy", ADVICE)
    version, digest = json.dumps(FORMAT_VERSION), json.dumps(_digest(texts, arrays))
    entry = (
        f'{{"format_version": {version}, "digest": {digest}, '
        f'"about": {texts[0]}, "model": {texts[1]}}}'
    )
    write_whole(user_path(path), safetensors.save(dict(arrays), {ENTRY: entry}))


def read_about(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the facts that a file states about its model."""
    about: dict[str, Any] = _entry(user_path(path))["about"]
    return about


def read_file(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], Any, dict[str, np.ndarray]]:
    """Return what was passed to `write_file`.

    Raises
    ------
    ModelFileError
        If the file is not a model file, of a later format, cut off or changed.
    """
    safetensors = import_optional("safetensors", ADVICE)
    path = user_path(path)
    entry = _entry(path)
    try:
        with safetensors.safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, MemoryError) as error:
        raise ModelFileError(f"it is damaged or cut off ({error})") from error
    if _digest([_text(entry["about"]), _text(entry["model"])], arrays) != entry["digest"]:
        raise ModelFileError("it is damaged: its digest is that of another content")
    return entry["about"], entry["model"], arrays


def _entry(path: Path) -> dict[str, Any]:
    header = _json(_header(path))
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    text = metadata.get(ENTRY) if isinstance(metadata, dict) else None
    entry = _json(text) if isinstance(text, str) else None
    if not isinstance(entry, dict):
        raise ModelFileError("it is a file of safetensors, but was not written by save_model")
    version = entry.get("format_version")
    if type(version) is not int or version < 1:
        raise ModelFileError(f"its version of the format is {version!r:.40}")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"it is of version {version!r:.40} of the format, and this skmmcl reads versions up to "
            f"{FORMAT_VERSION}; a later one reads it"
        )
    kinds = {"digest": str, "about": dict, "model": dict}
    lacking = [name for name, kind in kinds.items() if type(entry.get(name)) is not kind]
    if lacking:
        raise ModelFileError(f"its header lacks {lacking}")
    return entry


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(8)
        size, most = int.from_bytes(start, "little"), path.stat().st_size - 8
        is_cut = len(start) < 8 or not 2 <= size <= most
        if is_cut and (start[:1] == b"\x80" or start[:2] == b"PK"):
            raise ModelFileError("it is a pickle or an archive, which this function never opens")
        if is_cut:
            raise ModelFileError(
                "it is cut off, or no file of safetensors: its header would have "
                f"{size} bytes, and the file has {most + 8}"
            )
        if size > MAX_HEADER:
            raise ModelFileError(f"its header has {size} bytes; at most {MAX_HEADER} are read")
        return file.read(size)


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"its header is no JSON ({error})") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ModelFileError(f"its header has {twice!r:.80} twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ModelFileError(f"its header has the number {name}, which JSON does not know")


def _digest(texts: Sequence[str], arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode("utf-8", "surrogatepass"))
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
