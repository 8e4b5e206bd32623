"""Pictures of maps."""

import sys

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pytest

from skmmcl.inspection import (
    group_contrast,
    latent_links,
    plot_group_contrast,
    plot_latent_links,
    plot_saliency,
)
from skmmcl.volumes import load_volumes

GRID, AFFINE = (6, 7, 8), np.diag([20.0, 20, 20, 1])


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def volumes(tmp_path):
    paths = [tmp_path / f"{k}.nii" for k in range(3)]
    for k, path in enumerate(paths):
        nib.save(nib.Nifti1Image(np.full(GRID, k, np.float32), AFFINE), path)
    return load_volumes([*paths, None], cache=False)


@pytest.fixture
def drawn(monkeypatch):
    """Arguments that reached nilearn."""
    import nilearn.plotting

    calls = []

    def plot_stat_map(image, **kwargs):
        calls.append((image, kwargs))

    monkeypatch.setattr(nilearn.plotting, "plot_stat_map", plot_stat_map)
    return calls


def test_saliency_is_averaged_over_the_mean_volume(volumes, drawn):
    maps = np.random.default_rng(0).random(size=(4, *GRID))
    plot_saliency(maps, volumes, threshold=0.6)
    ((image, kwargs),) = drawn
    np.testing.assert_allclose(image.get_fdata(), maps.mean(axis=0), atol=1e-6)
    assert (kwargs["bg_img"].get_fdata() == 1).all()
    assert kwargs["threshold"] == kwargs["vmin"] == 0.6


def test_signed_maps_and_other_backgrounds(drawn):
    maps = np.random.default_rng(0).normal(size=GRID)
    maps[:3] = 0
    plot_saliency(maps, AFFINE)
    plot_saliency(maps, AFFINE, background="MNI152", threshold=None)
    shown = np.abs(maps[3:]) > drawn[0][1].pop("threshold")
    assert shown.mean() == pytest.approx(0.2, abs=0.01)
    assert drawn[0][1] == {"bg_img": None}
    assert drawn[1][1] == {"threshold": None}


def test_contrast_shows_what_survives(drawn):
    maps = np.random.default_rng(0).normal(size=(20, *GRID))
    maps[::2, 2:4, 2:4, 2:4] += 4
    contrast = group_contrast(maps, np.tile(["AD", "HC"], 10), groups=("AD", "HC"))
    plot_group_contrast(contrast, AFFINE)
    ((image, kwargs),) = drawn
    assert (image.get_fdata()[2:4, 2:4, 2:4] > 0.5).all()
    assert np.count_nonzero(image.get_fdata()) < 12
    assert kwargs["title"] == "rank-biserial correlation, AD > HC, q <= 0.05"


def test_nilearn_draws_slices(tmp_path):
    maps = np.random.default_rng(0).random(size=GRID)
    path = tmp_path / "map.png"
    plot_saliency(maps, AFFINE, output_file=path, display_mode="z", cut_coords=2)
    assert path.stat().st_size > 1000


def test_links_mark_the_strongest():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 5, 50))
    b[0] += 3 * a[2]
    ax = plot_latent_links(latent_links(a, b), names=("t1", "falff"), ax=plt.subplots()[1])
    assert ax.get_title().startswith("strongest: t1 2, falff 0, r = 0.9")
    assert ax.lines[0].get_xydata().tolist() == [[0, 2]]


def test_missing_packages_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "nilearn.plotting", None)
    with pytest.raises(ImportError, match="skmmcl\\[inspection\\]"):
        plot_saliency(np.zeros(GRID), AFFINE)
    links = latent_links(np.zeros((2, 5, 4)), np.zeros((2, 5, 4)))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="skmmcl\\[plot\\]"):
        plot_latent_links(links)


def test_a_contrast_without_voxels_says_so(drawn):
    contrast = group_contrast(np.zeros((20, *GRID)), np.tile([1, 0], 10))
    plot_group_contrast(contrast, AFFINE)
    assert drawn[-1][1]["title"].endswith("q <= 0.05: no voxel")
    assert len(drawn[-1][1]["cut_coords"]) == 3
    plot_group_contrast(contrast, AFFINE, display_mode="z", cut_coords=2)
    assert drawn[-1][1]["cut_coords"] == 2
