"""The linear shortcut; component scores and what is reconstructed from them."""

from __future__ import annotations

import numpy as np
import torch

from skmmcl.networks import MLP, ComponentScores, LinearShortcut, Reconstruction


def test_shortcut_starts_linear_and_learns_more():
    torch.manual_seed(0)
    encoder = LinearShortcut(MLP((1,), 1), (1,), 1)
    x = torch.linspace(-1, 1, 21)[:, None]
    middle = x[1:-1]
    bend = (encoder(middle + 0.1) + encoder(middle - 0.1) - 2 * encoder(middle)).abs().max()
    assert bend < 1e-6
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.05)
    for _ in range(500):
        optimizer.zero_grad()
        loss = ((encoder(x) - x.abs()) ** 2).mean()
        loss.backward()
        optimizer.step()
    assert encoder.gate.abs() > 0.1
    assert loss < 0.01  # a line reaches 0.09


def test_scores_and_reconstruction():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(12, 3)))[0].T
    mean, scale, deviation = rng.normal(size=(4, 3)), rng.random((4, 3)) + 0.5, np.array([3, 2, 1])
    x = rng.normal(size=(5, 4, 3))
    scores = ComponentScores((4, 3), mean, scale, axes, deviation)
    z = ((x - mean) / scale).reshape(5, -1)
    unit = np.sqrt(14 / 3)
    found = scores(torch.as_tensor(x))
    np.testing.assert_allclose(found.numpy(), z @ axes.T / unit)
    again = Reconstruction((4, 3), axes * scores.unit, 1.0)(found)
    assert again.shape == x.shape
    np.testing.assert_allclose(again.flatten(1).numpy(), 1 + z @ axes.T @ axes)


def test_a_constant_entry_is_not_scaled():
    scores = ComponentScores((2,), np.ones(2), np.array([2.0, 0.0]), np.eye(2), np.ones(2))
    assert scores(torch.tensor([[3.0, 2.0]], dtype=torch.float64)).tolist() == [[1.0, 1.0]]
