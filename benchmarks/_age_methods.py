"""The methods that `brain_age.py` compares, each with the settings it may choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import ContrastiveRegressionEmbedder, SupConEmbedder, YAwareEmbedder
from skmmcl.base import BaseEmbedder, embedder
from skmmcl.training import Term

PENALTIES = np.logspace(-1, 5, 13)
N_GROUPS = 5  # of ages, for SupCon
ENGINE = {"batch_size": 256, "max_epochs": 60, "lr": 3e-3, "random_state": 0}
NETWORK = {"encoders": ["linear", "auto"]}


class Method(NamedTuple):
    """A pipeline from modalities to age, and the grid it may choose from."""

    model: Pipeline
    grid: dict[str, list] | None = None


class OutputLoss(torch.nn.Module):
    """Squared error of a linear output on the representations of all modalities."""

    def __init__(self, n_values: int) -> None:
        super().__init__()
        self.output = torch.nn.Linear(n_values, 1)

    def forward(self, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        flat = h.movedim(0, 1).flatten(1)
        return torch.nn.functional.mse_loss(self.output(flat), y.to(h.dtype))


@embedder
class SupervisedEmbedder(BaseEmbedder):
    """The encoders of the contrastive embedders, trained by an output for the age instead."""

    def _requires_y(self) -> bool:
        return True

    def _read_values(self, y: Any, data: Any) -> np.ndarray:
        y = np.asarray(y, dtype=float)[:, None]
        return (y - y.mean()) / y.std()

    def _make_objective(self) -> list[Term]:
        loss = OutputLoss(len(self.modalities_) * self.n_components)
        return [Term("error", loss, on=("h", "targets"))]


class AgeGroupEmbedder(SupConEmbedder):
    """SupCon on as many groups of age, of like size among the training subjects."""

    def fit(self, X: Any, y: Any) -> AgeGroupEmbedder:
        inner = np.quantile(y, np.linspace(0, 1, N_GROUPS + 1)[1:-1])
        return super().fit(X, np.digitize(y, inner))


class LastHiddenLayer(MLPRegressor):
    """scikit-learn's MLP, which also gives its last hidden layer."""

    def transform(self, X: Any) -> np.ndarray:
        h = X
        for weights, bias in zip(self.coefs_[:-1], self.intercepts_[:-1], strict=True):
            h = np.maximum(h @ weights + bias, 0)
        return h


def on_top(*representation: Any) -> Pipeline:
    """Ridge regression on a representation."""
    return make_pipeline(*representation, StandardScaler(), RidgeCV(PENALTIES))


def make_methods(n_epochs: int) -> dict[str, Method]:
    """All methods by name."""
    engine = {**ENGINE, "max_epochs": n_epochs}
    bandwidths = {"bandwidth": [2.0, 5.0, 10.0]}
    mlp = LastHiddenLayer(early_stopping=True, max_iter=500, random_state=0)
    return {
        "ridge regression": Method(on_top()),
        "PCA": Method(on_top(StandardScaler(), PCA(32, random_state=0))),
        "MLPRegressor": Method(
            make_pipeline(
                StandardScaler(), TransformedTargetRegressor(mlp, transformer=StandardScaler())
            )
        ),
        "supervised": _chosen(SupervisedEmbedder(**engine), NETWORK),
        "y-Aware": _chosen(YAwareEmbedder(**engine), NETWORK | bandwidths),
        "L^exp": _chosen(ContrastiveRegressionEmbedder(**engine), NETWORK | bandwidths),
        "SupCon": _chosen(AgeGroupEmbedder(**engine), NETWORK),
    }


def _chosen(representation: BaseEmbedder, grid: dict[str, list]) -> Method:
    name = type(representation).__name__.lower()
    return Method(on_top(representation), {f"{name}__{key}": v for key, v in grid.items()})


def representation_of(model: Pipeline) -> Callable[[Any], np.ndarray]:
    """What the last step of a fitted pipeline sees, or the last hidden layer of an MLP."""
    before = model[:-1]
    mlp = getattr(model[-1], "regressor_", None)
    if mlp is None:
        return before.transform
    return lambda X: mlp.transform(before.transform(X))
