"""Fits of one process of several, or alone: ``python -m tests.training.fit_in_ranks OUT``."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback

from skmmcl import (
    CLIPEmbedder,
    CMCCSSEmbedder,
    CoMMEmbedder,
    DeepInfoMaxEmbedder,
    MultimodalData,
    SepVAEEmbedder,
    SupConEmbedder,
    TopologicalConsistencyEmbedder,
    YAwareEmbedder,
    distributed_fit,
)
from skmmcl.networks import SmallCNN3d, VGG3d

SETTINGS = {
    "solver": "gradient", "n_components": 4, "max_epochs": 2, "batch_size": 17, "dtype": "float64",
    "random_state": 0,
}  # fmt: skip
FITS = {
    "css": CMCCSSEmbedder,
    "clip": CLIPEmbedder,
    "info_max": DeepInfoMaxEmbedder,
    "supcon": SupConEmbedder,
    "topology": TopologicalConsistencyEmbedder,
    "yaware": lambda **settings: YAwareEmbedder(metadata="age", **settings),
    "clipped": lambda **settings: CLIPEmbedder(
        gradient_clip=0.1, validation_fraction=0.3, lr_schedule="cosine", **settings
    ),
    "unseeded": lambda **settings: SupConEmbedder(**{**settings, "random_state": None}),
}


class FirstGradients(Callback):
    """Keeps the gradients of the first batch."""

    def __init__(self):
        self.grads_ = None

    def on_grad_computed(self, net, named_parameters, **kwargs):
        if self.grads_ is None:
            self.grads_ = {
                name: p.grad.numpy().copy() for name, p in named_parameters if p.grad is not None
            }


def subjects():
    rng, n = np.random.default_rng(0), 50
    y = np.arange(n) % 2
    smri = rng.normal(size=(n, 6)) + y[:, None]
    smri[::7] = np.nan
    fc = rng.normal(size=(n, 5, 5))
    return MultimodalData(smri=smri, fc=fc + fc.mT, meta={"age": rng.uniform(20, 80, n)}), y


def fit(name, X, y):
    gradients = FirstGradients()
    model = FITS[name](callbacks=[gradients], **SETTINGS).fit(X, y)
    (kept,) = [c for _, c in model.net_.callbacks_ if isinstance(c, FirstGradients)]
    weights = {f"weight {k}": v.numpy() for k, v in model.net_.module_.state_dict().items()}
    grads = {f"gradient {k}": v for k, v in kept.grads_.items()}
    losses = {f"history {k}": v for k, v in model.history_.items()}
    return weights | grads | losses | {"h": model.transform(X)}


def errors(X, y):
    """What is said of fits that cannot be shared."""
    volumes = {"a": np.zeros((20, 16, 16, 16)), "b": np.zeros((20, 16, 16, 16))}
    calls = {
        "batch norm": lambda: CLIPEmbedder(encoders=VGG3d, **SETTINGS).fit(volumes),
        "head over the batch": lambda: CoMMEmbedder(**SETTINGS).fit(X),
        "adversary": lambda: SepVAEEmbedder(**SETTINGS).fit(X, y),
        "checkpoint": lambda: CLIPEmbedder(checkpoint="kept", **SETTINGS).fit(X),
        "other subjects": lambda: CLIPEmbedder(**SETTINGS).fit(X[torch.distributed.get_rank() :]),
        "few": lambda: CLIPEmbedder(encoders=SmallCNN3d, **SETTINGS).fit(
            {k: v[:1] for k, v in volumes.items()}
        ),
    }
    for name, call in calls.items():
        try:
            call()
        except ValueError as error:
            yield name, str(error)


def main(out: Path) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rank, (X, y) = os.environ.get("RANK", "alone"), subjects()
    with distributed_fit():
        for name in FITS:
            np.savez(out / f"{name}-{rank}.npz", **fit(name, X, y))
        if rank != "alone":
            np.savez(out / f"errors-{rank}.npz", **dict(errors(X, y)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
