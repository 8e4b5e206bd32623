"""Codes of categories, and columns, mean in transform what they meant in fit."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.data._layout import Layout
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.inspection import modality_importance
from skmmcl.preprocessing import ComBat, ModalityTransformer

pd = pytest.importorskip("pandas")

GRADES = ["low", "mid", "high"]


def container(values, categories=None, *, ordered=False, **more):
    column = pd.Categorical(values, categories=categories, ordered=ordered)
    return MultimodalData(clinical=pd.DataFrame({"age": 30.0, "grade": column}), **more)


def codes(X):
    return X["clinical"][:, 1].tolist()


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (container(["F", "M"]), [0, 1]),
        (container(["M"]), [1]),
        (container(["F"]), [0]),
        (container(["M", "F"], ["M", "F"]), [1, 0]),
        (container(["M", "F"], ["M", "F"], ordered=True), [1, 0]),
        (container(["M", None], ["M", "F"]), [1, np.nan]),
        (container(pd.array(["M", "F"], dtype="string")), [1, 0]),
        (container(["M"], ["M", "X"]), [1]),
    ],
)
def test_two_values(new, expected):
    layout = Layout.of(container(["F", "M", "M"]))
    np.testing.assert_array_equal(codes(layout.apply(new)), expected)


@pytest.mark.parametrize(
    ("values", "categories"),
    [
        (["high", "low"], ["low", "high"]),
        (["high", "low"], GRADES[::-1]),
        (["high", "low"], GRADES),
    ],
)
def test_ordered(values, categories):
    layout = Layout.of(container(GRADES, GRADES, ordered=True))
    assert codes(layout.apply(container(values, categories, ordered=True))) == [2, 0]


@pytest.mark.parametrize(
    "values",
    [
        [True, False, True],
        pd.array([True, False, True], dtype="boolean"),
        pd.Categorical([True, False, True]),
        pd.Categorical(pd.array([True, False, True], dtype="boolean")),
        pd.Categorical([1, 0, 1]),
        pd.Categorical(pd.array([1, 0, 1], dtype="Int64")),
        pd.Categorical([1.0, 0.0, 1.0], ordered=True),
        pd.array([1, 0, 1], dtype="Int8"),
    ],
)
def test_what_is_a_number_is_its_own_code(values):
    X = MultimodalData(t=pd.DataFrame({"a": values}))
    layout = Layout.of(MultimodalData(t=pd.DataFrame({"a": [False, True]})))
    assert layout.apply(X) is X
    assert layout.apply(X[[0]])["t"].tolist() == [[1]]
    assert X.categories == {"t": {}}


def test_one_value_in_fit():
    layout = Layout.of(container(["M", "M"]))
    assert codes(layout.apply(container(["M"]))) == [0]
    with pytest.raises(DataError, match="'grade' has categories that fit did not see: F in 1"):
        layout.apply(container(["M", "F"]))


def test_unknown_categories_are_named():
    new = container(["F", "X", "X"], index=["s1", "s2", "s3"])
    with pytest.raises(
        DataError,
        match=r"Modality 'clinical', column 'grade' has .* X in 2 subjects \(first: 's2'\); "
        r"fit saw \['F', 'M'\]",
    ):
        Layout.of(container(["F", "M"])).apply(new)


def test_numbers_for_categories_and_the_reverse():
    named, bare = container(["F", "M"]), MultimodalData(clinical=np.array([[30.0, 0], [30, 1]]))
    table = MultimodalData(clinical=pd.DataFrame({"age": [30.0], "grade": [0]}))
    assert Layout.of(named).apply(bare) is not None  # as np.asarray gives them
    with pytest.raises(DataError, match=r"holds numbers, but fit saw the categories \['F', 'M'\]"):
        Layout.of(named).apply(table)
    with pytest.raises(DataError, match="holds numbers"):
        Layout.of(named).apply(MultimodalData(clinical=np.array([[30.0, 2]])))
    with pytest.raises(DataError, match=r"holds the categories \['F', 'M'\], but fit saw numbers"):
        Layout.of(table).apply(named)


def test_categories_stay_with_slices_copies_and_pickles():
    X = container(["F", "M", "M"], index=list("abc"))
    kept = {"clinical": {1: ["F", "M"]}}
    other = X.assign(fc=np.ones((3, 2)))
    for Y in (X[1:], X.materialize(), pickle.loads(pickle.dumps(X)), other[["clinical"]]):
        assert Y.categories == kept
    assert X._permuted("clinical", np.array([2, 0, 1])).categories == kept


def test_columns_in_another_order_or_of_other_names_are_refused():
    table = pd.DataFrame({"age": [1.0, 2.0], "iq": [3.0, 4.0]})
    layout = Layout.of(MultimodalData(t=table))
    with pytest.raises(ModalityError, match=r"another order: \['iq', 'age'\]"):
        layout.apply(MultimodalData(t=table[["iq", "age"]]))
    with pytest.raises(ModalityError, match=r"missing \['iq'\], unknown \['edu'\]"):
        layout.apply(MultimodalData(t=table.rename(columns={"iq": "edu"})))


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    sex = pd.Categorical(rng.choice(["F", "M"], 40))
    table = pd.DataFrame({"sex": sex, "iq": rng.normal(size=40), "age": rng.normal(size=40)})
    return table, rng.normal(size=(40, 3)), np.arange(40) % 2


def men_alone(table):
    """The table of the men, who know of no women."""
    men = table[table["sex"] == "M"].reset_index(drop=True)
    return men.assign(sex=men["sex"].cat.remove_unused_categories())


@pytest.mark.parametrize("form", ["container", "dict", "table", "pipeline"])
def test_men_alone_are_embedded_as_among_women(form, cohort):
    table, fc, y = cohort
    rows = np.flatnonzero(table["sex"] == "M")
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=2, random_state=0)
    if form == "table":
        embedder.set_params(modalities={"clinical": ["sex", "iq", "age"], "fc": ["f0", "f1", "f2"]})

    def make(table, fc):
        if form == "table":
            return table.assign(**{f"f{k}": fc[:, k] for k in range(3)})
        return (
            {"clinical": table, "fc": fc}
            if form == "dict"
            else MultimodalData(clinical=table, fc=fc)
        )

    model = embedder
    if form == "pipeline":
        model = ModalityTransformer({"clinical": StandardScaler()}).fit(make(table, fc))
        everyone = model.transform(make(table, fc))["clinical"][rows]
        np.testing.assert_array_equal(
            model.transform(make(men_alone(table), fc[rows]))["clinical"], everyone
        )
        return
    model.fit(make(table, fc), y)
    assert model.categories_ == {"clinical": {"sex": ["F", "M"]}}
    everyone = model.transform(make(table, fc))[rows]
    np.testing.assert_array_equal(model.transform(make(men_alone(table), fc[rows])), everyone)


def test_combat_and_importance(cohort):
    table, fc, y = cohort
    meta = {"site": np.tile(["A", "B"], 20)}
    X = MultimodalData(clinical=table, fc=fc, meta=meta)
    rows = np.flatnonzero(table["sex"] == "M")
    men = MultimodalData(clinical=men_alone(table), fc=fc[rows], meta={"site": meta["site"][rows]})
    combat = ComBat().fit(X)
    np.testing.assert_allclose(
        combat.transform(men)["clinical"], combat.transform(X)["clinical"][rows]
    )

    class Codes(BaseEstimator):
        def fit(self, X, y):
            return self

        def score(self, X, y):
            assert X.categories["clinical"] == {0: ["F", "M"]}
            return 1.0

    modality_importance(Codes(), X, y, n_repeats=1)
