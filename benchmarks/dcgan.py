"""An epoch of Deep InfoMax with DCGAN encoders, beside a bare torch loop over the same tensors.

    python benchmarks/dcgan.py [--quick] [--device cuda]

Ours is `DeepInfoMaxEmbedder.from_paper(objectives="S")` on two modalities of 64^3 voxels in batches
of 16: the engine's epoch from its first to its last callback, with z-scores, lanes, the shuffling,
the losses' history. Bare is what one would write by hand: the same encoders, z-scored volumes
that already lie on the device, RAdam, a cross-entropy of bent scores. Contestants take turns, epoch
by epoch; the minimum counts. On a CPU it is processor time of one thread, on a GPU wall time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from _report import write_report
from _timing import cpu_seconds, one_thread, ratio
from skorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl import DeepInfoMaxEmbedder
from skmmcl.networks import DCGANEncoder

SIDE, BATCH, WIDTH, CLIP, PENALTY = 64, 16, 64, 20.0, 0.04
GOAL = "<= 1.15"


class Stopwatch(Callback):
    """Times of epochs."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now, self.times = now, []

    def on_epoch_begin(self, net, **kwargs) -> None:
        self.start = self.now()

    def on_epoch_end(self, net, **kwargs) -> None:
        self.times.append(self.now() - self.start)


class Bare:
    """A training loop as in a tutorial."""

    def __init__(self, arrays: dict[str, np.ndarray], device: str) -> None:
        torch.manual_seed(0)
        self.x = [torch.as_tensor((a - a.mean()) / a.std(), device=device) for a in arrays.values()]
        encoders = (DCGANEncoder((SIDE,) * 3, WIDTH) for _ in self.x)
        self.encoders = nn.ModuleList(encoders).to(device).train()
        self.optimizer = torch.optim.RAdam(self.encoders.parameters(), lr=4e-4)

    def epoch(self) -> float:
        order = torch.randperm(len(self.x[0])).to(self.x[0].device)
        total = 0.0
        for rows in order.split(BATCH):
            views = zip(self.encoders, self.x, strict=True)
            one, other = (encoder(x[rows]) for encoder, x in views)
            loss = info_nce(one, other) + info_nce(other, one)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total


def info_nce(one: Tensor, other: Tensor) -> Tensor:
    """Deep InfoMax between embeddings: a cross-entropy of bent scores, and their penalty."""
    scores = one @ other.T / WIDTH**0.5
    own = torch.arange(len(one), device=one.device)
    bent = CLIP * torch.tanh(scores / CLIP)
    return F.cross_entropy(bent, own) + PENALTY * scores.square().mean()


def measure(n_samples: int, repeats: int, device: str) -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    shape = (n_samples, SIDE, SIDE, SIDE)
    arrays = {name: rng.standard_normal(shape, dtype=np.float32) for name in ("t1", "falff")}
    on_gpu = torch.device(device).type == "cuda"

    def now() -> float:
        if not on_gpu:
            return cpu_seconds()
        torch.cuda.synchronize()
        return time.perf_counter()

    watch = Stopwatch(now)
    ours = DeepInfoMaxEmbedder.from_paper(
        objectives="S",
        penalty=0.04,
        batch_size=BATCH,
        device=device,
        callbacks=[watch],
        random_state=0,
    )
    bare, bare_times = Bare(arrays, device), []
    for _ in range(repeats + 1):
        ours.partial_fit(arrays)
        start = now()
        bare.epoch()
        bare_times.append(now() - start)
    kept = next(cb for _, cb in ours.net_.callbacks_ if isinstance(cb, Stopwatch))
    return {"ours": kept.times[1:], "bare": bare_times[1:]}  # the first warms up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one batch, two rounds")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    one_thread()
    n_samples, repeats = (BATCH, 2) if args.quick else (4 * BATCH, 5)
    times = measure(n_samples, repeats, args.device)
    found = ratio(times, "ours", "bare")
    print(f"{min(times['ours']):.3f} s an epoch of {n_samples} subjects, {found:.3f} x bare")
    settings = {"side": SIDE, "batch_size": BATCH, "n_samples": n_samples, "n_components": WIDTH}
    settings |= {"seed": 0, "device_asked": args.device}
    name = "dcgan" if args.device == "cpu" else "dcgan_gpu"
    write_report(name, {**settings, "seconds": times, "ours / bare": found, "goal": GOAL})


if __name__ == "__main__":
    main()
