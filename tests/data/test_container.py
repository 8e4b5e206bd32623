"""MultimodalData: selecting, converting, and what it shares."""

import copy

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError, ModalityError


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    fc = rng.normal(size=(6, 3, 3))
    fc[4] = np.nan
    return MultimodalData(
        fc=fc,
        age=np.arange(6),
        index=list("uvwxyz"),
        meta={"site": list("ABABAB")},
        mask={"age": [1, 1, 1, 1, 1, 0]},
    )


def test_what_it_tells(X):
    assert X.modalities == X.keys() == ("fc", "age")
    assert X.shapes == {"fc": (3, 3), "age": (1,)}
    assert X.shape == (6, 10)
    assert (len(X), X.ndim) == (6, 2)
    assert "fc" in X
    assert "sc" not in X
    assert X.mask.shape == (6, 2)


@pytest.mark.parametrize(
    "rows",
    [2, -1, np.int64(2), slice(1, 4), [3, 1], np.array([0, 0]), [True] + [False] * 5, np.array(3)],
)
def test_rows_slice_everything_along(X, rows):
    picked = np.atleast_1d(np.arange(6)[rows])
    for part in (X[rows], X[rows, ...], X[rows, :]):
        assert len(part) == len(picked)
        np.testing.assert_array_equal(part["fc"], X["fc"][picked])
        np.testing.assert_array_equal(part.mask, X.mask[picked])
        assert part.index.tolist() == X.index[picked].tolist()
        assert part.meta["site"].tolist() == X.meta["site"][picked].tolist()


def test_series_are_rows():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    X = MultimodalData(a=np.arange(3))
    for series in (pd.Series, pl.Series):
        assert X[series([True, False, True])]["a"].ravel().tolist() == [0, 2]
        assert X[series([2, 0])]["a"].ravel().tolist() == [2, 0]


def test_no_rows(X):
    empty = X[[]]
    assert empty.shape == (0, 10)
    assert empty["fc"].shape == (0, 3, 3)
    assert empty.mask.shape == (0, 2)
    assert list(empty) == []
    assert np.asarray(empty).shape == (0, 10)
    assert empty.materialize()[:].shape == (0, 10)
    assert repr(empty).startswith("MultimodalData: 0 subjects")


@pytest.mark.parametrize(
    "key", [(slice(None), 0), (0, "fc"), ("fc", "age"), (0, slice(1)), (0, ..., 0), (0,)]
)
def test_there_are_no_columns(X, key):
    with pytest.raises(IndexError, match=r"no columns: X\['fc'\] gives a modality"):
        X[key]


def test_selection_keeps_the_order_given(X):
    for names in (["age", "fc"], np.array(["age", "fc"])):
        part = X[1:][names]
        assert part.modalities == ("age", "fc")
        assert part.mask.tolist() == X[1:].mask[:, ::-1].tolist()
        assert part.index.tolist() == list("vwxyz")


def test_unknown_modality_is_key_error_and_modality_error(X):
    with pytest.raises(KeyError) as caught:
        X["fcc"]
    assert isinstance(caught.value, ModalityError)
    assert str(caught.value) == "No modality 'fcc', there are ('fc', 'age'); did you mean 'fc'?"
    with pytest.raises(KeyError, match=r"side data: X\.meta\['site'\]"):
        X["site"]
    with pytest.raises(ModalityError, match="No modality 'qq'"):
        X[["fc", "qq"]]
    with pytest.raises(ModalityError, match="selected twice"):
        X[["fc", "fc"]]
    with pytest.raises(KeyError):
        X.base("nope")


def test_unknown_side_data_is_key_error_and_data_error(X):
    with pytest.raises(KeyError) as caught:
        X[:2].meta["sites"]
    assert isinstance(caught.value, DataError)
    said = "X.meta has no 'sites', only ['site']; did you mean 'site'? Side data come with "
    assert str(caught.value).startswith(said)
    assert X.meta.get("sites") is None


def test_slices_are_views_of_the_base(X):
    base = X.base("fc")
    deep = X[1:][::2][-2:]
    assert np.shares_memory(deep["fc"], base)
    part = X[[5, 0, 3, 3]][1:][[True, False, True]]
    assert part.base("fc") is base
    assert part.rows.tolist() == [0, 3]
    np.testing.assert_array_equal(part["fc"], base[part.rows])
    np.testing.assert_array_equal(deep["fc"], base[deep.rows])


def test_it_reads_like_a_dict(X):
    assert list(dict(X)) == list({**X}) == ["fc", "age"]
    assert [name for name, _ in X.items()] == ["fc", "age"]
    assert [array.shape for array in X.values()] == [(6, 3, 3), (6, 1)]


def test_iteration_gives_records(X):
    records = list(X)
    assert len(records) == 6
    np.testing.assert_array_equal(records[2]["fc"], X["fc"][2])
    assert records[4]["fc"] is None
    assert records[5]["age"] is None
    assert records[0]["age"].tolist() == [0]


def test_to_dict_marks_what_is_missing(X):
    plain = X.to_dict()
    assert type(plain) is dict
    assert plain["fc"] is not None
    assert np.shares_memory(plain["fc"], X["fc"])  # its missing row is NaN already
    assert plain["age"].dtype == np.float64
    assert np.isnan(plain["age"][5])
    hidden = MultimodalData(a=np.ones((2, 2)), mask={"a": [True, False]})
    assert np.isnan(hidden.to_dict()["a"][1]).all()
    assert not np.isnan(hidden["a"]).any()
    assert MultimodalData(hidden.to_dict()).mask.tolist() == hidden.mask.tolist()


