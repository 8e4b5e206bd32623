"""The corrected and the Bayesian t-test, Holm: right values, and coverage by simulation."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from skmmcl.model_selection import bayesian_ttest, corrected_ttest, holm
from tests.model_selection.simulated import cross_validated_errors, true_errors

A = np.array([0.81, 0.79, 0.85, 0.80, 0.82, 0.78])
B = np.array([0.78, 0.77, 0.80, 0.81, 0.80, 0.79])


def correlated(rng, n, rho, mean=0.0):
    """Draw scores of splits, any two of which are correlated."""
    return mean + np.sqrt(rho) * rng.normal() + np.sqrt(1 - rho) * rng.normal(size=n)


# -------------------------------------------------------------------------------- right values
def test_corrected_ttest_is_the_formula_of_nadeau_and_bengio():
    d = A - B
    variance = (1 / 6 + 30 / 270) * np.sum((d - d.mean()) ** 2) / 5
    found = corrected_ttest(A, B, n_train=270, n_test=30)
    assert found.difference == pytest.approx(d.mean())
    assert found.statistic == pytest.approx(d.mean() / np.sqrt(variance))
    # The 97.5 % quantile of Student's t with 5 degrees of freedom, from a table.
    assert found.upper - found.lower == pytest.approx(2 * 2.5706 * np.sqrt(variance), rel=1e-4)


def test_corrected_ttest_without_correction_is_the_ordinary_one():
    expected = ttest_1samp(A - B, 0)
    found = corrected_ttest(A, B, n_train=1, n_test=0)
    assert (found.statistic, found.pvalue) == pytest.approx(tuple(expected))


def test_the_interval_excludes_zero_if_and_only_if_the_test_is_significant():
    for shift in np.linspace(-0.05, 0.05, 21):
        found = corrected_ttest(A + shift, B, n_train=4, n_test=1, confidence=0.9)
        assert (found.lower > 0 or found.upper < 0) == (found.pvalue < 0.1)


def test_bayesian_posterior_is_that_of_correlated_normal_scores():
    """Sum the likelihood of correlated scores over mean and spread, by brute force."""
    d, rho = A - B, 30 / 300
    n = len(d)
    inverse = np.linalg.inv(rho * np.ones((n, n)) + (1 - rho) * np.eye(n))
    means, log_sigmas = np.linspace(-1, 1, 8001), np.linspace(np.log(1e-3), np.log(50), 2000)
    r = d - means[:, None]
    squares = np.einsum("gi,ij,gj->g", r, inverse, r)[:, None]
    mass = np.exp(-n * log_sigmas - squares / 2 / np.exp(2 * log_sigmas)).sum(axis=1)
    mass /= mass.sum()
    inside = np.abs(means) < 0.01 - 1e-9
    on_edge = np.isclose(np.abs(means), 0.01)
    found = bayesian_ttest(A, B, n_train=270, n_test=30, rope=0.01)
    p_equivalent = mass[inside].sum() + mass[on_edge].sum() / 2
    assert found.p_equivalent == pytest.approx(p_equivalent, abs=5e-4)
    assert found.p_better == pytest.approx(mass[means > 0.01 + 1e-9].sum(), abs=5e-3)
    assert found.difference == pytest.approx(np.sum(means * mass), abs=2e-4)


def test_bayesian_probabilities_sum_to_one_and_agree_with_the_test():
    found = bayesian_ttest(A, B, n_train=9, n_test=1)
    test = corrected_ttest(A, B, n_train=9, n_test=1)
    assert found.p_worse + found.p_equivalent + found.p_better == pytest.approx(1)
    assert 2 * min(found.p_worse, found.p_better) == pytest.approx(test.pvalue)


def test_holm_on_a_worked_example():
    # p times 4, 3, 2, 1 in rising order, made monotone.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_nan_out():
    np.testing.assert_allclose(holm([0.02, np.nan, 0.5]), [0.04, np.nan, 0.5])


# ------------------------------------------------------------------------------------ bad input
def test_splits_without_a_score_are_left_out():
    a, b = np.r_[A, np.nan, 0.5], np.r_[B, 0.5, np.nan]
    assert corrected_ttest(a, b, n_train=9, n_test=1) == corrected_ttest(A, B, n_train=9, n_test=1)


def test_a_single_split_has_no_interval():
    found = corrected_ttest([0.8], [0.7], n_train=9, n_test=1)
    assert found.difference == pytest.approx(0.1)
    assert np.isnan([found.lower, found.upper, found.pvalue]).all()
    assert np.isnan(bayesian_ttest([0.8], [0.7], n_train=9, n_test=1).p_better)


def test_the_same_scores_do_not_differ():
    found = corrected_ttest(A, A, n_train=9, n_test=1)
    assert (found.difference, found.pvalue) == (0, 1)
    assert bayesian_ttest(A, A, n_train=9, n_test=1).p_equivalent == 1


def test_a_constant_difference_is_certain():
    found = corrected_ttest(A + 0.1, A, n_train=9, n_test=1)
    assert found.pvalue == 0
    assert bayesian_ttest(A + 0.1, A, n_train=9, n_test=1, rope=0.05).p_better == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"b": B[:4]}, r"a and b must be scores of the same splits.*\(6,\) and \(4,\)"),
        ({"b": np.r_[np.inf, B[1:]]}, "finite or NaN"),
        ({"n_train": 0}, "n_train must be a number above 0"),
        ({"n_test": -1}, "n_test must be a number from 0"),
        ({"n_test": "many"}, "n_test: could not convert"),
        ({"confidence": 95}, "confidence must be a number above 0 and below 1"),
    ],
)
def test_what_cannot_be_tested_is_said(options, message):
    options = {"b": B, "n_train": 9, "n_test": 1, **options}
    with pytest.raises(ValueError, match=message):
        corrected_ttest(A, options.pop("b"), **options)


def test_a_negative_rope_is_refused():
    with pytest.raises(ValueError, match="rope must be a number from 0"):
        bayesian_ttest(A, B, n_train=9, n_test=1, rope=-0.1)


@pytest.mark.parametrize("p", [[0.1, 1.2], [[0.1], [0.2]], [-0.1]])
def test_what_are_no_pvalues_are_refused(p):
    with pytest.raises(ValueError, match="pvalues must be numbers from 0 to 1"):
        holm(p)


# ------------------------------------------------------------------------------------- coverage
def coverage(n_repetitions, k, repeats, truth=0.3):
    """Return how often the interval has the truth, and how often the Bayesian one has."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(n_repetitions):
        scores = correlated(rng, k * repeats, 1 / k, truth)
        found = corrected_ttest(scores, n_train=k - 1, n_test=1)
        hits += found.lower <= truth <= found.upper
    return hits / n_repetitions


