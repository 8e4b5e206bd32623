"""Hundreds of random protocols: none hangs, and each fit has its own result or error."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest

from skmmcl.parallel import _scheduler, stacked_fits
from skmmcl.training._jobs import run
from tests.parallel import dummy
from tests.parallel.dummy import DummyJob

N_QUICK, N_SLOW = 25, 600

pytestmark = [
    pytest.mark.usefixtures("watchdog"),
    pytest.mark.filterwarnings("ignore:A stack of:RuntimeWarning"),
]


class Leaf:
    """A fit with random sleeps around it, or a task that fits nothing of ours."""

    def __init__(self, rng):
        self.pauses = rng.exponential(3e-4, size=2)
        self.kind = rng.choice(["fit", "nothing", "raises", "exits"], p=[0.9, 0.06, 0.02, 0.02])
        self.params = {
            "start": float(rng.integers(1000)),
            "n_epochs": int(rng.integers(1, 9)),
            "signature": rng.choice(np.array(["a", "b", None], object), p=[0.6, 0.3, 0.1]),
            "fails": bool(rng.random() < 0.1),
            "breaks": bool(rng.random() < 0.03),
            "n_bytes": int(rng.integers(1, 300)),
        }

    def __call__(self):
        time.sleep(self.pauses[0])
        try:
            if self.kind == "nothing":
                return "nothing"
            if self.kind != "fit":
                raise {"raises": LookupError, "exits": SystemExit}[self.kind]
            job = DummyJob(**self.params)
            run(job, dummy.train)
            return job.state
        except (ValueError, LookupError, SystemExit) as error:
            return repr(error)
        finally:
            time.sleep(self.pauses[1])


class Node:
    """Tasks that start tasks: by joblib, by threads of their own, or one after the other."""

    def __init__(self, rng, depth):
        self.kind = rng.choice(["joblib", "limited", "serial", "threads"], p=[0.6, 0.2, 0.1, 0.1])
        self.n_jobs = int(rng.integers(1, 5))
        n_children = int(rng.integers(1, 9))
        self.children = [
            Node(rng, depth - 1) if depth > 1 and rng.random() < 0.4 else Leaf(rng)
            for _ in range(n_children)
        ]

    def __call__(self):
        if self.kind == "threads":
            with ThreadPoolExecutor(self.n_jobs) as executor:
                return list(executor.map(in_own_context, self.children))
        n_jobs = {"joblib": None, "limited": self.n_jobs, "serial": 1}[self.kind]
        return joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(child)() for child in self.children)


def in_own_context(call):
    """Call in a thread of the user; without a context, joblib starts processes there."""
    if isinstance(call, Leaf):
        return call()
    with stacked_fits():
        return call()


def serial(node):
    if isinstance(node, Leaf):
        return node()
    return [serial(child) for child in node.children]


def check(seed, engine):
    rng = np.random.default_rng(seed)
    protocol = Node(rng, depth=3)
    expected = serial(protocol)
    engine.max_lanes = int(rng.integers(1, 30))
    engine.pause = float(rng.exponential(2e-4))
    settings = {
        "max_stack": int(rng.integers(1, 20)),
        "max_bytes": int(rng.integers(1, 2000)),
    }
    with stacked_fits(**settings):
        assert protocol() == expected
    assert engine.overlap <= 1
    engine.max_lanes = None


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(_scheduler, "TASK_TIMEOUT", 0.05)
    monkeypatch.setattr(_scheduler, "UNKNOWN_TIMEOUT", 0.002)


def test_random_protocols(engine):
    for seed in range(N_QUICK):
        check(seed, engine)


@pytest.mark.slow  # some minutes
def test_many_random_protocols(engine):
    for seed in range(N_QUICK, N_QUICK + N_SLOW):
        check(seed, engine)


def test_protocols_that_are_given_up(engine):
    """Calls that time out leave nothing behind that keeps the next from its numbers."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        nodes = [Node(rng, depth=2) for _ in range(6)]
        expected = [serial(node) for node in nodes]
        engine.pause = 0.002
        with stacked_fits(max_stack=8):
            try:
                call = joblib.Parallel(timeout=float(rng.exponential(0.03)))
                call(joblib.delayed(node)() for node in nodes)
            except joblib.parallel.TimeoutError:
                pass
            assert joblib.Parallel()(joblib.delayed(node)() for node in nodes) == expected
        engine.pause = 0.0
