"""The threads of the tasks: nested, given up, short of threads, forked; settings; the bar."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

import joblib
import pytest
from joblib.externals.loky import get_reusable_executor

from skmmcl.parallel import _progress, _scheduler, stack_on_dask, stacked_fits
from skmmcl.training._jobs import FitCancelled, current
from tests.parallel import dummy
from tests.parallel.dummy import alone, fit, parallel

told = _progress.progress
pytestmark = pytest.mark.usefixtures("watchdog")


def test_timeout_of_joblib(engine):
    engine.pause = 0.1
    with stacked_fits():
        start = time.monotonic()
        with pytest.raises(multiprocessing.TimeoutError):
            parallel([{"start": 0.0, "n_epochs": 1000}, {"start": 1.0}], timeout=0.3)
        assert time.monotonic() - start < 3
        engine.pause = 0.0
        assert parallel([{"start": 1.0}] * 3, timeout=5) == [alone(1.0)] * 3


def test_error_ends_the_stack_of_the_call(engine):
    engine.pause = 0.02
    calls = [{"start": i, "n_epochs": 10_000} for i in range(3)]
    with stacked_fits(), pytest.raises(ValueError, match="this fit fails"):
        parallel([*calls, {"start": 3.0, "fails": True}])
    crew_ended = time.monotonic() + 5
    while any(t.name == "skmmcl-stack" for t in threading.enumerate()):
        assert time.monotonic() < crew_ended
        time.sleep(0.01)
    assert len(engine.widths) < 100


def test_cancelled_task_does_not_start_another_fit(engine):
    seen = []

    def task(start):
        try:
            fit(start, n_epochs=10_000)
        except FitCancelled:
            seen.append("first")
        try:
            fit(start)
        except FitCancelled:
            seen.append("second")

    engine.pause = 0.01
    with stacked_fits():
        with pytest.raises(multiprocessing.TimeoutError):
            joblib.Parallel(timeout=0.2)(joblib.delayed(task)(i) for i in range(2))
        deadline = time.monotonic() + 5
        while len(seen) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert sorted(seen) == ["first", "first", "second", "second"]


def test_inner_call_that_fails_leaves_the_others_alone(engine):
    engine.pause = 0.005

    def inner(i):
        calls = [{"start": i + j, "n_epochs": 20} for j in range(3)]
        if i == 1:
            calls[0] |= {"fails": True, "n_epochs": 2}
        try:
            return parallel(calls)
        except ValueError:
            return "failed"

    with stacked_fits():
        found = joblib.Parallel()(joblib.delayed(inner)(i) for i in range(3))
    expected = [[alone(i + j, 20) for j in range(3)] for i in range(3)]
    assert found == [expected[0], "failed", expected[2]]


def test_depth_does_not_multiply_the_threads(engine):
    most = 0

    def nest(depth):
        nonlocal most
        most = max(most, threading.active_count())
        if depth == 0:
            return fit(1.0)
        return sum(joblib.Parallel()(joblib.delayed(nest)(depth - 1) for _ in range(4)))

    with stacked_fits(max_stack=4):
        assert nest(4) == 4**4 * alone(1.0)
    # Four at each depth, and those whose tasks are done and that have not woken yet: on a busy
    # machine some more. Were they multiplied, they would be 4 + 16 + 64 + 256.
    assert most < 4**3


def test_generators_of_results(engine):
    with stacked_fits():
        for kind in ("generator", "generator_unordered"):
            found = joblib.Parallel(return_as=kind)(joblib.delayed(fit)(i) for i in range(6))
            assert sorted(found) == sorted(alone(i) for i in range(6))


def test_managed_parallel_goes_on_after_an_error(engine):
    with stacked_fits(), joblib.Parallel(n_jobs=3) as pool:
        for _ in range(3):
            with pytest.raises(ValueError, match="this fit fails"):
                pool(joblib.delayed(fit)(i, fails=i == 2) for i in range(4))
            assert pool(joblib.delayed(fit)(i) for i in range(4)) == [alone(i) for i in range(4)]


def test_task_that_ends_its_thread(engine):
    def leave(i):
        if i == 2:
            raise SystemExit
        return fit(i)

    with stacked_fits():
        with pytest.raises(SystemExit):
            joblib.Parallel()(joblib.delayed(leave)(i) for i in range(4))
        assert parallel([{"start": 1.0}] * 2) == [alone(1.0)] * 2


def test_numbers_of_jobs():
    with stacked_fits(max_stack=6):
        numbers = {n: joblib.effective_n_jobs(n) for n in (None, -1, -2, -9, 1, 3, 50)}
    assert numbers == {None: 1, -1: 6, -2: 5, -9: 1, 1: 1, 3: 3, 50: 50}
    with stacked_fits(), pytest.raises(ValueError, match="no meaning"):
        joblib.Parallel(n_jobs=0)([])


@pytest.mark.parametrize("name", ["max_stack", "max_bytes"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "8G"])
def test_bad_settings(name, value):
    with pytest.raises(ValueError, match=name), stacked_fits(**{name: value}):
        pass
    with pytest.raises(ValueError, match=name):
        joblib.parallel_config(backend="skmmcl", **{name: value})
    with pytest.raises(ValueError, match=name):
        stack_on_dask(None, **{name: value})


def test_settings_reach_the_dispatcher(tmp_path):
    with stacked_fits(checkpoint=tmp_path):
        assert current().checkpoint == tmp_path
    assert current() is None


def test_progress_bar_counts_the_fits(engine, capsys):
    pytest.importorskip("tqdm")
    with stacked_fits(max_stack=3, progress=True):
        parallel([{"start": i, "n_epochs": 4} for i in range(9)])
    last = capsys.readouterr().err.rstrip().rsplit("\r", 1)[-1]
    assert "fits 9/9, 0 running" in last
    assert "36/36" in last
    assert "100%" in last


def test_progress_bar_knows_what_is_to_come(engine, monkeypatch):
    pytest.importorskip("tqdm")
    seen = []
    monkeypatch.setattr(_progress, "progress", lambda crew: seen.append(told(crew)) or seen[-1])
    with stacked_fits(max_stack=4, progress=True):
        parallel([{"start": i, "n_epochs": 5} for i in range(12)])
    assert seen[0] == (4, "fits 0/12, 4 running", 60)
    assert seen[-1] == (60, "fits 12/12, 0 running", 60)


def test_error_while_tasks_are_made(engine):
    def tasks():
        yield joblib.delayed(fit)(1.0)
        raise LookupError("no more")

    with stacked_fits():
        with pytest.raises(LookupError, match="no more"):
            joblib.Parallel()(tasks())
        with pytest.raises(ValueError, match="nonsense"):
            joblib.Parallel(pre_dispatch="nonsense")(tasks())
        start = time.monotonic()
        assert parallel([{"start": 1.0}] * 3) == [alone(1.0)] * 3
        assert time.monotonic() - start < _scheduler.TASK_TIMEOUT


@pytest.fixture(name="few_threads")
def system_of_few_threads(monkeypatch):
    start = threading.Thread.start

    def start_if_few(thread):
        n_tasks = sum(t.name == thread.name == "skmmcl-task" for t in threading.enumerate())
        if n_tasks >= few_threads["n"]:
            raise RuntimeError("can't start new thread")
        start(thread)

    few_threads = {"n": 3}
    monkeypatch.setattr(threading.Thread, "start", start_if_few)
    return few_threads


def test_system_of_few_threads(engine, few_threads):
    with stacked_fits():
        assert parallel([{"start": i} for i in range(9)]) == [alone(i) for i in range(9)]
    assert max(engine.widths) <= 3


def test_system_of_no_threads(engine, few_threads):
    few_threads["n"] = 0
    with stacked_fits():
        with pytest.raises(RuntimeError, match="can't start"):
            parallel([{"start": 1.0}])
        with pytest.raises(RuntimeError, match="can't start"):
            fit(1.0)
        few_threads["n"] = 100
        assert parallel([{"start": i} for i in range(4)]) == [alone(i) for i in range(4)]
    assert engine.sizes == [4]


@pytest.mark.slow  # the process has to import torch
def test_worker_processes_stack_their_share():
    def protocol(starts):
        with stacked_fits():
            found = parallel([{"start": start} for start in starts])
        return found, dummy.engine.sizes

    calls = (joblib.delayed(protocol)(starts) for starts in ([1, 2, 3], [4, 5, 6]))
    for i, (found, sizes) in enumerate(joblib.Parallel(n_jobs=2, backend="loky")(calls)):
        assert found == [alone(3 * i + j) for j in (1, 2, 3)]
        assert sizes[-1] == 3
    get_reusable_executor().shutdown(wait=True)


def test_forked_process_starts_afresh(engine):
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    engine.pause = 0.01

    def task(i):
        if i > 0:
            return fit(i, n_epochs=50)
        child = os.fork()
        if child == 0:
            engine.pause = 0.0
            os._exit(0 if parallel([{"start": 1.0}] * 3) == [alone(1.0)] * 3 else 1)
        return os.waitpid(child, 0)[1]

    with stacked_fits():
        found = joblib.Parallel()(joblib.delayed(task)(i) for i in range(4))
    assert found == [0, *(alone(i, 50) for i in range(1, 4))]
