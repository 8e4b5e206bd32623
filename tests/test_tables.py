"""Tables of objects, NA and odd labels, given to fit."""

from decimal import Decimal

import numpy as np
import pytest

from skmmcl import CMCCSSEmbedder
from skmmcl.exceptions import DataError, ModalityError

pd = pytest.importorskip("pandas")

N = 12
Y = np.arange(N) % 2
POSITIONS = {"a": slice(0, 2), "b": slice(2, 4)}
NAMES = {"a": ["a", "b"], "b": ["c", "d"]}


@pytest.fixture(scope="module", name="values")
def made_values():
    return np.random.default_rng(0).integers(0, 8, size=(N, 4)) / 4


def make(modalities):
    return CMCCSSEmbedder(solver="gradient", modalities=modalities, max_epochs=1, random_state=0)


def of_decimals(values):
    return np.array([[Decimal(x) for x in row] for row in values.tolist()], dtype=object)


TABLES = {
    "objects": (lambda v: v.astype(object), POSITIONS),
    "decimals": (of_decimals, POSITIONS),
    "longdouble": (lambda v: v.astype(np.longdouble), POSITIONS),
    "table of decimals": (lambda v: pd.DataFrame(of_decimals(v), columns=list("abcd")), NAMES),
    "Float64": (lambda v: pd.DataFrame(v, columns=list("abcd")).astype("Float64"), NAMES),
    "levels": (
        lambda v: pd.DataFrame(v, columns=pd.MultiIndex.from_product([["a", "b"], [1, 2]])),
        {"a": "a", "b": "b"},
    ),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("lone", [True, False])
def test_tables_of_any_type_give_the_same(kind, lone, values):
    convert, modalities = TABLES[kind]
    if lone and kind == "levels":
        pytest.skip("one table of all columns")
    expected = make(None if lone else POSITIONS).fit_transform(values, Y)
    found = make(None if lone else modalities).fit_transform(convert(values), Y)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("lone", [True, False])
@pytest.mark.parametrize("as_table", [True, False])
@pytest.mark.parametrize("na", [pd.NA, None, np.nan])
def test_na_among_objects_is_named(na, as_table, lone, values):
    X = values.astype(object)
    X[0, 0] = na
    X = pd.DataFrame(X, columns=list("abcd")) if as_table else X
    modalities = None if lone else (NAMES if as_table else POSITIONS)
    with pytest.raises(DataError, match=r"1 NaN in 1 of 12 present subjects \(first: row 0"):
        make(modalities).fit(X, Y)


@pytest.mark.parametrize("modalities", [None, {"a": "a", "b": "b"}, {"a": [0, 1], "b": [3]}])
def test_names_that_occur_twice(modalities, values):
    X = pd.DataFrame(values, columns=list("aabc"))
    with pytest.raises(ModalityError, match="X has several columns named a; rename them"):
        make(modalities).fit(X, Y)


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: [Decimal(int(v)) for v in y],
        lambda y: y.astype(np.longdouble),
        lambda y: pd.Series(y).astype("Int64"),
        lambda y: pd.Series(y).astype("boolean"),
        lambda y: pd.Series(pd.Categorical(y)),
        lambda y: pd.Series(pd.Categorical(np.array(["F", "M"])[y], ["M", "F"], ordered=True)),
    ],
)
def test_classes_of_any_type_give_the_same(convert, values):
    expected = make(POSITIONS).fit_transform(values, Y)
    np.testing.assert_array_equal(make(POSITIONS).fit_transform(values, convert(Y)), expected)
