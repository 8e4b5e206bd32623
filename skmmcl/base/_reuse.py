"""Reuse of trained parts: encoders, whole networks, and architectures with new weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skmmcl.base._fitting import fit_embedder
from skmmcl.base._trained import Trained
from skmmcl.data import MultimodalData
from skmmcl.exceptions import ModalityError
from skmmcl.networks._encoders import unwrapped
from skmmcl.networks._fusion import TokenConverter
from skmmcl.networks._lanes import Laned
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.training import seeded


class Start(NamedTuple):
    """Network from which training goes on, with the scaling of its modalities.

    ``scaling`` holds means, units and origins of the modalities, as `Trained` does.
    """

    network: MultiviewNetwork
    scaling: dict[str, dict[str, np.ndarray]]


def is_fitted(estimator: Any) -> bool:
    """Return whether an embedder has been fitted."""
    return hasattr(estimator, "_trained")


def check_has_network(estimator: Any) -> None:
    """Raise unless a fitted embedder represents subjects by a network alone."""
    check_is_fitted(estimator, "net_")
    name, solver = type(estimator).__name__, estimator.solver
    if estimator._trained is None:
        raise TypeError(
            f"This {name} was solved in closed form (solver={solver!r}) and has no network to "
            "train further. Fit it with solver='gradient', or keep it as it is: "
            "make_pipeline(FrozenEstimator(embedder), LogisticRegression())."
        )
    if estimator._solution is not None:
        raise TypeError(
            f"This {name} has solved columns next to those of its network (solver={solver!r}), "
            "and only a network can be trained further. Fit it with solver='gradient'."
        )


def start_from(estimator: Any, modalities: Sequence[str]) -> Start:
    """Return a copy of the network of a fitted embedder, for some of its modalities.

    Parameters
    ----------
    estimator : BaseEmbedder
        Fitted, with a network. It stays as it is.
    modalities : sequence of str
        The modalities to read.

    Returns
    -------
    Start
    """
    check_has_network(estimator)
    trained = estimator._trained
    network = copy.deepcopy(trained.net.module_).cpu()
    return Start(network, _scaling(trained, modalities))


def start_anew(
    estimator: Any, data: MultimodalData, sample_weight: np.ndarray | None, seed: int
) -> Start:
    """Return the architecture of a fitted embedder with new weights, scaled by other subjects.

    Parameters
    ----------
    estimator : BaseEmbedder
        Fitted, with a network. It stays as it is.
    data : MultimodalData
        The subjects; the network reads their modalities.
    sample_weight : ndarray of shape (n_samples,) or None
        How often a subject counts.
    seed : int
        Seed of the weights.

    Returns
    -------
    Start
    """
    check_has_network(estimator)
    trained, stages = Trained.scaled_by(estimator, data, sample_weight)
    build = estimator.net_.module.args[0]  # which built the network of this embedder
    layout = {
        **build.keywords,
        "views": [name for name in build.keywords["views"] if name in stages],
        "shapes": {name: shape for name, shape in estimator.shapes_.items() if name in stages},
        "encoders": {n: e for n, e in build.keywords["encoders"].items() if n in stages},
        "stages": stages,
    }
    with seeded(seed):
        network = partial(build.func, *build.args, **layout)()
    return Start(network.to(getattr(torch, estimator._dtype)), _scaling(trained, data.modalities))


def _scaling(trained: Any, modalities: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    return {
        kind: {name: value for name, value in getattr(trained, kind).items() if name in modalities}
        for kind in ("means", "units", "origins")
    }


def untrained(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    """Return a clone of an embedder that has read the subjects, and has its first weights.

    Parameters
    ----------
    estimator : BaseEmbedder
        The embedder to clone.
    X, y, sample_weight : Any
        As `BaseEmbedder.fit` takes them.

    Returns
    -------
    BaseEmbedder
    """
    made = clone(estimator)
    made._validate_params()
    return fit_embedder(made, X, y, sample_weight, n_epochs=0, resume=False, solver="gradient")


def encoder_of(estimator: Any, modality: str) -> nn.Module:
    """Return a copy of the encoder of a modality, as `BaseEmbedder.encoder` describes it."""
    check_has_network(estimator)
    network = estimator.net_.module_
    if modality not in network.views:
        raise ModalityError(
            f"{type(estimator).__name__} was fitted on the modalities {estimator.modalities_}; "
            f"{modality!r} is none of them."
        )
    both = network.encoders[network.views.index(modality)], network._scaler(modality)
    encoder, scaler = copy.deepcopy(both)  # together: some encoders read the scaler
    while isinstance(encoder, TokenConverter):
        encoder = encoder.encoder
    if scaler is None or not scaler.n_axes:
        return unwrapped(encoder).cpu()
    unit = estimator._trained.units[modality] if estimator.standardize else None
    return ScoringEncoder(scaler, encoder, unit).cpu()


class ScoringEncoder(Laned):
    """Encoder of principal component scores that takes scaled subjects.

    ``unit`` holds the standard deviations by which subjects were divided; None if they were not.
    """

    mean: Tensor
    weight: Tensor

    def __init__(self, scaler: Any, encoder: nn.Module, unit: np.ndarray | None) -> None:
        super().__init__(scaler.shape)
        weight, mean = scaler.weight, scaler.mean
        if unit is not None:  # z-scores are centered
            entries = torch.as_tensor(np.broadcast_to(unit, scaler.shape).reshape(1, -1, 1).copy())
            weight, mean = weight * entries.to(weight), torch.zeros_like(mean)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("weight", weight.clone())
        scaler.mean = scaler.weight = torch.empty(0)
        self.scaler, self.encoder = scaler, encoder  # an encoder may reconstruct by the scaler

    def forward_lanes(self, x: Tensor) -> Tensor:
        return self.encoder(torch.matmul(x.flatten(2) - self.mean, self.weight))
