"""Pictures of augmentations."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from skmmcl import MultimodalData
from skmmcl.augmentation import FeatureNoise, GaussianNoise, Shift, plot_augmentation
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.volumes import plot_mid_slices


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    t1 = rng.normal(size=(5, 4, 6, 5))
    t1[1] = np.nan
    fc = rng.normal(size=(5, 3, 3)).astype("float32")
    return MultimodalData(
        t1=t1, pet=t1 + 1, fc=fc, age=rng.normal(size=(5, 7)), index=list("abcde")
    )


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def shown(figure, row, n_draws):
    axes = figure.axes[row * (n_draws + 1) : (row + 1) * (n_draws + 1)]
    return [np.asarray(ax.images[0].get_array()) for ax in axes]


def test_a_row_is_a_modality_and_a_column_one_draw(X):
    augment = {("t1", "pet"): Shift(0.5, p=1)}
    figure = plot_augmentation(X, augment, subject=2, n_draws=3)
    assert [ax.get_ylabel() for ax in figure.axes[::4]] == ["t1", "pet"]
    assert [ax.get_title() for ax in figure.axes[:4]] == ["unchanged", "draw 1", "draw 2", "draw 3"]
    t1, pet = shown(figure, 0, 3), shown(figure, 1, 3)
    np.testing.assert_array_equal(t1[0], X["t1"][2][:, :, 2].T)
    assert len({ax.images[0].get_clim() for ax in figure.axes[:4]}) == 1
    for moved, other in zip(t1[1:], pet[1:], strict=True):
        assert not np.array_equal(moved, t1[0])
        inside = moved != 0  # Shift brings in zeros
        np.testing.assert_allclose(other[inside], moved[inside] + 1)
    assert not np.array_equal(t1[1], t1[2])


def test_changes_in_units_of_what_differs_between_subjects_are_seen(X):
    augment = {"fc": FeatureNoise((1, 1), p=1), "age": FeatureNoise((1, 1), p=1)}
    figure = plot_augmentation(X, augment, subject=1, n_draws=1)  # has no t1, which is not needed
    matrix, noisy = (figure.axes[k].images[0].get_array() for k in (0, 1))
    np.testing.assert_array_equal(matrix, X["fc"][1])
    assert 0.3 < np.std(noisy - matrix) < 3
    before, after = (line.get_ydata() for line in figure.axes[3].lines)
    np.testing.assert_array_equal(before, X["age"][1])
    assert not np.array_equal(before, after)


def test_the_seed_decides_and_nothing_of_the_user_changes(X):
    def global_noise(x, generator):
        return x.add_(torch.rand(()))  # in place, and by the global generator

    state, values = torch.random.get_rng_state(), X["t1"].copy()
    augment = {"t1": global_noise, "pet": GaussianNoise(p=1)}
    first, again, other = (
        shown(plot_augmentation(X, augment, n_draws=1, random_state=seed), row, 1)[1]
        for row in (0,)
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_array_equal(X["t1"], values)


def test_one_augmentation_of_all_modalities(X):
    figure = plot_augmentation(X, FeatureNoise(p=1), subject=2, n_draws=1)
    assert [ax.get_ylabel() for ax in figure.axes[::2]] == ["t1", "pet", "fc", "age"]


def test_what_cannot_be_shown(X):
    with pytest.raises(DataError, match=r"Subject 'b' lacks \['t1'\]"):
        plot_augmentation(X, {"t1": Shift()}, subject=1)
    with pytest.raises(ModalityError, match=r"augment names \['t2'\]"):
        plot_augmentation(X, {"t2": Shift()})
    with pytest.raises(ModalityError, match="names no modality"):
        plot_augmentation(X, {})
    with pytest.raises(IndexError):
        plot_augmentation(X, {"t1": Shift()}, subject=5)


def test_without_matplotlib_the_extra_is_named(X, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'plot_augmentation .* pip install "skmmcl\[plot\]"'):
        plot_augmentation(X, {"t1": Shift()})
    with pytest.raises(ImportError, match=r'plot_mid_slices .* pip install "skmmcl\[plot\]"'):
        plot_mid_slices(X, "t1")
