"""Settings of papers: those of ``from_paper()``, by the module of the method."""

from __future__ import annotations

from typing import Any

DEEP_UCSL: dict[str, Any] = {
    "n_clusters": 2,
    "cluster_weight": 1.0,
    "products": False,
    "balanced": True,
    "confidence_epochs": 50,
    "encoders": "densenet121",
    "n_components": 128,
    "input_noise": 0.0,
    "lr": 2e-5,
    "max_epochs": 100,
    "batch_size": 8,
}
