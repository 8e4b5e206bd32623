"""Volumes in files train as those in memory do."""

import os
import pickle

import numpy as np
import pytest
from skorch.callbacks import Callback
from torch import nn

from skmmcl import CMCCSSEmbedder, MultimodalData, stacked_fits
from skmmcl.exceptions import DataError
from skmmcl.volumes import LazyVolumes, load_volumes

N, GRID = 16, (5, 6, 7)


def small_cnn(shape, n_components):
    return nn.Sequential(
        nn.Unflatten(1, (1, shape[0])),
        nn.Conv3d(1, 2, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(2),
        nn.Flatten(),
        nn.Linear(16, n_components),
    )


def make(**params):
    settings = {"encoders": {"t1": small_cnn}, "n_components": 3, "max_epochs": 2, "batch_size": 6}
    return CMCCSSEmbedder(
        **{"solver": "gradient", **settings, "random_state": 0, "device": "cpu", **params}
    )


@pytest.fixture
def y():
    return np.arange(N) % 2


@pytest.fixture
def clinical():
    return np.random.default_rng(1).normal(size=(N, 3))


@pytest.fixture
def in_memory(clinical):
    t1 = np.random.default_rng(0).normal(size=(N, *GRID)).astype(np.float32)
    t1[5] = np.nan
    return MultimodalData(t1=t1, clinical=clinical)


@pytest.fixture
def in_files(in_memory, save):
    paths = [
        save(f"s{k}.nii", volume) if present else None
        for k, (volume, present) in enumerate(
            zip(in_memory["t1"], in_memory.mask[:, 0], strict=True)
        )
    ]
    return MultimodalData(t1=load_volumes(paths), clinical=in_memory["clinical"])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"dtype": "float64"},
        {"encoders": {"t1": "mlp"}},  # whose batches are padded
        {"validation_fraction": 0.3, "monitor": "probe", "n_iter_no_change": 1},
    ],
)
def test_same_bits_as_in_memory(in_files, in_memory, y, params):
    expected = make(**params).fit(in_memory, y)
    embedder = make(**params).fit(in_files, y)
    np.testing.assert_array_equal(embedder.transform(in_files), expected.transform(in_memory))
    rows = [5, 3, 12]
    np.testing.assert_array_equal(
        embedder.transform(in_files[rows]), expected.transform(in_memory[rows])
    )


@pytest.mark.gpu
def test_same_as_in_memory_on_a_gpu(in_files, in_memory, y):
    expected = make(device="cuda").fit(in_memory, y).transform(in_memory)
    found = make(device="cuda").fit(in_files, y).transform(in_files)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_no_more_than_a_few_volumes_are_in_memory(in_files, y, monkeypatch):
    most = []
    read = LazyVolumes.__array__
    monkeypatch.setattr(
        LazyVolumes, "__array__", lambda self, *args: most.append(len(self)) or read(self, *args)
    )
    monkeypatch.setattr("skmmcl.training._callbacks.N_VOXELS", 4 * 210)
    monkeypatch.setattr("skmmcl.utils._moments.VOXELS", 4 * 210)
    make().fit(in_files, y).transform(in_files)
    assert 4 <= max(most) <= 6


def test_stacked_fits_train_volumes_one_after_another(in_files, y):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(make(max_epochs=1), LogisticRegression())
    expected = cross_val_score(pipeline, in_files, y, cv=2)
    with stacked_fits():
        assert cross_val_score(pipeline, in_files, y, cv=2).tolist() == expected.tolist()


def test_bad_voxels_are_found_before_training(in_files, y):
    path = in_files["t1"].paths[2]
    os.truncate(path, 900)
    lazy = load_volumes(in_files["t1"].paths)
    X = MultimodalData(t1=lazy, clinical=in_files["clinical"])
    with pytest.raises(DataError, match=rf"Modality 't1': Subject 2: {path} is damaged"):
        make(callbacks=[Never()]).fit(X, y)
    make(max_epochs=1).fit(X[3:], y[3:])


class Never(Callback):
    """A callback that must not be reached."""

    def notify(self, *args, **kwargs):
        raise AssertionError("training has begun")


def test_checkpoints_tell_volumes_apart_without_reading_them_whole(in_files, y, tmp_path):
    folder = tmp_path / "checkpoint"
    first = make(checkpoint=folder).fit(in_files, y)
    again = make(checkpoint=folder).fit(pickle.loads(pickle.dumps(in_files)), y)
    assert len(list(folder.glob("fit-*"))) == 1
    assert np.array_equal(first.transform(in_files), again.transform(in_files))
    make(checkpoint=folder).fit(in_files[1:], y[1:])
    assert len(list(folder.glob("fit-*"))) == 2


def test_cross_validation_ships_paths(in_files):
    assert len(pickle.dumps(in_files[3:])) < 8000  # 16 volumes are 13 kB
