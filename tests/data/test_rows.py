"""Rows: what may pick subjects, and how selections compose."""

import numpy as np
import pytest

from skmmcl.data._rows import as_key, is_whole, row_blocks, take_rows


@pytest.mark.parametrize("rows", [range(10), range(9, -1, -1), np.array([3, 3, 9, 0])])
@pytest.mark.parametrize(
    "key",
    [
        slice(None),
        slice(1, 3),
        slice(None, None, -1),
        slice(-1, None, -2),
        slice(-20, -30, -1),
        slice(2, 2),
        0,
        -1,
        np.int32(2),
        [2, 0, 0],
        np.array([], dtype=int),
        [],
        np.uint8([1, 2]),
    ],
)
def test_selecting_rows_equals_selecting_from_the_array(rows, key):
    base = np.arange(10) * 7
    expected = np.atleast_1d(
        base[as_key(rows)][key if not (isinstance(key, list) and not key) else slice(0, 0)]
    )
    np.testing.assert_array_equal(base[as_key(take_rows(rows, key))], expected)


def test_slices_stay_ranges_and_so_give_views():
    rows = take_rows(take_rows(range(100), slice(10, 90, 2)), slice(None, None, -1))
    assert isinstance(rows, range)
    base = np.arange(100)
    assert np.shares_memory(base[as_key(rows)], base)


def test_mask_picks_rows_and_must_have_their_length():
    np.testing.assert_array_equal(take_rows(range(5, 8), [True, False, True]), [5, 7])
    with pytest.raises(IndexError, match="2 entries for 3 subjects"):
        take_rows(range(3), [True, False])


@pytest.mark.parametrize("key", [3, -4, [0, 3], np.array([-4])])
def test_rows_out_of_range(key):
    with pytest.raises(IndexError, match="out of range for 3 subjects"):
        take_rows(range(3), key)


@pytest.mark.parametrize("key", [1.5, [0.0, 1.0], True, None, [[0, 1]], np.array([None, 1])])
def test_what_picks_no_subjects(key):
    with pytest.raises(IndexError, match="Subjects are picked by"):
        take_rows(range(3), key)


def test_is_whole_only_for_all_rows_in_order():
    assert is_whole(range(3), 3)
    assert not is_whole(range(2), 3)
    assert not is_whole(np.arange(3), 3)


def test_blocks_cover_all_rows_once_and_are_bounded():
    blocks = list(row_blocks(range(10), 2**22))
    assert [len(block) for block in blocks] == [4, 4, 2]
    assert [row for block in blocks for row in block] == list(range(10))
    assert [len(block) for block in row_blocks(range(2), 2**40)] == [1, 1]
