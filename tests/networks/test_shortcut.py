"""The linear shortcut starts linear."""

from __future__ import annotations

import torch

from skmmcl.networks import MLP
from skmmcl.networks._mlp import LinearShortcut


def test_shortcut_starts_linear_and_learns_more():
    torch.manual_seed(0)
    encoder = LinearShortcut(MLP((1,), 1), (1,), 1)
    x = torch.linspace(-1, 1, 21)[:, None]
    middle = x[1:-1]
    bend = (encoder(middle + 0.1) + encoder(middle - 0.1) - 2 * encoder(middle)).abs().max()
    assert bend < 1e-6
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        loss = ((encoder(x) - x.abs()) ** 2).mean()
        loss.backward()
        optimizer.step()
    assert encoder.gate.abs() > 0.1
    assert loss < 0.01  # a line reaches 0.09
