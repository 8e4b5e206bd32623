"""What holds for every contrastive loss: invariances, weights as copies, and finite gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss


def supcon(z, mask, y, weight, temperature=0.5):
    """SupCon of one embedding per subject: the first view."""
    return SupConLoss(temperature)(z[0], y, weight)


def cmc(**form):
    def value(z, mask, y, weight, temperature=0.5):
        return CMCLoss(temperature, **form)(z, mask, weight)

    return value


def pairwise(z, mask, y, weight, temperature=0.5):
    return PairwiseCMCLoss(temperature)(z, mask, weight)


LOSSES = {
    "cmc": cmc(),
    "cmc-all": cmc(denominator="all"),
    "cmc-out": cmc(positives="out"),
    "cmc-all-out": cmc(denominator="all", positives="out"),
    "pairwise": pairwise,
    "supcon": supcon,
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
few = settings(max_examples=20, deadline=None)


@st.composite
def batches(draw):
    """Embeddings, mask, classes and weights of a small batch, and a generator."""
    n_views, n_samples = draw(st.integers(2, 5)), draw(st.integers(2, 8))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    z = torch.randn(n_views, n_samples, 3, dtype=torch.float64, generator=generator)
    mask = torch.rand(n_samples, n_views, generator=generator) < draw(st.sampled_from([0.6, 1.0]))
    y = torch.randint(-1, 2, (n_samples,), generator=generator)
    weight = torch.randint(1, 4, (n_samples,), generator=generator)
    return (z, mask, y, weight), generator


@every_loss
@few
@given(batches())
def test_invariances(loss, batch):
    (z, mask, y, weight), generator = batch
    expected = loss(z, mask, y, weight)
    subjects = torch.randperm(z.shape[1], generator=generator)
    shuffled = loss(z[:, subjects], mask[subjects], y[subjects], weight[subjects])
    torch.testing.assert_close(shuffled, expected)
    scale = torch.rand(*z.shape[:2], 1, generator=generator, dtype=z.dtype) * 100 + 1e-3
    torch.testing.assert_close(loss(z * scale, mask, y, weight), expected)
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, dtype=z.dtype, generator=generator))
    torch.testing.assert_close(loss(z @ rotation, mask, y, weight), expected)
    if loss is not supcon:
        views = torch.randperm(len(z), generator=generator)
        torch.testing.assert_close(loss(z[views], mask[:, views], y, weight), expected)


@every_loss
@few
@given(batches())
def test_weight_counts_copies(loss, batch):
    (z, mask, y, weight), _ = batch
    z.requires_grad_()
    copies = torch.arange(z.shape[1]).repeat_interleave(weight)
    repeated = loss(z[:, copies], mask[copies], y[copies], None)
    weighted = loss(z, mask, y, weight)
    torch.testing.assert_close(weighted, repeated)
    # The gradient reaches z through all copies, and is summed.
    for_copies, for_weights = (torch.autograd.grad(v, z)[0] for v in (repeated, weighted))
    torch.testing.assert_close(for_weights, for_copies)


@every_loss
@few
@given(batches(), st.sampled_from([torch.float32, torch.float64]))
def test_low_temperature_stays_finite(loss, batch, dtype):
    (z, mask, y, weight), _ = batch
    z = z.to(dtype).requires_grad_()
    value = loss(z, mask, y, weight, temperature=0.01)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(z.grad).all()


def degenerate():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(3, 4, 3, generator=generator)
    y = torch.tensor([0, 0, 1, 1])
    zeros = z.clone()
    zeros[:, 1] = 0
    unlabeled, nobody = torch.full((4,), -1), torch.zeros(4, 3, dtype=torch.bool)
    lonely = torch.eye(3, dtype=torch.bool)[[0, 1, 2, 0]]
    return {
        "collapsed": (torch.ones(3, 4, 3), None, y, None),
        "opposite": (torch.stack([z[0], -z[0]]), None, y, None),
        "duplicated subjects": (z[:, [0, 0, 1, 1]], None, y, None),
        "zero vectors": (zeros, None, y, None),
        "only zero vectors": (torch.zeros(3, 4, 3), None, y, None),
        "tiny vectors": (z * 1e-30, None, y, None),
        "one subject": (z[:, :1], None, y[:1], None),
        "one subject of weight two": (z[:, :1], None, y[:1], torch.tensor([2.0])),
        "two subjects": (z[:, :2], None, y[:2], None),
        "all masked": (z, nobody, unlabeled, None),
        "one modality each": (z, lonely, y, None),
        "weight of zero": (z, None, y, torch.tensor([0.0, 1.0, 2.0, 0.0])),
        "no weight left": (z, None, y, torch.zeros(4)),
        "all masked but one": (z, torch.arange(4)[:, None].expand(4, 3) == 2, y, torch.ones(4)),
    }


@every_loss
@pytest.mark.parametrize("case", degenerate())
def test_degenerate_batches_are_finite(loss, case):
    z, mask, y, weight = degenerate()[case]
    z.requires_grad_()
    value = loss(z, mask, y, weight)
    value.backward()
    assert value.shape == ()
    assert torch.isfinite(value)
    assert torch.isfinite(z.grad).all()


@every_loss
@pytest.mark.parametrize("case", ["one subject", "all masked", "no weight left"])
def test_nothing_to_contrast_is_zero(loss, case):
    z, mask, y, weight = degenerate()[case]
    z.requires_grad_()
    value = loss(z, mask, y, weight)
    value.backward()
    assert value.item() == 0
    assert (z.grad == 0).all()


@every_loss
def test_weight_of_zero_leaves_a_subject_out(loss):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(3, 6, 3, dtype=torch.float64, generator=generator)
    y, weight = torch.tensor([0, 1, 0, 1, 0, 1]), torch.tensor([1.0, 1, 1, 1, 0, 0])
    without = loss(z[:, :4], None, y[:4], None)
    torch.testing.assert_close(loss(z, None, y, weight), without)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(loss, dtype):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(3, 6, 8, generator=generator).to(dtype).requires_grad_()
    y = torch.tensor([0, 0, 0, 1, 1, 1])
    value = loss(z, None, y, None, temperature=0.05)
    value.backward()
    assert value.dtype == torch.float32
    assert value.item() == loss(z.float(), None, y, None, temperature=0.05).item()
    assert z.grad.dtype == dtype
    assert torch.isfinite(z.grad).all()


@every_loss
def test_inputs_are_left_as_they_are(loss):
    (z, mask, y, weight) = degenerate()["weight of zero"]
    kept = z.clone()
    mask = torch.ones(4, 3, dtype=torch.bool)
    loss(z, mask, y, weight)
    assert torch.equal(z, kept)
    assert mask.all()
