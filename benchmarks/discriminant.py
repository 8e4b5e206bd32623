"""Processor time and memory of the discriminants in closed form.

    python benchmarks/discriminant.py

Each case runs in a process of its own, on one thread. Memory is the highest of the process less
what it took before the data were made, in units of the data's own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from time import process_time

import numpy as np
from _timing import one_thread

from skmmcl.solvers import KernelDiscriminant

# Subjects, widths of the modalities, kernel features, repeats.
CASES = {
    "300 subjects, 5 modalities": (300, (100, 500, 1000, 2000, 4000), "auto", 5),
    "300 subjects, 5 modalities, exact": (300, (100, 500, 1000, 2000, 4000), "exact", 5),
    "1000 subjects, 5 modalities": (1000, (100, 500, 1000, 2000, 4000), "auto", 1),
    "1000 subjects, 5 modalities, exact": (1000, (100, 500, 1000, 2000, 4000), "exact", 1),
    "20000 subjects, 1 modality": (20_000, (1000,), "auto", 1),
    "20000 subjects, 2 modalities": (20_000, (500, 500), "auto", 1),
}


def memory() -> float:
    """Return the highest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(name: str) -> dict[str, float]:
    """Fit one case and return its time and memory."""
    n_samples, widths, kernel_features, repeats = CASES[name]
    rng = np.random.default_rng(0)
    small = {"a": rng.normal(size=(50, 5))}
    KernelDiscriminant().fit(small, np.sign(small["a"][:, :1]))
    before = memory()
    blocks = {f"m{width}": rng.standard_normal((n_samples, width)) for width in widths}
    target = np.sign(rng.standard_normal((n_samples, 1)) + next(iter(blocks.values()))[:, :1])
    size = sum(block.nbytes for block in blocks.values()) / 2**20
    solver = KernelDiscriminant(kernel_features=kernel_features, random_state=0)
    solver.fit(blocks, target) if repeats > 1 else None
    start = process_time()
    for _ in range(repeats):
        solver.fit(blocks, target)
    seconds = (process_time() - start) / repeats
    return {
        "seconds": round(seconds, 3),
        "data in MiB": round(size, 1),
        "times the data": round((memory() - before) / size, 2),
    }


def main() -> None:
    """Run all cases, each in a new process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", choices=CASES)
    case = parser.parse_args().case
    if case:
        one_thread()
        print(json.dumps(run(case)))
        return
    for name in CASES:
        command = [sys.executable, str(Path(__file__).resolve()), "--case", name]
        print(name, subprocess.run(command, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    main()
