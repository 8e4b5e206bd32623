"""A job is trained at once, or by the dispatcher in force."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from skmmcl.training._jobs import Job, at_once, current, dispatching, run, serving


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
    with pytest.raises(RuntimeError, match="without reporting the end"):
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


def in_a_thread(call):
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(call).result()


def test_dispatchers_opened_in_several_threads():
    """The latest that is still open takes the jobs of other threads."""
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        blocks = [ExitStack(), ExitStack()]
        for thread, block, dispatcher in zip((first, second), blocks, (at_once, run), strict=True):
            thread.submit(block.enter_context, serving(dispatcher)).result()
        assert in_a_thread(current) is run
        first.submit(blocks[0].close).result()
        assert current() is run
        second.submit(blocks[1].close).result()
    assert current() is None


def test_dispatcher_ends_with_the_thread_that_opened_it():
    block = ExitStack()
    in_a_thread(lambda: block.enter_context(serving(run)))
    assert current() is None
    block.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_process_has_the_dispatchers_of_its_own_thread():
    def is_none_in_a_child():
        child = os.fork()
        if child == 0:
            os._exit(current() is None)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    with serving(run):
        assert not is_none_in_a_child()
        assert in_a_thread(is_none_in_a_child)


def test_base_job_cannot_start_again():
    with pytest.raises(NotImplementedError):
        OneJob().reset()
