"""Two processes train one fit as one process does."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.training.fit_in_ranks import FITS, fit, main, subjects

TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, repo_dir):
    """What two processes have made."""
    out = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    command = [sys.executable, "-m", "tests.training.fit_in_ranks", str(out)]
    path = os.pathsep.join([str(repo_dir), os.environ.get("PYTHONPATH", "")])
    processes = [
        subprocess.Popen(
            command,
            cwd=out,
            env={
                **os.environ,
                **shared,
                "RANK": str(k),
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": path,
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for k in range(2)
    ]
    told = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    return out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in FITS if name != "unseeded"])
def test_gradients_and_weights_are_those_of_one_process(name, folder):
    expected = fit(name, *subjects())
    with np.load(folder / f"{name}-0.npz") as first, np.load(folder / f"{name}-1.npz") as second:
        assert any(key.startswith("gradient") for key in expected)
        assert first.files == second.files == list(expected)
        for key, value in expected.items():
            np.testing.assert_array_equal(first[key], second[key])  # all end with the same
            if not key.endswith("dur"):
                np.testing.assert_allclose(first[key], value, **TOLERANCE, err_msg=key)


@pytest.mark.slow
def test_without_a_seed_all_take_that_of_the_first(folder):
    with np.load(folder / "unseeded-0.npz") as first, np.load(folder / "unseeded-1.npz") as second:
        np.testing.assert_array_equal(first["h"], second["h"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("batch norm", "normalizes over the batch"),
        ("head over the batch", "normalizes over the batch"),
        ("adversary", "trained against the others"),
        ("checkpoint", "checkpoint= is for fits in one process"),
        ("other subjects", "do not train the same fit"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_each_process(name, text, folder):
    for rank in range(2):
        with np.load(folder / f"errors-{rank}.npz") as errors:
            assert text in str(errors[name])


@pytest.mark.filterwarnings("ignore")
def test_alone_nothing_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.training.fit_in_ranks.FITS", {"clip": FITS["clip"]})
    main(tmp_path)
    with np.load(tmp_path / "clip-alone.npz") as found:
        np.testing.assert_array_equal(found["h"], fit("clip", *subjects())["h"])
