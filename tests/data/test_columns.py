"""Columns of one table, split into modalities."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import make_column_selector

from skmmcl.data import split_columns
from skmmcl.exceptions import DataError, ModalityError

NAMES = ["fc_0", "fc_1", "fc_2", "age", "iq", "site[A]"]
TABLE = np.arange(24.0).reshape(4, 6)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (slice(0, 3), [0, 1, 2]),
        (slice(-2, None), [4, 5]),
        (slice(None, None, 2), [0, 2, 4]),
        (slice(2, 0, -1), [2, 1]),
        (3, [3]),
        (-1, [5]),
        (np.int64(2), [2]),
        ([4, 0], [4, 0]),
        (np.array([1, 2]), [1, 2]),
        ([0, 1, 4], [0, 1, 4]),
        ("age", [3]),
        ("fc_*", [0, 1, 2]),
        ("fc_[02]", [0, 2]),
        ("?q", [4]),
        ("site[A]", [5]),
        (["iq", "age"], [4, 3]),
        (["iq", "fc_*"], [4, 0, 1, 2]),
        ([True, False, True, False, False, True], [0, 2, 5]),
        (np.arange(6) > 3, [4, 5]),
        (lambda names: [n for n in names if n.startswith("fc")], [0, 1, 2]),
        (lambda names: slice(1, 3), [1, 2]),
    ],
)
def test_selectors(selector, expected):
    X = split_columns(TABLE, {"m": selector}, NAMES)
    np.testing.assert_array_equal(X["m"], TABLE[:, expected])
    assert X.columns["m"] == [NAMES[i] for i in expected]


@pytest.mark.parametrize("selector", [slice(1, 4), slice(0, 6, 2), "fc_*", [3, 4], 2])
def test_evenly_spaced_columns_are_views(selector):
    assert np.shares_memory(split_columns(TABLE, {"m": selector}, NAMES)["m"], TABLE)


def test_without_names():
    X = split_columns(TABLE.tolist(), {"a": slice(0, 2), "b": [3, 5, 4]})
    assert X.columns == {"a": None, "b": None}
    assert X.modalities == ("a", "b")


def test_tables():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    selectors = {"fc": "fc_*", "clinical": ["iq", 3]}
    for frame in (pd.DataFrame(TABLE, columns=NAMES), pl.DataFrame(TABLE, schema=NAMES)):
        X = split_columns(frame, selectors)
        np.testing.assert_array_equal(X["fc"], TABLE[:, :3])
        np.testing.assert_array_equal(X["clinical"], TABLE[:, [4, 3]])
        assert X.columns["clinical"] == ["iq", "age"]
    frame = pd.DataFrame(TABLE, columns=NAMES)
    by_type = split_columns(
        frame.assign(site="A"), {"m": make_column_selector(dtype_include=float)}
    )
    assert by_type.columns["m"] == NAMES


def test_unnamed_text_columns_do_no_harm():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "sex": ["f", "m"]}, index=["s1", "s1"])
    X = split_columns(frame, {"m": "a"})
    assert X.index.tolist() == ["s1", "s1"]  # rows of a bootstrap


def test_numbered_columns_of_a_table():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(TABLE)
    assert split_columns(frame, {"m": [1, 2]}).columns["m"] == ["1", "2"]
    with pytest.raises(ModalityError, match=r"not all column names are text.*astype\(str\)"):
        split_columns(frame, {"m": "fc_*"})


@pytest.mark.parametrize(
    ("selectors", "message"),
    [
        ({"a": slice(0, 3), "b": ["fc_2", "age"]}, r"columns 'fc_2' are in both 'a' and 'b'"),
        ({"a": [1, 1]}, "columns 'fc_1' are twice in 'a'"),
        ({"a": slice(0, 6), "b": slice(0, 6)}, r"'iq', \.\.\. are in both"),
        ({"a": []}, "'a' selects no column"),
        ({"a": slice(2, 2)}, "selects no column"),
        ({"a": "sc_*"}, "selects no column: 'sc_"),
        ({"a": [False] * 6}, "selects no column"),
        ({"a": lambda names: []}, "selects no column"),
        ({"a": "agee"}, "Column 'agee', asked for as a.* did you mean 'age'"),
        ({"a": "qqqq"}, "is not in the table"),
        ({"a": 6}, "Column 6 of 'a' is out of range, there are 6"),
        ({"a": [-7]}, "out of range"),
        ({"a": slice(0, 10)}, "'a' goes to column 10, there are 6"),
        ({"a": slice("fc_0", "fc_2")}, "must count columns"),
        ({"a": [True, False]}, "has 2 entries for 6 columns"),
        ({"a": True}, "has 1 entries for 6 columns"),
        ({"a": 1.5}, "given by a slice, positions, names.*got 1.5"),
        ({"a": ([0, 1],)}, r"given by a slice, positions, names.*got \[0, 1\]"),
        ({"a": [0, True]}, "got True"),
        ({}, "must map each name to its columns"),
        ("fc_*", "must map each name"),
        ({1: [0]}, "non-empty text"),
    ],
)
def test_bad_selectors(selectors, message):
    with pytest.raises(ModalityError, match=message):
        split_columns(TABLE, selectors, NAMES)


def test_bad_tables():
    with pytest.raises(ModalityError, match=r"'a' are given by name .* no column names"):
        split_columns(TABLE, {"a": "age"})
    with pytest.raises(ModalityError, match="5 names for 6 columns"):
        split_columns(TABLE, {"a": [0]}, NAMES[:5])
    with pytest.raises(DataError, match=r"2-D array; found shape \(6,\)"):
        split_columns(TABLE[0], {"a": [0]})
    with pytest.raises(DataError, match="sparse"):
        split_columns(sparse.csr_array(TABLE), {"a": [0]})
