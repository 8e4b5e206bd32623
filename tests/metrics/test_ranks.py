"""rank_biserial."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from skmmcl.metrics import rank_biserial

values = st.lists(st.integers(-4, 4), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(a=values, b=values)
def test_is_the_difference_of_shares_and_antisymmetric(a, b):
    signs = np.sign(np.subtract.outer(a, b))
    value = rank_biserial(a, b)
    assert value == pytest.approx(signs.mean(), abs=1e-12)
    assert rank_biserial(b, a) == pytest.approx(-value, abs=1e-12)
    assert rank_biserial(np.exp(a), np.exp(b)) == value


def test_agrees_with_mann_whitney_and_the_area_under_the_curve():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.5, size=(30, 4, 5)), rng.normal(size=(20, 4, 5))
    found = rank_biserial(a, b)
    assert found.shape == (4, 5)
    np.testing.assert_allclose(found, 2 * mannwhitneyu(a, b).statistic / 600 - 1, atol=1e-12)
    area = roc_auc_score(np.repeat([1, 0], [30, 20]), np.r_[a[:, 1, 2], b[:, 1, 2]])
    assert found[1, 2] == pytest.approx(2 * area - 1)


def test_large_groups_and_constant_voxels():
    assert rank_biserial(np.ones(100_000), np.zeros(100_000)) == 1
    np.testing.assert_array_equal(rank_biserial(np.full((7, 3), 0.1), np.full((5, 3), 0.1)), 0)


def test_unusable_groups_are_errors():
    with pytest.raises(ValueError, match="minimum of 1"):
        rank_biserial([], [1.0])
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(2, 4\)"):
        rank_biserial(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="b contains NaN"):
        rank_biserial([1.0], [np.nan])
    with pytest.raises(ValueError, match="a must hold one value for each subject"):
        rank_biserial(3.0, [1.0])
    with pytest.raises(TypeError, match="a: dates and spans of time are no numbers"):
        rank_biserial(np.arange(3).astype("m8[D]"), [1.0])
