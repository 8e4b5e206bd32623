"""Checkpoints, from which an interrupted fit resumes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from skmmcl.exceptions import CheckpointWarning
from skmmcl.training._fingerprint import code_version
from skmmcl.training._state import Reader, StateError, Writer
from skmmcl.utils._files import user_path

N_DIGEST = 64  # characters at the end of a file, after the archive


def open_folder(folder: str | os.PathLike[str]) -> None:
    """Make a folder for checkpoints; raise if another version of the code has written to it.

    Fits of different data or parameters share a folder: each has a file of its own name.
    """
    path, present = user_path(folder) / "about.json", code_version()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _replace(path, json.dumps(present).encode(), sync=True)
    earlier = _read_about(path)
    changed = {k: (earlier.get(k), now) for k, now in present.items() if earlier.get(k) != now}
    if changed:
        found = "; ".join(f"{name} was {old}, is {now}" for name, (old, now) in changed.items())
        raise ValueError(
            f"The checkpoints in {str(folder)!r} were written by another version of the code "
            f"({found}), so that they cannot be continued. Give another folder, or delete this one."
        )
    for left in path.parent.glob("about.*.part"):
        left.unlink(missing_ok=True)


def _read_about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        about = error
    if isinstance(about, dict):
        return about
    raise ValueError(
        f"{str(path)!r} should say which code has written the checkpoints next to it, and is "
        f"damaged ({about!r}). Give another folder, or delete this one."
    )


def _replace(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file that exists as a whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        with suppress(FileNotFoundError):  # another process has removed it, and written its own
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


class Checkpoint(Callback):
    """Keep the state of a fit in a file, so that the same fit can resume from it.

    A problem with the file is a warning, and never ends the fit.

    Parameters
    ----------
    folder : path
        Holds one file per fit; made if it does not exist.
    key : str
        From `fingerprint`: names the file, so that another fit never reads it.

    Attributes
    ----------
    interval : float
        Seconds between two writes.
    """

    interval = 10.0

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self.path, self.key = user_path(folder) / f"fit-{key}.npz", key
        self.saved_ = monotonic()
        self.troubles_: set[str] = set()

    def load(self, net: Any) -> bool:
        """Load the state of the file, if any, into a net; return whether that fit is complete.

        If loading fails, the net stays as it is.
        """
        for left in self.path.parent.glob(f"{self.path.stem}.*.part"):  # of a killed process
            with suppress(OSError):
                left.unlink(missing_ok=True)
        if not self.path.exists():
            return False
        try:
            text, arrays = unpacked(self.path.read_bytes())
            if text["fingerprint"] != self.key:
                raise StateError(f"it is of another fit, {text['fingerprint']}")
            take_up(net, text["state"], arrays)
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, the fit can do without
            self._warn("cannot be continued", error, "The fit begins anew.")
            return False
        return bool(text["complete"])

    def save(self, net: Any, *, complete: bool) -> None:
        """Write the state; the file is replaced at once or not at all."""
        self.saved_ = monotonic()
        try:
            writer = Writer()
            state = {name: writer.write(part, name) for name, part in parts(net).items()}
            text = {"fingerprint": self.key, "complete": complete, "state": state}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, packed(text, writer.arrays))
        except (StateError, RecursionError) as error:
            self._warn("cannot be written", error, "If it is cut off, the fit will begin anew.")
        except OSError as error:
            self._warn("could not be written", error, "The fit goes on.")

    def _warn(self, what: str, error: Exception, then: str) -> None:
        if what not in self.troubles_:  # else at each interval
            self.troubles_.add(what)
            text = f"The checkpoint {str(self.path)!r} {what}: {error or type(error)}. {then}"
            warnings.warn(text, CheckpointWarning, stacklevel=2)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if monotonic() - self.saved_ >= self.interval:
            self.save(net, complete=False)


def parts(net: Any) -> dict[str, Any]:
    """Return all parts of a net that change in training."""
    elsewhere = {"state", "param_groups"}  # in the moments
    return {
        "network": net.module_,
        "objective": net.criterion_,
        "moments": net.optimizer_.state_dict(),
        "optimizer": {
            name: value
            for name, value in vars(net.optimizer_).items()
            if name not in elsewhere and not callable(value)
        },
        "history": list(net.history),
        "order": net.rng_,
        "draws": net.augment_rng_,
        "augment": net.augment_,
        "callbacks": {name: item for name, item in net.callbacks_ if name != "checkpoint"},
    }


def take_up(net: Any, state: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """Load the written state of an equal net into a net; if that fails, it stays as it is."""
    writer = Writer()
    before = {name: writer.write(part, name) for name, part in parts(net).items()}
    kept = [array.copy() for array in writer.arrays]
    try:
        _put(net, state, arrays)
    except Exception:
        _put(net, before, kept)
        raise


def _put(net: Any, state: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
    reader, present = Reader(arrays), parts(net)
    for name in ("network", "objective", "order", "draws", "augment"):
        reader.read(state[name], present[name], name)
    net.optimizer_.load_state_dict(reader.read(state["moments"], None, "moments"))
    vars(net.optimizer_).update(reader.read(state["optimizer"], present["optimizer"], "optimizer"))
    net.history[:] = reader.read(state["history"], None, "history")
    for key, text in state["callbacks"][-1]:  # those that were not given again are left out
        if (given := present["callbacks"].get(key)) is not None:
            reader.read(text, given, f"callbacks.{key}")


def packed(text: dict[str, Any], arrays: Sequence[np.ndarray]) -> bytes:
    """Return a text and arrays as an archive of numpy, ``.npz``, followed by its digest.

    Arrays of one type are concatenated in one member.
    """
    forms = [(array.dtype.str, array.shape) for array in arrays]
    of_types: dict[str, list[np.ndarray]] = {}
    for array in arrays:
        of_types.setdefault(array.dtype.str, []).append(array.ravel())
    members: Any = {name: np.concatenate(flat) for name, flat in of_types.items()}
    written = json.dumps({**text, "arrays": forms}).encode()
    buffer = io.BytesIO()
    np.savez(buffer, json=np.frombuffer(written, np.uint8), **members)
    return buffer.getvalue() + _digest(buffer.getvalue())


def unpacked(content: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the arguments of `packed`; raise `StateError` if a bit has changed."""
    archive, digest = content[:-N_DIGEST], content[-N_DIGEST:]
    if _digest(archive) != digest:
        raise StateError("it is damaged or cut off")
    with np.load(io.BytesIO(archive), allow_pickle=False) as members:
        text = json.loads(members["json"].tobytes())
        flat = {name: members[name] for name in {name for name, _ in text["arrays"]}}
    arrays, done = [], dict.fromkeys(flat, 0)
    for name, shape in text["arrays"]:
        start, done[name] = done[name], done[name] + int(np.prod(shape, dtype=int))
        arrays.append(flat[name][start : done[name]].reshape(shape))
    return text, arrays


def _digest(archive: bytes) -> bytes:
    return hashlib.sha256(archive).hexdigest().encode()
