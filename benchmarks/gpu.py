"""Everything that needs a CUDA device, in one run of under eight minutes.

    python benchmarks/gpu.py               # says "no CUDA here" elsewhere, and exits with 0
    python benchmarks/gpu.py --rehearse    # on the CPU, small, to see that it runs; writes nothing

It runs the tests marked `gpu`, fits one by one against `stacked_fits` for three kinds of encoder
(wall seconds, each after a warm-up), compares their results, times a 3D network in float32 against
automatic mixed precision (AMP, which the engine does not use), and prints next to the goals P1 to
P10 of the project's page on performance what was found. Goals that no GPU decides are left to the
other scripts. The JSON lies in `results/gpu.json`, with the name of the device.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import torch
from _report import write_report

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.networks import make_encoder

SECONDS_OF_TESTS = 180
# By kind: encoder, shape of a subject in each of two modalities, fits, epochs.
KINDS: dict[str, tuple[Any, tuple[int, ...], int, int]] = {
    "tabular": ("mlp", (200,), 50, 100),
    "attention": ("attention", (90, 90), 20, 30),
    "3D CNN": ("small_cnn", (32, 32, 32), 4, 5),
}
GOALS = {
    "P1 equal results, largest difference": "0 on CPU; rounding on CUDA",
    "P4 tabular, one by one / stacked": ">= 6 (100 against skorch)",
    "P4 attention, one by one / stacked": ">= 2 (15 against skorch)",
    "P5 kernels per step, tabular": "<= 250, whatever the number of fits",
    "P5 kernels per step, attention": "<= 350, whatever the number of fits",
    "P10 peak memory of a stack, MiB": "<= the limit that was set",
}


def seconds(run: Callable[[], Any], device: str) -> tuple[float, Any]:
    """Wall seconds of a call, and what it returned."""
    start = time.perf_counter()
    found = run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, found


def cohort(shape: tuple[int, ...], n_subjects: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    X = {name: rng.normal(size=(n_subjects, *shape)).astype(np.float32) for name in ("a", "b")}
    return X, np.arange(n_subjects) % 2


def fit(X: dict, y: np.ndarray, encoder: str, epochs: int, device: str, seed: int) -> np.ndarray:
    embedder = CMCCSSEmbedder(
        solver="gradient", encoders=encoder, max_epochs=epochs, device=device, random_state=seed
    )
    return embedder.fit(X, y).transform(X)


def one_by_one_or_stacked(kind: str, device: str, *, small: bool) -> dict[str, Any]:
    """Time fits of one kind both ways, and how far their results differ."""
    encoder, shape, n_fits, epochs = KINDS[kind]
    if small:
        shape, n_fits, epochs = tuple(min(side, 16) for side in shape), 3, 2
    X, y = cohort(shape, 48 if len(shape) > 2 else 240)
    jobs = [joblib.delayed(fit)(X, y, encoder, epochs, device, seed) for seed in range(n_fits)]

    def stacked() -> list[np.ndarray]:
        with stacked_fits(max_stack=n_fits):
            return joblib.Parallel(n_jobs=-1)(jobs)

    fit(X, y, encoder, 1, device, 0)  # kernels are compiled and loaded at their first use
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    together, in_stack = seconds(stacked, device)
    peak = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None
    alone, single = seconds(lambda: [function(*args) for function, args, _ in jobs], device)
    difference = max(float(np.abs(a - b).max()) for a, b in zip(in_stack, single, strict=True))
    return {
        "fits": n_fits, "epochs": epochs, "one_by_one_s": alone, "stacked_s": together,
        "ratio": alone / together, "largest_difference": difference, "peak_mib": peak,
    }  # fmt: skip


def kernels_per_step(kind: str, device: str) -> float | None:
    """Kernels that a step of one fit launches."""
    if device != "cuda":
        return None
    encoder, shape, _, _ = KINDS[kind]
    X, y = cohort(shape, 64)  # one batch an epoch

    def launched(epochs: int) -> int:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            fit(X, y, encoder, epochs, device, 0)
        return len([event for event in profile.events() if event.device_time > 0])

    return (launched(12) - launched(2)) / 10


def amp(device: str, *, small: bool) -> dict[str, float]:
    """Seconds of ten steps of a 3D network, in float32 and in bfloat16 where torch allows it."""
    side, n_steps = (32, 1) if small else (64, 10)
    network = make_encoder("densenet121", (side,) * 3, 16).to(device).train()
    x = torch.randn(8, *(side,) * 3, device=device)

    def steps(*, mixed: bool) -> None:
        for _ in range(n_steps):
            with torch.autocast(device, dtype=torch.bfloat16, enabled=mixed):
                loss = network(x).float().square().mean()
            loss.backward()

    times = {}
    for name, mixed in (("float32", False), ("amp", True)):
        steps(mixed=mixed)
        times[name], _ = seconds(lambda mixed=mixed: steps(mixed=mixed), device)
    return times


def gpu_tests() -> dict[str, Any]:
    """Run the tests marked `gpu`."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS_OF_TESTS
        )
    except subprocess.TimeoutExpired:
        return {"exit_status": None, "summary": f"not ended in {SECONDS_OF_TESTS} s"}
    return {"exit_status": done.returncode, "summary": (done.stdout.splitlines() or [""])[-1]}


def table(results: dict[str, Any]) -> dict[str, Any]:
    """What was found, by goal."""
    kinds = results["kinds"]
    found = [
        max(kind["largest_difference"] for kind in kinds.values()),
        kinds["tabular"]["ratio"], kinds["attention"]["ratio"],
        results["kernels"]["tabular"], results["kernels"]["attention"],
        max((kind["peak_mib"] or 0) for kind in kinds.values()),
    ]  # fmt: skip
    return dict(zip(GOALS, found, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, small")
    rehearse = parser.parse_args().rehearse
    if not rehearse and not torch.cuda.is_available():
        print("no CUDA here")
        return 0
    device = "cpu" if rehearse else "cuda"
    name = "CPU, a rehearsal" if rehearse else torch.cuda.get_device_name()
    results: dict[str, Any] = {
        "kinds": {kind: one_by_one_or_stacked(kind, device, small=rehearse) for kind in KINDS},
        "kernels": {kind: kernels_per_step(kind, device) for kind in ("tabular", "attention")},
        "amp_seconds": amp(device, small=rehearse),
        "tests": gpu_tests(),
    }
    results["goals"] = {goal: [GOALS[goal], value] for goal, value in table(results).items()}
    print(f"on {name}")
    for goal, (wanted, value) in results["goals"].items():
        shown = "not measured" if value is None else f"{value:.4g}"
        print(f"{goal:45} {shown:>14}   goal {wanted}")
    print(f"float32 / AMP: {results['amp_seconds']['float32'] / results['amp_seconds']['amp']:.2f}")
    print(f"tests: {results['tests']['summary']}")
    if not rehearse:
        write_report("gpu", results)
    return int(results["tests"]["exit_status"] not in (0, 5))  # 5: none was collected


if __name__ == "__main__":
    sys.exit(main())
