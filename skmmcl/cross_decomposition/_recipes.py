"""Settings of papers: those of ``from_paper()``, by the module of the method."""

from __future__ import annotations

from typing import Any

from skmmcl.augmentation import published_augmentation
from skmmcl.networks._encoders import encoder_by_shape

CLIP: dict[str, Any] = {
    "temperature": 0.07,
    "learn_temperature": True,
    "negatives": "other",
    "self_weight": 0.0,
    "encoders": "alexnet:pooled",
    "n_components": 256,
    "projection_dim": (512,),
    "augment": published_augmentation("cross"),
    "optimizer": "adamw",
    "lr": 3e-4,
    "weight_decay": 1e-4,
    "max_epochs": 100,
    "batch_size": 64,
}

CMCCSS: dict[str, Any] = {
    "solver": "gradient",
    "css_weight": 1.0,
    "input_components": None,
    "encoders": encoder_by_shape,
    "n_components": 8,
    "temperature": 0.7,
    "lr": 1e-3,
    "weight_decay": 1e-3,
    "max_epochs": 1000,
    "batch_size": 10,
}

COMM: dict[str, Any] = {
    "n_components": 512,
    "projection_dim": 256,
    "input_components": None,
    "optimizer": "adamw",
    "lr": 3e-4,
    "weight_decay": 1e-4,
    "max_epochs": 100,
    "batch_size": 64,
}

_FEDOROV: dict[str, Any] = {
    "encoders": "dcgan",
    "n_components": 64,
    "input_components": None,
    "optimizer": "radam",
    "lr": 0.01,
    "lr_schedule": "onecycle",
    "weight_decay": 0.0,
    "max_epochs": 200,
    "batch_size": 64,
}

DEEP_INFO_MAX: dict[str, Any] = {"penalty": 0.0, **_FEDOROV}

SUPERVISED: dict[str, Any] = {**_FEDOROV, "sampler": "balanced"}

TOPOLOGICAL_CONSISTENCY: dict[str, Any] = {
    "n_neighbors": 5,
    "margins": (0.05, 0.4),
    "intra_weight": 10.0,
    "inter_weight": 10.0,
    "reconstruction_weight": 1.0,
    "negatives": "sample",
    "match": "mutual",
    "n_components": 192,
    "optimizer": "adamw",
    "lr": 3e-4,
    "weight_decay": 0.1,
    "lr_schedule": "warmup_cosine",
    "batch_size": 2,
}
