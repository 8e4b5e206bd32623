"""What may be a modality, and who has it."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError, ModalityError


class LazyRows:
    """Stand-in for volumes on disk: counts what is read."""

    def __init__(self, array, reads=None, present=None):
        self._array, self.reads = array, [] if reads is None else reads
        self.shape, self.dtype = array.shape, array.dtype
        if present is not None:
            self.present = present

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        self.reads.append(rows)
        return self._array[rows]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bool", "int8", "uint16"])
def test_arrays_are_shared_and_keep_their_type(dtype):
    array = np.ones((4, 2, 3), dtype=dtype)
    X = MultimodalData(a=array)
    assert np.shares_memory(X["a"], array)
    assert X["a"].dtype == X.dtypes["a"] == array.dtype
    assert X.base("a") is array


def test_one_dimension_is_one_feature():
    assert MultimodalData(age=[31, 28, 40]).shapes == {"age": (1,)}
    assert MultimodalData(age=np.arange(3)).shape == (3, 1)


def test_big_endian_becomes_native():
    X = MultimodalData(a=np.arange(3, dtype=">f4"))
    assert X["a"].dtype.isnative
    np.testing.assert_array_equal(X["a"][:, 0], [0, 1, 2])


def test_masked_arrays_give_nan_where_masked():
    masked = np.ma.array([[1, 2], [3, 4]], mask=[[False, True], [True, True]])
    X = MultimodalData(a=masked, b=masked.astype("float32"))
    np.testing.assert_array_equal(X["a"], [[1, np.nan], [np.nan, np.nan]])
    assert X["b"].dtype == np.float32
    assert X.mask.tolist() == [[True, True], [False, False]]


def test_lists_of_arrays_with_none():
    rows = [np.ones((2, 2), dtype="float32"), None, np.zeros((2, 2), dtype="float32")]
    X = MultimodalData(a=rows, b=np.array([None, 5, 6], dtype=object), c=[[1, 2], [3, 4], [5, 6]])
    assert X["a"].dtype == np.float32
    assert np.isnan(X["a"][1]).all()
    assert X["b"].dtype == np.float64
    assert X["c"].dtype.kind == "i"
    assert X.mask.T.tolist() == [[True, False, True], [False, True, True], [True] * 3]


def test_list_of_arrays_without_none_is_stacked():
    X = MultimodalData(a=[np.ones(3), np.zeros(3)], b=(np.ones((2, 2)), np.ones((2, 2))))
    assert X.shapes == {"a": (3,), "b": (2, 2)}


@pytest.mark.parametrize("rows", [[np.ones(3), np.ones(4)], [None, [1, 2, 3], [1, 2, 3, 4]]])
def test_subjects_of_another_shape_are_named(rows):
    with pytest.raises(DataError, match=r"'a': subject \d has shape \(4,\), subject \d has \(3,\)"):
        MultimodalData(a=rows)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (sparse.csr_array(np.eye(3)), "sparse matrix; give it as .toarray"),
        (sparse.dok_array(np.eye(3)), "sparse matrix"),
        ({"inner": np.ones(3)}, "dict of its own; modalities cannot be nested"),
        (np.ones(3) * 1j, "is complex; give its real part"),
        ([1j, None], "is complex"),
        (["a", "b"], "holds text"),
        (["a", None], "holds text"),
        (np.array([b"a"]), "holds text"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "holds no numbers"),
        (np.zeros(2, dtype=[("x", float)]), "is a structured array"),
        (np.array([[1, "a"]], dtype=object), "array of Python objects"),
        (np.array([[10**400, 1]], dtype=object), "array of Python objects"),
        (np.full((2, 1), None), "array of Python objects"),
        ([object(), object()], "array of Python objects"),
        ([None, None], "None for every subject"),
        (5.0, "single number"),
        (np.float32(5), "single number"),
        (np.ones((3, 0)), r"is empty: shape \(3, 0\)"),
        ([[1, [2, 3]], [1, 2]], "subject 0 is a ragged list"),
        (LazyRows(np.arange(3)), "lazy and 1-D"),
        (LazyRows(np.ones((3, 0))), "is empty"),
        (LazyRows(np.ones((3, 1)) * 1j), "is complex"),
        (LazyRows(np.ones((3, 1), dtype=np.longdouble)), "is lazy and of .* give float64"),
        (
            [np.ones((2, 2)), np.ones((2, 3))],
            r"subject 1 has shape \(2, 3\), subject 0 has \(2, 2\)",
        ),
        ([np.ones(2), 1.0], r"subject 1 has shape \(\)"),
    ],
)
def test_what_is_no_modality(value, message):
    with pytest.raises(DataError, match=f"Modality 'm'.*{message}"):
        MultimodalData(m=value)


def test_arrays_of_other_libraries_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(DataError, match=r"is a torch\.Tensor; give a numpy array"):
        MultimodalData(m=torch.ones(3, 2))


def test_lazy_modalities_are_not_read_before_they_are_asked_for():
    lazy = LazyRows(np.arange(24.0).reshape(4, 2, 3))
    X = MultimodalData(t1=lazy, age=[1, 2, 3, 4], mask={"t1": [1, 1, 0, 1]})
    part = X[[3, 0]][["t1"]]
    assert repr(part).endswith("t1  (2, 2, 3)  float64")
    assert X.mask[:, 0].tolist() == [True, True, False, True]
    assert X["t1"] is lazy
    assert lazy.reads == []
    np.testing.assert_array_equal(part["t1"], lazy[[3, 0]])
    assert X.materialize().base("t1") is lazy
    assert next(iter(part))["t1"].shape == (2, 3)
    assert np.isnan(np.asarray(X)[2, :6]).all()
    assert np.isnan(X.to_dict()["t1"][2]).all()
    assert X.__sizeof__() < 2000


def test_lazy_modalities_may_tell_who_has_them():
    lazy = LazyRows(np.ones((3, 2)), present=[True, False, True])
    assert MultimodalData(t1=lazy).mask[:, 0].tolist() == [True, False, True]
    both = MultimodalData(t1=lazy, mask={"t1": [False, True, True]})
    assert both.mask[:, 0].tolist() == [False, False, True]


def test_rows_of_nan_are_missing_and_gaps_are_not():
    array = np.ones((4, 2, 2))
    array[1] = np.nan
    array[2, 0, 0] = np.nan
    array[3, 1, 1] = np.nan
    assert MultimodalData(a=array).mask[:, 0].tolist() == [True, False, True, True]


def test_presence_is_looked_for_once_and_shared(monkeypatch):
    from skmmcl.data import _arrays

    calls = []
    monkeypatch.setattr(_arrays, "_nan_rows", lambda a: calls.append(1) or np.isnan(a[:, 0]))
    X = MultimodalData(a=[[1.0], [np.nan]])
    parts = [X[:1], X[[1]], X[["a"]]]
    assert calls == []
    assert [part.mask.ravel().tolist() for part in parts] == [[True], [False], [True, False]]
    assert calls == [1]


def test_only_rows_that_begin_with_nan_are_read_wholly():
    array = np.ones((1000, 50))
    array[[3, 700]] = np.nan
    array[5, 0] = np.nan
    mask = MultimodalData(a=array).mask[:, 0]
    assert np.flatnonzero(~mask).tolist() == [3, 700]


class Bare:
    """What a file has: shape, dtype and rows in rising order."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows):
        assert rows.step in (None, 1) if isinstance(rows, slice) else (np.diff(rows) > 0).all()
        return self._array[rows]


