"""The methods that `brain_age.py` compares: pipelines from modalities to age."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler

from skmmcl import ContrastiveRegressionEmbedder, SupConEmbedder, YAwareEmbedder
from skmmcl.base import BaseEmbedder, Guide, embedder
from skmmcl.training import Term

PENALTIES = np.logspace(-1, 5, 13)
N_GROUPS = 5  # of ages, for SupCon
N_COMPONENTS = 8  # of each of two modalities
# Chosen on ABIDE, see `brain_age.py`. A stronger weight decay helped the supervised ones alone.
ENGINE = {
    "encoders": "linear",
    "n_components": N_COMPONENTS,
    "batch_size": 256,
    "lr": 3e-3,
    "random_state": 0,
}


class OutputLoss(torch.nn.Module):
    """Squared error of a linear output on the representations of all modalities."""

    def __init__(self, n_values: int) -> None:
        super().__init__()
        # Made before the estimator seeds what is drawn.
        first = torch.randn(n_values, generator=torch.Generator().manual_seed(0))
        self.slopes = torch.nn.Parameter(first / n_values**0.5)
        self.intercept = torch.nn.Parameter(torch.zeros(()))

    def forward(self, h: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        found = h.movedim(0, 1).flatten(1) @ self.slopes + self.intercept
        return torch.nn.functional.mse_loss(found, y[:, 0].to(h.dtype))


class AgeGuide(Guide):
    """Guidance by the age in units of its standard deviation."""

    is_required = True

    def values(self, y: Any, data: Any) -> np.ndarray:
        y = np.asarray(y, dtype=float)[:, None]
        return (y - y.mean()) / y.std()


@embedder
class SupervisedEmbedder(BaseEmbedder):
    """The encoders of the contrastive embedders, trained by an output for the age instead."""

    def _make_guide(self, y: Any) -> Guide:
        return AgeGuide()

    def _make_objective(self) -> list[Term]:
        loss = OutputLoss(len(self.modalities_) * self.n_components)
        return [Term("error", loss, on=("h", "targets"))]


class AgeGroupEmbedder(SupConEmbedder):
    """SupCon on groups of age by k-means.

    Among groups of like size the oldest would be, in FCON1000, of all from 33 to 85 years.
    """

    def fit(self, X: Any, y: Any) -> Self:
        bins = KBinsDiscretizer(N_GROUPS, encode="ordinal", strategy="kmeans", random_state=0)
        return super().fit(X, bins.fit_transform(np.reshape(y, (-1, 1)))[:, 0].astype(int))


def on_top(*representation: Any) -> Pipeline:
    """Ridge regression on a representation."""
    return make_pipeline(*representation, StandardScaler(), RidgeCV(PENALTIES))


def make_methods(n_epochs: int) -> dict[str, Pipeline]:
    """All methods by name."""
    engine = {**ENGINE, "max_epochs": n_epochs}
    contrast = {**engine, "normalize": True}
    kernel = {"bandwidth": "scott"}  # with which the settings above were chosen
    supervised = {**engine, "weight_decay": 0.1}
    return {
        "ridge": on_top(),
        "PCA": on_top(StandardScaler(), PCA(2 * N_COMPONENTS, random_state=0)),
        "supervised, linear": on_top(SupervisedEmbedder(**supervised)),
        "supervised, MLP": on_top(SupervisedEmbedder(**{**supervised, "encoders": "auto"})),
        "y-Aware": on_top(YAwareEmbedder(**contrast, **kernel)),
        "y-Aware, solved": on_top(YAwareEmbedder(solver="closed_form", **kernel)),
        "y-Aware, solved, without the site": on_top(
            YAwareEmbedder(solver="closed_form", invariant_to="site", **kernel)
        ),
        "L^exp": on_top(ContrastiveRegressionEmbedder(**contrast, **kernel)),
        "SupCon": on_top(AgeGroupEmbedder(**contrast)),
    }
