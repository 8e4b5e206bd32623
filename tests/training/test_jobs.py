"""A job is trained at once, or by the dispatcher in force."""

from __future__ import annotations

import threading

import pytest

from skmmcl.training._jobs import Job, current, dispatching, run, serving


class OneJob(Job):
    pass


def train(jobs, refill, done, tick):
    for job in jobs:
        assert refill(1) == []
        tick(len(jobs))
        job.trained_in = threading.current_thread()
        done(job, None)


def test_without_a_dispatcher_a_job_is_trained_here():
    job = OneJob()
    run(job, train)
    assert job.trained_in is threading.current_thread()


def test_error_of_the_job_is_raised():
    error = ValueError("bad")
    with pytest.raises(ValueError, match="bad") as info:
        run(OneJob(), lambda jobs, refill, done, tick: done(jobs[0], error))
    assert info.value is error


def test_error_of_the_training_is_raised():
    def broken(jobs, refill, done, tick):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(OneJob(), broken)


def test_training_that_forgets_its_job_is_an_error():
    with pytest.raises(RuntimeError, match="did not say"):
        run(OneJob(), lambda *_: None)


def test_dispatcher_takes_the_jobs_of_its_context_only():
    seen, job = [], OneJob()

    def elsewhere():
        seen.append(current())

    def dispatcher(job, train):
        seen.append(job)

    with dispatching(dispatcher):
        run(job, train)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert seen == [job, None]
    assert current() is None


def test_dispatcher_for_every_thread():
    seen = []

    def outer(job, train):
        pass

    def inner(job, train):
        pass

    def note():
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()

    with serving(outer):
        note()
        with serving(inner):
            note()
        note()
    note()
    assert seen == [outer, inner, outer, None]


def test_base_job_cannot_start_again():
    with pytest.raises(NotImplementedError):
        OneJob().reset()
