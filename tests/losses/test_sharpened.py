"""Losses whose temperature is learned: values, gradients, ceiling, stacked fits."""

from math import log

import pytest
import torch

from skmmcl.losses import CLIPLoss, PairwiseCMCLoss, merge_losses
from tests.losses.test_stacked_losses import batch

kinds = pytest.mark.parametrize("kind", [CLIPLoss, PairwiseCMCLoss])


@kinds
@pytest.mark.parametrize("scale", [0.5, 1 / 0.07, 100])
def test_the_value_is_that_at_the_learned_temperature(kind, scale):
    z, mask, _, weight = batch((3, 20, 6), torch.float64)
    found = kind(0.2)(z, mask, weight, torch.tensor(log(0.2 * scale), dtype=z.dtype))
    torch.testing.assert_close(found, kind(1 / scale)(z, mask, weight))


@kinds
@pytest.mark.parametrize("temperature", [0.5, 0.02])
def test_gradient(kind, temperature):
    z, mask, _, weight = batch((2, 5, 3), torch.float64)
    inputs = z.requires_grad_(), torch.tensor(0.3, dtype=z.dtype, requires_grad=True)
    loss = kind(temperature)
    torch.autograd.gradcheck(lambda z, log_scale: loss(z, mask, weight, log_scale), inputs)


@pytest.mark.parametrize("are_alike", [True, False])
def test_at_the_ceiling_a_temperature_may_rise_and_not_fall(are_alike):
    z = 1 + 0.1 * torch.randn(1, 8, 4, generator=torch.Generator().manual_seed(0))
    pairs = torch.cat([z, z if are_alike else z.flip(1)])
    slopes = []
    for temperature in (0.5, 0.01):  # at the latter it can only be held
        log_scale = torch.tensor(1.0, requires_grad=True)
        value = CLIPLoss(temperature)(pairs, log_scale=log_scale)
        slopes.append(torch.autograd.grad(value, log_scale)[0].item())
    torch.testing.assert_close(value, CLIPLoss(0.01)(pairs))
    assert (slopes[0] < 0) == are_alike
    assert slopes[1] == 0 if are_alike else slopes[1] > 0


@kinds
def test_bits_of_a_stacked_fit_are_those_of_it_alone(kind):
    z, mask, _, weight = batch((5, 3, 33, 20))
    log_scale, temperatures = torch.linspace(-1, 3, 5), (0.7, 0.1, 0.3, 0.5, 1.0)

    def computed(fits):
        x, scale = z[fits].clone().requires_grad_(), log_scale[fits].clone().requires_grad_()
        loss = merge_losses([kind(t) for t in temperatures[fits]])
        values = loss(x, mask[fits], weight[fits], scale)
        return values, *torch.autograd.grad(values.sum(), (x, scale))

    together = computed(slice(None))
    for k in range(5):
        for found, expected in zip(together, computed(slice(k, k + 1)), strict=True):
            assert torch.equal(found[k : k + 1], expected)
