"""A small cohort with side data, and cohorts that show what should be learned."""

from __future__ import annotations

import numpy as np
import pytest

from skmmcl import MultimodalData

N = 40


@pytest.fixture(name="age")
def ages():
    return np.random.default_rng(1).uniform(20, 80, N)


@pytest.fixture(name="y")
def classes():
    return np.arange(N) // 2 % 2


@pytest.fixture(name="X")
def cohort(age):
    rng = np.random.default_rng(0)
    smri = rng.normal(size=(N, 4))
    fc = rng.normal(size=(N, 3, 3))
    meta = {"age": age, "site": np.array(["A", "B"] * (N // 2)), "same": np.ones(N)}
    return MultimodalData(smri=smri, fc=fc, meta=meta)


@pytest.fixture
def showing():
    """Make a cohort whose modalities show values of the subjects, each in its own way."""

    def build(values):
        rng = np.random.default_rng(0)
        values = np.asarray(values, dtype=float).reshape(len(values), -1)
        values = (values - values.mean(0)) / values.std(0)
        return MultimodalData(
            {
                name: values @ rng.normal(size=(values.shape[1], 6))
                + 0.1 * rng.normal(size=(len(values), 6))
                for name in ("smri", "fc")
            }
        )

    return build


@pytest.fixture
def cosines():
    """Return the cosines between subjects' representations, (n_samples, n_samples)."""

    def between(model, X):
        h = model.transform(X)
        h = h / np.linalg.norm(h, axis=1, keepdims=True)
        return h @ h.T

    return between
