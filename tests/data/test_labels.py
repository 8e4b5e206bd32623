"""Labels of rows and columns of any kind: numbers, several levels, twice the same."""

import numpy as np
import pytest

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.contrastive import YAwareEmbedder
from skmmcl.data import split_columns
from skmmcl.exceptions import DataError, ModalityError

pd = pytest.importorskip("pandas")

SESSIONS = pd.MultiIndex.from_tuples(
    [(f"s{i // 2}", i % 2 + 1) for i in range(10)], names=["subject", "session"]
)


def table():
    return pd.DataFrame(np.arange(8.0).reshape(2, 4))


@pytest.mark.parametrize("meta", [0, [0], np.int64(0)])
def test_integer_names(meta):
    X = MultimodalData.from_dataframe(table(), {"a": [1, 2]}, meta=meta, index=3)
    assert X.meta["0"].tolist() == [0, 4]
    assert X.index.tolist() == [3, 7]
    assert X.columns == {"a": ["1", "2"]}


def test_an_integer_that_is_the_label_of_another_column_is_refused():
    shifted = table().set_axis([1, 2, 3, 4], axis=1)
    assert split_columns(shifted, {"a": 0})["a"].tolist() == [[0], [4]]  # no label
    with pytest.raises(ModalityError, match="position 1, labeled 2, or the one labeled 1, at posi"):
        split_columns(shifted, {"a": [1]})
    with pytest.raises(DataError, match="Column 0, asked for as meta or index, is not in the"):
        MultimodalData.from_dataframe(shifted, {"a": 0}, meta=0)


def test_duplicated_names():
    twice = table().set_axis(["age", "iq", "age", "b"], axis=1)
    with pytest.raises(DataError, match="'age', asked for as meta or index, is in the table 2 ti"):
        MultimodalData.from_dataframe(twice, {"a": "iq"}, meta="age")
    with pytest.raises(DataError, match="'age', asked for as meta or index, is in the table 2 ti"):
        MultimodalData.from_dataframe(twice, {"a": "iq"}, index="age")
    with pytest.raises(ModalityError, match="'age' of 'a' is in the table 2 times"):
        split_columns(twice, {"a": "age"})
    with pytest.raises(ModalityError, match="'x' of 'a' is in the table 2 times"):
        split_columns(np.ones((2, 3)), {"a": "x"}, feature_names=["x", "y", "x"])
    with pytest.raises(DataError, match="Modality 'a' has two columns named age"):
        MultimodalData(a=twice)
    for meta in (twice, {1: [0, 1], "1": [2, 3]}):
        with pytest.raises(DataError, match="meta has two columns named"):
            MultimodalData(a=np.ones((2, 1)), meta=meta)
    assert split_columns(twice, {"a": [0]}).columns == {"a": ["age"]}


def test_columns_of_several_levels():
    columns = pd.MultiIndex.from_tuples([("fc", 1), ("fc", 2), ("info", "age"), ("info", "id")])
    df = table().set_axis(columns, axis=1)
    modalities = {"fc": "fc", "clinical": ("info", "age")}
    X = MultimodalData.from_dataframe(df, modalities, meta=("info", "age"), index=("info", "id"))
    assert X.columns == {"fc": ["fc_1", "fc_2"], "clinical": ["info_age"]}
    assert X["fc"].tolist() == [[0, 1], [4, 5]]
    assert X.meta["info_age"].tolist() == [2, 6]
    assert MultimodalData(a=np.ones((2, 1)), meta=df[["info"]]).meta["info_age"].tolist() == [2, 6]
    with pytest.raises(ModalityError, match="'sc', asked for as a, is not in the table"):
        split_columns(df, {"a": "sc"})


def test_ids_of_several_levels_from_a_list():
    X = MultimodalData(a=np.ones((2, 1)), index=[("s1", 1), ("s1", 2)])
    assert X[1:].index.tolist() == [("s1", 2)]


@pytest.mark.parametrize("index", [SESSIONS, pd.Index([f"s{i}" for i in range(10)], name="id")])
@pytest.mark.parametrize("form", ["table", "container", "cut", "dict"])
def test_the_same_index_comes_back(form, index):
    rng = np.random.default_rng(0)
    df = pd.DataFrame(rng.normal(size=(10, 4)), index=index, columns=list("abcd"))
    modalities = {"x": ["a", "b"], "y": ["c", "d"]}
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=1, random_state=0).set_output(
        transform="pandas"
    )
    X = df
    if form == "table":
        embedder.set_params(modalities=modalities)
    else:
        X = {name: df[columns] for name, columns in modalities.items()}
        X = X if form == "dict" else MultimodalData(X)
    embedder.fit(X, np.arange(10) % 2)
    if form == "cut":
        X, df = X[[7, 2]].assign(x=rng.normal(size=(2, 2))), df.iloc[[7, 2]]
    pd.testing.assert_index_equal(embedder.transform(X).index, df.index)


def test_columns_of_y():
    X = {"a": np.random.default_rng(0).normal(size=(10, 3)), "b": np.ones((10, 2))}
    y = pd.DataFrame({0: np.arange(10.0), 1: np.arange(10.0)[::-1]})
    embedder = YAwareEmbedder(max_epochs=1, random_state=0)
    assert embedder.fit(X, y).metadata_names_ == ["0", "1"]
    with pytest.raises(DataError, match="y has several columns named age"):
        embedder.fit(X, y.set_axis(["age", "age"], axis=1))


def test_ids_given_as_a_column():
    ids = pd.Series(["s7", "s2"], index=[3, 5], name="id")
    X = MultimodalData(a=np.ones((2, 1)), index=ids)
    assert X.index.tolist() == ["s7", "s2"]
    assert X.axis is None
