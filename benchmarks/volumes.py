"""Reading volumes, and the memory of a cross-validation over many of them.

    pip install --target /tmp/indexed_gzip --no-deps indexed_gzip
    python benchmarks/volumes.py --indexed-gzip /tmp/indexed_gzip
    python benchmarks/volumes.py --quick

Reading: processor milliseconds for the voxels of one 121 x 145 x 121 volume as float32, from a warm
page cache, mean of 8 files, minimum over `--repeats`; a volume is a smooth field in an ellipsoid.
nibabel reads through indexed_gzip wherever that is installed, so it is measured in a process of
its own that finds it in the given folder. Ours is the reader that fills the cache, and the cache.

Memory: `--subjects` files of 64 x 64 x 64 are written, and a pipeline with a small 3-D CNN on them
and a table is cross-validated (`FOLDS` folds, one epoch each) in a fresh process, first with an
empty cache, then with a full one. The peak counts everything: libraries, network, volumes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from _report import write_report
from _timing import (
    MIB,
    answer_if_asked,
    cpu_seconds,
    current_bytes,
    forget_peak,
    in_fresh_process,
    in_turn,
    peak_bytes,
)

SHAPE = (121, 145, 121)
N_VOLUMES = 8
FOLDS = 3
GOALS = {
    "nibabel / ours": ">= 1.8",
    "nibabel with indexed_gzip / ours": ">= 4",
    "nibabel with indexed_gzip / cache": ">= 40",
    "peak_mib": "< 2048 for 1000 subjects",
}


def brain_like(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """A smooth field within an ellipsoid, 0 outside."""
    from scipy.ndimage import gaussian_filter, zoom

    rng = np.random.default_rng(seed)
    coarse = gaussian_filter(rng.normal(size=[-(-n // 4) for n in shape]), 1.0)
    field = zoom(coarse.astype(np.float32), 4, order=1)[tuple(slice(n) for n in shape)]
    axes = np.meshgrid(*(np.linspace(-1.2, 1.2, n) for n in shape), indexing="ij", sparse=True)
    return np.where(sum(axis**2 for axis in axes) < 1, field + 1, 0).astype(np.float32)


def save(array: np.ndarray, path: Path) -> None:
    nib.save(nib.Nifti1Image(array, np.diag([1.5, 1.5, 1.5, 1])), path)


def measure_reading(folder: str, repeats: int) -> dict[str, Any]:
    """Milliseconds of each reader, in a fresh process."""
    from skmmcl.volumes import load_volumes
    from skmmcl.volumes._files import decode

    results: dict[str, Any] = {}
    is_indexed = find_spec("indexed_gzip") is not None
    for kind in ("float32", "int16"):
        paths = sorted(Path(folder).glob(f"{kind}-*.nii.gz"))
        name = "nibabel with indexed_gzip" if is_indexed else "nibabel"
        readers = {name: lambda path: nib.load(path).get_fdata(dtype=np.float32)}
        if not is_indexed:
            places = dict(zip(paths, range(len(paths)), strict=True))
            volumes = load_volumes(paths, cache=False)
            readers["ours"] = lambda path: decode(path.read_bytes())
            readers["ours, checked and in C order"] = partial(read_one, volumes, places)
            for dtype in ("float32", "float16"):
                kept = load_volumes(paths, cache=folder, dtype=dtype).check()
                readers[f"cache {dtype}"] = partial(read_stored, kept, places)
        turns = {name: partial(each, read, paths) for name, read in readers.items()}
        times = in_turn(turns, repeats)
        results[kind] = {name: 1000 * min(row) / len(paths) for name, row in times.items()}
    return results


def each(read: Callable[[Path], Any], paths: list[Path]) -> None:
    for path in paths:
        read(path)


def read_one(volumes: Any, places: dict[Path, int], path: Path) -> np.ndarray:
    return volumes[places[path]]


def read_stored(volumes: Any, places: dict[Path, int], path: Path) -> np.ndarray:
    """As a batch does before it goes to the device."""
    row = places[path]
    return np.asarray(volumes[row : row + 1], dtype=volumes.storage_dtype)


def reading(repeats: int, indexed_gzip: str | None) -> dict[str, Any]:
    """Readers side by side."""
    with tempfile.TemporaryDirectory() as folder:
        field = brain_like(SHAPE, 0)
        for k in range(N_VOLUMES):
            turned = np.roll(field, k, axis=0)
            save(turned, Path(folder, f"float32-{k}.nii.gz"))
            save((1000 * turned).astype(np.int16), Path(folder, f"int16-{k}.nii.gz"))
        point = {"what": "reading", "folder": folder, "repeats": repeats}
        results = in_fresh_process(__file__, **point)
        if indexed_gzip is not None:
            own = os.environ.get("PYTHONPATH", "")
            os.environ["PYTHONPATH"] = os.pathsep.join([own, indexed_gzip])
            for kind, row in in_fresh_process(__file__, **point).items():
                results[kind].update(row)
            os.environ["PYTHONPATH"] = own
        for kind, row in results.items():
            size = Path(folder, f"{kind}-0.nii.gz").stat().st_size
            row["compression"] = field.astype(kind).nbytes / size
    for row in results.values():
        for slow in ("nibabel", "nibabel with indexed_gzip"):
            for fast in ("ours", "cache float32", "cache float16"):
                if slow in row:
                    row[f"{slow} / {fast}"] = round(row[slow] / row[fast], 2)
    return results


def measure_memory(folder: str, dtype: str) -> dict[str, Any]:
    """Peak of a cross-validation, in a fresh process."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    from skmmcl import CMCCSSEmbedder, MultimodalData
    from skmmcl.volumes import load_volumes

    before = current_bytes()
    forget_peak()
    paths = sorted(Path(folder).glob("*.nii.gz"))
    rng = np.random.default_rng(0)
    X = MultimodalData(
        t1=load_volumes(paths, dtype=dtype, cache=Path(folder, "cache")),
        clinical=rng.normal(size=(len(paths), 5)),
    )
    embedder = CMCCSSEmbedder(
        solver="gradient",
        encoders={"t1": small_cnn},
        max_epochs=1,
        batch_size=32,
        random_state=0,
        device="cpu",
    )
    start = cpu_seconds()
    cross_val_score(
        make_pipeline(embedder, LogisticRegression()), X, np.arange(len(paths)) % 2, cv=FOLDS
    )
    return {
        "seconds": cpu_seconds() - start,
        "peak_mib": peak_bytes() / MIB,
        "of it libraries_mib": before / MIB,
        "volumes_mib": len(paths) * 4 * 64**3 / MIB,
    }


