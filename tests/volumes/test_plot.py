"""Pictures of volumes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skmmcl import MultimodalData
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.volumes import plot_mid_slices


@pytest.fixture
def X():
    t1 = np.random.default_rng(0).normal(size=(5, 4, 5, 6))
    t1[1] = np.nan
    return MultimodalData(t1=t1, age=[[1.0]] * 5, index=list("abcde"))


def test_columns_are_the_first_subjects_who_have_the_modality(X):
    figure = plot_mid_slices(X, "t1", n_subjects=3)
    assert [ax.get_title() for ax in figure.axes[:3]] == ["a", "c", "d"]
    assert [ax.get_ylabel() for ax in figure.axes[::3]] == ["sagittal", "coronal", "axial"]
    shown = figure.axes[3].images[0].get_array()  # the coronal plane of "a"
    np.testing.assert_array_equal(shown, X["t1"][0, :, 2].T)
    assert len({ax.images[0].get_clim() for ax in figure.axes}) == 1
    plt.close(figure)
    figure = plot_mid_slices(X, "t1", n_subjects=2, shared_range=False)
    assert len({ax.images[0].get_clim() for ax in figure.axes}) > 1
    plt.close(figure)


def test_what_cannot_be_shown(X):
    with pytest.raises(ModalityError, match="expected 3-D"):
        plot_mid_slices(X, "age")
    with pytest.raises(DataError, match="No subject has modality 't1'"):
        plot_mid_slices(X[[1]], "t1")
