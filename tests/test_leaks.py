"""Memory stays level, however many fits there are."""

import gc
import os
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.training._lanes import lane_bytes
from tests.training.conftest import Job

STATM = Path("/proc/self/statm")
KINDS = {torch.Tensor, torch.nn.Parameter}
N = 100
MOST = 60 * 2**20  # a fit that keeps what it computed keeps some MB
# What an allocator keeps for later depends on processor and threads, so that CI counts tensors.
of_process = pytest.mark.skipif(not STATM.exists(), reason="no /proc here")


def memory():
    """Bytes that this process holds."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cohort():
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(N, 30, 30)), "b": rng.normal(size=(N, 90))}, np.arange(N) % 2


def fit(seed):
    X, y = cohort()
    CMCCSSEmbedder(solver="gradient", max_epochs=1, input_components=None, random_state=seed).fit(
        X, y
    )


def stack(n_fits=10):
    """Memory after some fits that were stacked, and whose process it is."""
    with stacked_fits(max_stack=n_fits):
        joblib.Parallel(n_jobs=-1)(joblib.delayed(fit)(seed) for seed in range(n_fits))
    return os.getpid(), memory()


def held():
    """Bytes of all tensors that are alive, those that only a graph of gradients holds included."""
    gc.collect()
    tensors = [found for found in gc.get_objects() if type(found) in KINDS]
    return sum({t.untyped_storage().data_ptr(): t.nbytes for t in tensors}.values())


def growth(measured):
    """By how much the later half of measurements is above the earlier one."""
    early, late = np.array_split(measured, 2)
    return np.median(late) - np.median(early)


def test_an_estimate_keeps_nothing():
    made = Job(n_samples=400, batch_size=400)
    lane_bytes(made.net, made.subjects)
    before = held()
    for _ in range(3):
        lane_bytes(made.net, made.subjects)
    assert held() == before


def test_stacked_fits_keep_nothing():
    stack()
    before = held()
    for _ in range(2):
        stack()
    assert held() == before


def test_what_only_a_graph_holds_is_counted():
    before = held()
    x = torch.ones(1000, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = (x.exp() * x).sum()
    assert held() - before > 2 * x.nbytes
    del x, y
    assert held() == before


@of_process
@pytest.mark.slow
def test_many_stacked_fits_keep_nothing():
    stack()
    assert growth([stack()[1] for _ in range(30)]) < MOST


@of_process
@pytest.mark.slow
def test_many_stacked_fits_in_workers_keep_nothing():
    """Nor are workers started anew, as joblib does where one has grown."""
    joblib.externals.loky.get_reusable_executor().shutdown(wait=True)
    calls = (joblib.delayed(stack)() for _ in range(30))
    measured = joblib.Parallel(n_jobs=2, backend="loky")(calls)
    pids = {pid for pid, _ in measured}
    assert len(pids) <= 2
    for worker in pids:
        assert growth([found for pid, found in measured if pid == worker]) < MOST
