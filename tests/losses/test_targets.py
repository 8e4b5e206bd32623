"""Targets: the geometry that a loss's optimum has, in closed form."""

import inspect

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from skmmcl import losses
from skmmcl.kernels import gaussian
from skmmcl.losses import (
    AnatCLLoss,
    EpsSupInfoNCELoss,
    EuclideanInfoNCELoss,
    ExpRegressionLoss,
    JaccardSupConLoss,
    MulSupConLoss,
    SoftSupConLoss,
    SupConLoss,
    ThresholdRegressionLoss,
    XCLRLoss,
    YAwareLoss,
    has_target,
    merge_losses,
)
from skmmcl.losses._parts import _target
from tests.losses.guided_losses import LOSSES

NAN = float("nan")
WITHOUT = {"thr", "alignment", "uniformity", "fairkl", "fairkl-kl"} | {
    name for name in LOSSES if name.startswith(("decoupled", "cmc", "pairwise", "clip"))
}
WITH = sorted(LOSSES.keys() - WITHOUT)
every_target = pytest.mark.parametrize("name", WITH)


def known_of(n_samples=60, seed=1):
    generator = torch.Generator().manual_seed(seed)

    def rand(*size):
        return torch.rand(n_samples, *size, dtype=torch.float64, generator=generator)

    age = 20 + 60 * rand()
    labels = (rand(4) < 0.45).long()
    labels[labels.sum(1) == 0, 0] = 1
    return {
        "age": age,
        "y": torch.arange(n_samples) % 4,
        "labels": labels,
        "prior": rand(3) - 0.5,
        "measures": 2 + rand(20, 3) + rand(1, 3),
        "age_and_sex": torch.stack([age, (rand() * 2).floor()], 1),
    }


def target_of(name, known, sample_weight=None):
    loss, columns = LOSSES[name]
    if "age" in columns:
        known = {**known, "age": known["age"] / 5}
    return loss.target(*(known[key] for key in columns), sample_weight=sample_weight)


def squares(t):
    return torch.cdist(t, t, compute_mode="donot_use_mm_for_euclid_dist").square()


def cka(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    return ((a.mT @ b).norm() ** 2 / ((a.mT @ a).norm() * (b.mT @ b).norm())).item()


def optimum(loss, n_samples, *, on_sphere=True, width=12, n_starts=2):
    """Free embeddings, the same in both views, that minimize a loss."""
    best = np.inf, None
    for seed in range(n_starts):
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(n_samples, width, dtype=torch.float64, generator=generator).requires_grad_()
        optimizer = torch.optim.LBFGS([z], max_iter=300, line_search_fn="strong_wolfe")

        def step(z=z, optimizer=optimizer):
            optimizer.zero_grad()
            value = loss(z.expand(2, -1, -1))
            value.backward()
            return value

        optimizer.step(step)
        value = step().item()
        if value < best[0]:
            best = value, z.detach()
    return F.normalize(best[1], dim=-1) if on_sphere else best[1]


# What worth.md has, and of what it has not the least that was found here.
OPTIMA = {
    "supcon": (SupConLoss(0.7), ["y"], 0.999),
    "supcon by a kernel": (YAwareLoss(0.5, kernel="delta"), ["y"], 0.999),
    "eps out": (EpsSupInfoNCELoss(0.5), ["y"], 0.999),
    "eps in": (EpsSupInfoNCELoss(0.5, form="in"), ["y"], 0.999),
    "eps supcon": (EpsSupInfoNCELoss(0.5, form="supcon"), ["y"], 0.999),
    "soft": (SoftSupConLoss(0.1), ["y"], 0.999),
    "x-clr": (XCLRLoss(0.1, target_temperature=0.1), ["prior"], 0.999),
    "y-aware .1": (YAwareLoss(0.1), ["age"], 0.99),
    "y-aware .5": (YAwareLoss(0.5), ["age"], 0.98),
    "euclidean": (EuclideanInfoNCELoss(1.0, bandwidth=10.0), ["age"], 0.999),
    "euclidean cauchy": (EuclideanInfoNCELoss(1.0, kernel="cauchy"), ["age"], 0.98),
    "jaccard": (JaccardSupConLoss(0.1, threshold=0.01), ["labels"], 0.98),
    "jaccard, a threshold": (JaccardSupConLoss(0.1, threshold=0.3), ["labels"], 0.96),
    "jaccard, unweighted": (JaccardSupConLoss(0.1, weighted=False), ["labels"], 0.94),
    "mulsupcon": (MulSupConLoss(0.1), ["labels"], 0.96),
    "anatcl": (AnatCLLoss(0.1), ["measures", "age"], 0.99),
    "anatcl global": (AnatCLLoss(0.1, anatomy="global"), ["measures", "age"], 0.99),
    "l-exp": (ExpRegressionLoss(0.1), ["age"], 0.97),
}


def nearness(name, seed):
    """Return the linear CKA of a target and of free embeddings, of one draw of labels."""
    loss, columns, _ = OPTIMA[name]
    known = known_of(seed=seed)
    values = [known[key] for key in columns]
    if isinstance(loss, SupConLoss):
        found = optimum(lambda z: loss(z[0], *values), 60)
    else:
        on_sphere = not isinstance(loss, EuclideanInfoNCELoss)
        found = optimum(lambda z: loss(z, *values), 60, on_sphere=on_sphere)
    return cka(loss.target(*values), found)


SLOW = {"eps in", "eps supcon", "jaccard, a threshold", "jaccard, unweighted", "mulsupcon"}
SLOW |= {"anatcl global", "euclidean cauchy"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in OPTIMA]
)
def test_near_the_numerical_optimum(name):
    assert nearness(name, seed=1) > OPTIMA[name][2]


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_regular_simplex(n_classes):
    y = np.repeat(np.arange(n_classes), np.arange(1, n_classes + 1))  # one class of one subject
    t = SupConLoss().target(y)
    assert t.dtype == torch.float64
    assert t.shape == (len(y), n_classes - 1)
    same = np.equal.outer(y, y).astype(float)
    gram = torch.tensor(same - (1 - same) / (n_classes - 1))
    torch.testing.assert_close(t @ t.mT, gram, rtol=0, atol=1e-14)


