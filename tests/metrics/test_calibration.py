"""Calibration errors and the parts of the Brier score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from skmmcl.metrics import (
    adaptive_calibration_error,
    brier_decomposition,
    expected_calibration_error,
)

METRICS = [expected_calibration_error, adaptive_calibration_error, brier_decomposition]


def simulated(n=500, seed=0, n_classes=None):
    rng = np.random.default_rng(seed)
    if n_classes is None:
        p = rng.random(n)
        return (rng.random(n) < p).astype(int), p
    p = rng.dirichlet(np.ones(n_classes), n)
    return np.array([rng.choice(n_classes, p=row) for row in p]), p


def test_errors_of_a_worked_example():
    y, p = [0, 1, 1, 0, 1], [0.05, 0.15, 0.55, 0.65, 0.95]
    # bins of .2: (.05, .15): .1 to 1/2; (.55): to 1; (.65): to 0; (.95): to 1
    expected = (2 * 0.4 + 0.45 + 0.65 + 0.05) / 5
    assert expected_calibration_error(y, p, n_bins=5) == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_probabilities_of_float32_may_be_rounded_but_not_wrong(metric):
    y, p = [0, 1, 1], np.array([-1e-8, 0.5, 1.0000001], dtype=np.float32)
    np.testing.assert_equal(metric(y, p), metric(y, [0, 0.5, 1]))
    with pytest.raises(ValueError, match=r"from 0 to 1\.01; expected probabilities"):
        metric(y, [0, 0.5, 1.01])


def test_one_column_is_as_calibration_curve_and_two_are_confidences():
    y, p = simulated()
    true, predicted = calibration_curve(y, p, n_bins=10)
    counts = np.histogram(p, np.linspace(0, 1, 11))[0]
    expected = np.average(np.abs(true - predicted), weights=counts)
    assert expected_calibration_error(y, p, n_bins=10) == pytest.approx(expected)
    both = np.column_stack([1 - p, p])
    confidence, right = both.max(1), y == both.argmax(1)
    top = expected_calibration_error(right.astype(int), confidence, n_bins=10)
    assert expected_calibration_error(y, both, n_bins=10) == pytest.approx(top)


def test_adaptive_bins_hold_equally_many():
    y, p = simulated(300)
    order = np.argsort(p)
    gaps = [abs(p[part].mean() - y[part].mean()) for part in np.split(order, 15)]
    assert adaptive_calibration_error(y, p) == pytest.approx(np.mean(gaps))
    both = adaptive_calibration_error(y, np.column_stack([1 - p, p]))
    assert both == pytest.approx(np.mean(gaps))


def test_adaptive_error_is_a_mean_over_classes():
    y, p = simulated(400, n_classes=3)
    of_classes = [adaptive_calibration_error(y == k, p[:, k]) for k in range(3)]
    assert adaptive_calibration_error(y, p) == pytest.approx(np.mean(of_classes))


def test_equal_probabilities_share_a_bin():
    y, p = np.array([0, 1] * 50), np.full(100, 0.5)
    for metric in METRICS[:2]:
        assert metric(y, p) == 0
        assert metric(y[::-1], p) == 0
    rng = np.random.default_rng(0)
    order = rng.permutation(100)
    p[:30] = 0.2
    again = adaptive_calibration_error(y[order], p[order])
    assert adaptive_calibration_error(y, p) == pytest.approx(again, abs=1e-12)


def test_perfect_and_worst_probabilities():
    y = np.array([0, 1, 1])
    assert expected_calibration_error(y, y) == adaptive_calibration_error(y, y) == 0
    assert expected_calibration_error(y, 1 - y) == adaptive_calibration_error(y, 1 - y) == 1


@settings(max_examples=50, deadline=None)
@given(
    y=st.lists(st.integers(0, 1), min_size=2, max_size=30),
    seed=st.integers(0, 1000),
    n_bins=st.one_of(st.none(), st.integers(1, 20)),
)
def test_parts_sum_to_the_brier_score(y, seed, n_bins):
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 11, len(y)) / 10
    weight = rng.integers(1, 4, len(y))
    parts = brier_decomposition(y, p, n_bins=n_bins, sample_weight=weight)
    score = brier_score_loss(y, p, sample_weight=weight, pos_label=1)
    assert parts.score == pytest.approx(score)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert total == pytest.approx(score, abs=1e-12)
    if n_bins is None:
        assert parts.within_bins == pytest.approx(0, abs=1e-12)


def test_parts_of_several_classes_sum_too():
    y, p = simulated(200, n_classes=4)
    parts = brier_decomposition(y, p)
    assert parts.score == pytest.approx(brier_score_loss(y, p))
    assert parts.score == pytest.approx(
        parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    )
    two = np.column_stack([1 - p[:, 0], p[:, 0]])
    assert brier_decomposition(y == 0, two) == brier_decomposition(y == 0, p[:, 0])


def test_a_constant_has_no_resolution_and_a_sure_one_no_reliability():
    y = np.array([0, 0, 0, 1])
    constant = brier_decomposition(y, np.full(4, 0.25))
    assert (constant.reliability, constant.resolution) == (0, 0)
    assert constant.score == constant.uncertainty == pytest.approx(3 / 16)
    sure = brier_decomposition(y, y)
    assert (sure.score, sure.reliability) == (0, 0)
    assert sure.resolution == pytest.approx(sure.uncertainty)


@pytest.mark.parametrize("metric", METRICS)
def test_a_weight_counts_as_copies(metric):
    y, p = simulated(60)
    weight = np.arange(60) % 3
    rows = np.repeat(np.arange(60), weight)
    one, other = metric(y, p, sample_weight=weight), metric(y[rows], p[rows])
    if metric is brier_decomposition:
        one, other = (
            [x.score, x.reliability, x.resolution, x.uncertainty, x.within_bins]
            for x in (one, other)
        )
    assert one == pytest.approx(other)


@pytest.mark.parametrize("metric", METRICS)
def test_labels_of_any_kind(metric):
    y, p = simulated(50)
    names = np.array(["control", "patient"])[y]
    assert metric(names, p) == metric(y, p)
    with pytest.raises(ValueError, match=r"y_true holds the classes \['control'\]"):
        metric(["control"] * 3, [0.1, 0.2, 0.3])
    metric(["control"] * 3, [0.1, 0.2, 0.3], labels=["control", "patient"])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.1, 1.2, 0.3], r"numbers from 0.1 to 1.2; expected probabilities"),
        ([-2.0, 0.2, 0.3], "Scores of decision_function are none"),
        ([[0.5, 0.6]] * 3, "must sum to 1"),
        ([np.nan, 0.2, 0.3], "contains NaN"),
        ([0.1, 0.2], "inconsistent numbers of samples"),
        ([[0.2, 0.3, 0.5]] * 3, "y_prob is of 3"),
    ],
)
def test_what_are_no_probabilities_is_refused(metric, p, message):
    with pytest.raises(ValueError, match=message):
        metric([0, 1, 1], p)


@pytest.mark.parametrize("metric", METRICS)
def test_bad_bins_and_labels_are_refused(metric):
    with pytest.raises(ValueError, match="n_bins must be a positive integer, got 0"):
        metric([0, 1], [0.1, 0.2], n_bins=0)
    with pytest.raises(ValueError, match="which are not among labels"):
        metric([0, 2], [0.1, 0.2], labels=[0, 1])
    with pytest.raises(ValueError, match="must be known"):
        metric([0, np.nan], [0.1, 0.2])


def test_errors_of_calibrated_probabilities_vanish_with_many_subjects():
    y, p = simulated(100_000)
    assert expected_calibration_error(y, p) < 0.01
    assert adaptive_calibration_error(y, p) < 0.01
    assert brier_decomposition(y, p).reliability < 1e-4
    assert expected_calibration_error(y, p**3) > 0.15
