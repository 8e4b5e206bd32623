"""Sets of labels from metadata."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skmmcl import MultiLabelSupConEmbedder, MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.preprocessing import metadata_labels


@pytest.fixture(name="df")
def table():
    return pd.DataFrame(
        {
            "sex": ["F", "M", None, "F", None],
            "site": [3, 1, 1, 3, None],
            "scanner": pd.Categorical(["a", "b", "a", "a", None], categories=["a", "b", "never"]),
            "age": [20.5, 30.5, 40.5, 50.5, None],
        }
    )


def test_each_value_becomes_a_label(df):
    labels, names = metadata_labels(df, ["sex", "site", "scanner"])
    assert names == ["sex=F", "sex=M", "site=1", "site=3", "scanner=a", "scanner=b"]
    expected = [
        [1, 0, 0, 1, 1, 0],
        [0, 1, 1, 0, 0, 1],
        [0, 0, 1, 0, 1, 0],
        [1, 0, 0, 1, 1, 0],
        [-1] * 6,
    ]
    np.testing.assert_array_equal(labels, expected)


def test_tables_of_any_kind_give_the_same(df):
    expected = metadata_labels(df, ["site", "sex"])
    mapping = {"site": df["site"].to_numpy(), "sex": df["sex"].tolist()}
    polars = pytest.importorskip("polars").DataFrame(
        {"site": [3.0, 1.0, 1.0, 3.0, None], "sex": ["F", "M", None, "F", None]}
    )
    for other in (mapping, polars):
        labels, names = metadata_labels(other)
        np.testing.assert_array_equal(labels, expected[0])
        assert names == expected[1]


def test_bins_by_number_and_by_edges(df):
    labels, names = metadata_labels(df, "age", bins={"age": 2})
    assert names == ["age<35.5", "age>=35.5"]
    np.testing.assert_array_equal(labels, [[1, 0], [1, 0], [0, 1], [0, 1], [-1, -1]])
    # A bin that holds nobody gives no label; an edge begins its bin.
    labels, names = metadata_labels(df, "age", bins={"age": [10, 30.5, 60]})
    assert names == ["10<=age<30.5", "30.5<=age<60"]
    np.testing.assert_array_equal(labels[:2], [[1, 0], [0, 1]])


def test_labels_guide_an_embedder(df):
    rng = np.random.default_rng(0)
    X = MultimodalData(smri=rng.normal(size=(10, 4)), fc=rng.normal(size=(10, 3)))
    labels, _ = metadata_labels(pd.concat([df, df]), bins={"age": 2})
    model = MultiLabelSupConEmbedder(max_epochs=1, n_components=2, random_state=0).fit(X, labels)
    assert model.transform(X).shape == (10, 4)


@pytest.mark.parametrize(
    ("columns", "bins", "said"),
    [
        ("age", None, r"'age' cannot be read as classes: .*continuous.* bins={'age': 5}"),
        ("weight", None, r"no column \['weight'\] among"),
        ([], None, "no column"),
        ("sex", {"age": 3}, r"bins= names \['age'\], not among columns=\['sex'\]"),
        ("sex", {"sex": 3}, "'sex' has bins, but is not all numbers"),
        ("age", {"age": 1}, "must be 2 or more"),
        ("age", {"age": [40, 20]}, "edges that rise"),
        (
            "age",
            {"age": [90]},
            r"does not distinguish any subjects: of 5 entries, 4 are known, .*age<90",
        ),
    ],
)
def test_bad_columns(df, columns, bins, said):
    with pytest.raises(DataError, match=said):
        metadata_labels(df, columns, bins=bins)


def test_columns_of_other_shapes():
    with pytest.raises(DataError, match=r"one entry per subject; found the shapes"):
        metadata_labels({"a": ["x", "y"], "b": ["x", "y", "z"]})


def test_ages_in_whole_years_become_labels_with_a_warning():
    with pytest.warns(UserWarning, match=r"The 12 different numbers of column 'age'.* bins={'age'"):
        labels, _ = metadata_labels({"age": np.arange(20, 32)})
    assert labels.shape == (12, 12)
