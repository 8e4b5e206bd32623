"""Fifty repeats of ten-fold cross-validation: sequential, with n_jobs=2, and as stacks.

    python benchmarks/protocol_500_fits.py                     # 500 fits of 100 epochs: hours
    python benchmarks/protocol_500_fits.py --kinds attention --fits 50
    python benchmarks/protocol_500_fits.py --quick             # 20 fits of 5 epochs

`cross_val_score` of a pipeline, embedder and logistic regression, on 300 simulated subjects:

* tiny: five tables of at most 128 columns, 64 hidden units
* wide: two connectomes as vectors of 4005 and three tables, 128 hidden units, 1.2 M parameters
* attention: two connectomes of 90 regions under self-attention, and three tables

Each contestant runs in a fresh process, one thread in each process: skorch's defaults with losses
and layers by the book (`_textbook.py`; timed on `SKORCH_FITS` fits, whose mean time a fit is
multiplied), ours one fit after the other, ours with n_jobs=2 (loky; its workers' start counts),
and ours in `stacked_fits`. Processor time of all processes counts, after the imports of the
first and a fit of one epoch. With --rounds contestants take turns, and minima count. What is not
training is everything outside of the epochs: reading, scaling, the classifier, scoring. The scores
of our three must be identical.
"""

from __future__ import annotations

import argparse
from functools import partial
from time import perf_counter, thread_time
from typing import Any

import numpy as np
import torch
from _report import write_report
from _textbook import Attention, Encoders, default_net, mlp
from _timing import answer_if_asked, cpu_seconds, in_fresh_process
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder, MultimodalData, stacked_fits
from skmmcl.datasets import make_cohort
from skmmcl.networks import MLP, ConnectomeAttention
from skmmcl.training._stack import Stack

TABLES = {"smri": (128,), "t2": (64,), "clinical": (20,)}
HIDDEN = {"tiny": 64, "wide": 128, "attention": 64}
N_FOLDS = 10
SKORCH_FITS = 10
WAYS = ("skorch", "sequential", "n_jobs=2", "stacked")
RATIOS = {
    "skorch / stacked": ("skorch", "stacked"),
    "skorch / sequential": ("skorch", "sequential"),
    "sequential / stacked": ("sequential", "stacked"),
    "n_jobs=2 / stacked": ("n_jobs=2", "stacked"),
}
GOALS = {
    "tiny": "skorch / stacked >= 6; not training < 0.3",
    "wide": "skorch / stacked >= 2.5",
    "attention": "sequential / stacked >= 0.95",
}


def cohort(kind: str) -> tuple[MultimodalData, np.ndarray]:
    """Subjects of a kind, the same in every process."""
    first = {"a": (100,), "b": (100,)} if kind == "tiny" else {"a": "functional", "b": "structural"}
    X, y, _ = make_cohort(modalities={**first, **TABLES}, n_rois=90, random_state=0)
    if kind == "wide":
        edges = np.triu_indices(90, 1)
        arrays = X.to_dict()
        X = MultimodalData({n: a[:, *edges] if a.ndim == 3 else a for n, a in arrays.items()})
    return X, y


def our_encoder(kind: str, shape: tuple[int, ...], n_components: int) -> torch.nn.Module:
    if len(shape) == 2:
        return ConnectomeAttention(shape, n_components)
    return MLP(shape, n_components, hidden=(HIDDEN[kind],))


def plain_encoder(kind: str, shape: tuple[int, ...], n_components: int) -> torch.nn.Module:
    if len(shape) == 2:
        return Attention(shape, n_components)
    return mlp(shape, n_components, HIDDEN[kind])


class SkorchEmbedder(TransformerMixin, BaseEstimator):
    """The same method by the book."""

    def __init__(self, settings: CMCCSSEmbedder, kind: str) -> None:
        self.settings, self.kind = settings, kind

    def fit(self, X: MultimodalData, y: np.ndarray) -> SkorchEmbedder:
        arrays = X.to_dict()
        self.mean_ = {name: array.mean(0) for name, array in arrays.items()}
        self.scale_ = {name: array.std(0) + 1e-8 for name, array in arrays.items()}
        width = self.settings.n_components
        encoders = {n: plain_encoder(self.kind, a.shape[1:], width) for n, a in arrays.items()}
        self.net_ = default_net(Encoders(encoders), self.settings)
        self.net_.fit(self._scaled(X), y.astype(np.int64))
        return self

    def transform(self, X: MultimodalData) -> np.ndarray:
        # A batch's views lead, so the net's own joining of batches does not suit.
        with torch.no_grad():
            z = self.net_.module_(**{n: torch.as_tensor(a) for n, a in self._scaled(X).items()})
        return z.transpose(0, 1).flatten(1).numpy()

    def _scaled(self, X: MultimodalData) -> dict[str, np.ndarray]:
        return {n: (a - self.mean_[n]) / self.scale_[n] for n, a in X.to_dict().items()}


