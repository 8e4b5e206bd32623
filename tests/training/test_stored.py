"""Modalities in files: read batch by batch, ahead of time, and to the same bits."""

import threading

import numpy as np
import pytest
import torch

from skmmcl.training._stored import StoredRows

SHAPE = (9, 2, 3, 4)


class Files:
    """Stand-in for volumes on disk: counts what is read, and by whom."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.reads, self.threads = [], []

    def __getitem__(self, rows):
        if 7 in rows:
            raise OSError("the disk is gone")
        self.reads.append(rows.tolist())
        self.threads.append(threading.current_thread())
        return self.array[rows]


@pytest.fixture
def array():
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


@pytest.fixture
def files(array):
    return Files(array)


@pytest.fixture
def rows(files):
    return StoredRows(files, np.ones(9, dtype=bool), np.array(0.0), torch.float32)


def batches(*listed):
    return [torch.tensor(rows) for rows in listed]


def test_stands_for_a_tensor(rows, array):
    assert len(rows) == 9
    assert rows.shape == SHAPE
    picked = torch.tensor([3, 0, 3])
    expected = torch.as_tensor(array)
    for found in (rows[picked], rows.index_select(0, picked)):
        assert found.dtype == torch.float32
        assert torch.equal(found, expected[picked])
    with pytest.raises(ValueError, match="Only rows"):
        rows.index_select(1, picked)


def test_one_batch_is_read_ahead_in_another_thread(rows, files, array):
    listed = batches([0, 1], [2, 3], [4, 5])
    rows.expect(listed)
    for k, batch in enumerate(listed):
        assert torch.equal(rows[batch], torch.as_tensor(array)[batch])
        assert len(files.reads) <= k + 2
    assert files.reads == [[0, 1], [2, 3], [4, 5]]
    assert threading.main_thread() not in files.threads


def test_other_rows_than_expected_are_read_at_once(rows, files, array):
    first, second = batches([0, 1], [2, 3])
    rows.expect([first, second])
    stray = torch.tensor([6])
    assert torch.equal(rows[stray], torch.as_tensor(array)[stray])
    for batch in (first, second):
        assert torch.equal(rows[batch], torch.as_tensor(array)[batch])
    assert sorted(files.reads) == [[0, 1], [2, 3], [6]]


def test_an_error_of_the_reader_is_raised_where_its_batch_is_used(rows):
    first, second = batches([0, 1], [7])
    rows.expect([first, second])
    rows[first]
    with pytest.raises(OSError, match="the disk is gone"):
        rows[second]


def test_absent_rows_are_filled_and_not_read(files, array):
    present = np.arange(9) != 4
    rows = StoredRows(files, present, np.array(1.5), torch.float64)
    found = rows[torch.tensor([4, 2])]
    assert found.dtype == torch.float64
    assert (found[0] == 1.5).all()
    assert torch.equal(found[1], torch.as_tensor(array[2], dtype=torch.float64))
    assert (rows[torch.tensor([4])] == 1.5).all()
    assert files.reads == [[2]]


def test_numbers_go_to_the_device_as_they_are_stored(array):
    asked = []

    class Half(Files):
        storage_dtype = np.dtype(np.float16)

        def __getitem__(self, rows):
            outer = self

            class Part:
                def __array__(self, dtype=None, copy=None):
                    asked.append(dtype)
                    return outer.array[rows].astype(dtype)

            return Part()

    rows = StoredRows(Half(array), np.ones(9, dtype=bool), np.array(0.0), torch.float32)
    found = rows[torch.tensor([1])]
    assert asked == [np.float16]
    assert torch.equal(found, torch.as_tensor(array[[1]]).half().float())
