"""The weighted InfoNCE of given similarities: value, gradient, and what it keeps."""

import pytest
import torch

from skmmcl.kernels import gaussian
from skmmcl.losses import YAwareLoss, weighted_info_nce


def case(n_anchors=5, n_keys=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    like = {"generator": generator, "dtype": torch.float64}
    s = torch.randn(2, n_anchors, n_keys, **like) * 5
    weights = torch.rand(2, n_anchors, n_keys, **like)
    return s, weights * (weights > 0.3)


def naive(s, weights, self_pairs):
    """By torch's own functions."""
    if not self_pairs:
        alone = torch.eye(s.shape[-1], dtype=torch.bool)
        s, weights = s.masked_fill(alone, -torch.inf), weights.masked_fill(alone, 0)
    log_softmax = torch.log_softmax(s, -1)
    total = weights.sum(-1, keepdim=True)
    terms = torch.where(weights > 0, weights * log_softmax, 0) / total.where(total > 0, 1)
    counted = total[..., 0] > 0
    return -terms.sum((-1, -2)) / counted.sum(-1).clamp_min(1)


@pytest.mark.parametrize("self_pairs", [True, False])
@pytest.mark.parametrize("empty", [True, False])
def test_equals_torch(self_pairs, empty):
    s, weights = case()
    if empty:
        weights[0, 1] = 0
    found, expected = (
        f(x, weights, self_pairs=self_pairs)
        for f, x in ((weighted_info_nce, s.requires_grad_()), (naive, s))
    )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(v.sum(), s)[0] for v in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_gradcheck_of_anchors_and_keys_that_differ():
    s, weights = case(4, 6)
    assert torch.autograd.gradcheck(lambda s: weighted_info_nce(s, weights), (s.requires_grad_(),))


def test_is_the_loss_of_the_embeddings():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(1, 9, 4, dtype=torch.float64, generator=generator)
    y = torch.rand(9, dtype=torch.float64, generator=generator)
    u = torch.nn.functional.normalize(z[0], dim=-1)
    for self_pairs in (True, False):
        loss = YAwareLoss(0.3, bandwidth=0.5, self_pairs=self_pairs)
        found = weighted_info_nce(u @ u.mT / 0.3, gaussian(y, 0.5), self_pairs=self_pairs)
        torch.testing.assert_close(found, loss(z, y))


def test_no_weight_at_all():
    s, weights = case()
    s.requires_grad_()
    found = weighted_info_nce(s, weights * 0)
    found.sum().backward()
    assert (found == 0).all()
    assert (s.grad == 0).all()


def test_half_precision_and_large_similarities():
    s, weights = case()
    found = weighted_info_nce(s.half().requires_grad_(), weights)
    assert found.dtype == torch.float32
    large = (s * 1e4).requires_grad_()
    weighted_info_nce(large, weights).sum().backward()
    assert torch.isfinite(large.grad).all()


def test_small_weights_keep_their_digits():
    """The weight of an anchor for itself is left out, not subtracted."""
    z = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    y = torch.arange(4.0) * 8
    found = YAwareLoss(0.5, bandwidth=1.0)(z, y)
    exact = YAwareLoss(0.5, bandwidth=1.0)(z.double(), y.double())
    assert found.item() == pytest.approx(exact.item(), rel=1e-5)
