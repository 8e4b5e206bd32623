"""CMCLoss against plain loops, and what becomes of subjects that cannot be contrasted."""

import math

import numpy as np
import pytest
import torch

from skmmcl.losses import CMCLoss

FORMS = [(d, p) for d in ("negatives", "all") for p in ("in", "out")]


def cmc_by_loops(z, mask, weight, temperature, denominator, positives):
    """Section 1.3 of the paper's formulas, one anchor after the other."""
    n_views, n_samples, _ = z.shape

    def exp_similarity(a, b):
        return math.exp(a @ b / np.linalg.norm(a) / np.linalg.norm(b) / temperature)

    total = weights = 0.0
    for i in range(n_samples):
        for m in range(n_views):
            others = [k for k in range(n_views) if k != m and mask[i, k]]
            if not mask[i, m] or not others:
                continue
            own = [exp_similarity(z[m, i], z[k, i]) for k in others]
            negative = 0.0
            for j in range(n_samples):
                copies = max(weight[i] - 1, 0) if j == i else weight[j]
                for k in range(n_views):
                    if mask[j, k]:
                        negative += copies * exp_similarity(z[m, i], z[k, j])
            if negative == 0:
                continue
            against = negative + sum(own) if denominator == "all" else negative
            attraction = math.log(sum(own)) if positives == "in" else np.mean(np.log(own))
            total += weight[i] * (math.log(against) - attraction)
            weights += weight[i]
    return total / weights if weights else 0.0


@pytest.mark.parametrize(("denominator", "positives"), FORMS)
@pytest.mark.parametrize("seed", range(6))
def test_equals_loops(denominator, positives, seed):
    rng = np.random.default_rng(seed)
    n_views, n_samples = rng.integers(2, 6), rng.integers(2, 9)
    z = rng.normal(size=(n_views, n_samples, 3))
    full, ones = np.ones((n_samples, n_views), bool), np.ones(n_samples)
    mask, weight = rng.random((n_samples, n_views)) < 0.6, rng.uniform(0.3, 3, n_samples)
    loss = CMCLoss(0.5, denominator=denominator, positives=positives)
    for some_mask, some_weight in [(None, None), (mask, None), (None, weight), (mask, weight)]:
        found = loss(
            torch.tensor(z),
            None if some_mask is None else torch.tensor(some_mask),
            None if some_weight is None else torch.tensor(some_weight),
        )
        expected = cmc_by_loops(
            z,
            full if some_mask is None else some_mask,
            ones if some_weight is None else some_weight,
            0.5,
            denominator,
            positives,
        )
        assert found.item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_value_at_random_init():
    n_views, n_samples = 4, 50
    z = torch.randn(n_views, n_samples, 4096, generator=torch.Generator().manual_seed(0))
    expected = math.log((n_samples - 1) * n_views / (n_views - 1))
    assert CMCLoss(0.7)(z).item() == pytest.approx(expected, abs=0.02)


def test_collapsed_embeddings():
    z = torch.ones(3, 4, 5, dtype=torch.float64, requires_grad=True)
    loss = CMCLoss(0.7)(z)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(9 / 2))
    torch.testing.assert_close(z.grad, torch.zeros_like(z))


def test_one_modality_makes_a_negative_but_no_anchor():
    rng = np.random.default_rng(0)
    z = torch.tensor(rng.normal(size=(2, 3, 4)), requires_grad=True)
    mask = torch.tensor([[True, True], [True, True], [True, False]])
    CMCLoss(0.5)(z, mask).backward()
    assert (z.grad[0, 2] != 0).any()
    assert (z.grad[1, 2] == 0).all()
    without = CMCLoss(0.5)(z[:, :2])
    assert CMCLoss(0.5)(z, mask) > without  # one negative more for each anchor


def test_mask_of_ones_is_no_mask():
    z = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    assert CMCLoss()(z).item() == pytest.approx(CMCLoss()(z, torch.ones(5, 3)).item(), rel=1e-6)


def test_denominator_all_is_bounded_below_by_zero():
    z = torch.eye(2).expand(2, 2, 2)
    assert CMCLoss(0.05, denominator="negatives")(z) < 0
    assert CMCLoss(0.05, denominator="all")(z) >= 0


def test_in_and_out_agree_for_two_views():
    z = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    for denominator in ("negatives", "all"):
        inside, outside = (
            CMCLoss(denominator=denominator, positives=form)(z) for form in ("in", "out")
        )
        assert inside.item() == pytest.approx(outside.item(), rel=1e-6)
