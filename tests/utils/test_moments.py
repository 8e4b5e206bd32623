"""Block-wise moments against numpy's."""

import numpy as np
import pytest

from skmmcl.utils import _moments
from skmmcl.utils._moments import weighted_moments


class Lazy:
    """Gives rows only, as a memory-mapped or on-disk array does."""

    def __init__(self, array):
        self.array, self.shape, self.most = array, array.shape, 0

    def __getitem__(self, rows):
        self.most = max(self.most, len(rows))
        return self.array[rows]


@pytest.mark.parametrize("shape", [(7,), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("block", [1, 3, 1000])
def test_equals_numpy(shape, block, monkeypatch):
    monkeypatch.setattr(_moments, "ROWS", block)
    rng = np.random.default_rng(0)
    array, present = Lazy(rng.normal(50, 3, size=(11, *shape))), rng.random(11) < 0.7
    mean, scale = weighted_moments(array, present)
    used = array.array[present]
    axis = None if len(shape) == 3 else 0
    np.testing.assert_allclose(mean, used.mean(axis))
    np.testing.assert_allclose(scale, used.std(axis))
    assert mean.dtype == scale.dtype == np.float64
    assert mean.shape == (() if len(shape) == 3 else shape)
    assert array.most <= block


def test_weights_count_copies():
    rng = np.random.default_rng(0)
    array, weight = rng.normal(size=(9, 4)), rng.integers(1, 4, 9)
    present = np.arange(9) % 3 > 0
    copies = np.repeat(array[present], weight[present], axis=0)
    mean, scale = weighted_moments(array, present, weight)
    np.testing.assert_allclose(mean, copies.mean(0))
    np.testing.assert_allclose(scale, copies.std(0))


def test_float32_input_is_summed_in_double():
    array = np.full((1000, 1), 1e4, dtype=np.float32)
    array[::2] += 1
    mean, scale = weighted_moments(array, np.ones(1000, bool))
    assert mean[0] == 10_000.5
    assert scale[0] == 0.5


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30, 1e30, -7.3])
def test_constant_entries_have_scale_zero(value):
    _, scale = weighted_moments(np.full((300, 2), value), np.ones(300, bool))
    assert (scale == 0).all()


def test_absent_rows_are_not_read():
    array = np.array([[1.0], [np.nan], [3.0]])
    mean, scale = weighted_moments(array, np.array([True, False, True]))
    assert (mean[0], scale[0]) == (2.0, 1.0)


def test_scale_can_be_divided_by_in_single_precision():
    array = np.array([[1e-40], [-1e-40]])
    _, scale = weighted_moments(array, np.ones(2, bool))
    assert scale[0] == 0


def test_few_volumes_are_in_memory_at_once(monkeypatch):
    monkeypatch.setattr(_moments, "VOXELS", 50)
    rng = np.random.default_rng(0)
    volumes, weight = Lazy(rng.normal(50, 3, size=(9, 2, 3, 4))), rng.integers(1, 4, 9)
    mean, scale = weighted_moments(volumes, np.arange(9) != 4, weight)
    rows = np.repeat(np.arange(9), np.where(np.arange(9) == 4, 0, weight))
    np.testing.assert_allclose(mean, volumes.array[rows].mean())
    np.testing.assert_allclose(scale, volumes.array[rows].std())
    assert volumes.most == 2


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_a_spread_far_from_zero_is_none_of_rounding(offset):
    values = np.random.default_rng(0).normal(size=(50, 2)) + offset
    _, scale = weighted_moments(values, np.ones(50, bool))
    np.testing.assert_allclose(scale, values.std(axis=0), rtol=1e-5)
    _, scale = weighted_moments(np.full((50, 2), offset + 0.1), np.ones(50, bool))
    assert not scale.any()
