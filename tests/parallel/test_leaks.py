"""What a block held is freed with it, and does not wait for the garbage collector."""

from __future__ import annotations

import gc
import threading
import weakref
from contextlib import nullcontext

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback

from skmmcl import CMCCSSEmbedder
from skmmcl.exceptions import TrainingError
from skmmcl.parallel import _tasks, stacked_fits
from skmmcl.training import _fit, _stack
from tests.parallel import dummy
from tests.parallel.dummy import DummyJob, parallel

pytestmark = pytest.mark.usefixtures("watchdog")

X, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2


@pytest.fixture
def _no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(name="held")
def what_is_made(monkeypatch):
    """Return weak references to all jobs, calls and schedulers."""
    held = []
    for cls in (DummyJob, _tasks.ParallelCall, _tasks.TaskPool):

        def init(self, *args, made=cls.__init__, **kwargs):
            held.append(weakref.ref(self))
            made(self, *args, **kwargs)

        monkeypatch.setattr(cls, "__init__", init)
    return held


def alive(references):
    """Wait for the threads, which end after the block, and return what is left."""
    for thread in threading.enumerate():
        if thread.name.startswith("skmmcl"):
            thread.join(5)
    return [obj for obj in (ref() for ref in references) if obj is not None]


def nested():
    search = GridSearchCV(dummy.Dummy(), {"shift": [0, 1]}, cv=2)
    cross_val_score(search, X, y, cv=3)


def failing():
    with pytest.raises(ValueError, match="this fit fails"):
        parallel([{"start": i, "fails": i == 2} for i in range(4)])


def broken():
    with pytest.warns(RuntimeWarning, match="ZeroDivisionError"):
        parallel([{"start": i, "breaks": i == 2} for i in range(4)])


def forgotten():
    dummy.engine.train = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        parallel([{"start": 1.0, "signature": None}])


def late():
    dummy.engine.pause = 0.01
    with pytest.raises(joblib.parallel.TimeoutError):
        parallel([{"start": i, "n_epochs": 10_000} for i in range(3)], timeout=0.1)


def generated():
    calls = (joblib.delayed(dummy.fit)(i) for i in range(6))
    list(joblib.Parallel(return_as="generator")(calls))


@pytest.mark.usefixtures("_no_collector", "engine")
@pytest.mark.parametrize("protocol", [nested, failing, broken, forgotten, late, generated])
def test_block_leaves_no_cycles(held, protocol):
    with stacked_fits():
        protocol()
    assert held
    dummy.engine.stacks.clear()
    assert alive(held) == []


@pytest.mark.usefixtures("_no_collector", "engine")
def test_backend_by_its_name_leaves_no_cycles(held):
    with joblib.parallel_config(backend="skmmcl", n_jobs=4):
        cross_val_score(dummy.Dummy(), X, y, cv=5)
    dummy.engine.stacks.clear()
    assert alive(held) == []


@pytest.fixture(name="stacks")
def stacks_of_real_fits(monkeypatch):
    """Return weak references to the jobs and stacks of the engine."""
    held = []
    for cls in (_fit.FitJob, _stack.Stack):

        def init(self, *args, made=cls.__init__, **kwargs):
            held.append(weakref.ref(self))
            made(self, *args, **kwargs)

        monkeypatch.setattr(cls, "__init__", init)
    return held


def fit(lr, **params):
    params = {"solver": "gradient", "max_epochs": 2, "device": "cpu", "random_state": 0} | params
    modalities = {"a": slice(0, 1), "b": slice(1, 2)}
    CMCCSSEmbedder(modalities=modalities, lr=lr, **params).fit(X, y)


class FailsToStart(Callback):
    def on_train_begin(self, net, **kwargs):
        raise LookupError("a callback fails")


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize(
    ("lrs", "params", "error"),
    [
        ([1e-3, 1e-3, 1e-3], {}, None),
        ([1e-3, 1e38, 1e-3], {}, TrainingError),
        ([1e38], {}, TrainingError),
        ([1e-3, 1e-3], {"callbacks": [FailsToStart()]}, LookupError),
    ],
)
@pytest.mark.parametrize("stacked", [True, False])
def test_real_fits_leave_no_cycles(stacks, lrs, params, error, stacked):
    fit(1e-3)  # libraries keep some of the first
    stacks.clear()
    with stacked_fits() if stacked else nullcontext():
        expected = nullcontext() if error is None else pytest.raises(error)
        with expected:
            parallel_fits = joblib.Parallel(n_jobs=None if stacked else 1)
            parallel_fits(joblib.delayed(fit)(lr, **params) for lr in lrs)
    del expected
    assert stacks
    assert alive(stacks) == []
