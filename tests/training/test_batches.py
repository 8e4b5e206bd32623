"""Which subjects a batch holds, and how they come to the device."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skmmcl.training import (
    SubjectSet,
    TrainingData,
    balanced_draw,
    class_aware_batches,
    split_subjects,
    to_tensor,
)

codes_strategy = st.lists(st.integers(-1, 3), min_size=2, max_size=60).map(np.array)


@settings(max_examples=200, deadline=None)
@given(codes_strategy, st.integers(2, 20), st.integers(0, 1000))
def test_class_aware_batches(codes, batch_size, seed):
    batches = class_aware_batches(codes, batch_size, np.random.default_rng(seed))
    classes = [c for c in np.unique(codes) if c >= 0]
    dealt = np.concatenate(batches)
    assert set(dealt) == set(range(len(codes)))
    for batch in batches:
        assert len(set(batch)) == len(batch) >= 2
        # With batches of two, an odd subject joins one of them.
        assert len(batch) <= max(batch_size, 3) + 2 * len(classes)
        for code in classes:
            if np.sum(codes == code) >= 2:
                assert np.sum(codes[batch] == code) >= 2
    times = np.bincount(dealt)
    for code in (-1, *classes):
        members = codes == code
        if code == -1 or members.sum() == 1 or members.sum() >= 2 * len(batches):
            assert (times[members] == 1).all()


@given(codes_strategy, st.integers(2, 20))
@settings(max_examples=50, deadline=None)
def test_sizes_and_classes_are_even(codes, batch_size):
    batches = class_aware_batches(codes, batch_size, np.random.default_rng(0))
    for code in np.unique(codes):
        counts = [np.sum(codes[batch] == code) for batch in batches]
        assert max(counts) - min(counts) <= 1
    sizes = [len(batch) for batch in batches]
    assert max(sizes) - min(sizes) <= 1


@given(codes_strategy, st.integers(2, 20), st.integers(0, 100))
@settings(max_examples=50, deadline=None)
def test_balanced_passes_see_as_many_of_every_class(codes, batch_size, seed):
    data = TrainingData(x={}, y=torch.as_tensor(codes))
    rng = np.random.default_rng(seed)
    subjects = SubjectSet(data, np.arange(len(codes)), batch_size, rng=rng, balanced=True)
    batches = subjects.deal()
    assert len(batches) == subjects.layout[0]
    assert max(map(len, batches)) <= subjects.layout[1]
    found, counts = np.unique(codes, return_counts=True)
    dealt = np.concatenate(batches)
    drawn = np.bincount(codes[dealt] + 1)[found + 1]
    # A class with too few for each batch is dealt by pairs.
    assert (drawn == counts.max()).all() or counts.max() < 2 * len(batches)
    for code in found[counts == counts.max()]:
        assert set(np.flatnonzero(codes == code)) <= set(dealt)


def test_balanced_draw_is_drawn_anew():
    codes, rng = np.repeat([0, 1], [30, 10]), np.random.default_rng(0)
    first, second = (balanced_draw(codes, rng) for _ in range(2))
    assert np.array_equal(first[:30], np.arange(30))
    assert (codes[first[30:]] == 1).all()
    assert not np.array_equal(first, second)


def test_order_is_drawn_anew():
    rng, codes = np.random.default_rng(0), np.arange(40) % 2
    first, second = (class_aware_batches(codes, 10, rng) for _ in range(2))
    assert any(set(a) != set(b) for a, b in zip(first, second, strict=True))
    again = class_aware_batches(codes, 10, np.random.default_rng(0))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("n_samples", [1, 2, 3, 8])
def test_few_subjects_are_one_batch(n_samples):
    batches = class_aware_batches(np.zeros(n_samples, int), 8, np.random.default_rng(0))
    assert [batch.tolist() for batch in batches] == [list(range(n_samples))]


@settings(max_examples=50, deadline=None)
@given(codes_strategy.filter(lambda c: len(c) >= 20), st.floats(0.2, 0.8), st.integers(0, 99))
def test_split_is_stratified(codes, fraction, seed):
    train, held_out = split_subjects(codes, fraction, np.random.default_rng(seed))
    assert sorted([*train, *held_out]) == list(range(len(codes)))
    assert all(a < b for rows in (train, held_out) for a, b in pairwise(rows))
    for code in np.unique(codes):
        members = np.sum(codes == code)
        assert abs(np.sum(codes[held_out] == code) - fraction * members) <= 0.5


@pytest.mark.parametrize("fraction", [None, 0.0])
def test_no_split(fraction):
    train, held_out = split_subjects(np.zeros(5), fraction, np.random.default_rng(0))
    assert train.tolist() == list(range(5))
    assert held_out is None


@pytest.mark.parametrize("fraction", [0.1, 0.9])
def test_split_that_leaves_too_few(fraction):
    with pytest.raises(ValueError, match=r"leaves \d+ for training and \d+ for validation"):
        split_subjects(np.zeros(8), fraction, np.random.default_rng(0))


def subject_set(**options):
    n_samples = 10
    data = TrainingData(
        x={"a": torch.arange(n_samples)[:, None]},
        y=torch.arange(n_samples) % 2,
        mask=torch.rand(n_samples, 2) < 0.5 if options.pop("masked", False) else None,
        sample_weight=torch.arange(n_samples) if options.pop("weighted", False) else None,
    )
    return SubjectSet(data, options.pop("rows", np.arange(n_samples)), 4, **options)


def test_dealt_rows_are_those_of_the_set():
    subjects = subject_set(masked=True, weighted=True, rows=np.arange(2, 9))
    assert len(subjects) == 7
    assert len(subjects.data) == 10
    assert sorted(set(np.concatenate(subjects.deal()))) == list(range(2, 9))


def test_order_is_fixed_without_a_generator():
    fixed, drawn = subject_set(), subject_set(rng=np.random.default_rng(0))

    def order(subjects):
        return [rows.tolist() for rows in subjects.deal()]

    assert order(fixed) == order(fixed)
    assert order(drawn) != order(drawn)


def test_layout_tells_batches_and_padded_width():
    assert subject_set().layout == (3, 8)
    assert replace(subject_set(), batch_size=100).layout == (1, 16)


@pytest.fixture
def net(job):
    return job().net


def test_to_tensor_shares_memory_where_it_can(net):
    array = np.ones((4, 5), dtype=np.float32)
    tensor = to_tensor(array, np.ones(4, bool), np.zeros(5), net)
    array[0, 0] = 7
    assert tensor[0, 0] == 7


@pytest.mark.parametrize(
    "dtype", [">f4", ">f8", ">i2", np.float16, np.float64, np.int64, np.uint16, bool]
)
def test_to_tensor_takes_every_number_type(net, dtype):
    array = np.arange(12).reshape(4, 3).astype(dtype)
    for given_array in (array, array[::-1], np.asfortranarray(array)):
        tensor = to_tensor(given_array, np.ones(4, bool), np.zeros(3), net)
        assert tensor.dtype == torch.float32
        np.testing.assert_array_equal(tensor.numpy(), given_array.astype(np.float32))


def test_to_tensor_of_read_only_memory(net):
    array = np.ones((4, 5), dtype=np.float32)
    array.flags.writeable = False
    tensor = to_tensor(array, np.ones(4, bool), np.zeros(5), net)
    tensor[0] = 3
    assert (array == 1).all()


def test_absent_rows_are_filled_in_a_copy(net):
    array = np.ones((3, 2))
    array[1] = np.nan
    tensor = to_tensor(array, np.array([True, False, True]), np.array([5.0, 6.0]), net)
    assert tensor.tolist() == [[1, 1], [5, 6], [1, 1]]
    assert np.isnan(array[1]).all()


def test_absent_rows_may_hold_anything(net):
    array = np.array([[1.0], [1e300]])
    tensor = to_tensor(array, np.array([True, False]), np.array([2.0]), net)
    assert tensor.tolist() == [[1], [2]]
