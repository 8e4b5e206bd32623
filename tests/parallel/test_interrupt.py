"""Ctrl-C stops a protocol soon and cleanly, wherever the main thread is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from skmmcl.parallel import stacked_fits
from tests.parallel import dummy

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to one process")

SCRIPT = """
import signal
import threading
import joblib
import numpy as np
from sklearn.model_selection import GridSearchCV, cross_val_score
from skmmcl.parallel import stacked_fits
from tests.parallel import dummy

signal.signal(signal.SIGINT, signal.default_int_handler)  # a program in the background ignores it
train = dummy.engine.train

def tell_and_train(*args):
    print("training", flush=True)
    train(*args)

dummy.engine.pause, dummy.engine.train = 0.02, tell_and_train
X, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2
long = dummy.Dummy(n_epochs=100_000)

def tasks():
    with stacked_fits():
        cross_val_score(long, X, y, cv=5)

def backend():
    with joblib.parallel_config(backend="skmmcl"):
        cross_val_score(long, X, y, cv=5)

def nested():
    search = GridSearchCV(long, {"shift": [0, 1]}, cv=2, error_score=0.0)
    with stacked_fits():
        cross_val_score(search, X, y, cv=3, error_score=0.0)

def main_thread():
    with stacked_fits():
        long.fit(X, y)

for protocol in (tasks, nested, main_thread, backend):
    try:
        protocol()
    except KeyboardInterrupt:
        for thread in threading.enumerate():
            if thread.name.startswith("skmmcl"):
                thread.join(2)
        left = [t.name for t in threading.enumerate() if t.name.startswith("skmmcl")]
        print("interrupted", left, flush=True)
backend()
"""


@pytest.fixture
def _sigint():
    """Ctrl-C is as in a program of the user's; the processes of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("watchdog", "_sigint")
@pytest.mark.parametrize("place", ["tasks", "main thread"])
def test_interrupt_in_this_process(engine, place):
    engine.pause = 0.01
    long, X, y = dummy.Dummy(n_epochs=100_000), np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    calls = {
        "tasks": lambda: cross_val_score(long, X, y, cv=4),
        "main thread": lambda: long.fit(X, y),
    }
    main = threading.get_ident()

    def press_once_it_trains():
        while not engine.stacks:
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    press = threading.Thread(target=press_once_it_trains)
    press.start()
    with pytest.raises(KeyboardInterrupt), stacked_fits():
        calls[place]()
    press.join()
    assert len(engine.stacks) == 1
    assert not any(thread.is_alive() for thread in engine.threads)


def test_interrupt(repo_dir):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=repo_dir,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(repo_dir)},
    )
    try:
        for _ in range(4):
            _interrupt(process)
            assert process.stdout.readline() == "interrupted []\n"
        _interrupt(process)  # the process ends while a stack trains
        _, err = process.communicate(timeout=60)  # its training would take many minutes
    finally:
        process.kill()
    assert process.returncode in (-signal.SIGINT, 130)
    assert err.rstrip().endswith("KeyboardInterrupt")


def _interrupt(process):
    assert process.stdout.readline() == "training\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
