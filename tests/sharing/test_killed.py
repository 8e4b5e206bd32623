"""Saving that is cut off leaves the file that was there."""

import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from skmmcl import load_model, save_model

SAVE_FOR_EVER = """
import sys
import numpy as np
from sklearn.linear_model import Ridge
from skmmcl import save_model
model = Ridge()
model.coef_, model.intercept_, model.n_features_in_ = np.full(2_000_000, 2.0), 0.0, 2_000_000
print("begins", flush=True)
while True:
    save_model(model, sys.argv[1])
"""


def ridge(value):
    model = Ridge()
    model.coef_, model.intercept_, model.n_features_in_ = np.full(5, value), 0.0, 5
    return model


@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
@pytest.mark.parametrize("wait", [0.0, 0.05])
def test_kill_9_while_saving_leaves_a_whole_file(wait, tmp_path, repo_dir):
    path = tmp_path / "model.skmmcl"
    save_model(ridge(1.0), path)
    command = [sys.executable, "-c", SAVE_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=repo_dir) as process:
        process.stdout.readline()
        end = monotonic() + 60
        while not list(tmp_path.glob(".model.skmmcl.*")) and monotonic() < end:
            sleep(0.001)  # until it writes beside the file
        sleep(wait)
        process.send_signal(signal.SIGKILL)
    assert load_model(path).coef_[0] in (1.0, 2.0)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.skmmcl"
    save_model(ridge(1.0), path)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(ridge(2.0), path)
    assert load_model(path).coef_[0] == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["model.skmmcl"]


def test_others_may_read_the_file(tmp_path):
    (tmp_path / "plain").write_text("")
    save_model(ridge(1.0), tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode
