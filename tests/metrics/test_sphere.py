"""alignment and uniformity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from skmmcl.metrics import _sphere, alignment, uniformity


def on_sphere(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def simplex(n):
    return np.eye(n) - 1 / n


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 12), d=st.integers(2, 6))
def test_both_are_blind_to_rotation_lengths_and_order_and_bounded(seed, n, d):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(2, n, d))
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
    lengths, order = rng.uniform(0.01, 100, size=(n, 1)), rng.permutation(n)
    moved_x, moved_y = (lengths * X @ rotation)[order], (Y @ rotation)[order]
    assert alignment(moved_x, moved_y) == pytest.approx(alignment(X, Y), abs=1e-9)
    assert alignment(Y, X) == pytest.approx(alignment(X, Y))
    assert 0 <= alignment(X, Y) <= 4
    assert uniformity(moved_x) == pytest.approx(uniformity(X), abs=1e-9)
    assert -2 * 2 * n / (n - 1) - 1e-9 <= uniformity(X) <= 0


@pytest.mark.parametrize("block_values", [1, 7, 40, 10**6])
@pytest.mark.parametrize("t", [0.5, 2.0, 50.0])
def test_uniformity_is_the_formula_however_it_is_cut(block_values, t, monkeypatch):
    monkeypatch.setattr(_sphere, "_BLOCK_VALUES", block_values)
    X = np.random.default_rng(0).normal(size=(17, 4))
    expected = np.log(np.mean(np.exp(-t * pdist(on_sphere(X), "sqeuclidean"))))
    assert uniformity(X, t=t) == pytest.approx(expected)


def test_uniformity_of_a_simplex_is_least_and_of_a_point_zero():
    assert uniformity(simplex(6), t=3) == pytest.approx(-2 * 3 * 6 / 5)
    assert uniformity(np.tile([1.0, 2.0, 3.0], (9, 1))) == pytest.approx(0, abs=1e-12)


def test_uniformity_does_not_underflow():
    assert uniformity([[1, 0], [-1, 0]], t=1e4) == pytest.approx(-4e4)


def test_alignment_of_opposite_views_and_its_power():
    X = np.random.default_rng(0).normal(size=(5, 3))
    assert alignment(X, -X) == pytest.approx(4)
    assert alignment(X, -X, alpha=3) == pytest.approx(8)
    assert alignment(X[:1], X[:1]) == 0


def test_extreme_lengths_are_no_matter():
    X, Y = np.random.default_rng(0).normal(size=(2, 5, 3))
    assert alignment(X * 1e-200, Y * 1e200) == pytest.approx(alignment(X, Y))
    assert uniformity(X * 1e-200) == pytest.approx(uniformity(X))


def test_float32_is_computed_in_float64():
    X = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    assert uniformity(X) == uniformity(X.astype(np.float64))
    assert alignment(X[:25], X[25:]) == alignment(*X.astype(np.float64).reshape(2, 25, 8))


def test_input_is_left_alone():
    X = np.arange(1.0, 9).reshape(4, 2)
    alignment(X, X[::-1])
    uniformity(X)
    np.testing.assert_array_equal(X, np.arange(1.0, 9).reshape(4, 2))


def test_unusable_embeddings_are_errors():
    with pytest.raises(ValueError, match="Y has 2 embeddings of length zero among 3"):
        alignment(np.eye(3), np.diag([1.0, 0, 0]))
    with pytest.raises(ValueError, match="got 3 and 2 components"):
        alignment(np.eye(3), np.ones((3, 2)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        alignment(np.eye(3), np.eye(3)[:2])
    with pytest.raises(ValueError, match="minimum of 2"):
        uniformity([[1.0, 2.0]])
    with pytest.raises(ValueError, match="X contains infinity"):
        uniformity([[1.0, 2.0], [np.inf, 0]])


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_powers_and_widths_out_of_range_are_errors(value):
    with pytest.raises(ValueError, match="alpha must be above zero"):
        alignment(np.eye(2), np.eye(2), alpha=value)
    with pytest.raises(ValueError, match="t must be above zero"):
        uniformity(np.eye(2), t=value)


def test_a_width_that_is_no_number_is_an_error():
    with pytest.raises(TypeError, match="t must be a number"):
        uniformity(np.eye(2), t="2")
