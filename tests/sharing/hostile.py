"""Model files that somebody has changed, by accident or on purpose."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import torch

from skmmcl.sharing._file import read_file, write_file, write_texts

FOREIGN = [
    "builtins.eval", "builtins.exec", "builtins.getattr", "os.system", "posix.system",
    "subprocess.Popen", "pickle.loads", "numpy.load", "numpy.fromfile", "torch.load",
    "torch.hub.load",
    "torch.nn.modules.module.torch", "joblib.load", "sklearn.datasets.fetch_openml",
    "sklearn.linear_model._base.warnings", "skmmcl.training._checkpoint.Checkpoint",
    "skmmcl.networks._weights.load_weights", "skmmcl.utils._files.write_whole",
    "skmmcl.volumes._lazy.LazyVolumes", "skmmcl.base._trained.copy", "skmmcl.base.os",
    "../../etc/passwd", "/etc/passwd", "no_such_module.Class", "skmmcl.base._trained.NoSuch",
    "sklearn.ensemble._forest.RandomForestClassifier", "", "skmmcl",
    "skorch.callbacks.LoadInitState",
]  # fmt: skip


class Runs:
    """Would run code if it were unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("was_run"),)


class Forger:
    """Changes a good file; what is changed within has a right digest again."""

    def __init__(self, good: Path, folder: Path) -> None:
        self.bytes, self.path = good.read_bytes(), folder / "hostile.skmmcl"
        self.parts = read_file(good)

    def forge(self, rng: np.random.Generator, kind: str) -> Path:
        made = getattr(self, kind)(rng)
        if made is not None:
            self.path.write_bytes(made)
        return self.path

    def _write(self, model, arrays) -> None:
        write_file(self.path, self.parts[0], model, arrays)

    def _copy(self):
        return json.loads(json.dumps(self.parts[1])), dict(self.parts[2])

    def _weights(self, rng) -> str:
        """A weight that is an array with values."""
        found = [k for k, v in self.parts[2].items() if v.dtype.kind == "f" and _is_weight(k)]
        return found[rng.integers(len(found))]

    # The bytes

    def cut_off(self, rng):
        return self.bytes[: rng.integers(len(self.bytes))]

    def flipped_bit(self, rng):
        changed = bytearray(self.bytes)
        changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
        return bytes(changed)

    def huge_header(self, rng):
        return int(rng.integers(len(self.bytes), 2**63)).to_bytes(8, "little") + self.bytes[8:]

    def noise(self, rng):
        return rng.bytes(rng.integers(0, 5000))

    def a_pickle(self, rng):
        if rng.random() < 0.5:
            return pickle.dumps(Runs(), protocol=int(rng.integers(2, 6)))
        buffer = io.BytesIO()
        torch.save({"x": Runs()}, buffer)
        return buffer.getvalue()

    def more_bytes(self, rng):
        return self.bytes + rng.bytes(rng.integers(1, 100))

    def other_header(self, rng):
        header, body = self._header()
        name = sorted(header)[rng.integers(1, len(header))]
        entry = json.loads(header["__metadata__"]["skmmcl"])
        change = [
            lambda: header[name].update(dtype=["F128", "O", "I4", "F64", 7][rng.integers(5)]),
            lambda: header[name].update(
                shape=[[2**62, 2], [-1], [1.5], "x", None][rng.integers(5)]
            ),
            lambda: header[name].update(data_offsets=[0, 2**50]),
            lambda: header[name].update(data_offsets=[8, 0]),
            lambda: header.pop(name),
            lambda: header.update({f"../{name}": header.pop(name)}),
            lambda: entry.update(format_version=[2, -1, "1", 1.0, True, 10**30][rng.integers(6)]),
            lambda: entry.pop(["about", "model", "digest", "format_version"][rng.integers(4)]),
            lambda: entry.update({["about", "model", "digest"][rng.integers(3)]: ["x"]}),
            lambda: header.pop("__metadata__"),
        ]
        change[rng.integers(len(change))]()
        if "__metadata__" in header:
            header["__metadata__"]["skmmcl"] = json.dumps(entry)
        return self._joined(json.dumps(header).encode(), body)

    def twice_the_key(self, rng):
        header, body = self._header()
        name = sorted(header)[rng.integers(1, len(header))]
        text = json.dumps(header)
        return self._joined(
            f"{text[:-1]}, {json.dumps(name)}: {json.dumps(header[name])}}}".encode(), body
        )

    def deep_header(self, rng):
        depth = int(rng.integers(1000, 100_000))
        return self._joined(b'{"a":' * depth + b"1" + b"}" * depth, b"")

    def _header(self):
        size = int.from_bytes(self.bytes[:8], "little")
        return json.loads(self.bytes[8 : 8 + size]), self.bytes[8 + size :]

    def _joined(self, header: bytes, body: bytes) -> bytes:
        return len(header).to_bytes(8, "little") + header + body

    # What is within

    def wrong_shape(self, rng):
        model, arrays = self._copy()
        name = self._weights(rng)
        array = arrays[name]
        arrays[name] = [
            lambda: np.concatenate([array, array], -1),
            lambda: np.concatenate([array, array, array], -2 if array.ndim > 1 else 0),
            lambda: array[..., :0],
            lambda: array[None, None],
        ][rng.integers(4)]()
        self._write(model, arrays)

    def not_a_number(self, rng):
        model, arrays = self._copy()
        name = self._weights(rng)
        array = arrays[name].copy()
        array.flat[rng.integers(array.size)] = rng.choice([np.nan, np.inf, -np.inf])
        arrays[name] = array
        if rng.random() < 0.5:
            for node in _nodes(model):
                if node.get("at") == name:
                    node["nan"] = True
        self._write(model, arrays)

    def foreign_name(self, rng):
        model, arrays = self._copy()
        found = [node for node in _nodes(model) if "class" in node]
        found[rng.integers(len(found))]["class"] = FOREIGN[rng.integers(len(FOREIGN))]
        self._write(model, arrays)

    def foreign_call(self, rng):
        model, arrays = self._copy()
        found = [node for node in _nodes(model) if node["is"] == "object"]
        name = {"is": "name", "class": FOREIGN[rng.integers(len(FOREIGN))]}
        call = {"is": "partial", "func": name, "args": {"is": "tuple", "items": ["touch was_run"]}}
        kinds = [
            call | {"keywords": {"is": "dict", "pairs": []}},
            {"is": "made", "class": name["class"], "items": ["touch was_run"]},
            {"is": "method", "of": name, "name": "__init__"},
            {"is": "pickle", "bytes": pickle.dumps(Runs(), 0).decode("latin-1")},
        ]
        found[rng.integers(len(found))]["state"]["odd"] = kinds[rng.integers(len(kinds))]
        self._write(model, arrays)

    def too_large(self, rng):
        model, arrays = self._copy()
        found = [node for node in _nodes(model) if node["is"] == "object"]
        arrays["odd"] = np.zeros(16, np.uint8)
        shape = [[2**40], [2**62, 4], [-4, -4], [10**30], "x", [True] * 16][rng.integers(6)]
        dtype = ["<c16", "<U4", "<U999999", "|O", "|V16", "object"][rng.integers(6)]
        odd = {"is": "array", "at": "odd", "dtype": dtype, "shape": shape}
        if rng.random() < 0.3:
            odd = {"is": "objects", "shape": shape, "items": []}
            del arrays["odd"]
        found[rng.integers(len(found))]["state"]["odd"] = odd
        self._write(model, arrays)

    def deep_model(self, rng):
        depth = int(rng.integers(300, 30_000))
        model = '{"is": "list", "items": [' * depth + "1" + "]}" * depth
        write_texts(self.path, [json.dumps(self.parts[0]), model], {})

    def lacking(self, rng):
        model, arrays = self._copy()
        if rng.random() < 0.5:
            del arrays[sorted(arrays)[rng.integers(len(arrays))]]
        else:
            arrays["../../etc/passwd"] = np.zeros(3)
        self._write(model, arrays)

    def other_kind(self, rng):
        model, arrays = self._copy()
        found = [node for node in _nodes(model) if node["is"] not in ("scalar", "float")]
        found[rng.integers(len(found))]["is"] = ["", None, 3, "__init__", "eval", [], {}][
            rng.integers(7)
        ]
        self._write(model, arrays)


REFUSED = [
    "cut_off", "flipped_bit", "huge_header", "noise", "a_pickle", "more_bytes", "other_header",
    "twice_the_key", "deep_header", "wrong_shape", "not_a_number", "foreign_name", "foreign_call",
    "too_large", "deep_model", "lacking", "other_kind",
]  # fmt: skip


def shuffled(forger: Forger, rng: np.random.Generator) -> Path:
    """A file of which a part has the place of another: it may be sound, or not."""
    model, arrays = forger._copy()
    found = [node for node in _nodes(model) if node["is"] == "object" and node["state"]]
    one, other = (found[k]["state"] for k in rng.integers(len(found), size=2))
    name = sorted(one)[rng.integers(len(one))]
    one[name] = [other[min(other)], None, -1, "x", 1e308, {"is": "list", "items": []}][
        rng.integers(6)
    ]
    write_file(forger.path, forger.parts[0], model, arrays)
    return forger.path


def _is_weight(name: str) -> bool:
    return name.rpartition(".")[2] in ("weight", "bias", "coef_") or ".weight" in name


def _nodes(value):
    if isinstance(value, dict):
        if "is" in value:
            yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)
