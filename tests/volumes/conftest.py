"""Small images in files."""

import nibabel as nib
import numpy as np
import pytest

GRID = (5, 6, 7)


@pytest.fixture
def save(tmp_path):
    """Function that writes an image and returns its path."""

    def write(name, array, affine=None, kind=nib.Nifti1Image):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(kind(array, np.diag([2.0, 2, 2, 1]) if affine is None else affine), path)
        return path

    return write


@pytest.fixture
def arrays():
    """Volumes of four subjects."""
    return np.random.default_rng(0).normal(size=(4, *GRID)).astype(np.float32)


@pytest.fixture
def paths(save, arrays):
    """Files of these volumes."""
    return [save(f"s{k}.nii.gz", array) for k, array in enumerate(arrays)]


@pytest.fixture(autouse=True)
def _cache_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("SKMMCL_CACHE", str(tmp_path / "home"))
