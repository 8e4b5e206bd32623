"""Time and memory of a fit against subjects, modalities and batch size.

    python benchmarks/growth.py            # 300 to 100,000 subjects, 2 to 10 modalities, ...
    python benchmarks/growth.py --quick

Each point is a fresh process: it fits a small cohort to have everything loaded, draws float32
noise with two classes, and fits once. Time is processor seconds of one thread; a fit of one
epoch is taken from a fit of `EPOCHS` to tell an epoch from what comes before and after. Memory is
the peak of the fit, data included, above what was resident before the data were drawn; beside
the bytes of the data (from 10,000 subjects on, where they outweigh the network and its batches).
Growth of 1 is linear. Points are visited in `--rounds` rounds, and minima count.
"""

from __future__ import annotations

import argparse

import numpy as np
from _report import write_report
from _timing import (
    MIB,
    answer_if_asked,
    cpu_seconds,
    current_bytes,
    forget_peak,
    in_fresh_process,
    peak_bytes,
    slope,
)

from skmmcl import CMCCSSEmbedder, MultimodalData

EPOCHS = 3
BIG = 10_000
GOALS = {"memory / data": f"<= 1.3 from {BIG} subjects on", "growth of time with subjects": 1.0}

# What varies, in the full and the quick form; all else is as in DEFAULTS.
DEFAULTS = {"n_subjects": 1000, "n_modalities": 5, "n_features": 1000, "batch_size": 64}
SWEEPS = {
    "n_subjects": ((300, 1000, 3000, 10_000, 30_000, 100_000), (300, 1000, 10_000)),
    "n_modalities": ((2, 3, 5, 7, 10), (2, 5)),
    "batch_size": ((64, 256, 1024, 4096, 8192), (64, 512)),
}
WITH = {"batch_size": {"n_subjects": 8192}}  # for one batch of the largest size
VARIANTS = {"default": {}, "without components": {"input_components": None}}


def draw(n_subjects: int, n_modalities: int, n_features: int) -> tuple[MultimodalData, np.ndarray]:
    """Noise; ``n_features`` over all modalities."""
    rng = np.random.default_rng(0)
    widths = [len(part) for part in np.array_split(np.arange(n_features), n_modalities)]
    arrays = {
        f"m{k}": rng.standard_normal((n_subjects, width), dtype=np.float32)
        for k, width in enumerate(widths)
    }
    return MultimodalData(arrays), np.arange(n_subjects) % 2


def measure(variant: str, batch_size: int, **size: int) -> dict[str, float]:
    """Time and memory of a fit; in a fresh process."""
    params = {"batch_size": batch_size, "device": "cpu", "random_state": 0, **VARIANTS[variant]}
    CMCCSSEmbedder(solver="gradient", max_epochs=1, **params).fit(*draw(100, 2, 100))
    before = current_bytes()
    forget_peak()
    X, y = draw(**size)
    seconds = []
    for epochs in (1, EPOCHS):
        start = cpu_seconds()
        CMCCSSEmbedder(solver="gradient", max_epochs=epochs, **params).fit(X, y)
        seconds.append(cpu_seconds() - start)
    epoch = (seconds[1] - seconds[0]) / (EPOCHS - 1)
    return {
        "epoch_seconds": epoch,
        "other_seconds": seconds[0] - epoch,
        "peak_mib": (peak_bytes() - before) / MIB,
        "data_mib": 4 * size["n_subjects"] * size["n_features"] / MIB,
    }


def best(rows: list[dict[str, float]]) -> dict[str, float]:
    """Minima over rounds."""
    return {name: round(min(row[name] for row in rows), 4) for name in rows[0]}


def sweep(name: str, values: tuple[int, ...], variant: str, rounds: int) -> dict[str, object]:
    """Measure the points of one sweep in turn; print them and how they grow."""
    points = [{**DEFAULTS, **WITH.get(name, {}), name: value} for value in values]
    rows = [
        [in_fresh_process(__file__, variant=variant, **point) for point in points]
        for _ in range(rounds)
    ]
    results = [best(list(of_point)) for of_point in zip(*rows, strict=True)]
    print(f"\n{name}, {variant}")
    for point, row in zip(points, results, strict=True):
        if point["n_subjects"] >= BIG:
            row["memory / data"] = round(row["peak_mib"] / row["data_mib"], 3)
        row.update(point)
        print(
            f"  {point[name]:>7}  epoch {row['epoch_seconds']:8.3f} s, other "
            f"{row['other_seconds']:7.3f} s, peak {row['peak_mib']:8.1f} MiB of "
            f"{row['data_mib']:6.1f} MiB data {row.get('memory / data', '')}"
        )
    growth = {
        part: slope(values[-2:], [max(row[part], 1e-3) for row in results[-2:]])
        for part in ("epoch_seconds", "other_seconds")
    }
    print(f"  growth between the last two: {growth}", flush=True)
    return {"points": results, "growth_between_last_two": growth}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few small points")
    parser.add_argument("--rounds", type=int, default=1, help="1 suits --quick; else 3 or more")
    parser.add_argument("--sweeps", nargs="+", choices=SWEEPS, default=list(SWEEPS))
    args = parser.parse_args()
    results = {
        f"{name}, {variant}": sweep(name, SWEEPS[name][args.quick], variant, args.rounds)
        for name in args.sweeps
        for variant in (VARIANTS if name == "n_subjects" else ["default"])
    }
    settings = {"defaults": DEFAULTS, "epochs": EPOCHS, "rounds": args.rounds, "seed": 0}
    write_report("growth", {**settings, "sweeps": results, "goals": GOALS})


if __name__ == "__main__":
    answer_if_asked(measure)
    main()
