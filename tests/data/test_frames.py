"""pandas and polars tables as modalities."""

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.data._frames import side_column
from skmmcl.exceptions import DataError

pd = pytest.importorskip("pandas")


def test_columns_and_ids_are_kept():
    df = pd.DataFrame({"age": [31, 28], "iq": [99, 101]}, index=["s1", "s2"])
    X = MultimodalData(clinical=df, fc=np.ones((2, 3)))
    assert X.columns == {"clinical": ["age", "iq"], "fc": None}
    assert X.index.tolist() == ["s1", "s2"]
    assert X["clinical"].dtype == np.int64


def test_a_table_of_one_type_is_shared():
    df = pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["a", "b"])
    assert np.shares_memory(MultimodalData(t=df)["t"], df.to_numpy())


@pytest.mark.parametrize("index", [None, [0, 1, 2]])
def test_row_numbers_are_no_ids(index):
    assert MultimodalData(t=pd.DataFrame({"a": [1, 2, 3]}, index=index)).index is None


def test_numbers_of_a_filtered_table_are_ids():
    df = pd.DataFrame({"a": [1, 2, 3]})
    assert MultimodalData(t=df[df["a"] > 1]).index.tolist() == [1, 2]


def test_every_numeric_column_type_is_converted():
    df = pd.DataFrame(
        {
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "whole": pd.array([1, 2, 3], dtype="Int8"),
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "bool": [True, False, True],
            "codes": pd.Categorical([30, 10, 30]),
            "gaps": pd.Categorical([2, None, 1]),
            "sex": pd.Categorical(["f", "m", "f"]),
            "grade": pd.Categorical(["b", "a", "c"], categories=["a", "b", "c"], ordered=True),
            "objects": pd.Series([1, None, 2.5], dtype=object),
            "nothing": pd.Series([None, None, None], dtype=object),
        }
    )
    nan = np.nan
    expected = [
        [1, nan, 3],
        [1, 2, 3],
        [1, nan, 0],
        [1, 0, 1],
        [30, 10, 30],
        [2, nan, 1],
        [0, 1, 0],
        [1, 0, 2],
        [1, nan, 2.5],
        [nan, nan, nan],
    ]
    np.testing.assert_array_equal(MultimodalData(t=df)["t"], np.transpose(expected))


@pytest.mark.parametrize(
    "column",
    [
        ["x", "y"],
        pd.Categorical(["x", "y"], categories=["x", "y", "z"]),
        pd.to_datetime(["2020", "2021"]),
        pd.Series(["x", 1], dtype=object),
    ],
)
def test_columns_without_numbers_are_named(column):
    df = pd.DataFrame({"age": [1, 2], "text": column})
    with pytest.raises(DataError, match=r"'t': columns without numbers: 'text' \(.*get_dummies"):
        MultimodalData(t=df)


def test_complex_columns_are_refused():
    with pytest.raises(DataError, match="'t' is complex"):
        MultimodalData(t=pd.DataFrame({"a": [1j, 2]}))


def test_columns_of_one_name_are_refused():
    df = pd.DataFrame(np.ones((2, 3)), columns=["a", "b", "a"])
    with pytest.raises(DataError, match="two columns named a"):
        MultimodalData(t=df)


def test_series_and_empty_tables():
    X = MultimodalData(age=pd.Series([1.0, 2.0], name="age"), iq=pd.Series([1, 2]))
    assert X.columns == {"age": ["age"], "iq": None}
    with pytest.raises(DataError, match="is empty"):
        MultimodalData(t=pd.DataFrame(index=range(3)))


def test_side_columns_keep_any_type():
    assert side_column(pd.Series(["a", "b"])).dtype.kind == "U"
    assert side_column(pd.Series(["a", None])).tolist()[0] == "a"
    assert side_column(pd.Series(pd.Categorical(["a", "b"]))).tolist() == ["a", "b"]
    assert np.isnan(side_column(pd.Series([1, None], dtype="Int64"))[1])
    assert side_column(pd.Series(pd.to_datetime(["2020-01-01"]))).dtype.kind == "M"


def test_polars_tables():
    pl = pytest.importorskip("polars")
    df = pl.DataFrame({"a": [1, None], "b": [True, None], "c": [None, None], "d": [1.5, 2.5]})
    X = MultimodalData(t=df, age=pl.Series("age", [3, 4]), meta=pl.DataFrame({"site": ["A", "B"]}))
    nan = np.nan
    np.testing.assert_array_equal(X["t"], [[1, 1, nan, 1.5], [nan, nan, nan, 2.5]])
    assert X.columns == {"t": ["a", "b", "c", "d"], "age": ["age"]}
    assert X.index is None
    assert X.meta["site"].tolist() == ["A", "B"]
    with pytest.raises(DataError, match="columns without numbers: 'x'"):
        MultimodalData(t=pl.DataFrame({"x": ["u", "v"]}))
    full = MultimodalData(t=pl.DataFrame({"a": [True, False]}))
    assert full["t"].dtype == bool


def test_a_filtered_table_next_to_one_that_is_numbered_anew():
    table = pd.DataFrame({"x": np.arange(6.0)})
    part = table[table.x != 2]
    with pytest.warns(UserWarning, match=r"rows of 'b' are numbered 0 to 4, .* 0 to 5 with gaps"):
        MultimodalData(a=part, b=table[:5])
    # warnings are errors
    MultimodalData(a=part, b=table[:5].to_numpy())
    MultimodalData(a=part, b=part)
    MultimodalData(a=table[:5].set_axis(range(1, 6)), b=table[:5])  # numbers of participants
    MultimodalData(a=table[:5].set_axis([101, 102, 104, 105, 108]), b=table[:5])


@pytest.mark.parametrize(
    ("values", "found"),
    [(["1", "2"], "'1' is text: convert it by .astype"), (["1", "<2"], "such as '<2'")],
)
def test_numbers_that_are_text(values, found):
    with pytest.raises(DataError, match=found):
        MultimodalData(a=pd.DataFrame({"x": values}))
