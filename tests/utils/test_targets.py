"""Class codes, and what counts as unlabeled."""

import numpy as np
import pandas as pd
import pytest

from skmmcl.utils._targets import encode_classes, is_unlabeled, seem_measured, warn_if_measured


@pytest.mark.parametrize(
    ("y", "codes", "classes"),
    [
        ([2, 5, 2], [0, 1, 0], [2, 5]),
        ([0, -1, 1], [0, -1, 1], [0, 1]),
        ([0.0, np.nan, 1.0, -1.0], [0, -1, 1, -1], [0.0, 1.0]),
        (["b", "a", None, np.nan], [1, 0, -1, -1], ["a", "b"]),
        (np.array(["b", "a", -1], dtype=object), [1, 0, -1], ["a", "b"]),
        ([True, False, None], [1, 0, -1], [False, True]),
        (np.array([1, 0], dtype=np.uint8), [1, 0], [0, 1]),
        (np.array([True, False]), [1, 0], [False, True]),
        (np.array(["x", "y"]), [0, 1], ["x", "y"]),
        (np.array(["x", -1, "y"]), [0, -1, 1], ["x", "y"]),
        (pd.Series(["b", None, "a"], dtype="string"), [1, -1, 0], ["a", "b"]),
        (pd.Series([3, None, 1], dtype="Int64"), [1, -1, 0], [1, 3]),
        (pd.Series(["b", None, "a"], dtype="category"), [1, -1, 0], ["a", "b"]),
        ([-1, -1], [-1, -1], []),
    ],
)
def test_encode(y, codes, classes):
    found, found_classes = encode_classes(y)
    assert found.dtype == np.int64
    assert found.tolist() == codes
    assert found_classes.tolist() == classes


def test_earlier_classes():
    codes, classes = encode_classes(["c", "a", None], np.array(["a", "b", "c"]))
    assert codes.tolist() == [2, 0, -1]
    assert classes.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"y holds \['d'\], not among the classes \['a', 'b'\]"):
        encode_classes(["a", "d"], np.array(["a", "b"]))


def test_nobody_labeled_with_earlier_classes():
    codes, classes = encode_classes([None, None], np.array(["a", "b"]))
    assert codes.tolist() == [-1, -1]
    assert classes.tolist() == ["a", "b"]


@pytest.mark.parametrize("y", [[0.5, 1.2, 3.3], [[0, 1], [1, 0]]])
def test_no_classes(y):
    with pytest.raises(ValueError, match=r"continuous|1d array"):
        encode_classes(y)


def test_is_unlabeled_leaves_the_input():
    y = np.array(["a", None, -1, np.nan, "-1"], dtype=object)
    kept = y.copy()
    assert is_unlabeled(y).tolist() == [False, True, True, True, False]
    assert y[:3].tolist() == kept[:3].tolist()


@pytest.mark.parametrize(
    ("known", "measured"),
    [
        (np.arange(20, 60), True),
        (np.arange(20.0, 60), True),
        (np.arange(14, 25, dtype=np.uint8), True),  # eleven ages of adolescents
        (np.array([0.5, 1.0]), True),
        (np.array([0, 5, *range(7, 19)] * 3), True),  # scores
        (np.arange(12), True),  # one subject of each
        (np.arange(10), False),  # ten digits
        (np.arange(12).repeat(2), False),  # codes, as LabelEncoder gives them
        (np.arange(1, 13).repeat(2), False),
        (np.array([-1.0, 1.0]), False),
        (np.arange(20).astype(str), False),
        (np.array([True, False]), False),
        (np.array([]), False),
    ],
)
def test_numbers_that_seem_measured(known, measured):
    assert seem_measured(known) is measured
    if measured:
        said = rf"The {len(np.unique(known))} different numbers of y are taken .* Cut them. If"
        with pytest.warns(UserWarning, match=said):
            warn_if_measured(known, "y", "Cut them.", stacklevel=1)
    else:
        warn_if_measured(known, "y", "Cut them.", stacklevel=1)


@pytest.mark.parametrize("unit", ["datetime64[D]", "timedelta64[s]"])
def test_dates_are_no_classes(unit):
    with pytest.raises(ValueError, match=r"Unknown label type: dates or spans of time"):
        encode_classes(np.arange(6).astype(unit))
