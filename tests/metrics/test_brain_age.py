"""Brain-age gap, its age bias, and the OpenBHB score."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import cross_val_predict, cross_val_score

from skmmcl.metrics import AgeBias, brain_age_gap, fit_age_bias, openbhb_score

METHODS = pytest.mark.parametrize("method", ["residual", "rescale"])


def shrunken(rng, n):
    """Ages, and predictions that are drawn to the mean."""
    age = rng.uniform(20, 80, size=n)
    return age, 50 + 0.6 * (age - 50) + rng.normal(scale=4, size=n)


@METHODS
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(20, 60))
def test_gaps_of_the_reference_are_free_of_age(method, seed, n):
    age, predicted = shrunken(np.random.default_rng(seed), n)
    bias = fit_age_bias(age, predicted)
    gap = brain_age_gap(age, predicted, bias=bias, method=method)
    assert gap.mean() == pytest.approx(0, abs=1e-9)
    assert (age - age.mean()) @ gap / n == pytest.approx(0, abs=1e-8)
    line = np.polyfit(age, predicted, 1)
    np.testing.assert_allclose([bias.slope, bias.intercept], line, rtol=1e-6)


@METHODS
def test_correction_takes_age_out_of_new_subjects_and_leaves_disease(method):
    rng = np.random.default_rng(0)
    age, predicted = shrunken(rng, 4000)
    new_age, new_predicted = shrunken(rng, 4000)
    patients = np.arange(4000) < 2000
    new_predicted[patients] += 3
    bias = fit_age_bias(age, predicted)
    plain = brain_age_gap(new_age, new_predicted)
    gap = brain_age_gap(new_age, new_predicted, bias=bias, method=method)
    assert np.corrcoef(new_age, plain)[0, 1] < -0.7
    assert abs(np.corrcoef(new_age, gap)[0, 1]) < 0.05
    effect = gap[patients].mean() - gap[~patients].mean()
    assert effect == pytest.approx(3 if method == "residual" else 3 / 0.6, abs=0.6)


def test_in_sample_predictions_correct_too_little():
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, size=120)
    X = rng.normal(size=(120, 100)) + 0.01 * (age - 50)[:, None]
    model = Ridge(alpha=1.0).fit(X, age)
    honest = fit_age_bias(age, cross_val_predict(model, X, age))
    assert fit_age_bias(age, model.predict(X)).slope > honest.slope + 0.1


def test_gap_without_bias_is_the_difference():
    np.testing.assert_array_equal(brain_age_gap([20, 40], [[23], [38]]), [3, -2])
    age, predicted = np.float32([20.1, 40.2]), np.float32([22.7, 39.9])
    gap = brain_age_gap(age, predicted)
    assert gap.dtype == np.float64
    np.testing.assert_array_equal(gap, predicted.astype(float) - age.astype(float))


def test_rescaled_gap_is_the_residual_over_the_slope():
    bias = AgeBias(slope=0.5, intercept=20)
    residual = brain_age_gap([40, 60], [42, 47], bias=bias)
    np.testing.assert_allclose(residual, [2, -3])
    rescaled = brain_age_gap([40, 60], [42, 47], bias=bias, method="rescale")
    np.testing.assert_allclose(rescaled, [4, -6])


def test_what_makes_no_sense_is_an_error():
    with pytest.raises(ValueError, match=r"All 3 subjects are 30\.0 years old"):
        fit_age_bias([30, 30, 30], [31, 29, 30])
    with pytest.raises(ValueError, match="through 2 subjects"):
        fit_age_bias([30, 40], [31, 39])
    with pytest.raises(ValueError, match="y_pred contains NaN"):
        fit_age_bias([30, 40, 50], [31, np.nan, 50])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        brain_age_gap([30, 40], [31, 40, 50])
    with pytest.raises(ValueError, match=r"y_true must hold one value .* got shape \(2, 2\)"):
        brain_age_gap(np.eye(2), [31, 40])
    with pytest.raises(ValueError, match="method must be"):
        brain_age_gap([30, 40], [31, 40], method="cole")
    with pytest.raises(TypeError, match="bias must be an AgeBias"):
        brain_age_gap([30, 40], [31, 40], bias=(0.5, 20))
    with pytest.raises(ValueError, match=r"slope -0.2\) cannot be rescaled"):
        brain_age_gap([30, 40], [31, 40], bias=AgeBias(-0.2, 40), method="rescale")
    with pytest.raises(ValueError, match="must be finite"):
        AgeBias(np.nan, 0)


@pytest.mark.parametrize("kind", ["m8[D]", "M8[D]"])
def test_spans_of_time_are_no_years(kind):
    # Birth dates subtracted from scan dates would count as nanoseconds, or as days.
    days = np.array([7_000, 12_000, 20_000]).astype(kind)
    age = np.array([20.0, 33.0, 55.0])
    for function in (fit_age_bias, brain_age_gap, partial(openbhb_score, site_balanced_accuracy=1)):
        with pytest.raises(TypeError, match=r"y_true: dates and spans .* number of years"):
            function(days, age)
        with pytest.raises(TypeError, match="y_pred: dates and spans"):
            function(age, days)


def test_openbhb_score_is_the_error_where_the_site_is_known_and_less_where_it_is_not():
    age, predicted = shrunken(np.random.default_rng(0), 50)
    weights = np.arange(50)
    error = mean_absolute_error(age, predicted)
    assert openbhb_score(age, predicted, site_balanced_accuracy=1) == pytest.approx(error)
    assert openbhb_score(age, predicted, site_balanced_accuracy=0) == 0
    scores = [openbhb_score(age, predicted, site_balanced_accuracy=a) for a in (0.1, 0.2, 0.4)]
    assert scores == sorted(scores)
    weighted = openbhb_score(age, predicted, site_balanced_accuracy=1, sample_weight=weights)
    assert weighted == pytest.approx(mean_absolute_error(age, predicted, sample_weight=weights))


def test_openbhb_score_makes_a_scorer():
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, size=60)
    scorer = make_scorer(openbhb_score, greater_is_better=False, site_balanced_accuracy=1)
    X = age[:, None] + rng.normal(size=(60, 3))
    expected = cross_val_score(Ridge(), X, age, scoring="neg_mean_absolute_error")
    np.testing.assert_allclose(cross_val_score(Ridge(), X, age, scoring=scorer), expected)


@pytest.mark.parametrize("percentage", [5.1, -0.1, float("nan")])
def test_openbhb_score_refuses_percentages(percentage):
    with pytest.raises(ValueError, match="a fraction from 0 to 1"):
        openbhb_score([20, 40], [23, 38], site_balanced_accuracy=percentage)
