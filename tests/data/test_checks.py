"""Values that training cannot use."""

import numpy as np
import pytest

from skmmcl.data import MultimodalData, _checks, check_values
from skmmcl.exceptions import DataError


def cohort(**changes):
    clinical = np.ones((6, 3))
    clinical[5] = np.nan
    for place, value in changes.items():
        row, column = map(int, place[1:].split("_"))
        clinical[row, column] = value
    return MultimodalData(clinical=clinical, age=np.arange(6), index=[f"sub-{i}" for i in range(6)])


def message(X, dtype="float32"):
    with pytest.raises(DataError) as caught:
        check_values(X, dtype)
    return str(caught.value)


def test_sound_values_pass():
    check_values(cohort(), "float32")
    check_values(cohort(), None)
    check_values(cohort()[[]], "float32")
    check_values(MultimodalData(a=np.array([[2**62]]), b=[[True]]), "float16")


def test_gaps_are_counted_and_placed():
    X = cohort(v1_2=np.nan, v3_0=np.nan, v3_1=np.nan)
    text = message(X)
    assert text.startswith(
        "Modality 'clinical': 3 NaN in 2 of 5 present subjects (first: subject 'sub-1', column 2)."
    )
    assert "ModalityTransformer({'clinical': SimpleImputer()})" in text


def test_rows_are_those_of_the_slice():
    X = cohort(v1_2=np.nan, v3_0=np.nan)
    check_values(X[[0, 2, 4, 5]], "float32")
    assert "1 NaN in 1 of 2 present subjects (first: subject 'sub-3', column 0)" in message(
        X[[5, 0, 3]]
    )
    assert "2 NaN in 2 of 2" in message(X[[1, 1]])


def test_infinite_and_too_large():
    text = message(cohort(v0_0=np.inf, v1_0=-np.inf, v2_0=-1e300))
    assert "2 infinite in 2 of 5" in text
    assert "1 too large for float32 in 1 of 5" in text
    assert "dtype='float64'" in text
    assert "np.arctanh" in text
    check_values(cohort(v2_0=1e300), "float64")
    check_values(cohort(v2_0=np.finfo("float32").max), "float32")


def test_absent_subjects_are_not_looked_at():
    X = MultimodalData(a=[[1.0, np.nan], [1.0, 2.0]], mask={"a": [False, True]})
    check_values(X, "float32")


def test_column_names_and_positions():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"age": [1.0, 2.0], "iq": [1.0, np.nan]})
    volumes = np.ones((2, 2, 2))
    volumes[1, 0, 1] = np.inf
    text = message(MultimodalData(clinical=table, fc=volumes))
    assert "'clinical': 1 NaN in 1 of 2 present subjects (first: row 1, column 'iq')" in text
    assert "'fc': 1 infinite in 1 of 2 present subjects (first: row 1, position (0, 1))" in text


def test_blocks_add_up(monkeypatch):
    X = cohort(v0_1=np.nan, v2_1=np.nan, v4_1=np.nan)
    whole = message(X)
    monkeypatch.setattr(_checks, "_BLOCK_BYTES", 48)
    assert message(X) == whole
    assert "(first: subject 'sub-0'" in whole


def test_nothing_is_altered():
    X = cohort(v0_1=np.nan)
    before = X["clinical"].copy()
    message(X)
    np.testing.assert_array_equal(X["clinical"], before)


def test_lazy_modalities_are_not_read():
    class Unreadable:
        shape, dtype = (2, 3), np.dtype(float)

        def __len__(self):
            return 2

        def __getitem__(self, rows):
            raise AssertionError("was read")

    check_values(MultimodalData(t1=Unreadable(), a=[1.0, 2.0]), "float32")
