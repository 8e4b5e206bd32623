"""CLIP, CoMM, CCA, reconstruction: against text-book forms, with missing and repeated subjects."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skmmcl.losses import CCALoss, CLIPLoss, CoMMLoss, PairwiseCMCLoss, ReconstructionLoss
from tests.losses.test_info_max import draw

WEIGHT = torch.tensor([1.0, 3.0, 2.0, 1.0, 1.0, 1.0], dtype=torch.float64)
ROWS = torch.tensor([0, 1, 1, 1, 2, 2, 3, 4, 5])


def cross_entropies(z, temperature):
    u = F.normalize(z, dim=-1)
    n_views, n_samples, _ = u.shape
    losses = [
        F.cross_entropy(u[i] @ u[j].T / temperature, torch.arange(n_samples))
        for i in range(n_views)
        for j in range(n_views)
        if i != j
    ]
    return torch.stack(losses).mean()


@pytest.mark.parametrize("temperature", [0.01, 0.07, 0.5])
def test_clip_is_a_mean_of_cross_entropies(temperature):
    z = draw(3, 6, 4)
    torch.testing.assert_close(CLIPLoss(temperature)(z), cross_entropies(z, temperature))


def test_clip_with_weights_and_absent_subjects():
    z = draw(2, 6, 4)
    loss = CLIPLoss(0.5)
    torch.testing.assert_close(loss(z, None, WEIGHT), loss(z[:, ROWS]))
    mask = torch.ones(6, 2, dtype=torch.bool)
    mask[2, 0] = False
    kept = mask.all(1)
    torch.testing.assert_close(loss(z, mask), loss(z[:, kept]))
    mask[:, 0] = False
    assert loss(z.requires_grad_(), mask).item() == 0


def test_clip_of_models():
    z = draw(4, 2, 6, 3)
    together = CLIPLoss(torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64))(z)
    alone = [CLIPLoss(0.1 * (k + 1))(z[k]) for k in range(4)]
    torch.testing.assert_close(together, torch.stack(alone))


def test_comm_contrasts_each_subset_with_the_other_copys_whole():
    one, other = draw(3, 5, 4), draw(3, 5, 4, seed=1)
    nce = PairwiseCMCLoss(0.1)
    terms = [
        (nce(torch.stack([one[k], other[-1]])) + nce(torch.stack([other[k], one[-1]]))) / 2
        for k in range(3)
    ]
    torch.testing.assert_close(CoMMLoss(0.1)(one, other), torch.stack(terms).mean())
    weighted = CoMMLoss(0.1, weights=[1, 2, 3])(one, other)
    torch.testing.assert_close(weighted, (terms[0] + 2 * terms[1] + 3 * terms[2]) / 3)


def test_comm_leaves_out_absent_subsets():
    one, other = draw(3, 5, 4), draw(3, 5, 4, seed=1)
    mask = torch.ones(5, 3, dtype=torch.bool)
    mask[1, 0] = False
    full = CoMMLoss(0.1).terms(one, other)
    found = CoMMLoss(0.1).terms(one, other, mask)
    kept = mask[:, 0]
    expected = CoMMLoss(0.1).terms(one[:, kept], other[:, kept])
    torch.testing.assert_close(found, torch.stack([expected[0], full[1], full[2]]))


def canonical_correlations(a, b, ridge):
    """By symmetric roots, as the formula has it."""
    a, b = (x - x.mean(0) for x in (a.numpy(), b.numpy()))

    def root(x):
        values, vectors = np.linalg.eigh(x.T @ x / (len(x) - 1) + ridge * np.eye(x.shape[1]))
        return vectors @ np.diag(values**-0.5) @ vectors.T

    return np.linalg.svd(root(a) @ (a.T @ b / (len(a) - 1)) @ root(b), compute_uv=False)


@pytest.mark.parametrize("norm", ["fro", "nuc"])
def test_cca_is_a_norm_of_canonical_correlations(norm):
    z = draw(2, 12, 3)
    rho = canonical_correlations(*z, 1e-3)
    expected = np.sqrt((rho**2).sum()) if norm == "fro" else rho.sum()
    assert CCALoss(norm=norm)(z).item() == pytest.approx(-2 * expected, abs=1e-10)


def test_cca_gradient_stays_finite_where_variances_are_equal():
    z = torch.stack([torch.eye(4), torch.eye(4)]).double().requires_grad_()
    CCALoss()(z).backward()
    assert torch.isfinite(z.grad).all()
    assert torch.autograd.gradcheck(CCALoss(), draw(2, 8, 3).requires_grad_())


def test_cca_with_weights_and_absent_subjects():
    z = draw(2, 6, 2)
    torch.testing.assert_close(CCALoss()(z, None, WEIGHT), CCALoss()(z[:, ROWS]))
    mask = torch.ones(6, 2, dtype=torch.bool)
    mask[0] = False
    torch.testing.assert_close(CCALoss()(z, mask), CCALoss()(z[:, 1:]))
    assert CCALoss()(z[:, :1]).item() == 0


def test_cca_of_small_weights_is_of_centered_views():
    h, far = draw(2, 6, 3), torch.tensor([100.0, -50.0, 10.0], dtype=torch.float64)
    small = torch.full((6,), 0.01, dtype=h.dtype)
    torch.testing.assert_close(CCALoss()(h + far, sample_weight=small), CCALoss()(h, None, small))
    assert CCALoss()(h[:, :1], sample_weight=small[:1]).abs() < 1e-12


def test_comm_needs_a_weight_for_each_subset():
    with pytest.raises(ValueError, match="Expected 3 weights"):
        CoMMLoss(weights=[2.0])(draw(3, 6, 4), draw(3, 6, 4))


def test_reconstruction_with_weights_and_absent_subjects():
    x = {"a": draw(6, 3), "b": draw(6, 2, 2, seed=1)}
    x_hat = {"a": draw(6, 3, seed=2), "b": draw(6, 2, 2, seed=3)}
    loss = ReconstructionLoss()
    repeated = [{k: v[ROWS] for k, v in of.items()} for of in (x_hat, x)]
    torch.testing.assert_close(loss(x_hat, x, None, WEIGHT), loss(*repeated))
    mask = torch.ones(6, 2, dtype=torch.bool)
    mask[0, 0] = False
    expected = (x_hat["a"] - x["a"])[1:].square().mean() + (x_hat["b"] - x["b"]).square().mean()
    torch.testing.assert_close(loss(x_hat, x, mask), expected)
