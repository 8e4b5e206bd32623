"""What a model file says is refused, each in its own words, where it cannot be so."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from skmmcl import model_info, save_model
from skmmcl.exceptions import ModelFileError
from skmmcl.sharing import model_card
from skmmcl.sharing._arrays import restore_array, restore_tensor, store_array, store_tensor
from skmmcl.sharing._file import read_file, write_file
from skmmcl.sharing._read import Reader

EYE = np.eye(2)
ARRAY = {"dtype": "<f8", "shape": [2, 2]}


@pytest.mark.parametrize(
    ("stored", "changes", "message"),
    [
        (EYE, {"dtype": "|O"}, "an array of the type '|O'"),
        (EYE, {"shape": [4]}, "where float64 of shape"),
        (EYE * np.nan, {}, "NaN or infinite values, which it had not"),
        (np.zeros(3, np.uint8), {"dtype": "<U2", "shape": [1]}, "3 bytes for <U2"),
    ],
)
def test_arrays(stored, changes, message):
    with pytest.raises(ModelFileError) as error:
        restore_array(stored, ARRAY | changes)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strides": [1]}, r"the strides \[1\]"),
        ({"strides": [0, 0]}, r"the strides \[0, 0\]"),
        ({"strides": [9, -1]}, r"the strides \[9, -1\]"),
        ({"as": "qint8"}, "a tensor of the type 'qint8'"),
    ],
)
def test_tensors(changes, message):
    with pytest.raises(ModelFileError, match=message):
        restore_tensor(EYE, ARRAY | changes)


def test_what_is_no_array_of_numbers():
    with pytest.raises(ModelFileError, match="an array of object"):
        store_array(np.array([None]))
    with pytest.raises(ModelFileError, match="it is a MaskedArray; only plain arrays"):
        store_array(np.ma.masked_array([1.0, 2.0], mask=[True, False]))
    with pytest.raises(ModelFileError, match=r"a tensor of the layout torch.sparse_coo"):
        store_tensor(torch.eye(2).to_sparse())


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ([1], "where a value is expected"),
        (float("nan"), "where a value is expected"),
        ({"is": "spell"}, "the unknown kind 'spell'"),
        ({"is": 3}, "the unknown kind 3"),
        (
            {"is": "tuple", "items": [{"is": "set", "id": 1, "items": []}] * 2},
            "two values of the number 1",
        ),
        ({"is": "dict", "pairs": [["a", 1], ["a", 2]]}, "with the key 'a' twice"),
        ({"is": "list", "class": "builtins.dict", "items": []}, "builtins.dict"),
    ],
)
def test_values(node, message):
    with pytest.raises(ModelFileError, match=message):
        Reader({}, {}).read(node)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"class": None}, "class"),
        ({"class": "a.<script>\n# x"}, "class"),
        ({"scores": [0.5]}, "scores"),
        ({"trusts": "ab"}, "trusts"),
    ],
)
def test_descriptions(changes, place, tmp_path):
    save_model(Ridge(), tmp_path / "a")
    about, model, arrays = read_file(tmp_path / "a")
    write_file(tmp_path / "b", about | changes, model, arrays)
    for read in (model_info, model_card):
        with pytest.raises(ModelFileError, match=rf"cannot be read: .* malformed at \['{place}'\]"):
            read(tmp_path / "b")


def test_a_card_of_a_class_of_another_version(tmp_path):
    save_model(Ridge(), tmp_path / "a")
    about, model, arrays = read_file(tmp_path / "a")
    write_file(tmp_path / "b", about | {"class": "skmmcl.base.Later"}, model, arrays)
    assert model_card(tmp_path / "b").startswith("# Later\n")
