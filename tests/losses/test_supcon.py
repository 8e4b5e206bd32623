"""SupConLoss against plain loops, with unlabeled subjects and classes of one."""

import math

import numpy as np
import pytest
import torch

from skmmcl.losses import SupConLoss


def supcon_by_loops(f, y, weight, temperature, no_positive="skip"):
    """Section 1.4 of the paper's formulas, one anchor after the other."""
    labeled = [i for i in range(len(y)) if y[i] >= 0]
    total = weights = 0.0
    for i in labeled:
        everyone, positives, count = 0.0, 0.0, 0.0
        for j in labeled:
            copies = max(weight[i] - 1, 0) if j == i else weight[j]
            s = f[i] @ f[j] / np.linalg.norm(f[i]) / np.linalg.norm(f[j]) / temperature
            everyone += copies * math.exp(s)
            if y[j] == y[i]:
                positives += copies * s
                count += copies
        if count > 0:
            total += weight[i] * (math.log(everyone) - positives / count)
        if count > 0 or no_positive == "zero":
            weights += weight[i]
    return total / weights if weights else 0.0


@pytest.mark.parametrize("no_positive", ["skip", "zero"])
@pytest.mark.parametrize("seed", range(8))
def test_equals_loops(seed, no_positive):
    rng = np.random.default_rng(seed)
    n_samples = rng.integers(2, 12)
    f, y = rng.normal(size=(n_samples, 4)), rng.integers(-1, 3, n_samples)
    weight = rng.uniform(0.3, 3, n_samples)
    loss = SupConLoss(0.5, no_positive=no_positive)
    plain = loss(torch.tensor(f), torch.tensor(y)).item()
    ones = np.ones(n_samples)
    assert plain == pytest.approx(supcon_by_loops(f, y, ones, 0.5, no_positive), abs=1e-12)
    weighted = loss(torch.tensor(f), torch.tensor(y), torch.tensor(weight)).item()
    assert weighted == pytest.approx(supcon_by_loops(f, y, weight, 0.5, no_positive), abs=1e-12)


def test_unlabeled_subjects_take_no_part():
    rng = np.random.default_rng(0)
    f, y = torch.tensor(rng.normal(size=(7, 3)), requires_grad=True), torch.tensor([0, 1, 0, 1, 0])
    with_unlabeled = SupConLoss()(f, torch.cat([y, torch.tensor([-1, -1])]))
    assert with_unlabeled.item() == pytest.approx(SupConLoss()(f[:5], y).item(), rel=1e-12)
    with_unlabeled.backward()
    assert (f.grad[5:] == 0).all()


def test_a_class_of_one_repels_but_is_no_anchor():
    rng = np.random.default_rng(0)
    f, y = torch.tensor(rng.normal(size=(5, 3)), requires_grad=True), torch.tensor([0, 0, 1, 1, 2])
    skipped = SupConLoss()(f, y)
    counted = SupConLoss(no_positive="zero")(f, y)
    assert counted.item() == pytest.approx(skipped.item() * 4 / 5)
    skipped.backward()
    assert (f.grad[4] != 0).any()


@pytest.mark.parametrize("y", [[0, 1, 2], [-1, -1, -1], [0, -1, 1]])
@pytest.mark.parametrize("no_positive", ["skip", "zero"])
def test_no_positive_at_all_is_a_zero_on_the_graph(y, no_positive):
    f = torch.randn(3, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = SupConLoss(no_positive=no_positive)(f, torch.tensor(y))
    loss.backward()
    assert loss.item() == 0
    assert (f.grad == 0).all()


def test_collapsed_embeddings_and_one_class():
    f = torch.ones(5, 3, dtype=torch.float64)
    assert SupConLoss()(f, torch.tensor([0, 0, 1, 1, 1])).item() == pytest.approx(math.log(4))
    assert SupConLoss()(f, torch.zeros(5)).item() == pytest.approx(math.log(4))


def test_separated_classes_are_better_than_mixed_ones():
    f = torch.eye(2).repeat_interleave(4, 0)
    separated, mixed = torch.tensor([0] * 4 + [1] * 4), torch.tensor([0, 1] * 4)
    assert SupConLoss(0.1)(f, separated) < SupConLoss(0.1)(f, mixed)
