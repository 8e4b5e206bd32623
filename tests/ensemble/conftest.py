"""Cohorts and a pretrained embedder."""

from __future__ import annotations

import numpy as np
import pytest

from skmmcl import MultimodalData, YAwareEmbedder

N = 60


def make(seed, n=N, prefix="s"):
    """Two modalities whose first columns follow the age and the class."""
    rng = np.random.default_rng(seed)
    y, age = np.arange(n) % 2, rng.uniform(20, 80, n)
    smri = rng.normal(size=(n, 6))
    fc = rng.normal(size=(n, 5))
    smri[:, 0] += 2 * (2 * y - 1)
    fc[:, 0] += (age - 50) / 10
    index = [f"{prefix}{seed}-{k}" for k in range(n)]
    return MultimodalData(smri=smri, fc=fc, index=index, meta={"age": age}), y, age


@pytest.fixture(name="healthy", scope="session")
def _healthy():
    return make(1, prefix="h")


@pytest.fixture(name="cohort", scope="session")
def _cohort():
    return make(2)


@pytest.fixture(name="big", scope="session")
def _big(healthy):
    X, _, age = healthy
    return YAwareEmbedder(n_components=4, encoders="mlp", max_epochs=5, random_state=0).fit(X, age)
