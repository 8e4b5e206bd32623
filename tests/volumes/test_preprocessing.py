"""Volumes stay in their files when each is preprocessed by itself."""

import pickle

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.data import _rows
from skmmcl.exceptions import DataError
from skmmcl.preprocessing import HistogramStandardizer, MaskedZScore, ModalityTransformer
from skmmcl.preprocessing._lazy import MappedRows
from skmmcl.volumes import load_volumes
from skmmcl.volumes._store import VolumeStore

N, GRID = 12, (5, 6, 7)


@pytest.fixture
def in_memory():
    rng = np.random.default_rng(0)
    t1 = rng.gamma(2.0, size=(N, *GRID)).astype(np.float32)
    t1 *= np.arange(1, N + 1, dtype=np.float32)[:, None, None, None]
    t1[:, 0], t1[5] = 0, np.nan
    return MultimodalData(t1=t1, clinical=rng.normal(size=(N, 3)))


@pytest.fixture
def in_files(in_memory, save):
    paths = [
        save(f"s{k}.nii", volume) if present else None
        for k, (volume, present) in enumerate(
            zip(in_memory["t1"], in_memory.mask[:, 0], strict=True)
        )
    ]
    return MultimodalData(t1=load_volumes(paths), clinical=in_memory["clinical"])


@pytest.fixture
def reads(monkeypatch):
    """Numbers of volumes that were read at once, blocks being of three volumes."""
    monkeypatch.setattr(_rows, "_BLOCK_BYTES", 3 * 4 * np.prod(GRID))
    numbers, read = [], VolumeStore.read
    monkeypatch.setattr(
        VolumeStore, "read", lambda self, rows: numbers.append(len(rows)) or read(self, rows)
    )
    return numbers


@pytest.mark.parametrize("make", [MaskedZScore, HistogramStandardizer])
def test_few_volumes_are_in_memory_at_a_time(in_files, in_memory, reads, make):
    if make is HistogramStandardizer:
        pytest.importorskip("torchio")
    transformer = ModalityTransformer({"t1": make()}).fit(in_files)
    assert reads == ([3] if make is MaskedZScore else [3, 3, 3, 2])  # the former learns nothing
    reads.clear()
    X = pickle.loads(pickle.dumps(transformer.transform(in_files)))[2:]
    assert reads == []
    assert "MappedRows of shape (10, 5, 6, 7), float32" in repr(X["t1"])
    assert np.array_equal(X.mask, in_files[2:].mask)
    expected = transformer.fit(in_memory).transform(in_memory)["t1"][2:]
    np.testing.assert_allclose(np.asarray(X["t1"]), expected, rtol=1e-5, atol=1e-5)
    assert reads == [3, 3, 3, 1]
    np.testing.assert_allclose(X["t1"][-1], expected[-1], rtol=1e-5, atol=1e-5)


def test_training_gives_the_same_bits_as_in_memory(in_files, in_memory):
    y = np.arange(N) % 2
    found, expected = (
        make_pipeline(
            ModalityTransformer({"t1": MaskedZScore()}),
            CMCCSSEmbedder(
                solver="gradient", n_components=3, max_epochs=2, batch_size=6, random_state=0
            ),
        ).fit_transform(X, y)
        for X in (in_files, in_memory)
    )
    assert np.array_equal(found, expected)


def test_who_is_taken_out_of_a_container_stays_out(in_files):
    has_t1 = np.arange(N) != 2
    X = MultimodalData(in_files.to_dict(), mask={"t1": has_t1})
    X = ModalityTransformer({"t1": MaskedZScore()}).fit_transform(X)
    assert np.flatnonzero(~X.mask[:, 0]).tolist() == [2, 5]
    assert np.isnan(np.asarray(X["t1"])[[2, 5]]).all()


def test_a_volume_that_cannot_be_transformed_is_named(save):
    paths = [save(f"s{k}.nii", np.full(GRID, k, dtype=np.float32)) for k in (1, 0)]
    X = ModalityTransformer({"t1": MaskedZScore()}).fit_transform({"t1": load_volumes(paths)})
    with pytest.raises(DataError, match=r"'t1', .*s0\.nii: .* no voxel in the mask"):
        np.asarray(X["t1"])


class Files:
    """Stand-in for volumes of which each lies in a file."""

    paths = ("a.nii", "b.nii")

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self._array)

    def __getitem__(self, rows):
        return Files(self._array[rows])

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._array, dtype=dtype)


def test_what_becomes_infinite_when_it_is_read_is_named():
    inverse = FunctionTransformer(lambda x: x / (x != 0))
    rows = MappedRows(Files(np.array([[[1.0]], [[0.0]]])), inverse, "t1")
    assert rows[1:].shape == (1, 1, 1)
    with (
        np.errstate(divide="ignore", invalid="ignore"),
        pytest.raises(DataError, match=r"Modality 't1', b\.nii: it holds NaN or infinite"),
    ):
        np.asarray(rows)
