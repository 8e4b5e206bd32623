"""What holds for every contrastive loss: invariances, weights as copies, finite gradients."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skmmcl.losses import (
    AnatCLLoss,
    ConditionalAlignmentLoss,
    ConditionalUniformityLoss,
    DecoupledUniformityLoss,
    EpsSupInfoNCELoss,
    EuclideanInfoNCELoss,
    ExpRegressionLoss,
    FairKLLoss,
    JaccardSupConLoss,
    PairwiseCMCLoss,
    SoftSupConLoss,
    SupConLoss,
    ThresholdRegressionLoss,
    YAwareLoss,
)
from tests.losses.guided_losses import (
    EUCLIDEAN,
    LOSSES,
    OF_SUBJECTS,
    batch,
    every_loss,
    value,
    with_gradient,
)

few = settings(max_examples=15, deadline=None)


@st.composite
def batches(draw):
    """A small batch and a generator."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(2, 8)), 3)
    seed = draw(st.integers(0, 2**31))
    missing = draw(st.booleans())
    return batch(shape, torch.float64, seed, missing=missing), torch.Generator().manual_seed(seed)


def of_subjects(index, z, known, mask, weight):
    return (
        z[:, index],
        {key: x[index] for key, x in known.items()},
        mask[index],
        None if weight is None else weight[index],
    )


@every_loss
@few
@given(drawn=batches())
def test_invariances(name, drawn):
    (z, known, mask, weight), generator = drawn
    loss = LOSSES[name][0]
    expected = value(loss, name, z, known, mask, weight)

    def check(*arguments):
        torch.testing.assert_close(value(loss, name, *arguments), expected, rtol=1e-6, atol=1e-8)

    subjects = torch.randperm(z.shape[1], generator=generator)
    check(*of_subjects(subjects, z, known, mask, weight))
    if name not in OF_SUBJECTS:
        views = torch.randperm(len(z), generator=generator)
        check(z[views], known, mask[:, views], weight)
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, dtype=z.dtype, generator=generator))
    check(z @ rotation, known, mask, weight)
    if name in EUCLIDEAN:
        check(z + torch.randn(3, dtype=z.dtype, generator=generator), known, mask, weight)
    else:
        scale = torch.rand(*z.shape[:2], 1, generator=generator, dtype=z.dtype) * 100 + 1e-3
        check(z * scale, known, mask, weight)


@every_loss
@few
@given(drawn=batches())
def test_weight_counts_copies(name, drawn):
    (z, known, mask, _), generator = drawn
    weight = torch.randint(1, 4, (z.shape[1],), generator=generator)
    # A copy of a subject of whom nothing is known would be another subject.
    known = {key: fill(x) for key, x in known.items()}
    copies = torch.arange(len(weight)).repeat_interleave(weight)
    loss, z = LOSSES[name][0], z.requires_grad_()
    repeated = value(loss, name, *of_subjects(copies, z, known, mask, None))
    weighted = value(loss, name, z, known, mask, weight)
    torch.testing.assert_close(weighted, repeated)
    for_copies, for_weights = (torch.autograd.grad(v, z)[0] for v in (repeated, weighted))
    torch.testing.assert_close(for_weights, for_copies)


def fill(x):
    return x.nan_to_num() if x.is_floating_point() else x.clamp_min(0)


def degenerate():
    z, known, mask, _ = batch((2, 4, 3))
    constant = {key: torch.ones_like(x) for key, x in known.items()}
    nothing = {
        key: torch.full_like(x, torch.nan if x.is_floating_point() else -1)
        for key, x in known.items()
    }
    distinct = dict(known, age=torch.arange(4) * 100.0, y=torch.arange(4))
    zeros = z.clone()
    zeros[:, 1] = 0
    pair = {key: x[:2] for key, x in known.items()}
    one = {key: x[:1] for key, x in known.items()}
    twice = {key: x[[0, 0, 1, 1]] for key, x in known.items()}
    return {
        "constant metadata": (z, constant, None, None),
        "nothing known": (z, nothing, None, None),
        "nothing known of one view": (z[:1], nothing, None, None),
        "singletons": (z[:1], distinct, None, None),
        "empty sets": (z, dict(known, labels=torch.zeros(4, 4)), None, None),
        "collapsed": (torch.ones(2, 4, 3), known, None, None),
        "collapsed and constant": (torch.ones(2, 4, 3), constant, None, None),
        "duplicated subjects": (z[:, [0, 0, 1, 1]], twice, None, None),
        "opposite": (torch.stack([z[0], -z[0]]), known, None, None),
        "zero vectors": (zeros, known, None, None),
        "only zero vectors": (0 * z, known, None, None),
        "tiny vectors": (z * 1e-30, known, None, None),
        "two subjects": (z[:, :2], pair, None, None),
        "two subjects of one view": (z[:1, :2], pair, None, None),
        "one subject": (z[:, :1], one, None, None),
        "one subject of weight two": (z[:, :1], one, None, torch.tensor([2.0])),
        "nobody present": (z, known, torch.zeros(4, 2), None),
        "one subject present": (z, known, (torch.arange(4) == 2)[:, None].expand(4, 2), None),
        "one view each": (z, known, torch.eye(2)[[0, 1, 0, 1]], None),
        "no weight": (z, known, None, torch.zeros(4)),
        "small weights": (z, known, mask, torch.tensor([0.0, 1e-3, 0.5, 0.0])),
    }