def test_two_classes_have_one_column_of_ones():
    for y in ([5, 9, -1, 5], [5.0, 9.0, NAN, 5.0], torch.tensor([5, 9, -1, 5])):
        assert SupConLoss().target(y)[:, 0].tolist() == pytest.approx([-1, 1, NAN, -1], nan_ok=True)


@pytest.mark.parametrize(
    ("epsilon", "temperature", "expected"),
    [(0.5, 0.5, 1 + 0.5 * np.log(0.5)), (0.01, 0.5, -0.5), (0, 1, -0.5)],
)
def test_angle_of_soft_classes(epsilon, temperature, expected):
    t = SoftSupConLoss(temperature, epsilon=epsilon).target([0, 1, 2, 2, 2])
    distances = squares(t)
    assert distances[0, 1].item() == pytest.approx(2 - 2 * expected)
    assert distances[0, 2].item() == pytest.approx(2 - 2 * expected)
    assert distances[2, 3].item() == 0


def test_unequal_classes_are_near_the_simplex_at_small_temperatures():
    y = torch.repeat_interleave(torch.arange(3), torch.tensor([5, 15, 40]))
    loss = SupConLoss(0.2)
    assert cka(loss.target(y), optimum(lambda z: loss(z[0], y), 60)) > 0.998


def test_kernels_of_classes_are_the_simplex():
    y = np.array([0, 1, 2, 2, 1, -1])
    expected = SupConLoss().target(y)
    for loss in (
        YAwareLoss(kernel="delta"),
        YAwareLoss(kernel=("delta",)),
        ExpRegressionLoss(kernel="delta"),
        EpsSupInfoNCELoss(),
    ):
        torch.testing.assert_close(loss.target(y), expected, equal_nan=True)
    both = np.array([[0, 0], [0, 1], [1, 0], [0, -1]])
    t = YAwareLoss(kernel=("delta", "delta")).target(both.astype(float))
    torch.testing.assert_close(t[:3], expected[:3])
    assert t[3].isnan().all()


def test_euclidean_target_is_a_copy():
    y = np.random.default_rng(0).normal(size=(30, 2)) * [1, 5] + 100
    t = EuclideanInfoNCELoss(0.25, bandwidth=(2.0, 10.0)).target(y)
    expected = squares(torch.tensor(y / [2, 10]) * 0.5)
    torch.testing.assert_close(squares(t), expected)
    assert t.shape == (30, 2)


def test_kernel_of_ages_keeps_their_distances_where_no_angle_is_too_wide():
    age = torch.linspace(20, 30, 11, dtype=torch.float64)
    t = YAwareLoss(0.1, bandwidth=5.0).target(age)
    torch.testing.assert_close(squares(t), 0.1 * squares(age[:, None] / 5), rtol=1e-9, atol=1e-12)
    assert t.shape == (11, 1)
    assert (t[:, 0].diff() > 0).all()  # the largest entry is positive


