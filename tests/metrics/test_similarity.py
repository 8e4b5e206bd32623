"""linear_cka and svcca: what they ignore, what they are with few subjects, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning

from skmmcl.metrics import linear_cka, svcca


def debiased_cka(X, Y):
    return linear_cka(X, Y, debiased=True)


SIMILARITIES = pytest.mark.parametrize("similarity", [linear_cka, debiased_cka, svcca])


def rotation(rng, d):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def related(rng, n, d_x, d_y):
    X = rng.normal(size=(n, d_x)) * np.linspace(1, 3, d_x)
    return X, X @ rng.normal(size=(d_x, d_y)) + rng.normal(size=(n, d_y))


def unbiased_hsic(K, L):
    """Equation 5 of Song et al., written out."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    ones = np.ones(n)
    total = np.trace(K @ L) + (ones @ K @ ones) * (ones @ L @ ones) / ((n - 1) * (n - 2))
    return (total - 2 / (n - 2) * ones @ K @ L @ ones) / (n * (n - 3))


@SIMILARITIES
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d_x=st.integers(1, 6), d_y=st.integers(1, 6))
def test_is_symmetric_bounded_and_blind_to_axes(similarity, seed, d_x, d_y):
    rng = np.random.default_rng(seed)
    X, Y = related(rng, 30, d_x, d_y)
    value = similarity(X, Y)
    assert (-1 if similarity is debiased_cka else 0) <= value <= 1
    assert similarity(Y, X) == pytest.approx(value, abs=1e-9)
    moved = rng.uniform(0.01, 100) * X @ rotation(rng, d_x) + rng.normal(size=d_x)
    assert similarity(moved, Y) == pytest.approx(value, abs=1e-9)
    assert similarity(moved, X) == pytest.approx(1, abs=1e-9)
    order = rng.permutation(30)
    assert similarity(X[order], Y[order]) == pytest.approx(value, abs=1e-9)


def test_svcca_of_all_directions_ignores_invertible_maps_and_cka_does_not():
    rng = np.random.default_rng(0)
    X, Y = related(rng, 40, 3, 4)
    stretched = X @ np.diag([1.0, 10, 100])
    assert svcca(stretched, Y, variance=1) == pytest.approx(svcca(X, Y, variance=1))
    assert abs(linear_cka(stretched, Y) - linear_cka(X, Y)) > 0.01


@pytest.mark.parametrize(("d_x", "d_y"), [(50, 40), (50, 3), (8, 3)])
def test_cka_is_the_formula_with_fewer_and_with_more_subjects_than_features(d_x, d_y):
    X, Y = related(np.random.default_rng(0), 12, d_x, d_y)
    x, y = X - X.mean(0), Y - Y.mean(0)
    expected = np.linalg.norm(y.T @ x) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    assert linear_cka(X, Y) == pytest.approx(expected)


def test_debiased_cka_is_the_ratio_of_unbiased_estimates():
    X, Y = related(np.random.default_rng(0), 12, 50, 4)
    K, L = X @ X.T, Y @ Y.T
    expected = unbiased_hsic(K, L) / np.sqrt(unbiased_hsic(K, K) * unbiased_hsic(L, L))
    assert linear_cka(X, Y, debiased=True) == pytest.approx(expected)


def test_cka_of_unrelated_representations_is_biased_as_documented():
    n, d = 50, 200
    pairs = np.random.default_rng(0).normal(size=(10, 2, n, d))
    assert np.mean([linear_cka(*pair) for pair in pairs]) == pytest.approx(d / (d + n), abs=0.01)
    debiased = np.mean([linear_cka(*pair, debiased=True) for pair in pairs])
    assert debiased == pytest.approx(0, abs=0.02)


def test_svcca_warns_where_it_can_only_be_one():
    X, Y = np.random.default_rng(0).normal(size=(2, 10, 30))
    with pytest.warns(UndefinedMetricWarning, match="9 and 9 directions were kept of 10 subjects"):
        assert svcca(X, Y, variance=1) == pytest.approx(1)


def test_svcca_keeps_the_fewest_directions_that_hold_the_variance():
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(60, 3))
    axes = np.linalg.qr(axes - axes.mean(0))[0]
    X = axes[:, :2] * np.sqrt([0.95, 0.05])  # shares its main direction, nothing else
    Y = axes[:, [0, 2]] * np.sqrt([0.95, 0.05])
    assert svcca(X, Y, variance=0.9) == pytest.approx(1)
    assert svcca(X, Y, variance=0.99) == pytest.approx(0.5)


def test_directions_that_are_rounding_of_float32_are_dropped():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(100, 2))
    X = (shared @ rng.normal(size=(2, 6))).astype(np.float32)  # of rank 2, but for rounding
    assert svcca(X, shared, variance=1) == pytest.approx(1, abs=1e-4)
    assert svcca(X, rng.normal(size=(100, 6)), variance=1) < 0.5


@SIMILARITIES
def test_offsets_and_scales_that_overflow_products_do_no_harm(similarity):
    X, Y = related(np.random.default_rng(0), 20, 3, 3)
    value = similarity(X, Y)
    assert similarity(X * 1e200, Y * 1e-200) == pytest.approx(value)
    assert similarity(X + 1e8, Y) == pytest.approx(value, abs=1e-5)


@SIMILARITIES
def test_input_is_left_alone(similarity):
    X, Y = related(np.random.default_rng(0), 20, 3, 3)
    before = X.copy(), Y.copy()
    similarity(X, Y)
    np.testing.assert_array_equal([X, Y], before)


@SIMILARITIES
@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.ones((5, 2)), np.eye(5), "X is the same for all 5 subjects"),
        (np.eye(5), np.full((5, 2), 0.1), "Y is the same for all 5 subjects"),
        (np.eye(5), np.eye(6), "inconsistent numbers of samples"),
        (np.eye(5), np.full((5, 5), np.nan), "Y contains NaN"),
        ([[1.0]], [[1.0]], "minimum of"),
        (np.arange(5.0), np.eye(5), "Expected 2D array"),
    ],
)
def test_unusable_input_is_an_error(similarity, X, Y, message):
    with pytest.raises(ValueError, match=message):
        similarity(X, Y)


def test_debiased_cka_refuses_subjects_who_are_all_equally_far():
    with pytest.raises(ValueError, match="X has no structure"):
        linear_cka(np.eye(6), np.random.default_rng(0).normal(size=(6, 2)), debiased=True)


@pytest.mark.parametrize("variance", [0, 1.1, 99, -0.5, float("nan")])
def test_svcca_refuses_a_share_out_of_range(variance):
    with pytest.raises(ValueError, match="variance must be"):
        svcca(np.eye(5), np.eye(5), variance=variance)


def test_svcca_refuses_a_share_that_is_no_number():
    with pytest.raises(TypeError, match="variance must be a number"):
        svcca(np.eye(5), np.eye(5), variance="0.99")