@every_loss
@pytest.mark.parametrize("case", degenerate())
def test_degenerate_batches_are_finite(name, case):
    found, gradient = with_gradient(LOSSES[name][0], name, *degenerate()[case])
    assert found.shape == ()
    assert torch.isfinite(found)
    assert torch.isfinite(gradient).all()
    nobody = {"no weight"} if name in OF_SUBJECTS else {"no weight", "nobody present"}
    if case in nobody:
        assert found == 0
        assert (gradient == 0).all()


@pytest.mark.parametrize("name", [n for n in LOSSES if hasattr(LOSSES[n][0], "temperature")])
def test_low_temperature_stays_finite(name):
    loss = copy.deepcopy(LOSSES[name][0])
    loss.temperature = 0.01
    z, known, mask, weight = batch((2, 9, 3))
    found, gradient = with_gradient(loss, name, z, known, mask, weight)
    assert torch.isfinite(found)
    assert torch.isfinite(gradient).all()
    double = {k: x.double() if x.is_floating_point() else x for k, x in known.items()}
    exact = value(loss, name, z.double(), double, mask, weight.double())
    torch.testing.assert_close(found.double(), exact, rtol=1e-3, atol=1e-3)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(name, dtype):
    z, known, mask, weight = batch((2, 6, 8))
    z = z.to(dtype)
    found, gradient = with_gradient(LOSSES[name][0], name, z, known, mask, weight)
    assert found.dtype == torch.float32
    assert found == value(LOSSES[name][0], name, z.float(), known, mask, weight)
    assert gradient.dtype == dtype
    assert torch.isfinite(gradient).all()


@every_loss
def test_inputs_are_left_as_they_are(name):
    arguments = batch((2, 6, 3))
    kept = copy.deepcopy(arguments)
    value(LOSSES[name][0], name, *arguments)
    z, known, mask, weight = arguments
    for found, before in zip((z, mask, weight), (kept[0], *kept[2:]), strict=True):
        assert torch.equal(found, before)
    for key, x in known.items():
        torch.testing.assert_close(x, kept[1][key], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - OF_SUBJECTS))
def test_absent_embeddings_do_not_matter(name):
    z, known, mask, weight = batch((3, 7, 4), torch.float64)
    other = torch.where(mask.mT[..., None], z, 7.0)
    loss = LOSSES[name][0]
    expected = value(loss, name, z, known, mask, weight)
    torch.testing.assert_close(value(loss, name, other, known, mask, weight), expected)


def test_limits_of_y_aware():
    z, _, _, weight = batch((2, 6, 4), torch.float64, missing=False)
    age, y = torch.arange(6.0, dtype=z.dtype), torch.tensor([0, 0, 0, 1, 1, 1])
    nt_xent = PairwiseCMCLoss(0.3)(z)
    torch.testing.assert_close(YAwareLoss(0.3, bandwidth=1e-3)(z, age), nt_xent)
    unknown = torch.full_like(y, -1)
    torch.testing.assert_close(YAwareLoss(0.3, kernel="delta")(z, unknown), nt_xent)
    supcon = SupConLoss(0.3)(z[0], y, weight)
    torch.testing.assert_close(
        YAwareLoss(0.3, kernel="delta")(z[:1], y, sample_weight=weight), supcon
    )
    soft = SoftSupConLoss(0.3, epsilon=1e-12, self_pairs=False)(z[:1], y, None, weight)
    torch.testing.assert_close(soft, supcon)
    margin = EpsSupInfoNCELoss(0.3, epsilon=0.0, form="supcon")(z[:1], y, None, weight)
    torch.testing.assert_close(margin, supcon)


def test_limits_of_others():
    z, _, _, _ = batch((2, 6, 4), torch.float64, missing=False)
    far = torch.arange(6.0, dtype=z.dtype) * 1e3
    nt_xent = PairwiseCMCLoss(0.3)(z)
    # One positive each.
    torch.testing.assert_close(EpsSupInfoNCELoss(0.3, epsilon=0.0)(z, torch.arange(6)), nt_xent)
    labels = torch.eye(6)
    torch.testing.assert_close(JaccardSupConLoss(0.3)(z, labels), nt_xent)
    on_sphere = torch.nn.functional.normalize(z, dim=-1)
    euclidean = EuclideanInfoNCELoss(0.3, self_pairs=False)(on_sphere, far)
    torch.testing.assert_close(euclidean, nt_xent)
    # Means of one view are the embeddings.
    decoupled = DecoupledUniformityLoss()(z[:1])
    torch.testing.assert_close(decoupled, ConditionalUniformityLoss()(z[:1]))
    shrunk = DecoupledUniformityLoss(t=2.0, kernel="gaussian", regularization=0.25)(z, far)
    torch.testing.assert_close(shrunk, DecoupledUniformityLoss(t=2.0 / 1.25**2)(z))
    aligned = torch.stack([z[0], z[0]])
    assert ConditionalAlignmentLoss()(aligned, far).item() == pytest.approx(0, abs=1e-12)


