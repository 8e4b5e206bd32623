"""`weighted_info_nce` beside the same by autograd, forward and backward, and its memory.

    python benchmarks/weighted_info_nce.py            # 64, 256, 1024 and 4096 anchors
    python benchmarks/weighted_info_nce.py --quick

Float32, one lane, Gaussian weights, with and without self pairs. "similarities" begins at the
matrix, "embeddings" at 32 components (two views of half as many subjects), by `YAwareLoss`. Times
are processor seconds of one thread, minima over rounds in which both take turns. Working memory is
the rise of the peak of a fresh process by forward and backward, in matrices of the size of the
similarities.
"""

from __future__ import annotations

import argparse

import torch
from _report import write_report
from _timing import answer_if_asked, current_bytes, forget_peak, in_fresh_process, in_turn
from _timing import peak_bytes as peak
from torch import Tensor
from torch.nn import functional as F

from skmmcl.losses import YAwareLoss, weighted_info_nce

TEMPERATURE = 0.1
BANDWIDTH = 5.0
N_COMPONENTS = 32
MEMORY_ANCHORS = 4096
GOALS = {"naive / ours, 64 to 1024 anchors": ">= 1.67 (0.6x the time)", "matrices": "<= 1 kept"}


def gaussian(y: Tensor) -> Tensor:
    return torch.exp(-((y[:, None] - y).square()) / (2 * BANDWIDTH**2))


def naive(s: Tensor, weights: Tensor, *, self_pairs: bool) -> Tensor:
    """The text-book form."""
    if not self_pairs:
        own = torch.eye(len(s), dtype=torch.bool)
        s, weights = s.masked_fill(own, -torch.inf), weights.masked_fill(own, 0)
    share = weights / weights.sum(1, keepdim=True)
    logs = torch.log_softmax(s, 1)
    return -torch.where(share > 0, share * logs, 0).sum(1).mean()


def naive_of_embeddings(z: Tensor, y: Tensor) -> Tensor:
    u = F.normalize(z.flatten(0, 1), dim=-1)
    s = u @ u.mT / TEMPERATURE
    return naive(s, gaussian(y).tile(2, 2), self_pairs=False)


def draw(n_anchors: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Similarities, weights, embeddings and ages."""
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(2, n_anchors // 2, N_COMPONENTS, generator=rng)
    y = 20 + 60 * torch.rand(n_anchors // 2, generator=rng)
    u = F.normalize(z.flatten(0, 1), dim=-1)
    return u @ u.mT / TEMPERATURE, gaussian(y.tile(2)), z, y


def forms(n_anchors: int) -> dict[str, dict]:
    """Of each comparison: what is differentiated, and both forms of the loss."""
    s, weights, z, y = draw(n_anchors)
    y_aware = YAwareLoss(TEMPERATURE, bandwidth=BANDWIDTH)
    of_similarities = {
        f"similarities, self_pairs={own}": {
            "leaf": s,
            "naive": lambda s, own=own: naive(s, weights, self_pairs=own),
            "ours": lambda s, own=own: weighted_info_nce(s, weights, self_pairs=own),
        }
        for own in (True, False)
    }
    of_embeddings = {
        "leaf": z,
        "naive": lambda z: naive_of_embeddings(z, y),
        "ours": lambda z: y_aware(z, y),
    }
    return {**of_similarities, "embeddings": of_embeddings}


def gradient(loss, leaf: Tensor) -> Tensor:
    leaf = leaf.detach().requires_grad_()
    loss(leaf).backward()
    return leaf.grad


def compare(form: dict, n_anchors: int, repeats: int) -> dict[str, float]:
    """Milliseconds of both forms, which must have the same gradient."""
    leaf = form["leaf"]
    found, expected = (gradient(form[name], leaf) for name in ("ours", "naive"))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5 / n_anchors)
    calls = max(1, 3_000_000 // n_anchors**2)  # processor time is counted coarsely

    def times(name):
        return lambda: [gradient(form[name], leaf) for _ in range(calls)]

    taken = in_turn({name: times(name) for name in ("ours", "naive")}, repeats)
    row = {name: 1e3 * min(seconds) / calls for name, seconds in taken.items()}
    return {**row, "ours / naive": round(row["ours"] / row["naive"], 3)}


def working_memory(comparison: str, name: str) -> dict[str, float]:
    """Matrices that forward and backward take at their peak, beyond what is given."""
    form = forms(64)[comparison]
    gradient(form[name], form["leaf"])
    form = forms(MEMORY_ANCHORS)[comparison]
    before = current_bytes()
    forget_peak()
    gradient(form[name], form["leaf"])
    return {"matrices": round((peak() - before) / (4 * MEMORY_ANCHORS**2), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer points, to see that it runs")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    times: dict[str, dict] = {}
    for n_anchors in (64, 256) if args.quick else (64, 256, 1024, 4096):
        for comparison, form in forms(n_anchors).items():
            row = compare(form, n_anchors, args.repeats)
            times[f"{comparison}, {n_anchors} anchors"] = row
            print(f"{comparison:32} {n_anchors:5} anchors {row}", flush=True)
    memory = {
        comparison: {
            name: in_fresh_process(__file__, comparison=comparison, name=name)["matrices"]
            for name in ("ours", "naive")
        }
        for comparison in ([] if args.quick else forms(4))
    }
    print("working memory in matrices", memory, flush=True)
    found = {"unit": "ms", "times": times, "working_memory": memory, "goals": GOALS}
    write_report("weighted_info_nce", found)


if __name__ == "__main__":
    answer_if_asked(working_memory)
    main()