@pytest.mark.parametrize(
    "rows", [[2, 1, 3], [3, 3, 0], [0, 1], slice(None, None, -1), slice(1, 3), slice(None)]
)
def test_rows_of_a_file_are_read_in_its_order(rows):
    array = np.random.default_rng(0).normal(size=(4, 2, 3))
    X = MultimodalData(a=Bare(array))[rows]
    np.testing.assert_array_equal(np.asarray(X["a"]), array[rows])
    np.testing.assert_array_equal(np.asarray(X), array[rows].reshape(-1, 6))
    np.testing.assert_array_equal(X[[0]].to_dict()["a"], array[rows][:1])


def numbers(kind):
    pd = pytest.importorskip("pandas")
    values = [1.5, 2.25, 3.0]
    return {
        "longdouble": np.array(values, dtype=np.longdouble),
        "rows of longdouble": list(np.array(values, dtype=np.longdouble)[:, None]),
        "objects": np.array(values, dtype=object),
        "Decimal": [Decimal("1.5"), Decimal("2.25"), 3],
        "rows of Decimal": [[Decimal("1.5")], [Decimal("2.25")], [Fraction(3)]],
        "a table of Decimal": pd.DataFrame({"a": [Decimal("1.5"), 2.25, 3]}, dtype=object),
        "Float64": pd.array(values, dtype="Float64"),
        "an index": pd.Index(values),
    }[kind]


KINDS = (
    "longdouble",
    "rows of longdouble",
    "objects",
    "Decimal",
    "rows of Decimal",
    "a table of Decimal",
    "Float64",
    "an index",
)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_any_type(kind):
    X = MultimodalData(a=numbers(kind))
    assert X["a"].dtype == np.float64
    assert X["a"].tolist() == [[1.5], [2.25], [3.0]]


@pytest.mark.parametrize("form", ["list", "rows", "objects", "table", "Int64"])
def test_na_is_missing(form):
    pd = pytest.importorskip("pandas")
    value = {
        "list": [1, pd.NA, 3],
        "rows": [[1], pd.NA, [3]],
        "objects": np.array([[1], [pd.NA], [3]], dtype=object),
        "table": pd.DataFrame({"a": [1, pd.NA, Decimal(3)]}, dtype=object),
        "Int64": pd.array([1, None, 3], dtype="Int64"),
    }[form]
    X = MultimodalData(a=value)
    np.testing.assert_array_equal(X["a"], [[1], [np.nan], [3]])
    assert X.mask[:, 0].tolist() == [True, False, True]


def test_two_underscores_in_a_name_are_refused():
    with pytest.raises(ModalityError, match="call the modality 'lh_area', for example"):
        MultimodalData({"lh__area": np.ones((2, 1))})
