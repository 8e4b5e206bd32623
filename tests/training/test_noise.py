"""Noise on the input: its units and form, and that of scores is that of entries, projected."""

import numpy as np
import pytest
import torch

from skmmcl.training._noise import InputNoise, noise_of_entries, noise_of_scores


def drawn(noise, shape, n=20_000):
    x = torch.zeros(n, *shape, dtype=torch.float64)
    return noise(x, torch.Generator().manual_seed(0)).numpy()


def test_entries_have_their_own_deviation():
    scale = np.array([0.0, 0.5, 30.0])
    found = drawn(noise_of_entries(scale), (3,))
    assert (found[:, 0] == 0).all()
    np.testing.assert_allclose(found.std(axis=0), scale, rtol=0.03)
    assert abs(np.corrcoef(found[:, 1:].T)[0, 1]) < 0.03
    np.testing.assert_allclose(found.mean(axis=0) / 30, 0, atol=0.03)


def test_symmetric_matrices_stay_symmetric():
    scale = np.array([[1.0, 2.0, 0.5], [2.0, 0.0, 3.0], [0.5, 3.0, 4.0]])
    found = drawn(noise_of_entries(scale, symmetric=True), (3, 3))
    assert np.array_equal(found, found.transpose(0, 2, 1))
    np.testing.assert_allclose(found.std(axis=0), scale, rtol=0.03)


def covariance_of_entries(scale, *, symmetric):
    """Covariance of independent noise on all entries, or of that which is mirrored."""
    r, c = np.indices(scale.shape).reshape(2, -1)
    same = (r[:, None] == r) & (c[:, None] == c)
    if symmetric:
        same |= (r[:, None] == c) & (c[:, None] == r)
    return same * np.outer(scale, scale)


@pytest.mark.parametrize("symmetric", [False, True])
def test_noise_of_scores_is_that_of_entries_projected(symmetric):
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.5, 2, size=(5, 5))
    scale = scale + scale.T
    weight = rng.normal(size=(25, 4))
    noise = noise_of_scores(torch.as_tensor(weight), scale, symmetric=symmetric)
    expected = weight.T @ covariance_of_entries(scale, symmetric=symmetric) @ weight
    found = noise.spread.numpy()
    np.testing.assert_allclose(found.T @ found, expected, rtol=1e-10, atol=1e-10)
    several = np.cov(drawn(noise, (4,)).T)
    np.testing.assert_allclose(several, expected, atol=0.05 * expected.max())


def test_scores_of_fewer_dimensions_than_axes():
    noise = noise_of_scores(torch.ones(1, 3, dtype=torch.float64), np.array([2.0]))
    np.testing.assert_allclose(noise.spread.numpy().T @ noise.spread.numpy(), 4.0)


def test_standard_deviation_and_type():
    noise = InputNoise(torch.ones(2), std=0.5).to(torch.zeros(1, dtype=torch.float64))
    found = drawn(noise, (2,))
    np.testing.assert_allclose(found.std(axis=0), 0.5, rtol=0.03)
    assert found.dtype == np.float64


def test_noise_does_not_draw_globally():
    before = torch.random.get_rng_state()
    drawn(InputNoise(torch.ones(3)), (3,), 5)
    assert torch.equal(torch.random.get_rng_state(), before)