def small_cnn(shape: tuple[int, ...], n_components: int) -> Any:
    """Two strided convolutions."""
    from torch import nn

    return nn.Sequential(
        nn.Unflatten(1, (1, shape[0])),
        nn.Conv3d(1, 8, 3, stride=2),
        nn.ReLU(),
        nn.Conv3d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(16, n_components),
    )


def memory(n_subjects: int) -> dict[str, Any]:
    """Cross-validation with an empty and with a full cache."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        base = (1000 * brain_like((64, 64, 64), 0)).astype(np.int16)
        for k in range(n_subjects):
            save(np.roll(base, k, axis=0) + k, Path(folder, f"{k:05d}.nii.gz"))
        for dtype, cache in (("float32", "empty"), ("float32", "full"), ("float16", "empty")):
            point = {"what": "memory", "folder": folder, "dtype": dtype}
            results[f"{dtype}, {cache} cache"] = in_fresh_process(__file__, **point)
    return results


def measure(what: str, **point: Any) -> dict[str, Any]:
    return {"reading": measure_reading, "memory": measure_memory}[what](**point)


def show(title: str, results: dict[str, Any]) -> None:
    print(f"\n{title}")
    for name, row in results.items():
        print(f"  {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few repeats and subjects")
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--subjects", type=int, default=1000)
    parser.add_argument("--indexed-gzip", help="folder that has the package")
    args = parser.parse_args()
    if args.quick:
        args.repeats, args.subjects = 3, 60
    times = reading(args.repeats, args.indexed_gzip)
    show("Reading, ms", times)
    peaks = memory(args.subjects)
    show(f"Memory, {args.subjects} subjects", peaks)
    write_report("volumes", {"reading": times, "memory": peaks, "goals": GOALS})


if __name__ == "__main__":
    answer_if_asked(measure)
    main()
