"""Losses of supervised predictions: by torch's own, with gaps, weights and stacked fits."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from skmmcl.losses import AbsoluteErrorLoss, CrossEntropyLoss, SquaredErrorLoss, merge_losses

N, WIDTH = 12, 3


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(2, N, WIDTH, generator=rng, dtype=torch.float64)
    mask = torch.rand(N, 2, generator=rng) < 0.7
    y = torch.randint(-1, WIDTH, (N,), generator=rng)
    weight = torch.randint(0, 3, (N,), generator=rng).double()
    targets = torch.randn(N, WIDTH, generator=rng, dtype=torch.float64)
    targets[torch.rand(N, WIDTH, generator=rng) < 0.3] = torch.nan
    return z, y, targets, mask, weight


def test_cross_entropy_is_that_of_torch(batch):
    z, y, *_ = batch
    expected = sum(F.cross_entropy(view, y, ignore_index=-1) for view in z) / 2
    torch.testing.assert_close(CrossEntropyLoss()(z, y), expected)


def test_balanced_classes(batch):
    z, y, *_ = batch
    per_class = 1 / torch.bincount(y[y >= 0], minlength=WIDTH).double()
    expected = sum(F.cross_entropy(v, y, weight=per_class, ignore_index=-1) for v in z) / 2
    torch.testing.assert_close(CrossEntropyLoss(balanced=True)(z, y), expected)


def test_squared_error_is_that_of_torch(batch):
    z, _, targets, *_ = batch
    known = ~targets.isnan()
    scaled = (targets - 2) / 4
    expected = sum(F.mse_loss(view[known], scaled[known]) for view in z) / 2
    torch.testing.assert_close(SquaredErrorLoss(2.0, 4.0)(z, targets), expected)


def test_absolute_error_is_that_of_torch(batch):
    z, _, targets, *_ = batch
    known = ~targets.isnan()
    scaled = (targets - 2) / 4
    expected = sum(F.l1_loss(view[known], scaled[known]) for view in z) / 2
    torch.testing.assert_close(AbsoluteErrorLoss(2.0, 4.0)(z, targets), expected)


LOSSES = {
    "cross-entropy": (CrossEntropyLoss(), 0),
    "balanced": (CrossEntropyLoss(balanced=True), 0),
    "squared error": (SquaredErrorLoss((0.5, 1.0, 2.0), (1.0, 2.0, 0.5)), 1),
    "absolute error": (AbsoluteErrorLoss((0.5, 1.0, 2.0), (1.0, 2.0, 0.5)), 1),
}
every_loss = pytest.mark.parametrize(("loss", "target"), LOSSES.values(), ids=LOSSES)


@every_loss
def test_a_weight_is_a_number_of_copies_and_the_absent_take_no_part(batch, loss, target):
    z, *targets, mask, weight = batch
    y = targets[target]
    copies = torch.arange(N).repeat_interleave(weight.long())
    repeated = loss(z[:, copies], y[copies], mask[copies])
    torch.testing.assert_close(loss(z, y, mask, weight), repeated)
    elsewhere = z.clone()
    elsewhere[~mask.T] = 1e6
    torch.testing.assert_close(loss(elsewhere, y, mask, weight), repeated)


@every_loss
def test_nobody_is_known(batch, loss, target):
    z, y, targets, *_ = batch
    nobody = torch.full_like(y, -1) if target == 0 else torch.full_like(targets, torch.nan)
    z = z.clone().requires_grad_()
    value = loss(z, nobody)
    value.backward()
    assert value == 0
    assert not z.grad.any()


@every_loss
def test_bits_of_a_stacked_fit_are_those_of_it_alone(batch, loss, target):
    z, *targets, mask, weight = batch
    z = torch.stack([z, z.flip(1), 2 * z]).float()
    y = targets[target].expand(3, *targets[target].shape)
    mask, weight = mask.expand(3, -1, -1), weight.float().expand(3, -1)
    merged = merge_losses([loss] * 3)(z, y, mask, weight)
    assert merged.shape == (3,)
    for k in range(3):
        fit = slice(k, k + 1)
        alone = merge_losses([loss])(z[fit], y[fit], mask[fit], weight[fit])
        assert torch.equal(merged[fit], alone)
        torch.testing.assert_close(loss(z[k], y[k], mask[k], weight[k]), alone[0])
