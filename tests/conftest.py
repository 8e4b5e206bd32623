"""Fixtures of the whole suite, and when the marked tests are skipped."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]


def find_data_dir() -> Path | None:
    """Return the folder of the real cohorts, or None where there is none."""
    folder = Path(os.environ.get("SKMMCL_DATA") or REPO.parent / "shared" / "data")
    return folder.resolve() if folder.is_dir() else None


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("realdata") and find_data_dir() is None:
            reason = "no real cohorts: SKMMCL_DATA names no folder and ../shared/data is not there"
            item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("gpu") and not _cuda_is_available():
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
        if "DeepUCSL" in item.nodeid:  # tests of all embedders train for two epochs
            unsettled = "ignore:EM has not converged:sklearn.exceptions.ConvergenceWarning"
            item.add_marker(pytest.mark.filterwarnings(unsettled), append=False)
            item.add_marker(
                pytest.mark.filterwarnings("ignore:n_clusters=. may be more:UserWarning"),
                append=False,
            )


def _cuda_is_available() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def repo_dir() -> Path:
    """Return the root of the repository."""
    return REPO


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the real cohorts; skip where there is none."""
    folder = find_data_dir()
    if folder is None:
        pytest.skip("no real cohorts: set SKMMCL_DATA to their folder")
    return folder