class TrainingClock:
    """Processor seconds of the epochs of all fits in this process."""

    def __init__(self) -> None:
        self.seconds = 0.0
        epoch = Stack.train_epoch

        def timed(stack: Stack) -> None:
            start = thread_time()
            epoch(stack)
            self.seconds += thread_time() - start

        Stack.train_epoch = timed


def measure(
    kind: str, way: str, n_fits: int, epochs: int, max_stack: int | None = None
) -> dict[str, Any]:
    """Run a protocol in one way; in a fresh process."""
    X, y = cohort(kind)
    embedder = CMCCSSEmbedder(
        solver="gradient",
        encoders=partial(our_encoder, kind),
        input_components=None,
        max_epochs=epochs,
        device="cpu",
        random_state=0,
    )
    step = SkorchEmbedder(embedder, kind) if way == "skorch" else embedder
    pipeline = make_pipeline(step, LogisticRegression(max_iter=1000))
    cv = RepeatedStratifiedKFold(n_splits=N_FOLDS, n_repeats=n_fits // N_FOLDS, random_state=0)
    score = partial(cross_val_score, pipeline, X, y, cv=cv, scoring="roc_auc", error_score="raise")
    torch.manual_seed(0)  # for plain skorch
    first = clone(embedder).set_params(max_epochs=1)  # torch loads some of itself when first used
    (SkorchEmbedder(first, kind) if way == "skorch" else first).fit(X, y)
    clock = TrainingClock()
    wall, cpu = perf_counter(), cpu_seconds(children=True)
    if way == "stacked":
        with stacked_fits(max_stack):
            scores = score()
    elif way == "n_jobs=2":
        scores = score(n_jobs=2)
        end_workers()
    else:
        scores = score()
    return {
        "cpu_seconds": cpu_seconds(children=True) - cpu,
        "wall_seconds": perf_counter() - wall,
        "training_seconds": clock.seconds or None,
        "scores": scores.tolist(),
    }


def end_workers() -> None:
    """End loky's workers, so that their time is counted."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def run(kind: str, n_fits: int, epochs: int, rounds: int, max_stack: int | None) -> dict[str, Any]:
    """All ways in turn; the best of each, and their ratios."""
    done: dict[str, list[dict]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            fits = min(n_fits, SKORCH_FITS) if way == "skorch" else n_fits
            point = {"kind": kind, "way": way, "n_fits": fits, "epochs": epochs}
            row = in_fresh_process(__file__, max_stack=max_stack, **point)
            for name in ("cpu_seconds", "wall_seconds"):
                row[name] = round(row[name] * n_fits / fits, 3)
            done[way].append(row)
            print(f"{kind:10} {way:11} {row['cpu_seconds']:9.1f} s of processor time", flush=True)
    best = {way: min(rows, key=lambda row: row["cpu_seconds"]) for way, rows in done.items()}
    ours = [row.pop("scores") for way, row in best.items() if way != "skorch"]
    skorch_auc = float(np.mean(best["skorch"].pop("scores")))
    return {
        "fits": n_fits,
        "skorch_estimated_from_fits": min(n_fits, SKORCH_FITS),
        **best,
        "ratios": {
            name: round(best[a]["cpu_seconds"] / best[b]["cpu_seconds"], 2)
            for name, (a, b) in RATIOS.items()
        },
        "not_training": {
            way: round(1 - best[way]["training_seconds"] / best[way]["cpu_seconds"], 3)
            for way in ("sequential", "stacked")
        },
        "identical_scores": ours[0] == ours[1] == ours[2],
        "roc_auc": {"ours": float(np.mean(ours[0])), "skorch, first fits": skorch_auc},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 fits of 5 epochs")
    parser.add_argument("--kinds", nargs="+", choices=HIDDEN, default=list(HIDDEN))
    parser.add_argument("--fits", type=int, default=500, help=f"a multiple of {N_FOLDS}")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--max-stack", type=int, help="of stacked_fits; its own default if absent")
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    n_fits, epochs = (20, 5) if args.quick else (args.fits, args.epochs)
    for kind in args.kinds:
        row = run(kind, n_fits, epochs, args.rounds, args.max_stack)
        for name in ("ratios", "not_training", "identical_scores", "roc_auc"):
            print(f"{kind:10} {name}: {row[name]}", flush=True)
        settings = {"epochs": epochs, "max_stack": args.max_stack, "rounds": args.rounds, "seed": 0}
        write_report(f"protocol_500_fits_{kind}", {**settings, **row, "goal": GOALS[kind]})


if __name__ == "__main__":
    answer_if_asked(measure)
    main()
