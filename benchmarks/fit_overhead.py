"""What a fit costs beside the same arithmetic in a bare torch loop.

    python benchmarks/fit_overhead.py [--repeats 7]

Both train the same network with the same losses, optimizer and batches on the default
simulated cohort. Runs alternate; processor time of one thread; the ratio of the minima
and of the medians is what to read, milliseconds depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import resource

import numpy as np
import torch
from _report import write_report

from skmmcl import CMCCSSEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.training import Objective, class_aware_batches


def cpu_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def bare_loop(estimator: CMCCSSEmbedder, arrays: dict, codes: np.ndarray) -> None:
    """The estimator's arithmetic, without the estimator."""
    x = {name: torch.as_tensor(array) for name, array in arrays.items()}
    y = torch.as_tensor(codes)
    network = estimator._make_network(
        views=list(x), shapes={n: a.shape[1:] for n, a in arrays.items()},
        moments={n: (a.mean(0), a.std(0)) for n, a in arrays.items()},
    )().float()  # fmt: skip
    objective = Objective(estimator._make_objective())
    optimizer = torch.optim.Adam(
        network.parameters(), lr=estimator.lr, weight_decay=estimator.weight_decay, fused=True
    )
    rng = np.random.default_rng(0)
    for _ in range(estimator.max_epochs):
        for batch in class_aware_batches(codes, estimator.batch_size, rng):
            rows = torch.as_tensor(batch)
            outputs = network({name: tensor[rows] for name, tensor in x.items()})
            outputs |= {"y": y[rows], "mask": None, "sample_weight": None}
            loss, _ = objective(outputs)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    X, y, _ = make_cohort(random_state=0)
    arrays, codes = X.to_dict(), y.astype(np.int64)
    estimator = CMCCSSEmbedder(random_state=0, device="cpu")
    contestants = {
        "bare": lambda: bare_loop(estimator, arrays, codes),
        "skmmcl": lambda: estimator.fit(X, y),
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(args.repeats + 1):
        for name, run in contestants.items():
            start = cpu_time()
            run()
            if repeat:  # the first round warms up
                times[name].append(cpu_time() - start)
    ratios = {of.__name__: of(times["skmmcl"]) / of(times["bare"]) for of in (np.min, np.median)}
    print("seconds:", {name: np.round(values, 2).tolist() for name, values in times.items()})
    print(f"skmmcl / bare: minimum {ratios['min']:.3f}, median {ratios['median']:.3f}")
    write_report("fit_overhead", {"seconds": times, "ratios": ratios, "goal": 1.15})


if __name__ == "__main__":
    main()