def test_equal_labels():
    z, _, _, _ = batch((2, 5, 4), torch.float64)
    y = torch.zeros(5, dtype=z.dtype)
    assert ThresholdRegressionLoss()(z, y) == 0
    assert ConditionalUniformityLoss()(z, y) == 0
    u = torch.nn.functional.normalize(z, dim=-1).flatten(0, 1)
    s = (u @ u.T / 0.1)[~torch.eye(10, dtype=torch.bool)]
    # No repulsion: nine others, each with an exponential of 1.
    found = ExpRegressionLoss()(z, y)
    assert found.item() == pytest.approx(math.log(9) - s.mean().item())


def test_who_is_not_labeled_attracts_own_views_alone():
    z, _, _, _ = batch((2, 5, 4), torch.float64)
    y = torch.tensor([0, 0, 1, -1, -1])
    apart = torch.tensor([0, 0, 1, 2, 3])
    for loss in (YAwareLoss(kernel="delta"), SoftSupConLoss(), EpsSupInfoNCELoss()):
        assert loss(z, y) == loss(z, apart)
        assert loss(z, y.double().masked_fill(y < 0, torch.nan)) == loss(z, apart)


def test_fair_kl_of_groups_that_are_missing():
    z, _, _, _ = batch((1, 4, 3), torch.float64)
    y = torch.tensor([0, 0, 1, 1])
    loss = FairKLLoss()
    assert loss(z, y, torch.zeros(4, dtype=torch.long)) == 0
    assert loss(z, y, torch.tensor([0, 0, -1, -1])) == 0
    # One pair of one class and one bias, and one of two: no deviations to compare.
    half = loss(z, torch.tensor([0, 0, 0, -1]), torch.tensor([0, 0, 1, 1]))
    assert half == FairKLLoss(std_weight=0.0)(
        z, torch.tensor([0, 0, 0, -1]), torch.tensor([0, 0, 1, 1])
    )


@pytest.mark.parametrize("form", ["moments", "kl"])
def test_fair_kl_does_not_depend_on_the_unit_of_small_weights(form):
    z, known, _, _ = batch((1, 8, 3), torch.float64, missing=False)
    expected = FairKLLoss(form)(z, known["y"], known["site"])
    assert expected > 0
    small = torch.full((8,), 1e-3, dtype=z.dtype)
    found = FairKLLoss(form)(z, known["y"], known["site"], sample_weight=small)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan])
def test_numbers_out_of_range(wrong):
    for make in (
        YAwareLoss,
        lambda x: YAwareLoss(bandwidth=x),
        lambda x: YAwareLoss(bandwidth=(1.0, x)),
        lambda x: YAwareLoss(torch.tensor([1.0, x])),
        ConditionalUniformityLoss,
        lambda x: DecoupledUniformityLoss(regularization=x),
        lambda x: EpsSupInfoNCELoss(epsilon=x or -1.0),
        lambda x: SoftSupConLoss(epsilon=x or -1.0),
    ):
        with pytest.raises(ValueError, match=r"must be (above|at least) 0, got"):
            make(wrong)


def test_a_mask_the_wrong_way_round():
    z, known, mask, _ = batch((2, 5, 3))
    with pytest.raises(ValueError, match=r"mask must have shape \(..., 5, 2\).*got \(2, 5\)"):
        YAwareLoss()(z, known["age"], mask.T)
    with pytest.raises(ValueError, match="mask must have shape"):
        PairwiseCMCLoss()(z, mask[:4])
    with pytest.raises(RuntimeError, match="invalid for input of size 5"):
        SupConLoss()(z, known["y"])


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Unknown kernel 'linear'"):
        YAwareLoss(kernel="linear")
    with pytest.raises(ValueError, match="form must be"):
        EpsSupInfoNCELoss(form="both")
    with pytest.raises(ValueError, match="no_positive must be"):
        SupConLoss(no_positive="ignore")
    with pytest.raises(ValueError, match="form must be"):
        FairKLLoss("simplified")
    with pytest.raises(ValueError, match="anatomy must be"):
        AnatCLLoss(anatomy="regional")
    with pytest.raises(ValueError, match="needs a prior"):
        DecoupledUniformityLoss(kernel="gaussian")(torch.zeros(1, 4, 2))
    with pytest.raises(ValueError, match="1 kernels for 3 columns"):
        YAwareLoss(kernel=("delta",))(torch.zeros(1, 4, 2), torch.zeros(4, 3))
