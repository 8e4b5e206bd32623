"""Settings of papers, for ``from_paper()``, by the module of the method."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR

from skmmcl.augmentation import published_augmentation

# Two augmented copies of each subject are its views.
COPIES: dict[str, Any] = {"views": "augmentation", "n_views": 2}

# How SupCon was trained, and by its code ModAn-MulSupCon.
OF_SUPCON: dict[str, Any] = {
    **COPIES,
    "augment": published_augmentation("supcon"),
    "optimizer": "sgd",
    "lr": 0.05,
    "weight_decay": 1e-4,
    "lr_schedule": partial(MultiStepLR, milestones=[700, 800, 900], gamma=0.1),
    "max_epochs": 1000,
    "batch_size": 256,
}

ANATCL: dict[str, Any] = {
    "anatomy": "local",
    "anatomy_weight": 1.0,
    "age_weight": 1.0,
    "bandwidth": 5.0,
    "temperature": 0.1,
    "encoders": "resnet18:pooled",
    "n_components": 512,
    "projection_dim": 128,
    **COPIES,
}

DECOUPLED: dict[str, Any] = {
    "kernel": None,
    "regularization": 0.01,
    "t": 2.0,
    "encoders": "timm/resnet18:pooled",
    "n_components": 512,
    "projection_dim": (2048, 2048, 256),
    **COPIES,
    "augment": published_augmentation("decoupled"),
    "optimizer": torch.optim.SGD,
    "lr": 0.3,
    "weight_decay": 0.0,
    "lr_schedule": partial(CosineAnnealingLR, T_max=400, eta_min=1e-3),
    "max_epochs": 400,
    "batch_size": 256,
}

EPS_SUP_INFO_NCE: dict[str, Any] = {
    "epsilon": 0.0,
    "form": "out",
    "bias_form": "moments",
    "std_weight": 1.0,
    "temperature": 0.1,
    "optimizer": "sgd",
    "lr": 1e-3,
    "weight_decay": 1e-4,
    "lr_schedule": partial(MultiStepLR, milestones=[26, 53], gamma=0.1),
    "max_epochs": 80,
    "batch_size": 256,
}

MULTI_LABEL: dict[str, Any] = {
    "weighting": "jaccard",
    "threshold": 0.3,
    "temperature": 0.07,
    "encoders": "timm/resnet18",
    "n_components": 1000,
    "projection_dim": None,
    **OF_SUPCON,
}

REGRESSION: dict[str, Any] = {
    "loss": "exp",
    "include_positive": True,
    "kernel": "gaussian",
    "bandwidth": 2.0,
    "temperature": 0.1,
    "encoders": "resnet18:pooled",
    "n_components": 512,
    "projection_dim": 128,
    **COPIES,
    "augment": published_augmentation("none"),
    "optimizer": "adam",
    "lr": 1e-4,
    "weight_decay": 5e-5,
    "lr_schedule": "step_decay",
    "max_epochs": 300,
    "batch_size": 32,
}

SIMCLR: dict[str, Any] = {
    "decoupled": False,
    "temperature": 0.1,
    "encoders": "timm/resnet50:pooled",
    "n_components": 2048,
    "projection_dim": 128,
    **COPIES,
    "augment": published_augmentation("simclr"),
    "optimizer": "sgd",
    "lr": 0.6,
    "weight_decay": 1e-6,
    "lr_schedule": "warmup_cosine",
    "max_epochs": 100,
    "batch_size": 512,
}

SUPCON: dict[str, Any] = {
    "temperature": 0.07,
    "encoders": "timm/resnet50:pooled",
    "n_components": 2048,
    "projection_dim": 128,
    **OF_SUPCON,
}

YAWARE: dict[str, Any] = {
    "encoders": "densenet121:pooled",
    "n_components": 1024,
    "projection_dim": (512, 128),
    **COPIES,
    "augment": published_augmentation("all_tf"),
    "kernel": "gaussian",
    "bandwidth": 5.0,
    "temperature": 0.1,
    "optimizer": "adam",
    "lr": 1e-4,
    "weight_decay": 5e-5,
    "lr_schedule": None,
    "max_epochs": 100,
    "batch_size": 64,
}
