"""A fit beside the nearest equivalent fits of other packages.

    python benchmarks/peers.py                       # all; the first time installs for minutes
    python benchmarks/peers.py --peers lightly --quick

300 simulated subjects with two tables of 100 columns, encoders with 64 hidden units and 16
components, batches of 64, 100 epochs, Adam where a package lets one choose. "Nearest" is not
"same": which method of a package stands beside which terms of ours is in `PEERS`, and the
drivers in `peers/` show every call. Each package gets a virtual environment of its own in
--environments (kept for the next time), installed by pip with the torch that `constraints.txt`
names as a constraint; what pip cannot install, or does not run there, is reported with its
error. pip must find a build of that torch; the CPU build if no GPU is at hand.

Every fit runs in a fresh process: imports and a fit of one epoch come before the clock starts.
Peer and ours take turns; processor time of one thread; the ratio of the minima is what to read.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _report import write_report

from skmmcl.datasets import make_cohort

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = Path.home() / ".cache" / "skmmcl-benchmarks"
GOAL = "> 1 for every peer"
INSTALL_SECONDS = 1200


@dataclass(frozen=True)
class Peer:
    """A package, and what of it stands beside which terms of ours."""

    requirement: str
    driver: str
    method: str
    ours: dict[str, Any] = field(default_factory=dict)


NT_XENT = {"pairwise": True, "css_weight": 0}
PEERS = {
    "lightly": Peer("lightly", "lightly", "NT-Xent in a plain loop", NT_XENT),
    "pytorch-metric-learning": Peer(
        "pytorch-metric-learning",
        "metric_learning",
        "NT-Xent and SupCon in a plain loop",
        {"pairwise": True},
    ),
    "nidl": Peer("nidl", "nidl", "SimCLR, with one encoder and a head", NT_XENT),
    "cca-zoo": Peer("cca-zoo[deep]", "cca_zoo", "DMCCA", NT_XENT),
    "multiviewae": Peer("multiviewae", "multiviewae", "mcVAE, with decoders", NT_XENT),
    "mvlearn": Peer("mvlearn[torch]", "mvlearn", "DCCA", NT_XENT),
}
SETTINGS = {
    "hidden": 64,
    "n_components": 16,
    "temperature": 0.7,
    "batch_size": 64,
    "lr": 1e-3,
    "weight_decay": 1e-3,
}


class PeerError(Exception):
    """A peer cannot be installed, or does not run."""


def environment_of(name: str, folder: Path) -> Path:
    """Install a peer, unless that is done, and give its interpreter."""
    place = folder / name
    python, done = place / "bin" / "python", place / "installed"
    if not done.exists():
        print(f"{name}: installing into {place}", flush=True)
        venv.create(place, with_pip=True, clear=True)
        constraint = place / "constraints.txt"
        pins = (HERE.parent / "constraints.txt").read_text()
        constraint.write_text(re.search(r"^torch==.*$", pins, re.MULTILINE)[0] + "\n")
        pip = [python, "-m", "pip", "install", "--quiet", "--constraint", constraint]
        checked([*pip, *PEERS[name].requirement.split()], timeout=INSTALL_SECONDS)
        done.touch()
    return python


def checked(command: list[Any], **options: Any) -> str:
    """Run; its output, or PeerError with the lines of pip's errors, else the last."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"took more than {error.timeout} s") from error
    if run.returncode:
        lines = [line.strip() for line in run.stderr.splitlines() if line.strip()] or ["no word"]
        of_pip = [line for line in lines if line.startswith("ERROR")]
        raise PeerError(" ".join(dict.fromkeys(of_pip)) or lines[-1])
    return run.stdout


def fit(python: Path | str, driver: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What the driver prints."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    if python == sys.executable:
        env["PYTHONPATH"] = str(HERE.parent)
    command = [python, HERE / "peers" / f"drive_{driver}.py", json.dumps(settings)]
    with tempfile.TemporaryDirectory() as folder:  # Lightning leaves logs where it runs
        return json.loads(checked(command, env=env, cwd=folder).splitlines()[-1])


def compare(name: str, settings: dict[str, Any], folder: Path, repeats: int) -> dict[str, Any]:
    """Times of a peer and of ours, in turn."""
    peer = PEERS[name]
    settings = {**settings, "ours": peer.ours}
    python = environment_of(name, folder)
    times: dict[str, list[float]] = {"peer": [], "ours": []}
    for _ in range(repeats):
        theirs = fit(python, peer.driver, settings)
        times["peer"].append(theirs["cpu_seconds"])
        times["ours"].append(fit(sys.executable, "skmmcl", settings)["cpu_seconds"])
    return {
        "version": theirs["version"],
        "method": peer.method,
        "ours": peer.ours,
        "cpu_seconds": times,
        "peer / ours": round(min(times["peer"]) / min(times["ours"]), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10 epochs, one round")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS)
    args = parser.parse_args()
    X, y, _ = make_cohort(modalities={"first": (100,), "second": (100,)}, random_state=0)
    settings = {**SETTINGS, "epochs": 10 if args.quick else 100}
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "cohort.npz"
        scaled = {name: (x - x.mean(0)) / x.std(0) for name, x in X.to_dict().items()}
        np.savez(data, y=y, **scaled)
        for name in args.peers:
            given = {**settings, "data": str(data)}
            try:
                row = compare(name, given, args.environments, 1 if args.quick else args.repeats)
                told = f"{row['peer / ours']:.2f} x our time ({row['method']}, {row['version']})"
            except PeerError as error:
                row, told = {"not_run": str(error)}, f"not run: {error}"
            results[name] = row
            print(f"{name:24} {told}", flush=True)
    write_report("peers", {"settings": settings, "seed": 0, "peers": results, "goal": GOAL})


if __name__ == "__main__":
    main()