def test_flat_array(X):
    flat = np.asarray(X)
    assert flat.dtype == np.float64
    np.testing.assert_array_equal(flat[:, :9], X["fc"].reshape(6, 9))
    assert np.isnan(flat[5, 9])
    assert flat[:5, 9].tolist() == [0, 1, 2, 3, 4]
    assert np.asarray(X, dtype="float32").dtype == np.float32
    assert np.asarray(X[["age"]][:3]).dtype == X["age"].dtype
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # before, copy= is not passed on
        with pytest.raises(ValueError, match="always a copy"):
            np.array(X, copy=False)


def test_flat_array_of_small_floats_stays_small():
    assert (
        np.asarray(MultimodalData(a=np.full((2, 2), np.nan, "f4"), b=np.ones((2, 1), "f4"))).dtype
        == "f4"
    )


def test_assign_replaces_and_adds(X):
    part = X[[5, 4, 1, 1]]
    new = part.assign({"age": np.zeros(4), "z": np.ones((4, 2))})
    assert new.modalities == ("fc", "age", "z")
    assert new.index.tolist() == ["z", "y", "v", "v"]
    assert new.meta["site"].tolist() == ["B", "A", "B", "B"]
    assert new.mask.tolist() == [[True, False, True], [False, True, True]] + [[True] * 3] * 2
    assert X.modalities == ("fc", "age")
    assert X.assign(z=np.ones(6)).base("fc") is X.base("fc")


def test_assign_checks_rows_and_ids(X):
    pd = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="'these subjects' 6, 'z' 5"):
        X.assign(z=np.ones(5))
    assert X.assign(z=pd.DataFrame({"q": range(6)}, index=list("uvwxyz"))).columns["z"] == ["q"]
    with pytest.raises(DataError, match="this container and the new modalities do not list"):
        X.assign(z=pd.Series(range(6), index=list("zyxwvu")))


def test_materialize_is_independent_and_compact(X):
    part = X[[4, 0]]
    own = part.materialize()
    assert len(own.base("fc")) == 2
    assert not np.shares_memory(own["fc"], X["fc"])
    assert not np.shares_memory(X.materialize()["fc"], X["fc"])
    assert own.mask.tolist() == part.mask.tolist()
    assert own.index.tolist() == ["y", "u"]
    assert own.meta["site"].tolist() == ["A", "A"]
    assert MultimodalData(a=[1]).materialize().index is None


def test_size_tells_the_bytes_of_the_bases():
    X = MultimodalData(a=np.ones((100, 100)), b=np.ones((100, 10), "f4"))
    assert 84_000 < X[:1].__sizeof__() < 85_000


def test_copies(X):
    shallow = copy.copy(X)
    assert shallow.base("fc") is X.base("fc")
    deep = copy.deepcopy(X)
    assert not np.shares_memory(deep["fc"], X["fc"])
    np.testing.assert_array_equal(deep["fc"], X["fc"])


def test_no_equality(X):
    other = copy.copy(X)
    assert other != X


def test_subclasses_stay_themselves():
    class Cohort(MultimodalData):
        pass

    X = Cohort(a=[1, 2, 3])
    assert [type(part) for part in (X[1:], X[["a"]], X.materialize(), X.assign(b=[1, 2, 3]))] == [
        Cohort
    ] * 4
    assert repr(X).startswith("Cohort: 3 subjects, 1 modality")


def test_from_dataframe():
    pd = pytest.importorskip("pandas")
    df = pd.DataFrame(
        {"id": ["a", "b", "c"], "site": ["P", "Q", "P"], "fc_1": [1.0, np.nan, 3.0],
         "fc_2": [4.0, np.nan, 6.0], "iq": [90, 100, 110]},
        index=["r1", "r2", "r3"],
    )  # fmt: skip
    selectors = {"fc": "fc_*", "clinical": [4]}
    X = MultimodalData.from_dataframe(df, selectors, meta=["site", "iq"], index="id")
    assert X.index.tolist() == ["a", "b", "c"]
    assert X.meta["site"].tolist() == ["P", "Q", "P"]
    assert X.columns == {"fc": ["fc_1", "fc_2"], "clinical": ["iq"]}
    assert X.mask[:, 0].tolist() == [True, False, True]
    other = MultimodalData.from_dataframe(df, selectors, meta="site")
    assert other.index.tolist() == ["r1", "r2", "r3"]
    assert list(other.meta) == ["site"]
    with pytest.raises(DataError, match=r"'sit', asked for as meta or index.*did you mean 'site'"):
        MultimodalData.from_dataframe(df, selectors, meta="sit")
    with pytest.raises(DataError, match="takes a DataFrame; got ndarray"):
        MultimodalData.from_dataframe(np.ones((2, 2)), {"a": [0]})
    with pytest.raises(DataError, match="'P' occurs 2 times"):
        MultimodalData.from_dataframe(df, selectors, index="site")


def test_from_dataframe_polars():
    pl = pytest.importorskip("polars")
    df = pl.DataFrame({"id": ["a", "b"], "x1": [1.0, 2.0], "y": [3, 4], "x2": [5.0, 6.0]})
    X = MultimodalData.from_dataframe(df, {"x": "x*", "y": slice(2, 3)}, meta="y", index="id")
    assert X["x"].tolist() == [[1.0, 5.0], [2.0, 6.0]]
    assert X.index.tolist() == ["a", "b"]
    assert X.meta["y"].tolist() == [3, 4]
