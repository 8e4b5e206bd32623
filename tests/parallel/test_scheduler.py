"""Which fits wait for each other, what a stack takes in, and what becomes of one that fails."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest

from skmmcl.parallel import _scheduler, stacked_fits
from tests.parallel.dummy import DummyJob, alone, fit, parallel

pytestmark = pytest.mark.usefixtures("watchdog")


def test_freed_lanes_are_refilled(engine):
    calls = [{"start": i, "n_epochs": 2 + i % 5} for i in range(40)]
    engine.pause = 0.005
    with stacked_fits(max_stack=8):
        found = parallel(calls)
    assert found == [alone(**call) for call in calls]
    assert sum(engine.sizes) == 40
    assert len(engine.stacks) < 5
    assert max(engine.widths) == 8
    assert sum(engine.widths) == sum(call["n_epochs"] for call in calls)


def test_configuration_around_does_not_limit_the_stacks(engine):
    with joblib.parallel_config(n_jobs=2), stacked_fits():
        parallel([{"start": i} for i in range(5)])
    assert engine.sizes == [5]


def test_narrow_stack_makes_way_for_a_wide_one(engine):
    engine.pause = 0.02
    calls = [{"start": 0.0, "n_epochs": 20}] + [{"start": i, "wait": 0.05} for i in range(1, 9)]
    with stacked_fits():
        first = ThreadPoolExecutor(1).submit(fit, **calls[0])
        time.sleep(0.05)
        found = parallel(calls[1:])
    assert [first.result(), *found] == [alone(**call) for call in calls]
    assert engine.sizes == [1, 8]


def test_memory_limits_a_stack(engine):
    with stacked_fits(max_bytes=1000):
        parallel([{"start": i, "n_bytes": 300} for i in range(12)])
    assert max(engine.widths) == 3
    assert sum(engine.sizes) == 12


def test_one_job_trains_however_large(engine):
    with stacked_fits(max_bytes=1000):
        parallel([{"start": i, "n_bytes": 3000} for i in range(3)])
    assert set(engine.widths) == {1}
    assert sum(engine.sizes) == 3


def test_free_memory_limits_a_stack(engine, monkeypatch):
    monkeypatch.setattr(_scheduler, "budget", lambda device: {"cpu": 500, "meta": 200}[device])
    monkeypatch.setattr(DummyJob, "device", "meta")
    with stacked_fits():
        parallel([{"start": i, "n_bytes": 100} for i in range(6)])
    assert max(engine.widths) == 2


def test_stack_that_runs_out_of_memory_is_halved(engine):
    engine.max_lanes = 5
    calls = [{"start": i} for i in range(16)]
    with stacked_fits(), pytest.warns(RuntimeWarning, match="ran out of memory"):
        found = parallel(calls)
    assert found == [alone(**call) for call in calls]
    assert engine.widths[:3] == [16, 8, 4]
    assert max(engine.widths[2:]) == 4
    assert len(engine.stacks) == 3


def test_job_too_large_for_memory_gets_the_error(engine):
    engine.max_lanes = 0
    with stacked_fits(), pytest.raises(MemoryError, match="too many lanes"):
        parallel([{"start": 1.0}])


def test_jobs_of_a_broken_stack_are_trained_alone(engine):
    calls = [{"start": i, "breaks": i == 3} for i in range(6)]
    with stacked_fits(), pytest.warns(RuntimeWarning, match="ZeroDivisionError"):
        found = parallel(calls)
    assert found == [alone(**call) for call in calls]
    assert engine.sizes == [6] + [1] * 6


def test_job_that_cannot_start_again_gets_the_error(engine, monkeypatch):
    def reset(job):
        if hasattr(job, "state"):
            raise OSError("gone")
        job.state, job.epoch = job.start, 0

    monkeypatch.setattr(DummyJob, "reset", reset)
    with stacked_fits(), pytest.raises(OSError, match="gone"), pytest.warns(RuntimeWarning):
        parallel([{"start": i, "breaks": True} for i in range(4)])


def test_jobs_that_a_training_forgets_are_not_left_waiting(engine, monkeypatch):
    monkeypatch.setattr(engine, "train", lambda *_: None)
    with stacked_fits(), pytest.raises(RuntimeError, match="unfinished"):
        parallel([{"start": 0.0}])


def test_defect_of_the_trainer_wakes_all(monkeypatch, engine):
    def broken(*_):
        raise LookupError("a defect")

    monkeypatch.setattr(_scheduler.FitScheduler, "_stacks", broken)
    with stacked_fits(), pytest.raises(LookupError, match="a defect"):
        parallel([{"start": i} for i in range(4)])


def test_fit_within_a_training_is_trained_at_once(engine, monkeypatch):
    step, inner, expected = DummyJob.step, [], alone(7.0)

    def step_and_fit(job):
        if job.signature == "same" and job.epoch == 0:
            inner.append(fit(7.0, signature="inner"))
        step(job)

    monkeypatch.setattr(DummyJob, "step", step_and_fit)
    with stacked_fits():
        parallel([{"start": i} for i in range(3)])
    assert inner == [expected] * 3


def test_slow_task_does_not_keep_the_others_waiting(engine, monkeypatch):
    monkeypatch.setattr(_scheduler, "TASK_TIMEOUT", 0.1)
    calls = [{"start": i} for i in range(5)] + [{"start": 9.0, "wait": 0.6}]
    with stacked_fits():
        parallel(calls)
    assert engine.sizes == [5, 1]


def test_quick_tasks_wait_for_the_others(engine):
    with stacked_fits():
        parallel([{"start": i, "wait": 0.05 * i} for i in range(6)])
    assert engine.sizes == [6]