def test_bandwidth_and_kernels_of_columns():
    known = known_of()["age_and_sex"]
    age, sex = known[:, :1], known[:, 1:]
    both = YAwareLoss(0.1, kernel=("gaussian", "delta"), bandwidth=(30.0, 1.0)).target(known)
    # Other sexes are asked for a cosine of -1, ages for 1 - .1 d^2 / 2.
    cosines = torch.where(sex == sex.mT, 1 + 0.1 * gaussian(age, 30.0).log(), -1)
    centered = cosines - cosines.mean(0) - cosines.mean(1, keepdim=True) + cosines.mean()
    values, vectors = torch.linalg.eigh(centered)
    kept = values > 1e-3 * values.max()
    nearest = (vectors * values)[:, kept] @ vectors[:, kept].mT
    torch.testing.assert_close(both @ both.mT, nearest, rtol=0, atol=1e-9)


@every_target
def test_is_ordered_and_the_same_every_time(name):
    known = known_of()
    t = target_of(name, known)
    assert t.dtype == torch.float64
    assert t.device.type == "cpu"
    assert not t.requires_grad
    spread = (t - t.mean(0)).square().sum(0)
    assert (spread.diff() < 1e-9 * spread[0]).all()
    assert torch.equal(target_of(name, known), t)


@every_target
def test_order_of_subjects(name):
    known = known_of()
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    moved = target_of(name, {key: value[order] for key, value in known.items()})
    torch.testing.assert_close(moved, target_of(name, known)[order], rtol=0, atol=1e-9)


@every_target
def test_weights_are_copies(name):
    known = known_of(40)
    weight = torch.arange(40) % 3
    copies = {key: value.repeat_interleave(weight, 0) for key, value in known.items()}
    weighted = target_of(name, known, weight)
    torch.testing.assert_close(
        weighted.repeat_interleave(weight, 0), target_of(name, copies), rtol=0, atol=1e-9
    )
    torch.testing.assert_close(
        target_of(name, known, weight.numpy() / 7.0), weighted, rtol=0, atol=1e-8, equal_nan=True
    )


@every_target
def test_the_unknown_have_no_place(name):
    known = known_of()
    without = {key: value[1:] for key, value in known.items()}
    for value in known.values():
        value.reshape(60, -1)[0, 0] = NAN if value.is_floating_point() else -1
    t = target_of(name, known)
    assert t[0].isnan().all()
    torch.testing.assert_close(t[1:], target_of(name, without), rtol=0, atol=1e-12)


@every_target
def test_nothing_to_part(name):
    known = {key: value[:1].repeat(5, *[1] * (value.ndim - 1)) for key, value in known_of().items()}
    with pytest.raises(ValueError, match="at least two different labels"):
        target_of(name, known)


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_losses_without(name):
    assert not has_target(LOSSES[name][0])


def test_who_has_a_target():
    for name in WITH:
        assert has_target(LOSSES[name][0])
    every = {name for name in losses.__all__ if "target" in dir(getattr(losses, name))}
    assert every == {type(LOSSES[name][0]).__name__ for name in [*WITH, "thr"]}
    for name in every:
        cls = getattr(losses, name)
        columns = [*inspect.signature(cls.forward).parameters][2:]
        columns = [c for c in columns if c not in ("mask", "sample_weight", "widening")]
        assert [*inspect.signature(cls.target).parameters][1:] == [*columns, "sample_weight"]


def test_no_target_and_why():
    with pytest.raises(NotImplementedError, match="unbounded"):
        ThresholdRegressionLoss().target([1.0, 2.0])
    assert not has_target(SoftSupConLoss(epsilon=1.0))
    with pytest.raises(ValueError, match="one place"):
        SoftSupConLoss(epsilon=1.0).target([0, 1])
    for kernel in ("delta", "epanechnikov", ("gaussian", "delta")):
        assert not has_target(EuclideanInfoNCELoss(kernel=kernel))
        with pytest.raises(ValueError, match="infinite"):
            EuclideanInfoNCELoss(kernel=kernel).target([[1.0, 2.0], [1.0, 3.0]])
    far = EuclideanInfoNCELoss(kernel=("gaussian", "cauchy"), bandwidth=(0.01, 1.0))
    with pytest.raises(ValueError, match="infinite"):
        far.target([[1.0, 2.0], [9.0, 3.0]])


