"""Blocks within blocks, and blocks at the same time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import pytest

from skmmcl.parallel import stacked_fits
from skmmcl.training._jobs import current
from tests.parallel.dummy import alone, fit, parallel

pytestmark = pytest.mark.usefixtures("watchdog")


def test_blocks_at_the_same_time(engine):
    """Which of them is open first takes in the others, and serves them longer than itself."""
    all_are_open = threading.Barrier(3)

    def protocol(k):
        with stacked_fits(max_stack=3 + k):
            all_are_open.wait(10)
            return [parallel([{"start": 10 * k + i} for i in range(12)]) for _ in range(k + 1)]

    with ThreadPoolExecutor(3) as executor:
        done = list(executor.map(protocol, range(3)))
    assert done == [[[alone(10 * k + i) for i in range(12)]] * (k + 1) for k in range(3)]
    assert max(engine.sizes) >= 3
    assert current() is None


def test_block_within_a_block_of_another_thread(engine):
    """The inner one shares the stacks, and leaves the outer one open."""

    def trial(k):
        with stacked_fits(max_stack=1):
            return parallel([{"start": k + i} for i in range(3)])

    with stacked_fits() as nothing:
        outer = current()
        with ThreadPoolExecutor(3) as executor:
            found = list(executor.map(trial, range(3)))
            assert executor.submit(current).result() is outer
    assert nothing is None
    assert found == [[alone(k + i) for i in range(3)] for k in range(3)]
    assert sum(engine.sizes) == 9
    assert max(engine.sizes) >= 3


def test_block_after_an_error_in_a_block(engine):
    with pytest.raises(LookupError), stacked_fits():
        raise LookupError
    assert current() is None
    fit(1.0)
    with stacked_fits():
        assert parallel([{"start": i} for i in range(4)]) == [alone(i) for i in range(4)]
    assert engine.sizes == [1, 4]


def test_tasks_of_a_generator_start_before_their_results_are_asked_for(engine):
    with stacked_fits():
        results = joblib.Parallel(return_as="generator")(joblib.delayed(fit)(i) for i in range(4))
        deadline = time.monotonic() + 10
        while sum(engine.sizes) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sum(engine.sizes) == 4
        assert list(results) == [alone(i) for i in range(4)]
