"""`ConnectomeAttention` beside the same encoder layer by layer, forward and backward.

    python benchmarks/attention.py [--quick]

The plain form is four `nn.Linear`, `scaled_dot_product_attention` and two more `nn.Linear`
(`_textbook.py`). Both have the same weights, and outputs that agree to single precision. Batches
of 64 subjects, float32, one thread; the contestants take turns, and the minimum of their
processor time counts. Alone is one fit; stacked is a stack of `LANES` fits against as many plain
encoders, one after the other.
"""

from __future__ import annotations

import argparse

import torch
from _report import write_report
from _textbook import Attention
from _timing import in_turn, one_thread, ratio

from skmmcl.networks import ConnectomeAttention
from skmmcl.networks._lanes import merge_lanes

SHAPES = {"87 x 100": (87, 100), "90 x 90": (90, 90), "30 x 30": (30, 30), "200 x 200": (200, 200)}
BATCH, LANES, WIDTH = 64, 4, 16
GOAL = ">= 1.5"


def twins(shape: tuple[int, int], seed: int) -> tuple[ConnectomeAttention, Attention]:
    """Both forms with the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        plain = Attention(shape, WIDTH)
    ours = ConnectomeAttention(shape, WIDTH)
    ours.load_state_dict(
        {
            name: value.T[None] if value.dim() == 2 else value[None, None]
            for name, value in plain.state_dict().items()
        }
    )
    return ours, plain


def step(encoder: torch.nn.Module, x: torch.Tensor) -> None:
    """Forward and backward; the input takes no gradient, as in training."""
    encoder.zero_grad()
    encoder(x).square().mean().backward()


def measure(shape: tuple[int, int], repeats: int) -> dict[str, object]:
    ours, plain = zip(*(twins(shape, seed) for seed in range(LANES)), strict=True)
    x = torch.randn(LANES, BATCH, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours[0](x[0]), plain[0](x[0]), rtol=1e-3, atol=1e-4)
    stack = merge_lanes(ours)
    calls = max(1, 20_000 // (shape[0] * shape[1]))  # processor time is counted coarsely
    times = in_turn(
        {
            "ours": lambda: [step(ours[0], x[0]) for _ in range(calls)],
            "plain": lambda: [step(plain[0], x[0]) for _ in range(calls)],
            "stack": lambda: step(stack, x),
            "plain, one by one": lambda: [step(p, x_p) for p, x_p in zip(plain, x, strict=True)],
        },
        repeats,
    )
    return {
        "cpu_seconds": times,
        "calls": {"ours": calls, "plain": calls, "stack": 1, "plain, one by one": 1},
        "alone": ratio(times, "plain", "ours"),
        "stacked": ratio(times, "plain, one by one", "stack"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two shapes, five rounds")
    args = parser.parse_args()
    one_thread()
    results = {}
    for name in list(SHAPES)[1:3] if args.quick else SHAPES:
        row = results[name] = measure(SHAPES[name], 5 if args.quick else 15)
        print(f"{name:10} alone {row['alone']:.2f} x, stacked {row['stacked']:.2f} x", flush=True)
    settings = {"batch_size": BATCH, "lanes": LANES, "n_components": WIDTH, "seed": 0}
    write_report("attention", {**settings, "plain / ours": results, "goal": GOAL})


if __name__ == "__main__":
    main()