@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        (["a", "b"], None, "numbers or codes"),
        ([1.0, float("inf")], None, "infinite"),
        ([-1, -1, -1], None, "found 0 in 3 subjects, 3 of them unknown"),
        ([1, 2, 3], [1.0, 1.0], "sample_weight"),
        ([1, 2, 3], [1.0, -1.0, 1.0], "sample_weight"),
        ([1, 2, 3], [1.0, NAN, 1.0], "sample_weight"),
        ([1, 2, 3], [1.0, 0.0, 0.0], "found 1"),
        ([], None, "found 0"),
    ],
)
def test_what_is_no_label(y, weight, message):
    for loss in (SupConLoss(), YAwareLoss()):
        with pytest.raises(ValueError, match=message):
            loss.target(y, sample_weight=weight)


def test_settings_that_part_nobody():
    with pytest.raises(ValueError, match="bandwidth"):
        YAwareLoss(bandwidth=1e9).target([20.0, 30.0, 50.0])
    with pytest.raises(ValueError, match="same place"):
        XCLRLoss().target([[20.0], [30.0]])
    with pytest.raises(ValueError, match="2 kernels for 3 columns"):
        YAwareLoss(kernel=("gaussian", "delta")).target(np.eye(3))
    with pytest.raises(ValueError, match="YAwareLoss"):
        SupConLoss().target(np.arange(2000))
    with pytest.raises(ValueError, match="stacked"):
        merge_losses([YAwareLoss(0.1), YAwareLoss(0.2)]).target([1.0, 2.0])
    lone = merge_losses([YAwareLoss(0.1)]).target([1.0, 2.0])
    torch.testing.assert_close(lone, YAwareLoss(0.1).target([1.0, 2.0]))


def test_a_kernel_of_ones_own_in_single_precision():
    def bell(y):
        return torch.exp(-torch.cdist(y, y).square() / 2).float()

    y = torch.tensor([1.0, 2.0, 4.0, NAN])
    t = YAwareLoss(kernel=bell).target(y)
    expected = YAwareLoss(bandwidth=1.0).target(y)
    torch.testing.assert_close(t, expected, rtol=1e-5, atol=1e-6, equal_nan=True)


def test_sets_without_labels_have_a_place_of_their_own():
    y = [[1, 0], [0, 1], [1, 1], [0, 0], [0, 0]]
    for loss in (JaccardSupConLoss(), MulSupConLoss()):
        t = loss.target(y)
        assert not t.isnan().any()
        assert torch.equal(t[3], t[4])


def test_the_caller_keeps_what_is_his():
    for y in (np.array([20.0, NAN, 40.0]), torch.tensor([20.0, NAN, 40.0], requires_grad=True)):
        before = y.copy() if isinstance(y, np.ndarray) else y.detach().clone()
        YAwareLoss().target(y, sample_weight=[1, 2, 3])
        assert np.array_equal(
            before, y if isinstance(y, np.ndarray) else y.detach(), equal_nan=True
        )
    frozen = np.array([0, 1, 1])
    frozen.flags.writeable = False
    SupConLoss().target(frozen)


def test_different_rows_are_enough(monkeypatch):
    age = np.random.default_rng(0).integers(20, 60, 300).astype(float)
    t = YAwareLoss(0.5).target(age)

    def every_row(rows, _):
        known = torch.arange(len(rows))
        return rows, known, torch.ones(len(rows), dtype=torch.float64)

    monkeypatch.setattr(_target, "_different", every_row)
    full = YAwareLoss(0.5).target(age)
    assert full.shape == t.shape
    torch.testing.assert_close(squares(full), squares(t), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("n_columns", "most"), [(1, 0.005), (2, 0.04), (10, 0.25)])
def test_landmarks(monkeypatch, n_columns, most):
    y = np.random.default_rng(0).normal(size=(1000, n_columns)) * 10
    loss = YAwareLoss(0.1, bandwidth=5.0 * n_columns)
    exact = squares(loss.target(y))
    monkeypatch.setattr(_target, "MAX_ROWS", 400)
    monkeypatch.setattr(_target, "N_LANDMARKS", 300)
    found = squares(loss.target(y))
    assert (found - exact).abs().max() < most * exact.max()
    weight = np.arange(1000) % 2
    without = YAwareLoss(0.1, bandwidth=50.0).target(y, sample_weight=weight)
    assert not without.isnan().any()  # those without a weight have a place


@pytest.mark.slow
def test_many_subjects_need_no_square_matrix():
    t = YAwareLoss(0.1).target(np.random.default_rng(0).normal(size=(20_000, 2)) * 10)
    assert len(t) == 20_000
    assert not t.isnan().any()


if __name__ == "__main__":  # the last column of the guide's table
    for name in OPTIMA:
        mean = np.mean([nearness(name, seed) for seed in (1, 2, 3)])
        print(f"{name:22} {mean:.3f}", flush=True)  # noqa: T201
