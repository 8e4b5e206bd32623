"""The linear shortcut and the principal span."""

from __future__ import annotations

import numpy as np
import torch

from skmmcl.networks import MLP, LinearShortcut, PrincipalSpan


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


def test_span_is_a_projection_in_the_shape_of_the_input():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(12, 3)))[0].T
    center = rng.normal(size=12)
    span = PrincipalSpan(axes, center)
    x = torch.as_tensor(rng.normal(size=(5, 4, 3)))
    once = span(x)
    assert once.shape == x.shape
    torch.testing.assert_close(span(once), once)
    expected = center + (x.flatten(1).numpy() - center) @ axes.T @ axes
    np.testing.assert_allclose(once.flatten(1).numpy(), expected)
