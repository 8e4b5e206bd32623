"""Layers with lanes write the gradients of their weights in place, and those are the same."""

import pytest
import torch

from skmmcl.networks import LaneLinear, _lanes
from skmmcl.networks._lanes import gradients_in_place


@pytest.fixture(autouse=True)
def every_layer_is_large(monkeypatch):
    monkeypatch.setattr(_lanes, "LARGE", 1)


def gradients(linear, x, *, in_place, times=1):
    for p in linear.parameters():
        p.grad = torch.ones_like(p)
    x = x.clone().requires_grad_()
    if in_place:
        with gradients_in_place():
            y = [linear(x) for _ in range(times)]
    else:
        y = [linear(x) for _ in range(times)]
    sum((k + out).square().sum() for k, out in enumerate(y)).backward()
    return [linear.weight.grad, linear.bias.grad, x.grad]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("n_lanes", [1, 3])
def test_gradients_in_place(n_lanes, times):
    linear = LaneLinear(5, 2).double()
    x = torch.randn(n_lanes, 4, 5, dtype=torch.float64)
    for name, p in linear.named_parameters():
        setattr(linear, name, torch.nn.Parameter(torch.randn_like(p.expand(n_lanes, -1, -1))))
    expected = gradients(linear, x, in_place=False, times=times)
    found = gradients(linear, x, in_place=True, times=times)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_only_where_asked_for():
    linear = LaneLinear(5, 2)
    linear.weight.grad = torch.zeros_like(linear.weight)
    with gradients_in_place():
        pass
    loss = linear(torch.ones(1, 3, 5)).sum()
    (alone,) = torch.autograd.grad(loss, linear.weight)
    assert alone.abs().sum() > 0
    assert linear.weight.grad.abs().sum() == 0


def test_weights_without_gradient_are_left_alone():
    linear = LaneLinear(5, 2).requires_grad_(False)
    with gradients_in_place():
        assert not linear(torch.ones(1, 3, 5)).requires_grad
