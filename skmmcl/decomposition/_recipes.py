"""Settings of papers: those of ``from_paper()``, by the module of the method."""

from __future__ import annotations

from typing import Any

MMVAE: dict[str, Any] = {
    "posterior": "laplace",
    "likelihood": "laplace",
    "encoders": "dcgan",
    "n_components": 64,
    "optimizer": "radam",
    "lr": 0.01,
    "lr_schedule": "onecycle",
    "weight_decay": 0.0,
    "max_epochs": 200,
    "batch_size": 16,
}

SEPVAE: dict[str, Any] = {
    "n_common": 128,
    "n_salient": 128,
    "beta_common": 0.5,
    "beta_salient": 0.1,
    "background_precision": 20.0,
    "disentangling": 2.0,
    "classification": 5e-10,
    "optimizer": "adam",
    "lr": 1e-3,
    "weight_decay": 0.0,
    "max_epochs": 100,
    "batch_size": 512,
}
