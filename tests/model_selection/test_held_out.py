"""DeLong and the bootstrap: right values, coverage, bad input."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score

from skmmcl.model_selection import bootstrap_interval, delong_interval, delong_test


def psi(case, control):
    return 1.0 if case > control else 0.5 if case == control else 0.0


def delong_by_loops(y, a, b):
    """Return areas and the variance of their difference, as the paper defines them."""
    cases, controls = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    m, n = len(cases), len(controls)
    v10 = np.array([[np.mean([psi(s[i], s[j]) for j in controls]) for i in cases] for s in (a, b)])
    v01 = np.array([[np.mean([psi(s[i], s[j]) for i in cases]) for j in controls] for s in (a, b)])

    def products(v):
        d = v - v.mean(axis=1, keepdims=True)
        return np.array([[sum(d[r] * d[t]) / (len(d[0]) - 1) for r in (0, 1)] for t in (0, 1)])

    return v10.mean(axis=1), products(v10) / m + products(v01) / n


def binormal(rng, n_cases, n_controls, shift, rho=0.5):
    """Draw two scores with the same known area, phi(shift / sqrt 2)."""
    y = np.repeat([1, 0], [n_cases, n_controls])
    common = np.sqrt(rho) * rng.normal(size=len(y))
    scores = common + np.sqrt(1 - rho) * rng.normal(size=(2, len(y))) + shift * y
    return y, *scores


# -------------------------------------------------------------------------------- right values
@pytest.mark.parametrize("digits", [8, 1, 0])  # with ties
def test_delong_is_the_double_loop_of_the_paper(digits):
    y, a, b = binormal(np.random.default_rng(digits), 23, 31, 1.0)
    a, b = a.round(digits), b.round(digits)
    aucs, covariance = delong_by_loops(y, a, b)
    found = delong_test(y, a, b)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert (found.auc_a, found.auc_b) == pytest.approx(tuple(aucs))
    assert found.auc_a == pytest.approx(roc_auc_score(y, a))
    assert found.statistic == pytest.approx((aucs[0] - aucs[1]) / np.sqrt(variance))
    assert found.pvalue == pytest.approx(2 * norm.sf(abs(found.statistic)))
    interval = delong_interval(y, a, logit=False)
    assert interval.upper - interval.estimate == pytest.approx(
        1.959964 * np.sqrt(covariance[0, 0]), rel=1e-5
    )


def test_delong_is_fast_with_many_subjects():
    y, a, b = binormal(np.random.default_rng(0), 50_000, 50_000, 0.5)
    assert delong_test(y, a, b).auc_a == pytest.approx(norm.cdf(0.5 / np.sqrt(2)), abs=0.01)


def test_text_classes_and_the_logit():
    y, a, _ = binormal(np.random.default_rng(1), 30, 30, 1.5)
    labels = np.where(y == 1, "patient", "control")
    found = delong_interval(labels, a)
    assert found == delong_interval(y, a)
    plain = delong_interval(y, a, logit=False)
    assert found.estimate == plain.estimate
    assert 0 < found.lower < plain.lower < found.estimate < found.upper < 1


def test_bootstrap_of_a_mean_is_the_normal_interval():
    rng = np.random.default_rng(0)
    y, predicted = np.zeros(400), rng.normal(size=400)
    error = np.abs(predicted)
    found = bootstrap_interval(mean_absolute_error, y, predicted, random_state=0)
    half = 1.96 * error.std(ddof=1) / 20
    assert found.estimate == pytest.approx(error.mean())
    assert (found.lower, found.upper) == pytest.approx(
        (error.mean() - half, error.mean() + half), abs=0.015
    )


def test_bootstrap_of_a_difference_is_paired():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    a = y + rng.normal(size=200)
    found = bootstrap_interval(
        mean_absolute_error, y, a, a + 1e-9 * y, n_resamples=200, random_state=0
    )
    assert abs(found.lower) < 1e-8
    assert abs(found.upper) < 1e-8


def test_bootstrap_of_groups_is_wider_where_people_are_repeated():
    rng = np.random.default_rng(0)
    error = np.repeat(rng.normal(size=40), 5)
    y, person = np.zeros(200), np.repeat(np.arange(40), 5)
    alone = bootstrap_interval(mean_absolute_error, y, error, random_state=0)
    whole = bootstrap_interval(mean_absolute_error, y, error, groups=person, random_state=0)
    ratio = (whole.upper - whole.lower) / (alone.upper - alone.lower)
    assert ratio == pytest.approx(np.sqrt(5), rel=0.2)


def test_bootstrap_leaves_global_random_state_alone_and_repeats():
    y, p = np.arange(30.0), np.arange(30.0)[::-1]
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    options = {"n_resamples": 200, "random_state": 3}
    first = bootstrap_interval(mean_absolute_error, y, p, **options)
    assert first == bootstrap_interval(mean_absolute_error, y, p, **options)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


# ------------------------------------------------------------------------------------- coverage
@pytest.mark.parametrize("shift", [0.0, 0.75, 1.8])  # areas of .5, .70, .90
def test_delong_intervals_cover(shift):
    rng = np.random.default_rng(0)
    truth = norm.cdf(shift / np.sqrt(2))
    hits = 0
    for _ in range(1000):
        y, a, _ = binormal(rng, 50, 50, shift)
        found = delong_interval(y, a)
        hits += found.lower <= truth <= found.upper
    assert 0.93 <= hits / 1000 <= 0.97


def test_delong_test_keeps_its_level_and_its_interval_covers():
    rng = np.random.default_rng(1)
    found = [delong_test(*binormal(rng, 60, 60, 1.0)) for _ in range(1000)]
    p = np.array([one.pvalue for one in found])
    assert 0.03 <= np.mean(p < 0.05) <= 0.07
    assert 0.93 <= np.mean([one.lower <= 0 <= one.upper for one in found]) <= 0.97


def absolute_error(y, p):
    return np.abs(y - p).mean()


@pytest.mark.parametrize("n_repetitions", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_bootstrap_intervals_cover(method, n_repetitions):
    rng = np.random.default_rng(2)
    truth, hits = np.sqrt(2 / np.pi), 0
    for k in range(n_repetitions):
        y, p = rng.normal(size=100) / np.sqrt(2), rng.normal(size=100) / np.sqrt(2)
        found = bootstrap_interval(
            absolute_error, y, p, n_resamples=500, method=method, random_state=k
        )
        hits += found.lower <= truth <= found.upper
    slack = 0.02 if n_repetitions == 1000 else 0.08
    assert 0.95 - slack <= hits / n_repetitions <= min(0.95 + slack, 1)


# ------------------------------------------------------------------------------------ bad input
def test_perfect_ranking_has_no_interval_and_says_so():
    y, score = [0, 0, 1, 1], [1, 2, 3, 4]
    with pytest.warns(UserWarning, match="all pairs of subjects are ranked in the same way"):
        found = delong_interval(y, score)
    assert found.estimate == 1
    assert np.isnan([found.lower, found.upper]).all()


@pytest.mark.parametrize("other", [[1, 1, 1, 1], [4, 3, 2, 1]], ids=["constant", "reversed"])
def test_areas_that_differ_without_variance_have_no_test_and_it_says_so(other):
    with pytest.warns(UserWarning, match="variance of their difference is 0"):
        found = delong_test([0, 0, 1, 1], [1, 2, 3, 4], other)
    assert found.difference == 1 - found.auc_b
    assert np.isnan([found.lower, found.upper, found.statistic, found.pvalue]).all()


def test_equal_scores_do_not_differ():
    y, a, _ = binormal(np.random.default_rng(0), 20, 20, 1.0)
    assert delong_test(y, a, np.exp(a)).pvalue == 1


@pytest.mark.parametrize(
    ("y", "score", "message"),
    [
        ([0, 1, 2, 0], [1, 2, 3, 4], "y_true must hold two classes"),
        ([0, 0, 0, 1], [1, 2, 3, 4], "two subjects or more of each class"),
        ([0, 0, 1, 1], [1, 2, np.nan, 4], "score"),
        ([0, 0, 1, 1], [1, 2, 3], "one entry for each of the same subjects"),
    ],
)
def test_bad_input_of_delong(y, score, message):
    with pytest.raises(ValueError, match=message):
        delong_interval(y, score)


def test_bad_input_of_the_bootstrap():
    y = np.tile([0, 1], 10)
    with pytest.raises(TypeError, match="metric must be a callable"):
        bootstrap_interval("accuracy", y, y)
    with pytest.raises(ValueError, match="one method or of two"):
        bootstrap_interval(accuracy_score, y)
    with pytest.raises(ValueError, match="y_true, predictions and groups"):
        bootstrap_interval(accuracy_score, y, y[:5])
    with pytest.raises(ValueError, match="groups has 10 missing entries"):
        bootstrap_interval(accuracy_score, y, y, groups=[np.nan, 1.0] * 10)
    one, other = pd.Series(y), pd.Series(y, index=np.arange(20)[::-1])
    with pytest.raises(ValueError, match="another order"):
        bootstrap_interval(accuracy_score, one, one, other)
    with pytest.raises(ValueError, match="too few for a bootstrap"):
        bootstrap_interval(accuracy_score, y[:2], y[:2])
