"""Cases of volumes in files: odd files, grids, masks and settings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from skmmcl.volumes import load_volumes
from tests.fuzz.odd import VALUES, Draw, pick
from tests.fuzz.outcomes import Case

SAID = frozenset(
    {"paths", "target_affine", "target_shape", "interpolation", "mask", "dtype", "cache",
    "on_error", "n_jobs",
     "smri", "t1", "affine"}
)  # fmt: skip


def _image(values: Any, affine: Any = None) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.asarray(values), np.eye(4) if affine is None else affine)


def _cut_short(path: Path, image: Any) -> None:
    nib.save(image, path)
    path.write_bytes(path.read_bytes()[:-40])


FILES: dict[str, Callable[[Path, Any], Any]] = {
    "sound": lambda path, values: nib.save(_image(values), path),
    "of another shape": lambda path, values: nib.save(_image(values[1:]), path),
    "of one voxel's thickness": lambda path, values: nib.save(_image(values[:1]), path),
    "4-D of one": lambda path, values: nib.save(_image(values[..., None]), path),
    "4-D": lambda path, values: nib.save(_image(np.stack([values] * 2, -1)), path),
    "2-D": lambda path, values: nib.save(_image(values[0]), path),
    "flipped": lambda path, values: nib.save(_image(values, np.diag([-1, 1, 1, 1])), path),
    "of 2 mm": lambda path, values: nib.save(_image(values, np.diag([2, 2, 2, 1])), path),
    "NaN inside": lambda path, values: nib.save(_image(np.where(values > 1, np.nan, values)), path),
    "all NaN": lambda path, values: nib.save(_image(values * np.nan), path),
    "inf inside": lambda path, values: nib.save(_image(np.where(values > 1, np.inf, values)), path),
    "zeros": lambda path, values: nib.save(_image(values * 0), path),
    "huge": lambda path, values: nib.save(_image(values.astype(np.float64) * 1e39), path),
    "integers": lambda path, values: nib.save(_image((values * 9).astype(np.int16)), path),
    "complex": lambda path, values: nib.save(_image(values.astype(np.complex64)), path),
    "cut short": lambda path, values: _cut_short(path, _image(values)),
    "empty": lambda path, values: path.write_bytes(b""),
    "text": lambda path, values: path.write_text("no image"),
    "absent": lambda path, values: None,
    "a folder": lambda path, values: path.mkdir(),
}
ODD_PATHS: list[Any] = [None, np.nan, "", 3, b"a.nii", "absent.nii.gz", "a.txt", [], object()]
OPTIONS: dict[str, list[Any]] = {
    "target_affine": [1, 2.0, 0, -1, np.nan, np.inf, 1e-3, 1e9, (1, 1, 1), (1, 2), np.eye(3),
    np.eye(4) * 2,
                      np.zeros((4, 4)), np.full((3, 3), np.nan), "a", [1, 2, 3]],
    "target_shape": [(4, 4, 4), (1, 1, 1), (0, 1, 1), (4, 4), (4.0, 4, 4), (10**5, 10**5, 10**5),
    "a", 4, (-1, 2, 3),
                     (10**12, 1, 1), [3, 3, 3]],
    "mask": ["brain", "absent.nii", 3, None, "a", np.ones((5, 6, 4)), _image(np.ones((5, 6, 4),
    np.float32)),
             _image(np.zeros((5, 6, 4), np.float32)), _image(np.ones((5, 6, 4, 1), np.float32)),
             _image(np.ones((5, 6, 4, 2), np.float32)), _image(np.full((5, 6, 4), np.nan,
             np.float32))],
    "interpolation": ["linear", "nearest", "continuous", "cubic"],
    "dtype": ["float32", "float16", "float64", np.float32, "int8"],
    "on_error": ["raise", "missing", "ignore"],
    "n_jobs": [None, 1, 2, -1, 0, "a", 1.5],
    "cache": [False, None, "absent", 3, True],
}  # fmt: skip
KEYS: list[Any] = [
    0,
    -1,
    99,
    slice(0, 2),
    [0, 0],
    [99],
    "a",
    None,
    1.5,
    np.array([True, False, True]),
    [],
]


def draw(rng: Draw) -> Case:
    """Three files, of which some are odd, read with odd settings."""
    kinds = [pick(rng, list(FILES)) if rng.random() < 0.4 else "sound" for _ in range(3)]
    options: dict[str, Any] = {"cache": False}
    for name in rng.choice(list(OPTIONS), size=int(rng.integers(0, 3))):
        options[name] = pick(rng, OPTIONS[name] if rng.random() < 0.8 else VALUES)
    values = np.abs(rng.normal(size=(3, 5, 6, 4))).astype(np.float32)
    odd = pick(rng, ODD_PATHS) if rng.random() < 0.2 else ...
    paths = pick(rng, VALUES) if rng.random() < 0.05 else ...
    key = pick(rng, KEYS) if rng.random() < 0.3 else slice(None)
    label = f"load_volumes({kinds}, {options}, {odd}, {paths})[{key!r}]"[:300]
    call = partial(_loaded, kinds, values, options, odd, paths, key)
    return Case(
        label,
        call,
        {"options": {k: v for k, v in options.items() if k != "mask"}},
        SAID | {"index"},
        (IndexError,),
    )


def _loaded(kinds: Any, values: Any, options: Any, odd: Any, paths: Any, key: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        given = [str(Path(folder) / f"{k}.nii.gz") for k in range(len(kinds))]
        for path, kind, array in zip(given, kinds, values, strict=True):
            FILES[kind](Path(path), array)
        if odd is not ...:
            given[1] = odd
        volumes = load_volumes(given if paths is ... else paths, **options)
        volumes.check()
        return np.asarray(volumes[key])[volumes.present[key]]
