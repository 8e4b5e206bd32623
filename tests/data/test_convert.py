"""The forms of input that estimators accept."""

import numpy as np
import pytest
from scipy import sparse

from skmmcl.data import MultimodalData, as_multimodal, is_multimodal
from skmmcl.exceptions import DataError, ModalityError

FC, AGE = np.arange(12.0).reshape(3, 4), np.array([31.0, 28.0, 40.0])


def records():
    return [{"fc": fc, "age": age} for fc, age in zip(FC, AGE, strict=True)]


def structured():
    array = np.zeros(3, dtype=[("fc", float, (4,)), ("age", float)])
    array["fc"], array["age"] = FC, AGE
    return array


def slice_dict():
    from skorch.helper import SliceDict

    return SliceDict(fc=FC, age=AGE[:, None])


FORMS = {
    "container": lambda: MultimodalData(fc=FC, age=AGE),
    "dict": lambda: {"fc": FC, "age": AGE},
    "skorch": slice_dict,
    "records": records,
    "tuple": lambda: tuple(records()),
    "object array": lambda: np.array(records()),
    "structured": structured,
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_give_the_same_arrays(form):
    given = FORMS[form]()
    assert is_multimodal(given)
    X = as_multimodal(given)
    assert isinstance(X, MultimodalData)
    np.testing.assert_array_equal(X["fc"], FC)
    np.testing.assert_array_equal(X["age"], AGE[:, None])
    assert X.shape == (3, 5)


def test_containers_are_returned_as_they_are():
    X = MultimodalData(fc=FC)
    assert as_multimodal(X) is X


def test_arrays_of_a_dict_are_shared():
    assert np.shares_memory(as_multimodal({"fc": FC})["fc"], FC)
    array = structured()
    assert np.shares_memory(as_multimodal(array)["fc"], array)


@pytest.mark.parametrize(
    "X",
    [
        FC,
        FC.tolist(),
        [],
        None,
        "fc",
        3,
        sparse.csr_array(FC),
        sparse.dok_array(FC),
        AGE.astype(object),
    ],
)
def test_what_is_not_multimodal(X):
    assert not is_multimodal(X)
    with pytest.raises(DataError, match=r"Expected named modalities|Sparse"):
        as_multimodal(X)


def test_tables_are_not_multimodal():
    pd = pytest.importorskip("pandas")
    assert not is_multimodal(pd.DataFrame(FC))
    with pytest.raises(DataError, match=r"got DataFrame.*which columns make which modality"):
        as_multimodal(pd.DataFrame(FC))


def test_records_with_absent_modalities():
    X = as_multimodal([{"fc": FC[0]}, {"age": 28.0, "fc": None}, {"fc": FC[2], "age": 40.0}])
    assert X.modalities == ("fc", "age")
    assert X.mask.tolist() == [[True, False], [False, True], [True, True]]


def test_records_come_back():
    X = as_multimodal([{"fc": FC[0]}, {"age": 28.0}, {"fc": FC[2], "age": 40.0}])
    again = as_multimodal(list(X))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(X))


@pytest.mark.parametrize(
    "X",
    [
        [{"fc": None, "age": 1}, {"age": 2}],
        [{"age": 1}, {"age": 2}],
        {"fc": [None, None], "age": [1, 2]},
    ],
)
def test_what_nobody_has_is_known_by_its_shape(X):
    found = as_multimodal(X, shapes={"fc": (4, 4), "age": (1,)})
    assert found.shapes == {"fc": (4, 4), "age": (1,)}
    assert found[["fc", "age"]].mask.tolist() == [[False, True]] * 2


def test_bad_records():
    with pytest.raises(DataError, match=r"'fc': subject 1 has shape \(3,\)"):
        as_multimodal([{"fc": FC[0]}, {"fc": FC[1, :3]}])
    with pytest.raises(DataError, match="Subject 1 is a list, the first one a mapping"):
        as_multimodal([{"fc": FC[0]}, [1, 2]])
    with pytest.raises(DataError, match="'fc' is None for every subject, so that its shape"):
        as_multimodal([{"fc": None, "age": 1}, {"age": 2}])
    with pytest.raises(DataError, match="'fc' is an array of Python objects"):
        as_multimodal([{"fc": {"a": 1}}, {"fc": {"a": 1}}])


def test_bad_mappings():
    with pytest.raises(DataError, match="cannot be nested"):
        as_multimodal({"fc": {"left": FC}})
    with pytest.raises(ModalityError, match="non-empty text; got 0"):
        as_multimodal({0: FC})
    with pytest.raises(ModalityError, match="at least one"):
        as_multimodal({})
    with pytest.raises(DataError, match="'site' holds text"):
        as_multimodal(np.zeros(3, dtype=[("site", "U3")]))


def test_bootstrapped_tables_are_taken():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(FC, index=["a", "b", "c"]).iloc[[0, 0, 2]]
    assert as_multimodal({"fc": table}).index.tolist() == ["a", "a", "c"]
