"""Values that training cannot use."""

from tempfile import TemporaryFile

import numpy as np
import pytest

from skmmcl import CMCCSSEmbedder
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


class Bare:
    """What a file has: shape, dtype and rows."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows):
        return self._array[rows]


def dask_array(array):
    return pytest.importorskip("dask.array").from_array(array, chunks=4)


def memmap(array):
    with TemporaryFile() as file:
        np.save(file, array)
        file.seek(0)
        version = np.lib.format.read_magic(file)
        assert version == (1, 0)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return np.memmap(file, dtype=dtype, mode="r", shape=shape, offset=file.tell())


@pytest.mark.parametrize("lazy", [Bare, dask_array, memmap])
@pytest.mark.parametrize("shape", [(3,), (2, 2), (2, 2, 2)])
@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_lazy_modalities_are_looked_at(lazy, shape, value, what):
    rng = np.random.default_rng(0)
    arrays = {"lazy": rng.normal(size=(12, *shape)), "b": rng.normal(size=(12, 2))}
    index = [f"s{i}" for i in range(12)]
    bad = {**arrays, "lazy": arrays["lazy"].copy()}
    bad["lazy"][5].flat[1] = value
    match = f"Modality 'lazy': 1 {what} in 1 of 12 present subjects .first: subject 's5'"
    good, bad = (
        MultimodalData({**arrays, "lazy": lazy(arrays["lazy"])}, index=index)
        for arrays in (arrays, bad)
    )
    embedder = CMCCSSEmbedder(max_epochs=1, css_weight=0, random_state=0)
    with pytest.raises(DataError, match=match):
        embedder.fit(bad)
    embedder.fit(good)
    for call in (embedder.transform, embedder.partial_fit):
        with pytest.raises(DataError, match=match):
            call(bad)
    np.testing.assert_array_equal(
        embedder.transform(good),
        embedder.transform({name: np.asarray(a) for name, a in good.items()}),
    )


def test_who_lacks_a_lazy_modality_is_said_by_mask():
    rows = Bare(np.array([[1.0], [np.nan]]))
    check_values(MultimodalData(t1=rows, mask={"t1": [True, False]}), "float32")
    with pytest.raises(DataError, match="for a lazy array, give mask="):
        check_values(MultimodalData(t1=rows), "float32")
