"""Blocks within blocks, and blocks at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from skmmcl.parallel import stacked_fits
from skmmcl.training._jobs import current
from tests.parallel.dummy import alone, fit, parallel

pytestmark = pytest.mark.usefixtures("watchdog")


def test_blocks_at_the_same_time_have_their_own_stacks(engine, tmp_path):
    both_are_open = threading.Barrier(2)

    def protocol(k):
        folder = tmp_path / str(k)
        with stacked_fits(max_stack=3 + k, checkpoint=folder):
            both_are_open.wait(10)
            found = parallel([{"start": 10 * k + i, "signature": k} for i in range(12)])
            both_are_open.wait(10)
            return found, current().checkpoint == folder

    with ThreadPoolExecutor(2) as executor:
        done = list(executor.map(protocol, range(2)))
    assert done == [([alone(10 * k + i) for i in range(12)], True) for k in range(2)]
    for k in range(2):
        assert max(len(s) for s in engine.stacks if s[0].signature == k) >= 3
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
