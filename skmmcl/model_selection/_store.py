"""Finished fits in a folder, from which an interrupted comparison resumes."""

from __future__ import annotations

import io
import json
import os
import warnings
from dataclasses import asdict
from typing import Any

import joblib
import numpy as np
import sklearn

import skmmcl
from skmmcl.exceptions import CheckpointWarning, DataError
from skmmcl.model_selection._evaluate import Fit
from skmmcl.utils._files import user_path, write_whole
from skmmcl.utils._fingerprint import code_hash, describe

_ARRAYS = ("outputs", "classes")


class Store:
    """Folder with one file for each fit, named by a hash of all that determines the fit.

    Parameters
    ----------
    folder : str or path
        Created if it does not exist. It may hold fits of other data, methods and splits.
    *data : Any
        Input that all fits share, such as X and y.
    """

    def __init__(self, folder: str | os.PathLike[str], *data: Any) -> None:
        self.folder = user_path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise DataError(f"checkpoint must be a folder; {str(folder)!r} is a file.")
        self.folder.mkdir(parents=True, exist_ok=True)
        versions = skmmcl.__version__, code_hash(), sklearn.__version__, np.__version__
        self.common = joblib.hash([versions, *data])

    def key(self, what: str, *described: Any) -> str:
        """Return a hash of the data and of these values; errors call them `what`."""
        try:
            return joblib.hash([self.common, [describe(value) for value in described]])
        except Exception as error:
            raise DataError(
                f"checkpoint: {what} cannot be distinguished from others, since it cannot be "
                f"pickled ({error}). Define its functions in a module, or omit checkpoint."
            ) from error

    def load(self, key: str) -> Fit | None:
        """Return a finished fit; None where there is none, or its file is damaged."""
        content = self._read(f"fit-{key}.npz")
        if content is None:
            return None
        text, arrays = content
        outputs = {name.removeprefix("outputs."): a for name, a in arrays.items() if "." in name}
        text["messages"] = tuple(text["messages"])
        return Fit(**text, outputs=outputs, classes=arrays.get("classes"))

    def save(self, key: str, fit: Fit) -> None:
        """Write a finished fit; warn if the file cannot be written."""
        fields = asdict(fit)
        arrays = {f"outputs.{name}": array for name, array in fit.outputs.items()}
        if fit.classes is not None:
            arrays["classes"] = fit.classes
        text = {name: value for name, value in fields.items() if name not in _ARRAYS}
        self._write(f"fit-{key}.npz", text, arrays)

    def splits(self, key: str, make: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the splits of an earlier call with the same splitter, or make and write them."""
        content = self._read(f"splits-{key}.npz")
        if content is not None:
            text, arrays = content
            return [(arrays[f"train{k}"], arrays[f"test{k}"]) for k in range(text["n_splits"])]
        splits = make()
        arrays = {f"train{k}": train for k, (train, _) in enumerate(splits)}
        arrays |= {f"test{k}": test for k, (_, test) in enumerate(splits)}
        self._write(f"splits-{key}.npz", {"n_splits": len(splits)}, arrays)
        return splits

    def _read(self, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        path = self.folder / name
        if not path.exists():
            return None
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as members:
                arrays = {member: members[member] for member in members.files}
            return json.loads(arrays.pop("json").tobytes()), arrays
        except Exception as error:  # noqa: BLE001  any damaged file is computed anew
            _warn(f"{str(path)!r} is damaged ({error}); its content is computed anew.")
            return None

    def _write(self, name: str, text: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        buffer = io.BytesIO()
        written = np.frombuffer(json.dumps(text).encode(), np.uint8)
        try:
            np.savez_compressed(buffer, allow_pickle=False, json=written, **arrays)
            write_whole(self.folder / name, buffer.getbuffer())
        except (OSError, ValueError) as error:
            _warn(f"{name} could not be written to {str(self.folder)!r} ({error}); fits continue.")


def _warn(text: str) -> None:
    warnings.warn(text, CheckpointWarning, stacklevel=4)
