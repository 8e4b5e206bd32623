"""PairwiseCMCLoss against plain loops over the pairs of modalities."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from skmmcl.losses import PairwiseCMCLoss


def nt_xent_by_loops(pair, weight, temperature, *, decoupled=False):
    """NT-Xent of two views (2, n, d); each of the 2 n embeddings is an anchor."""
    n_samples = pair.shape[1]
    unit = pair / np.linalg.norm(pair, axis=-1, keepdims=True)
    total = weights = 0.0
    for i in range(n_samples):
        if n_samples == 1 and weight[i] <= 1:
            continue  # no negative
        for view in (0, 1):
            against = 0.0
            for j in range(n_samples):
                copies = max(weight[i] - 1, 0) if j == i else weight[j]
                against += copies * math.exp(unit[view, i] @ unit[view, j] / temperature)
                others = copies if decoupled else weight[j]
                against += others * math.exp(unit[view, i] @ unit[1 - view, j] / temperature)
            positive = unit[view, i] @ unit[1 - view, i] / temperature
            total += weight[i] * (math.log(against) - positive)
            weights += weight[i]
    return total / weights if weights else 0.0


def pairwise_by_loops(z, mask, weight, temperature, **kind):
    values = []
    for a, b in combinations(range(len(z)), 2):
        both = mask[:, a] & mask[:, b]
        values.append(nt_xent_by_loops(z[[a, b]][:, both], weight[both], temperature, **kind))
    return np.mean(values)


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_equals_loops(seed, decoupled):
    rng = np.random.default_rng(seed)
    n_views, n_samples = rng.integers(2, 6), rng.integers(2, 9)
    z = rng.normal(size=(n_views, n_samples, 3))
    full, ones = np.ones((n_samples, n_views), bool), np.ones(n_samples)
    mask, weight = rng.random((n_samples, n_views)) < 0.6, rng.uniform(0.3, 3, n_samples)
    for some_mask, some_weight in [(None, None), (mask, None), (None, weight), (mask, weight)]:
        found = PairwiseCMCLoss(0.5, decoupled=decoupled)(
            torch.tensor(z),
            None if some_mask is None else torch.tensor(some_mask),
            None if some_weight is None else torch.tensor(some_weight),
        )
        expected = pairwise_by_loops(
            z,
            full if some_mask is None else some_mask,
            ones if some_weight is None else some_weight,
            0.5,
            decoupled=decoupled,
        )
        assert found.item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_value_at_random_init():
    z = torch.randn(2, 64, 4096, generator=torch.Generator().manual_seed(0))
    assert PairwiseCMCLoss(1.0)(z).item() == pytest.approx(math.log(2 * 64 - 1), abs=0.05)


def test_one_view_has_no_pair():
    z = torch.randn(1, 4, 3, requires_grad=True, generator=torch.Generator().manual_seed(0))
    loss = PairwiseCMCLoss()(z)
    loss.backward()
    assert loss.item() == 0
    assert (z.grad == 0).all()


def test_a_pair_without_common_subjects_counts_as_zero():
    rng = np.random.default_rng(0)
    z = torch.tensor(rng.normal(size=(3, 4, 3)))
    mask = torch.tensor([[1, 1, 0]] * 4)
    expected = PairwiseCMCLoss()(z[:2]).item() / 3
    assert PairwiseCMCLoss()(z, mask).item() == pytest.approx(expected)


def test_a_lone_subject_of_weight_two_is_two_subjects():
    z = torch.randn(2, 1, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weighted = PairwiseCMCLoss()(z, sample_weight=torch.tensor([2.0]))
    assert weighted.item() == pytest.approx(PairwiseCMCLoss()(z.repeat(1, 2, 1)).item())
    assert weighted.item() > 0
