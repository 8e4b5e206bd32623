"""Many fits at once: a fit's loss and gradient are those of it alone, to the bit."""

import pytest
import torch
from torch import nn

from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss, YAwareLoss, merge_losses
from skmmcl.losses._parts import _gram

LOSSES = {
    **{
        f"cmc-{denominator}-{positives}": CMCLoss(0.5, denominator=denominator, positives=positives)
        for denominator in ("negatives", "all")
        for positives in ("in", "out")
    },
    "pairwise": PairwiseCMCLoss(0.5),
    **{f"supcon-{form}": SupConLoss(0.5, no_positive=form) for form in ("skip", "zero")},
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
TEMPERATURES = (0.7, 0.1, 0.3, 0.5, 1.0)
LOW = tuple(temperature / 50 for temperature in TEMPERATURES)


def batch(shape, dtype=torch.float32, seed=0):
    """Embeddings (*shape, n_components), mask, classes and weights of stacked fits or of one."""
    *stacks, n_views, n_samples, _ = shape
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(shape, dtype=dtype, generator=generator)
    mask = torch.rand(*stacks, n_samples, n_views, generator=generator) < 0.8
    y = torch.randint(-1, 3, (*stacks, n_samples), generator=generator)
    weight = torch.rand(*stacks, n_samples, generator=generator, dtype=dtype) * 3
    weight[..., 1] = 0
    return z, mask, y, weight


def value(loss, z, mask, y, weight):
    if isinstance(loss, SupConLoss):
        return loss(z[..., 0, :, :], y, weight)
    return loss(z, mask, weight)


def with_gradient(loss, z, mask, y, weight):
    z = z.clone().requires_grad_()
    values = value(loss, z, mask, y, weight)
    return values.detach(), torch.autograd.grad(values.sum(), z)[0]


@every_loss
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "masked and weighted"])
def test_bits_at_low_temperatures(loss, plain):
    check_bits(loss, plain, (3, 33, 20), LOW)


@every_loss
def test_bits_where_only_one_model_is_kept(loss, monkeypatch):
    model_bytes = (3 * 48) ** 2 * 4
    monkeypatch.setattr(_gram, "MAX_KEPT_BYTES", model_bytes)
    monkeypatch.setattr(_gram, "MAX_PIECE_BYTES", 2 * model_bytes)
    check_bits(loss, False, (3, 48, 20), TEMPERATURES)


def check_bits(loss, plain, shape, temperatures):
    z, mask, y, weight = batch((5, *shape))
    mask, weight = (None, None) if plain else (mask, weight)
    merged = merge_losses([type_at(loss, t) for t in temperatures])
    found, gradient = with_gradient(merged, z, mask, y, weight)
    assert found.shape == (5,)
    for k, temperature in enumerate(temperatures):
        fit = [None if x is None else x[k : k + 1] for x in (z, mask, y, weight)]
        alone = merge_losses([type_at(loss, temperature)])
        expected, expected_gradient = with_gradient(alone, *fit)
        assert torch.equal(found[k : k + 1], expected)
        assert torch.equal(gradient[k : k + 1], expected_gradient)
        unstacked, _ = with_gradient(
            type_at(loss, temperature), *(None if x is None else x[k] for x in (z, mask, y, weight))
        )
        assert torch.equal(found[k], unstacked)


def type_at(loss, temperature):
    """The same form of loss at another temperature."""
    names = ("denominator", "positives", "no_positive")
    form = {name: getattr(loss, name) for name in names if hasattr(loss, name)}
    return type(loss)(temperature, **form)


@every_loss
def test_padding_has_no_influence_at_a_low_temperature(loss):
    loss = type_at(loss, 0.02)
    z, mask, y, weight = batch((3, 3, 6, 4), torch.float64)
    generator = torch.Generator().manual_seed(1)
    padding = torch.randn(3, 3, 4, 4, dtype=z.dtype, generator=generator)
    padded = (
        torch.cat([z, padding], 2),
        torch.cat([mask, torch.ones(3, 4, 3, dtype=torch.bool)], 1),
        torch.cat([y, torch.full((3, 4), -1)], 1),
        torch.cat([weight, torch.zeros(3, 4, dtype=z.dtype)], 1),
    )
    expected, expected_gradient = with_gradient(loss, z, mask, y, weight)
    found, gradient = with_gradient(loss, *padded)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient[:, :, :6], expected_gradient, rtol=1e-12, atol=1e-12)
    assert (gradient[:, :, 6:] == 0).all()


def test_merged_temperature_follows_the_module():
    merged = merge_losses([CMCLoss(0.5), CMCLoss(0.7)])
    assert merged.temperature.tolist() == [0.5, 0.7]
    assert not merged.state_dict()
    merged.to("meta")
    assert merged.temperature.device.type == "meta"


class Learned(nn.Module):
    stacked_parameters = ()

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))


UNLIKE = {
    "type": [CMCLoss(), SupConLoss()],
    "denominator": [CMCLoss(), CMCLoss(denominator="all")],
    "positives": [CMCLoss(), CMCLoss(positives="out")],
    "no_positive": [SupConLoss(), SupConLoss(no_positive="zero")],
    # One of them is computed in the form for low temperatures, which has other bits.
    "form of the sums": [CMCLoss(0.7), CMCLoss(0.01)],
    "number of bandwidths": [YAwareLoss(bandwidth=1.0), YAwareLoss(bandwidth=(1.0, 2.0))],
    "parameters": [Learned(), Learned()],
    "merged already": [merge_losses([CMCLoss(0.7)])] * 2,
    "not stackable": [nn.MSELoss(), nn.MSELoss()],
}


@pytest.mark.parametrize("losses", UNLIKE.values(), ids=UNLIKE)
def test_what_cannot_be_merged(losses):
    assert merge_losses(losses) is None


@every_loss
def test_merging_leaves_the_losses_as_they_are(loss):
    before = loss.temperature
    merge_losses([loss, loss])
    assert loss.temperature == before
    assert not list(loss.buffers())
