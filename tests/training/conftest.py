"""A small job for the engine: two modalities, two classes, a contrastive and a supervised term."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from skmmcl.losses import CMCLoss, SupConLoss
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.training import SubjectSet, Term, fit_net, make_net, to_tensor
from skmmcl.training._noise import noise_of_entries

SHAPES = {"a": (5,), "b": (4, 3)}


@dataclass
class Settings:
    """What an estimator tells the engine."""

    max_epochs: int = 3
    batch_size: int = 8
    sampler: str = "stratified"
    lr: float = 1e-2
    weight_decay: float = 0.0
    optimizer: Any = "adam"
    lr_schedule: str | None = None
    gradient_clip: float | None = None
    validation_fraction: float | None = None
    n_iter_no_change: int | None = 20
    monitor: str = "loss"
    callbacks: Any = None
    checkpoint: Any = None
    input_noise: float = 0.0
    augment: Any = None
    device: Any = "cpu"
    verbose: int = 0
    random_state: Any = 0


def cohort(n_samples=24, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n_samples) % 2
    signal = rng.normal(size=n_samples) + 2 * y
    x = {
        name: (rng.normal(size=(n_samples, *shape)).T + signal).T for name, shape in SHAPES.items()
    }
    return x, y


class Job:
    """A net, its subjects and its settings."""

    def __init__(
        self,
        *,
        encoders=None,
        terms=None,
        dtype=torch.float32,
        codes=None,
        n_samples=24,
        **settings,
    ):
        self.settings = Settings(**settings)
        default = [
            Term("cmc", CMCLoss(0.5), on=("z", "mask", "sample_weight")),
            Term("css", SupConLoss(0.5), on=("z_fused", "y", "sample_weight"), weight=0.5),
        ]
        network = partial(MultiviewNetwork, list(SHAPES), SHAPES, 2, encoders=encoders)
        self.net = make_net(network, terms or default, self.settings, dtype=dtype)
        arrays, y = cohort(n_samples)
        if self.settings.input_noise:
            self.net.noise_ = {
                name: noise_of_entries(array.std(axis=0)) for name, array in arrays.items()
            }
        present = np.ones(n_samples, bool)
        x = {
            name: to_tensor(array, present, np.zeros(SHAPES[name]), self.net)
            for name, array in arrays.items()
        }
        codes = y if codes is None else np.asarray(codes)
        self.subjects = SubjectSet.everyone(x, codes, None, None)

    def fit(self, n_epochs=None, key=None):
        n_epochs = n_epochs or self.settings.max_epochs
        kept_at = None if key is None else (self.settings.checkpoint, key)
        self.net = fit_net(self.net, self.subjects, self.settings, n_epochs, kept_at)
        return self.net


@pytest.fixture
def job():
    """Return the maker of small jobs."""
    return Job


def weights(net):
    return {name: value.clone() for name, value in net.module_.state_dict().items()}


@pytest.fixture
def same_fit():
    """Return a function: have two nets the same weights and history, bit for bit?"""

    def same(one, other):
        first, second = weights(one), weights(other)
        timeless = [
            [{k: v for k, v in row.items() if k != "dur"} for row in net.history.to_list()]
            for net in (one, other)
        ]
        return all(torch.equal(first[k], second[k]) for k in first) and timeless[0] == timeless[1]

    return same
