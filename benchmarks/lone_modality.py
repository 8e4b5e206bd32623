"""What a lone modality costs with one encoder for two copies, beside two encoders.

    python benchmarks/lone_modality.py --other PATH    # a checkout of commit 89b6ab2
    python benchmarks/lone_modality.py --other PATH --quick

Before, a lone modality was read by two encoders that shared nothing. Both versions fit y-Aware in
turn, each time in a fresh process of one thread. "same" gives both the same augmentation, a draw
for each encoder or copy; "default" neither, so that the new version augments by kind and the other
does not. Seconds are of the processor, minima over rounds. Memory is the rise of the peak by `fit`;
weights are parameters, gradients and moments.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from _report import write_report

CASES = ("vector", "connectome", "small_cnn", "resnet18", "densenet121", "wide vector")
GOALS = {"time": "<= 0.6", "memory": "<= 0.5"}
ONE = """
import json, resource, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
sys.path.append(sys.argv[2])
import numpy as np, torch
from _timing import cpu_seconds, current_bytes, forget_peak, one_thread, peak_bytes
from lone_modality import fitted
one_thread()
point = json.loads(sys.argv[3])
fitted(**{**point, "n_samples": 8, "max_epochs": 1})
forget_peak()
before, start = current_bytes(), cpu_seconds()
network = fitted(**point)
seconds, rise = cpu_seconds() - start, peak_bytes() - before
weights = sum(4 * p.numel() * p.element_size() for p in network.parameters())
print(json.dumps({"seconds": seconds, "rise": rise, "weights": weights}))
"""


def settings(case: str) -> dict[str, Any]:
    """Shape of a subject, number of subjects, and parameters of the estimator."""
    volume = {"shape": (32, 32, 32), "n_samples": 32, "batch_size": 8, "max_epochs": 2}
    return {
        "vector": {"shape": (100,), "n_samples": 512, "batch_size": 64, "max_epochs": 20},
        "connectome": {"shape": (90, 90), "n_samples": 256, "batch_size": 64, "max_epochs": 10},
        "small_cnn": {**volume, "encoders": "small_cnn"},
        "resnet18": {**volume, "encoders": "resnet18"},
        "densenet121": {**volume, "encoders": "densenet121"},
        "wide vector": {
            "shape": (10_000,),
            "n_samples": 128,
            "batch_size": 8,
            "max_epochs": 2,
            "encoders": "wide",
        },
    }[case]


def fitted(
    case: str, *, augmented: bool, n_samples: int | None = None, max_epochs: int | None = None
) -> Any:
    """Fit on noise, and return the network."""
    import numpy as np

    from skmmcl.augmentation import default_augmentation
    from skmmcl.contrastive import YAwareEmbedder

    params = settings(case)
    shape, n = params.pop("shape"), n_samples or params.pop("n_samples")
    params.pop("n_samples", None)
    params["max_epochs"] = max_epochs or params["max_epochs"]
    if params.get("encoders") == "wide":
        params["encoders"], params["input_components"] = wide, None
    if augmented:
        kind = {1: "vector", 2: "connectome", 3: "volume"}[len(shape)]
        params["augment"] = {"x": default_augmentation(kind)}
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, *shape)).astype("float32")
    x = x + x.transpose(0, 2, 1) if len(shape) == 2 else x
    embedder = YAwareEmbedder(random_state=0, **params)
    return embedder.fit({"x": x}, rng.uniform(20, 80, n)).net_.module_


def wide(shape: tuple[int, ...], n_components: int) -> Any:
    """An MLP whose weights are many."""
    from skmmcl.networks import MLP

    return MLP(shape, n_components, hidden=(1024,))


def measure(version: str, point: dict[str, Any]) -> dict[str, float]:
    here = str(Path(__file__).resolve().parent)
    command = [sys.executable, "-c", ONE, version, here, json.dumps(point)]
    environment = {**os.environ, "PYTHONPATH": version, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{point} failed in {version}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other", required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    versions = {"two encoders": options.other, "one encoder": str(Path.cwd())}
    results = {}
    for case in CASES:
        for augmented in (True, False):
            point = {"case": case, "augmented": augmented}
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in versions}
            for _ in range(2 if options.quick else 5):
                for name, path in versions.items():
                    runs[name].append(measure(path, point))
            least = {n: {k: min(r[k] for r in runs[n]) for k in runs[n][0]} for n in runs}
            one, two = least["one encoder"], least["two encoders"]
            ratios = {k: round(one[k] / two[k], 3) for k in one}
            label = f"{case}, {'same' if augmented else 'default'} augmentation"
            results[label] = {**least, "one / two": ratios}
            print(label, ratios, flush=True)
    write_report("lone_modality", {"goals": GOALS, "results": results})


if __name__ == "__main__":
    main()
