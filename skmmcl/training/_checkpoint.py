"""A fit that goes on where it was cut off."""

from __future__ import annotations

import json
import os
import pickle
import threading
from functools import cache, partial
from pathlib import Path
from time import monotonic
from types import CodeType, FunctionType
from typing import Any

import joblib
import torch
from skorch.callbacks import Callback
from torch import nn

import skmmcl


def fingerprint(*described: Any) -> str:
    """Hash of arrays, parameters and versions; what differs in any of them differs here."""
    return joblib.hash((code_version(), [_plain(value) for value in described]))


def code_version() -> dict[str, str]:
    """Versions of what computes a fit; ``code`` changes with every line of this package."""
    return {"skmmcl": skmmcl.__version__, "code": _code_hash(), "torch": torch.__version__}


@cache
def _code_hash() -> str:
    files = sorted(Path(skmmcl.__file__).parent.rglob("*.py"))
    return joblib.hash([file.read_bytes() for file in files])


def open_folder(folder: str | os.PathLike[str]) -> None:
    """Make a folder for checkpoints, or raise if other code has written those in it.

    Fits of other data or parameters may lie in one folder: each has a file of its own name.
    """
    path, present = Path(folder) / "about.json", code_version()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
        part.write_text(json.dumps(present))
        part.replace(path)
    earlier = json.loads(path.read_text())
    changed = {k: (earlier.get(k), now) for k, now in present.items() if earlier.get(k) != now}
    if changed:
        found = "; ".join(f"{name} was {old}, is {now}" for name, (old, now) in changed.items())
        raise ValueError(
            f"The checkpoints in {str(folder)!r} were written by another version of the code "
            f"({found}), so that they cannot be continued. Give another folder, or delete this one."
        )


def _plain(value: Any) -> Any:
    if isinstance(value, nn.Module):
        state = {name: _plain(tensor) for name, tensor in value.state_dict().items()}
        return repr(value), state
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, FunctionType):  # by name alone an edited function would be the old one
        return value, _code(value.__code__)
    if isinstance(value, partial):
        return [_plain(part) for part in (value.func, value.args, value.keywords)]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _code(code: CodeType) -> Any:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code, code.co_names, constants


class Checkpoint(Callback):
    """Keep the state of a fit in a file, so that the same fit can go on from it.

    Parameters
    ----------
    folder : path
        Holds one file per fit, made if need be.
    key : str
        From `fingerprint`: names the file, so that another fit never reads it.

    Attributes
    ----------
    interval : float
        Seconds between two writes.
    """

    interval = 10.0

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self.path = Path(folder) / f"fit-{key}.pkl"
        self.saved_ = monotonic()

    def load(self) -> tuple[Any, bool] | None:
        """The net and whether its training was complete; None without a file."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            try:
                return pickle.load(file)
            except Exception as error:
                raise ValueError(
                    f"The checkpoint {str(self.path)!r} cannot be read ({error!r}). Delete it, and "
                    "its fit will be trained anew."
                ) from error

    def save(self, net: Any, *, complete: bool) -> None:
        """Write the state; the file is replaced at once or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.part")
        with part.open("wb") as file:
            pickle.dump((net, complete), file)
        part.replace(self.path)
        self.saved_ = monotonic()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if monotonic() - self.saved_ >= self.interval:
            self.save(net, complete=False)
