"""Augmentation of volumes beside TorchIO and MONAI.

    python benchmarks/augmentation.py [--quick]       # the first time installs for minutes

Batches of 8 volumes of 64^3 voxels in float32, one thread, every subject changed. Ours changes
the batch, the others each volume, as they are made to. Ranges are the same where both have them;
where the other has no such change, the nearest stands beside it: MONAI's crop and pad beside
`Shift`, zooms beside `ResizedCrop`. TorchIO and MONAI get a virtual environment of their own in
--environment, with the torch of `constraints.txt`, in which ours is measured as well. Contestants
take turns; the minimum of their processor time counts. `--size` and `--batch` change the volumes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _timing import in_turn, one_thread, ratio
from peers import ENVIRONMENTS, HERE, PEERS, Peer, PeerError, checked, environment_of

GOAL = ">= 1 against the faster of the two, for each change that it has"


def ours(volumes: Any) -> dict[str, Callable[[], Any]]:
    import torch

    from skmmcl import augmentation as aug

    generator = torch.Generator().manual_seed(0)
    transforms = {
        "flip": aug.Flip(p=1),
        "shift": aug.Shift(0.06, p=1),
        "resized crop": aug.ResizedCrop((0.8, 1.0), p=1),
        "cutout": aug.Cutout((0.3, 0.3), p=1),
        "patch swap": aug.PatchSwap(0.15, 5, p=1),
        "noise": aug.GaussianNoise((0.0, 0.2), p=1),
        "blur": aug.GaussianBlur((0.1, 1.0), p=1),
        "gamma": aug.Intensity((1, 1), (0, 0), (0.8, 1.25), p=1),
        "bias field": aug.BiasField((-0.5, 0.5), 3, p=1),
    }
    return {name: lambda t=t: t(volumes, generator) for name, t in transforms.items()}


def torchio(volumes: Any) -> dict[str, Callable[[], Any]]:
    import numpy as np
    import torchio as tio

    side = round(0.15 * volumes.shape[-1])
    transforms = {
        "flip": tio.RandomFlip(axes=0, flip_probability=1),
        "resized crop": tio.RandomAffine(scales=(1, 1.25), degrees=0, isotropic=True),
        "patch swap": tio.RandomSwap(patch_size=side, num_iterations=5),
        "noise": tio.RandomNoise(std=(0, 0.2)),
        "blur": tio.RandomBlur(std=(0.1, 1.0)),
        "gamma": tio.RandomGamma(log_gamma=(float(np.log(0.8)), float(np.log(1.25)))),
        "bias field": tio.RandomBiasField(coefficients=0.5, order=3),
    }
    return {name: lambda t=t: [t(v[None]) for v in volumes] for name, t in transforms.items()}


def monai(volumes: Any) -> dict[str, Callable[[], Any]]:
    from monai import transforms as mt

    size = volumes.shape[-1]
    crop, pad = mt.RandSpatialCrop([size - 4] * 3, random_size=False), mt.SpatialPad([size] * 3)
    transforms = {
        "flip": mt.RandFlip(prob=1, spatial_axis=0),
        "shift": mt.Compose([crop, pad]),
        "resized crop": mt.RandZoom(prob=1, min_zoom=1.0, max_zoom=1.25, mode="trilinear"),
        "cutout": mt.RandCoarseDropout(1, round(0.3 * size), fill_value=0, prob=1),
        "noise": mt.RandGaussianNoise(prob=1, std=0.2),
        "blur": mt.RandGaussianSmooth((0.1, 1.0), (0.1, 1.0), (0.1, 1.0), prob=1),
        "gamma": mt.RandAdjustContrast(prob=1, gamma=(0.8, 1.25)),
        "bias field": mt.RandBiasField(degree=3, coeff_range=(-0.5, 0.5), prob=1),
    }
    return {name: lambda t=t: [t(v[None]) for v in volumes] for name, t in transforms.items()}


def measure(size: int, batch: int, repeats: int) -> dict[str, Any]:
    """Seconds of each package for each change, and ratios."""
    import torch

    one_thread()
    volumes = torch.rand(batch, size, size, size, generator=torch.Generator().manual_seed(0))
    packages = {"skmmcl": ours(volumes), "TorchIO": torchio(volumes), "MONAI": monai(volumes)}
    results = {}
    for change in packages["skmmcl"]:
        runs = {name: calls[change] for name, calls in packages.items() if change in calls}
        times = in_turn(runs, repeats)
        per_volume = {name: 1000 * min(t) / batch for name, t in times.items()}
        ratios = {name: ratio(times, name, "skmmcl") for name in runs if name != "skmmcl"}
        results[change] = {"cpu_seconds": times, "ms per volume": per_volume, "ratios": ratios}
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three rounds")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--environment", type=Path, default=ENVIRONMENTS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(measure(args.size, args.batch, args.repeats)))
        return
    requirement = "torchio monai threadpoolctl"
    PEERS["augmentation"] = Peer(requirement, "", "")
    try:
        python = environment_of("augmentation", args.environment)
        given = {
            "size": args.size,
            "batch": args.batch,
            "repeats": 3 if args.quick else args.repeats,
        }
        options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        command = [python, __file__, "--inside", *options]
        env = {**os.environ, "PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"}
        results = json.loads(checked(command, env=env).splitlines()[-1])
    except PeerError as error:
        sys.exit(f"not run: {error}")
    from _report import write_report

    for change, row in results.items():
        told = ", ".join(f"{name} {ms:.2f}" for name, ms in row["ms per volume"].items())
        print(f"{change:14} {told} ms; {min(row['ratios'].values()):.2f} x", flush=True)
    write_report("augmentation", {**given, "changes": results, "goal": GOAL, "seed": 0})


if __name__ == "__main__":
    main()
