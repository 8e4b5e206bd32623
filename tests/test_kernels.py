"""Kernels of metadata: values, what is missing, stacked fits, products and bandwidths."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skmmcl import kernels
from skmmcl.kernels import affinity, estimate_bandwidth

NAN = math.nan
PROFILES = {
    "cauchy": lambda d: 1 / (1 + d**2 / 4),
    "epanechnikov": lambda d: max(0, 1 - d**2 / 4),
    "exponential": lambda d: math.exp(-d / 2),
    "gaussian": lambda d: math.exp(-(d**2) / 8),
}
NAMES = [*PROFILES, "delta", "jaccard"]


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_of_distance(name, dtype):
    y = torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 0.0], [0.0, 0.0]], dtype=dtype) / 4
    found = getattr(kernels, name)(y, 2.0)
    expected = [[PROFILES[name](math.dist(a, b)) for b in y.tolist()] for a in y.tolist()]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=dtype))
    torch.testing.assert_close(affinity(y, name, 2.0), found)


def test_bandwidth_of_each_column():
    y = torch.tensor([[20.0, 1.0], [25.0, 3.0]])
    found = kernels.gaussian(y, torch.tensor([5.0, 2.0]))
    assert found[0, 1].item() == pytest.approx(math.exp(-1))
    found = affinity(y, ("gaussian", "exponential"), torch.tensor([5.0, 2.0]))
    assert found[0, 1].item() == pytest.approx(math.exp(-0.5 - 1))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), shape=st.tuples(*[st.integers(1, 6)] * 2))
def test_kernels_are_symmetric_and_within_bounds(name, seed, shape):
    y = torch.randint(-1, 3, shape, generator=torch.Generator().manual_seed(seed)).double()
    y = y.clamp_max(1) if name == "jaccard" else y
    y[y == -1] = NAN
    found = affinity(y, name)
    assert torch.equal(found, found.mT)
    assert ((found >= 0) & (found <= 1)).all()
    stacks = affinity(torch.stack([y, y.flip(0)]), name)
    assert torch.equal(stacks[0], found)
    torch.testing.assert_close(stacks[1], found.flip(0, 1))
    missing = y.isnan().any(-1)
    assert torch.equal(found[missing], torch.eye(len(y), dtype=y.dtype)[missing])


@pytest.mark.parametrize("name", ["cauchy", "cosine", "delta", "exponential", "gaussian"])
def test_positive_semidefinite(name):
    y = torch.randn(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.linalg.eigvalsh(getattr(kernels, name)(y))[0] > -1e-10


def test_delta_and_jaccard_of_what_is_missing():
    y = torch.tensor([1, -1, 1, -1])
    expected = torch.eye(4)
    expected[0, 2] = expected[2, 0] = 1
    assert torch.equal(kernels.delta(y), expected)
    labels = torch.tensor([[0, 0], [0, 0], [1, 1], [-1, 1]])
    found = kernels.jaccard(labels)
    assert torch.equal(found, torch.diag(torch.tensor([0.0, 0, 1, 1])))


def test_missing_in_a_product():
    y = torch.tensor([[20.0, 0.0], [NAN, 0.0], [20.0, NAN], [20.0, 1.0]])
    kernel = ("gaussian", "delta")
    assert torch.equal(affinity(y, kernel), torch.eye(4))
    found = affinity(y, kernel, missing="ignore")
    expected = torch.tensor([[1.0, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 1, 1]])
    assert torch.equal(found, expected)


def test_own_kernel_loses_what_is_negative():
    y = torch.tensor([[1.0], [-2.0], [NAN]])
    found = affinity(y, lambda y: y @ y.mT)
    assert torch.equal(found, torch.tensor([[1.0, 0, 0], [0, 4, 0], [0, 0, 1]]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_never_in_half_precision(dtype):
    y = torch.tensor([[1, 0], [1, 1]]).to(dtype)
    for name in NAMES:
        assert affinity(y, name).dtype == torch.float32
    assert kernels.local_anatomy(y[..., None]).dtype == torch.float32


def test_near_ages_far_from_zero():
    y = torch.tensor([1e4, 1e4 + 1])
    assert kernels.gaussian(y)[0, 1].item() == pytest.approx(math.exp(-0.5))


def test_no_gradient():
    y = torch.ones(3, 2, requires_grad=True)
    assert not affinity(y).requires_grad
    assert not kernels.cosine(y).requires_grad


@pytest.mark.parametrize("kernel", ["rbf", (), ("gaussian", "jaccard"), ("gaussian", "linear")])
def test_unknown_kernel(kernel):
    with pytest.raises(ValueError, match="Unknown kernel"):
        affinity(torch.zeros(3, 2), kernel)


def test_anatomy_with_constant_and_missing_measures():
    measures = torch.rand(4, 5, 3, generator=torch.Generator().manual_seed(0))
    measures[0, :, 1] = 2.0
    measures[1] = 1.0
    measures[3, 2, 0] = NAN
    for kernel in (kernels.local_anatomy, kernels.global_anatomy):
        found = kernel(measures)
        assert torch.isfinite(found).all()
        assert torch.equal(found[3], torch.eye(4)[3])
        assert ((found >= 0) & (found <= 1 + 1e-6)).all()
    # Without any spread over the regions, nothing tells the regions apart.
    assert (kernels.local_anatomy(measures)[1] == 0).all()


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_rules_of_thumb(rule):
    y = np.random.default_rng(0).normal(size=(50, 2)) * [1, 10]
    factor = 50 if rule == "scott" else 50 * 4 / 4
    expected = y.std(0, ddof=1) * factor ** (-1 / 6)
    np.testing.assert_allclose(estimate_bandwidth(y, rule), expected)
    one = estimate_bandwidth(y[:, 0], rule)
    factor = 50 if rule == "scott" else 50 * 3 / 4
    np.testing.assert_allclose(one, y[:, :1].std(0, ddof=1) * factor ** (-1 / 5))


@pytest.mark.parametrize("rule", ["deviation", "scott", "silverman", "median"])
def test_bandwidth_of_what_is_known(rule):
    y = np.random.default_rng(0).normal(size=(40, 2))
    holes = np.vstack([y, [[NAN, 0.0]]])
    np.testing.assert_allclose(estimate_bandwidth(holes, rule)[0], estimate_bandwidth(y, rule)[0])
    np.testing.assert_allclose(estimate_bandwidth(y * 3, rule), 3 * estimate_bandwidth(y, rule))


@pytest.mark.parametrize("n", [100, 500, 3000])
def test_the_default_does_not_depend_on_the_number_of_subjects(n):
    age = np.random.default_rng(0).permutation(np.linspace(-1, 1, n))
    age = 50 + 19 * age / age.std(ddof=1)
    assert estimate_bandwidth(age)[0] == pytest.approx(19 / 4)
    scott = {100: 7.56, 500: 5.48, 3000: 3.83}[n]
    assert estimate_bandwidth(age, "scott")[0] == pytest.approx(scott, abs=0.01)


def test_the_default_grows_with_the_columns_as_distances_do():
    y = np.random.default_rng(0).normal(size=(60, 4)) * [1, 10, 100, 1000]
    np.testing.assert_allclose(estimate_bandwidth(y), y.std(0, ddof=1) / 4 * 2)
    weight = np.repeat([1.0, 2.0], 30)
    repeated = np.repeat(y, weight.astype(int), axis=0)
    found = estimate_bandwidth(y, sample_weight=weight)
    np.testing.assert_allclose(found, estimate_bandwidth(repeated))


def test_median_of_many_subjects():
    y = np.random.default_rng(0).uniform(size=20_000)
    # Of the distance of two points on a segment.
    assert estimate_bandwidth(y, "median")[0] == pytest.approx(1 - math.sqrt(0.5), abs=5e-3)


def test_bandwidth_of_nothing():
    with pytest.raises(ValueError, match=r"Columns \[1\]"):
        estimate_bandwidth([[1.0, 2.0], [2.0, 2.0], [3.0, NAN]])
    with pytest.raises(ValueError, match="Unknown rule"):
        estimate_bandwidth([1.0, 2.0], "thumb")
