"""What every test and doctest runs under: one torch thread, figures that open no window."""

import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread():
    # Small networks lose more to threads than they win, above all beside other processes.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
