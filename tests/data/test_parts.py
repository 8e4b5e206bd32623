"""Names, rows, ids, side data and masks that a container is built from."""

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError, ModalityError

A, B = np.ones((3, 2)), np.zeros((3, 4))


def test_mapping_and_keywords_together():
    X = MultimodalData({"meta": A, "index": B, "mask": A, "T1 w": A}, fc=B)
    assert X.modalities == ("meta", "index", "mask", "T1 w", "fc")
    assert X.meta == {}
    assert X.index is None


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "at least one modality"),
        (({},), {}, "at least one modality"),
        (({"fc": A},), {"fc": B}, "given twice: fc"),
        (({"": A},), {}, "non-empty text; got ''"),
        (({"  ": A},), {}, "non-empty text"),
        (({1: A},), {}, "non-empty text; got 1"),
        ((A,), {}, "takes a mapping from name to array, or keywords; got ndarray"),
        (([{"fc": 1}],), {}, "as_multimodal"),
    ],
)
def test_bad_names(args, kwargs, message):
    with pytest.raises(ModalityError, match=message):
        MultimodalData(*args, **kwargs)


def test_odd_number_of_rows_is_named():
    with pytest.raises(DataError, match=r"'a' 3, 'b' 3, 'c' 2\. 'c' is the odd one out"):
        MultimodalData(a=A, b=B, c=A[:2])
    with pytest.raises(DataError, match=r"'a' 3, 'c' 2\. A subject without"):
        MultimodalData(a=A, c=A[:2])


def test_index():
    X = MultimodalData(a=A, index=["s1", "s2", "s3"])
    assert X.index.dtype.kind == "U"
    assert X[[2, 0, 0]].index.tolist() == ["s3", "s1", "s1"]
    assert MultimodalData(a=A[:0], index=[]).index.shape == (0,)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([1, 2, 1], "unique: 1 occurs 2 times"),
        ([1, 2], r"one id per subject, \(3,\); found shape \(2,\)"),
        (["a", None, "b"], "must not be missing"),
        ([1.0, np.nan, 2.0], "must not be missing"),
    ],
)
def test_bad_index(index, message):
    with pytest.raises(DataError, match=message):
        MultimodalData(a=A, index=index)


def test_tables_must_list_the_same_subjects():
    pd = pytest.importorskip("pandas")
    one = pd.DataFrame(A, index=["a", "b", "c"])
    two = pd.DataFrame(B, index=["a", "c", "b"])
    with pytest.raises(
        DataError, match=r"'one' and 'two' .*row 1 is 'b' .* 'c' .*table\.loc\[ids\]"
    ):
        MultimodalData(one=one, two=two)
    X = MultimodalData(one=one, two=two.loc[one.index], three=A, meta=one[[0]])
    assert X.index.tolist() == ["a", "b", "c"]
    numbers = pd.DataFrame(A, index=[7, 8, 9])
    assert MultimodalData(n=numbers, index=np.int32([7, 8, 9])).index.dtype == np.int32
    with pytest.raises(DataError, match=r"index= and 'one' do not list the same"):
        MultimodalData(one=one, index=[1, 2, 3])
    with pytest.raises(DataError, match=r"'one' and meta 'site' do not list"):
        MultimodalData(one=one, meta={"site": pd.Series([1, 2, 3], index=["c", "b", "a"])})
    with pytest.raises(DataError, match=r"'a' occurs 2 times.*reset_index"):
        MultimodalData(one=one.set_axis(["a", "a", "b"]))


def test_meta_forms_are_equal():
    pd = pytest.importorskip("pandas")
    site, age = ["A", "B", "A"], [31.0, 28.0, 40.0]
    structured = np.array(list(zip(site, age, strict=True)), dtype=[("site", "U1"), ("age", float)])
    table = pd.DataFrame({"site": site, "age": age})
    for meta in ({"site": site, "age": pd.Series(age)}, structured, table):
        X = MultimodalData(a=A, meta=meta)
        assert list(X.meta) == ["site", "age"]
        assert X[1:].meta["site"].tolist() == ["B", "A"]
        assert X[[2]].meta["age"].tolist() == [40.0]
        assert X.meta["site"].dtype.kind == "U"
    assert list(MultimodalData(a=A, meta=table["site"]).meta) == ["site"]


def test_meta_may_hold_arrays_per_subject():
    pd = pytest.importorskip("pandas")
    X = MultimodalData(a=A, meta={"motion": B, "table": pd.DataFrame(B)})
    assert X[1:].meta["motion"].shape == X[1:].meta["table"].shape == (2, 4)


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"site": ["A", "B"]}, r"'site' must have one entry per subject, 3; found shape \(2,\)"),
        ({"site": "A"}, "one entry per subject"),
        (["A", "B", "C"], "must be a mapping .* got list"),
    ],
)
def test_bad_meta(meta, message):
    with pytest.raises(DataError, match=message):
        MultimodalData(a=A, meta=meta)


def test_masks():
    pd = pytest.importorskip("pandas")
    expected = [[True, True], [True, False], [True, True]]
    one = [True, False, True]
    for mask in ({"b": one}, np.array(expected), pd.DataFrame({"b": one}), {"b": [1, 0, 1]}):
        X = MultimodalData(a=A, b=B, mask=mask)
        assert X.mask.tolist() == expected
        assert X[[1]].mask.tolist() == [[True, False]]


def test_nan_rows_are_missing_whatever_the_mask_says():
    X = MultimodalData(a=[[np.nan], [1.0]], mask={"a": [True, True]})
    assert X.mask.tolist() == [[False], [True]]


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (
            np.ones((2, 2), bool),
            DataError,
            r"shape \(3, 2\), subjects by modalities; found \(2, 2\)",
        ),
        ({"b": [True]}, DataError, r"'b' must have shape \(3,\)"),
        ({"b": [1, 2, 0]}, DataError, "must be boolean"),
        ({"b": ["x", "y", "z"]}, DataError, "must be boolean"),
        ({"c": [1, 1, 1]}, ModalityError, r"no modality: \['c'\]; there are \['a', 'b'\]"),
    ],
)
def test_bad_masks(mask, error, message):
    with pytest.raises(error, match=message):
        MultimodalData(a=A, b=B, mask=mask)
