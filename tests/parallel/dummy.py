"""A small engine and estimator that hand over jobs as the real ones do."""

from __future__ import annotations

import threading
import time

import joblib
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from skmmcl.training._jobs import Job, run


class DummyJob(Job):
    """Adds one to its state in each epoch; the last state is the result."""

    def __init__(self, start, n_epochs=3, signature="same", fails=False, breaks=False, n_bytes=0):
        self.start, self.n_epochs, self.signature = start, n_epochs, signature
        self.fails, self.breaks, self.n_bytes = fails, breaks, n_bytes
        self.reset()

    def reset(self):
        self.state, self.epoch = self.start, 0

    def step(self):
        self.epoch += 1
        self.state = self.state * 0.5 + self.epoch
        if self.fails and self.epoch == self.n_epochs:
            raise ValueError("this fit fails")


class Engine:
    """Trains dummy jobs and keeps a log of its stacks.

    Parameters
    ----------
    max_lanes : int, optional
        A stack of more runs out of memory.
    pause : float
        Seconds an epoch takes.
    """

    def __init__(self, max_lanes=None, pause=0.0):
        self.max_lanes, self.pause = max_lanes, pause
        self.stacks, self.widths, self.threads, self.overlap = [], [], set(), 0
        self._inside = 0

    def train(self, jobs, refill, done, tick):
        self._inside += 1
        self.overlap = max(self.overlap, self._inside)
        self.threads.add(threading.current_thread())
        members = list(jobs)
        self.stacks.append(members)
        try:
            self._train(list(jobs), members, refill, done, tick)
        finally:
            self._inside -= 1

    def _train(self, lanes, members, refill, done, tick):
        width = len(lanes)
        while lanes:
            assert len({job.signature for job in lanes}) == 1
            self.widths.append(len(lanes))
            if self.max_lanes is not None and len(lanes) > self.max_lanes:
                raise MemoryError("too many lanes")
            if any(job.breaks for job in lanes) and len(members) > 1:
                raise ZeroDivisionError("the stack breaks")
            time.sleep(self.pause)
            n_lanes, ended = len(lanes), []
            for job in lanes:
                try:
                    job.step()
                except ValueError as error:
                    done(job, error)
                    ended.append(job)
                else:
                    if job.epoch >= job.n_epochs:
                        done(job, None)
                        ended.append(job)
            lanes = [job for job in lanes if job not in ended]
            tick(n_lanes)
            new = refill(width - len(lanes))
            members += new
            lanes += new

    @property
    def sizes(self):
        return [len(stack) for stack in self.stacks]


engine = Engine()


def train(jobs, refill, done, tick):
    engine.train(jobs, refill, done, tick)


class Dummy(TransformerMixin, ClassifierMixin, BaseEstimator):
    """Result of a fit is a deterministic function of its data and parameters."""

    def __init__(self, shift=0.0, n_epochs=3, width="same", fail_above=None, breaks=False):
        self.shift = shift
        self.n_epochs = n_epochs
        self.width = width
        self.fail_above = fail_above
        self.breaks = breaks

    def fit(self, X, y=None):
        self.classes_ = np.array([0, 1])
        start = float(np.asarray(X).sum()) + self.shift
        fails = self.fail_above is not None and start > self.fail_above
        job = DummyJob(start, self.n_epochs, self.width, fails, self.breaks)
        run(job, train)
        assert job.epoch == self.n_epochs
        self.result_ = job.state
        return self

    def transform(self, X):
        return np.column_stack([X, np.sin(np.asarray(X).sum(axis=1) * self.result_)])

    def predict(self, X):
        return (self.transform(X)[:, -1] > 0).astype(int)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "result_")


def fit(start=0.0, wait=0.0, **params):
    """Do a task of one fit, and return its result."""
    job = DummyJob(start, **params)
    time.sleep(wait)
    run(job, train)
    return job.state


def alone(start=0.0, n_epochs=3, **_):
    job = DummyJob(start, n_epochs)
    for _ in range(n_epochs):
        job.step()
    return job.state


def parallel(calls, **settings):
    """Run fits with the given parameters as tasks."""
    return joblib.Parallel(**settings)(joblib.delayed(fit)(**call) for call in calls)
