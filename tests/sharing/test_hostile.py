"""No file harms who loads it: each is refused with a clear error, in bounded time."""

from time import monotonic

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder, load_model, save_model
from skmmcl.exceptions import ModelFileError
from tests.sharing.fitted import subjects
from tests.sharing.hostile import REFUSED, Forger, shuffled

SECONDS = 300


@pytest.fixture(scope="module")
def forger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    X, y = subjects()
    embedder = CMCCSSEmbedder(
        solver="gradient", max_epochs=1, n_components=3, impute="ridge", random_state=0
    )
    save_model(make_pipeline(embedder, LogisticRegression()).fit(X, y), folder / "good.skmmcl")
    return Forger(folder / "good.skmmcl", folder)


@pytest.mark.parametrize("n_files", [170, pytest.param(1000, marks=pytest.mark.slow)])
def test_hostile_files_are_refused(forger, n_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng, start = np.random.default_rng(n_files), monotonic()
    for k in range(n_files):
        kind = REFUSED[k % len(REFUSED)]
        path = forger.forge(rng, kind)
        with pytest.raises(ModelFileError, match=r"hostile.skmmcl' cannot be loaded: .{10}"):
            load_model(path)  # number k
    assert monotonic() - start < SECONDS
    assert not list(tmp_path.iterdir())  # nothing was run


@pytest.mark.parametrize("n_files", [50, pytest.param(300, marks=pytest.mark.slow)])
def test_a_shuffled_file_gives_an_estimator_or_a_clear_error(
    forger, n_files, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    rng, start = np.random.default_rng(n_files), monotonic()
    for _ in range(n_files):
        try:
            assert hasattr(load_model(shuffled(forger, rng)), "get_params")
        except ModelFileError as error:
            assert "cannot be loaded" in str(error)  # noqa: PT017
    assert monotonic() - start < SECONDS
