"""Principal axes against scikit-learn's PCA."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from skmmcl.utils import _moments
from skmmcl.utils._moments import principal_axes


def axes_of(array, weight=None, n_axes=4, present=None):
    present = np.ones(len(array), dtype=bool) if present is None else present
    rows, weights = array[present], None if weight is None else weight[present]
    moments = np.average(rows, axis=0, weights=weights), np.ones(array.shape[1:])
    return principal_axes(array, present, weight, moments, n_axes)[0]


@pytest.mark.parametrize("shape", [(30, 8), (10, 50), (10, 5, 4)])
@pytest.mark.parametrize("exact_up_to", [2000, 0])
def test_same_span_as_pca(shape, exact_up_to, monkeypatch):
    monkeypatch.setattr(_moments, "EXACT_UP_TO", exact_up_to)
    rng = np.random.default_rng(0)
    array = rng.normal(size=shape) * np.linspace(3, 1, shape[-1])
    axes = axes_of(array)
    expected = PCA(4, svd_solver="full").fit(array.reshape(len(array), -1)).components_
    np.testing.assert_allclose(np.abs(np.diag(axes @ expected.T)), 1, rtol=1e-6)


def test_weights_count_as_copies_and_absent_rows_not_at_all():
    rng = np.random.default_rng(0)
    array, weight = rng.normal(size=(12, 6)), rng.integers(1, 4, 12)
    repeated = axes_of(np.repeat(array, weight, axis=0))
    np.testing.assert_allclose(axes_of(array, weight.astype(float)), repeated, atol=1e-9)
    present = np.arange(12) < 8
    array[8:] = 1e6
    np.testing.assert_allclose(axes_of(array, present=present), axes_of(array[:8]), atol=1e-9)


def test_no_more_axes_than_the_subjects_span():
    array = np.random.default_rng(0).normal(size=(3, 20))
    axes = axes_of(array, n_axes=10)
    assert axes.shape == (2, 20)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-9)


def test_constant_subjects_have_no_axis():
    assert axes_of(np.ones((5, 3))).shape[0] == 0


@pytest.mark.parametrize("weighted", [False, True])
def test_deviation_along_each_axis(weighted):
    rng = np.random.default_rng(0)
    array, weight = rng.normal(size=(20, 6)), rng.integers(1, 4, 20).astype(float)
    rows = np.repeat(array, weight.astype(int), axis=0) if weighted else array
    moments = rows.mean(0), np.ones(6)
    everyone = np.ones(20, dtype=bool)
    axes, found = principal_axes(array, everyone, weight if weighted else None, moments, 4)
    np.testing.assert_allclose(found, ((rows - moments[0]) @ axes.T).std(0))
