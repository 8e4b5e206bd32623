"""Losses whose temperature is learnt: values, gradients, ceiling, lanes."""

from math import log

import pytest
import torch

from skmmcl.losses import CLIPLoss, PairwiseCMCLoss, merge_losses
from tests.losses.test_lanes import batch

kinds = pytest.mark.parametrize("kind", [CLIPLoss, PairwiseCMCLoss])


@kinds
@pytest.mark.parametrize("scale", [0.5, 1 / 0.07, 100])
def test_the_value_is_that_at_the_learnt_temperature(kind, scale):
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


def test_at_the_ceiling_a_temperature_may_rise_and_not_fall():
    z = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(0))
    aligned, reversed_ = z[:1].repeat(2, 1, 1), torch.cat([z[:1], -z[:1]])
    for embeddings, rises in ((aligned, False), (reversed_, True)):
        log_scale = torch.tensor(3.0, requires_grad=True)  # 0.1 / e^3 is below 0.01
        value = CLIPLoss(0.1)(embeddings, log_scale=log_scale)
        torch.testing.assert_close(value, CLIPLoss(0.01)(embeddings))
        value.backward()
        assert (log_scale.grad > 0) == rises
        assert log_scale.grad >= 0


@kinds
def test_bits_of_a_lane_are_those_of_its_fit_alone(kind):
    z, mask, _, weight = batch((5, 3, 33, 20))
    log_scale, temperatures = torch.linspace(-1, 3, 5), (0.7, 0.1, 0.3, 0.5, 1.0)

    def computed(lanes):
        x, scale = z[lanes].clone().requires_grad_(), log_scale[lanes].clone().requires_grad_()
        loss = merge_losses([kind(t) for t in temperatures[lanes]])
        values = loss(x, mask[lanes], weight[lanes], scale)
        return values, *torch.autograd.grad(values.sum(), (x, scale))

    together = computed(slice(None))
    for k in range(5):
        for found, expected in zip(together, computed(slice(k, k + 1)), strict=True):
            assert torch.equal(found[k : k + 1], expected)