@pytest.mark.parametrize(("k", "repeats"), [(5, 1), (10, 5)])
def test_intervals_cover_what_they_say(k, repeats):
    assert 0.93 <= coverage(1000, k, repeats) <= 0.97


def test_pvalues_are_uniform_where_nothing_differs():
    rng = np.random.default_rng(5)
    p = [corrected_ttest(correlated(rng, 20, 0.2), n_train=4, n_test=1).pvalue for _ in range(1000)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.035)


def test_bayesian_probabilities_are_calibrated():
    """Of the differences that are drawn from a flat prior, 80 % with p = .8 are above zero."""
    rng = np.random.default_rng(2)
    truths = rng.uniform(-3, 3, size=3000)
    p = np.array(
        [bayesian_ttest(correlated(rng, 10, 0.2, t), n_train=4, n_test=1).p_better for t in truths]
    )
    middle = (p > 0.7) & (p < 0.9)
    assert np.mean(truths[middle] > 0) == pytest.approx(p[middle].mean(), abs=0.05)


def test_holm_keeps_the_familywise_error():
    rng = np.random.default_rng(3)
    p = rng.uniform(size=(2000, 6))
    assert np.mean([holm(row).min() <= 0.05 for row in p]) == pytest.approx(0.05, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize(("penalties", "most"), [((1.0, 1e4), 0.97), ((1.0, 60.0), 1.0)])
def test_intervals_of_real_cross_validations_cover(penalties, most):
    """Two linear models on draws of a known distribution: their true errors are known.

    Where the models are similar, their folds have less in common than is assumed, and the interval
    of the difference is too wide.
    """
    rng = np.random.default_rng(4)
    truth = true_errors(penalties, n_train=80)
    hits = np.zeros(2)
    for _ in range(1000):
        a, b = cross_validated_errors(rng, penalties, n=100, k=5, repeats=4)
        paired = corrected_ttest(a, b, n_train=80, n_test=20)
        alone = corrected_ttest(a, n_train=80, n_test=20)
        hits[0] += paired.lower <= truth[0] - truth[1] <= paired.upper
        hits[1] += alone.lower <= truth[0] <= alone.upper
    assert 0.93 <= hits[0] / 1000 <= most
    assert 0.93 <= hits[1] / 1000 <= 0.97
