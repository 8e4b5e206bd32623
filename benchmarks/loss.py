"""Closed-form losses of stacked fits beside the text-book forms, forward and backward.

    python benchmarks/loss.py           # K = 1, 10, 50 fits; B = 64, 256, 1024 subjects
    python benchmarks/loss.py --quick

Five views of 16 components in float32. The text-book forms (`_textbook.py`: a masked matrix for
CMC and CSS, 20 cross-entropies for pairs of views) know one fit at a time, so they are called in
a loop; their time per fit is that of at most `MOST_ALONE` fits. Times are processor seconds of
one thread, minima over rounds in which all contestants take turns. Working memory is the rise of
the peak of a fresh process by forward and backward at B = 4096, one fit.
"""

from __future__ import annotations

import argparse

import torch
from _report import write_report
from _textbook import cmc, css, pairwise
from _timing import MIB, answer_if_asked, current_bytes, forget_peak, in_fresh_process, in_turn
from _timing import peak_bytes as peak

from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss

TEMPERATURE = 0.7
N_VIEWS, N_COMPONENTS = 5, 16
MOST_ALONE = 5
BIG_BATCH = 4096
GOALS = {"pairwise, K >= 10, B = 64": ">= 4", "working MiB at B = 4096": "< 100"}

CLOSED = {
    "cmc": lambda z, _: CMCLoss(TEMPERATURE)(z),
    "css": lambda z, y: SupConLoss(TEMPERATURE)(z.transpose(-3, -2).flatten(-2), y),
    "pairwise": lambda z, _: PairwiseCMCLoss(TEMPERATURE)(z),
}
TEXTBOOK = {
    "cmc": lambda z, _: cmc(z, TEMPERATURE),
    "css": lambda z, y: css(z.transpose(0, 1).flatten(1), y, TEMPERATURE),
    "pairwise": lambda z, _: pairwise(z, TEMPERATURE),
}


def draw(n_fits: int, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(n_fits, N_VIEWS, batch_size, N_COMPONENTS, generator=rng)
    y = torch.arange(batch_size).remainder(2).expand(n_fits, -1)
    return z, y


def closed(name: str, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    z = z.detach().requires_grad_()
    CLOSED[name](z, y).sum().backward()
    return z.grad


def textbook(name: str, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    grads = []
    for z_of_fit, y_of_fit in zip(z[:MOST_ALONE], y, strict=False):
        leaf = z_of_fit.detach().requires_grad_()
        TEXTBOOK[name](leaf, y_of_fit).backward()
        grads.append(leaf.grad)
    return torch.stack(grads)


def compare(name: str, n_fits: int, batch_size: int, repeats: int) -> dict[str, float]:
    """Milliseconds per fit of both forms, which must have the same gradient."""
    z, y = draw(n_fits, batch_size)
    ours, theirs = closed(name, z[:1], y[:1]), textbook(name, z[:1], y[:1])
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5 / batch_size)
    calls = max(1, 1000 // (batch_size * n_fits))  # processor time is counted coarsely

    def times(call, n):
        return lambda: [call(name, z, y) for _ in range(n)]

    taken = in_turn({"closed": times(closed, calls), "textbook": times(textbook, calls)}, repeats)
    per_fit = {
        "closed": 1e3 * min(taken["closed"]) / calls / n_fits,
        "textbook": 1e3 * min(taken["textbook"]) / calls / min(n_fits, MOST_ALONE),
    }
    return {**per_fit, "ratio": round(per_fit["textbook"] / per_fit["closed"], 2)}


def working_memory(name: str, form: str, batch_size: int) -> dict[str, float]:
    """MiB that forward and backward take at their peak; measured in a fresh process."""
    call = {"closed": closed, "textbook": textbook}[form]
    call(name, *draw(1, 32))
    z, y = draw(1, batch_size)
    before = current_bytes()
    forget_peak()
    call(name, z, y)
    return {"mib": round((peak() - before) / MIB, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer points, to see that it runs")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    answers: dict[str, dict] = {"times": {}, "working_memory": {}}
    for n_fits in (1, 10) if args.quick else (1, 10, 50):
        for batch_size in (64, 256) if args.quick else (64, 256, 1024):
            for name in CLOSED:
                row = compare(name, n_fits, batch_size, args.repeats)
                answers["times"][f"{name}, K={n_fits}, B={batch_size}"] = row
                print(
                    f"{name:9} K={n_fits:<3} B={batch_size:<5} closed {row['closed']:8.2f} ms, "
                    f"text-book {row['textbook']:8.2f} ms a fit: {row['ratio']:.2f} x",
                    flush=True,
                )
    for name in CLOSED:
        forms = ("closed",) if args.quick else ("closed", "textbook")
        point = {"name": name, "batch_size": BIG_BATCH}
        row = {form: in_fresh_process(__file__, form=form, **point)["mib"] for form in forms}
        answers["working_memory"][name] = row
        print(f"{name:9} working memory at B={BIG_BATCH}: {row} MiB", flush=True)
    shape = {"views": N_VIEWS, "components": N_COMPONENTS, "seed": 0, "unit": "ms per fit; MiB"}
    write_report("loss", {**shape, **answers, "goals": GOALS})


if __name__ == "__main__":
    answer_if_asked(working_memory)
    main()
