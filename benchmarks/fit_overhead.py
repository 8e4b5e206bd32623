"""What a default fit costs beside the same arithmetic in a bare loop, and under skorch's defaults.

    python benchmarks/fit_overhead.py [--repeats 7]
    python benchmarks/fit_overhead.py --quick

All three train the same network on the default simulated cohort, with as many batches, and all
find the principal components of the input first. The bare loop has the same closed-form losses,
fused Adam and the same batches; the plain skorch net has skorch's DataLoader and callbacks, the
losses by the book (`_textbook.py`) and torch's default Adam.

Contestants take turns; processor time of one thread. The ratio of the minima is what to read,
seconds depend on what else the machine does.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from _report import write_report
from _textbook import default_net
from _timing import in_turn, one_thread, ratio
from torch import nn

from skmmcl import CMCCSSEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.training import Objective, class_aware_batches

GOALS = {"skmmcl / bare": "<= 1.10", "skorch / skmmcl": ">= 1.5"}


class Prepared(nn.Module):
    """The network, behind what is done once before training."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, **x: torch.Tensor) -> torch.Tensor:
        return self.network.forward_lanes({k: v[None] for k, v in x.items()})["z"][0]


def prepare(estimator: CMCCSSEmbedder, arrays: dict) -> tuple[nn.Module, dict]:
    """The network of a default fit, and what it reads in each epoch."""
    estimator.shapes_ = {name: array.shape[1:] for name, array in arrays.items()}
    present = np.ones(len(next(iter(arrays.values()))), dtype=bool)
    network = estimator._make_network(
        views=list(arrays),
        shapes=estimator.shapes_,
        stages={n: estimator._make_stage(n, a, present, None) for n, a in arrays.items()},
    )().float()
    with torch.no_grad():
        return network, network.prepare({n: torch.as_tensor(a) for n, a in arrays.items()})


def bare_loop(estimator: CMCCSSEmbedder, arrays: dict, codes: np.ndarray) -> None:
    """The estimator's arithmetic, without the estimator."""
    network, x = prepare(estimator, arrays)
    y = torch.as_tensor(codes)
    objective = Objective(estimator._make_objective())
    optimizer = torch.optim.Adam(
        network.parameters(), lr=estimator.lr, weight_decay=estimator.weight_decay, fused=True
    )
    rng = np.random.default_rng(0)
    for _ in range(estimator.max_epochs):
        for batch in class_aware_batches(codes, estimator.batch_size, rng):
            rows = torch.as_tensor(batch)
            outputs = network.forward_lanes({name: t[rows][None] for name, t in x.items()})
            outputs |= {"y": y[rows][None], "mask": None, "sample_weight": None}
            loss, _ = objective(outputs)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()


def plain_skorch(estimator: CMCCSSEmbedder, arrays: dict, codes: np.ndarray) -> None:
    """The same network under skorch's defaults."""
    network, x = prepare(estimator, arrays)
    default_net(Prepared(network), estimator).fit({n: t.numpy() for n, t in x.items()}, codes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="10 epochs, to see that it runs")
    args = parser.parse_args()
    one_thread()
    X, y, _ = make_cohort(random_state=0)
    arrays, codes = X.to_dict(), y.astype(np.int64)
    estimator = CMCCSSEmbedder(
        solver="gradient",
        random_state=0,
        device="cpu",
        max_epochs=10 if args.quick else 100,
    )
    times = in_turn(
        {
            "bare": lambda: bare_loop(estimator, arrays, codes),
            "skmmcl": lambda: estimator.fit(X, y),
            "skorch": lambda: plain_skorch(estimator, arrays, codes),
            "preparation": lambda: prepare(estimator, arrays),  # part of all three
        },
        args.repeats,
    )
    ratios = {
        "skmmcl / bare": ratio(times, "skmmcl", "bare"),
        "skorch / skmmcl": ratio(times, "skorch", "skmmcl"),
    }
    for name, values in times.items():
        print(f"{name:12} minimum {min(values):6.2f} s, median {np.median(values):6.2f} s")
    for name, value in ratios.items():
        print(f"{name:16} {value:.3f}   goal {GOALS[name]}")
    settings = {"epochs": estimator.max_epochs, "seed": 0}
    write_report(
        "fit_overhead", {**settings, "cpu_seconds": times, "ratios": ratios, "goals": GOALS}
    )


if __name__ == "__main__":
    main()
