"""The user's random states stay as they are, and devices are checked."""

import random
import threading

import numpy as np
import pytest
import torch
from torch import nn

from skmmcl.training import draws_globally, resolve_device, seeded


def states():
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), keys.tolist(), rest, random.getstate()


class Foreign(nn.Module):
    """Of a package that torch does not know."""


@pytest.mark.parametrize(
    ("module", "draws"),
    [
        (nn.Linear(2, 2), False),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ReLU(), nn.LayerNorm(2)), False),
        (nn.Dropout(0.5), True),
        (nn.Dropout(0.0), False),
        (nn.Sequential(nn.Sequential(nn.Dropout3d(0.1))), True),
        (nn.AlphaDropout(0.2), True),
        (nn.MultiheadAttention(4, 2, dropout=0.1), True),
        (nn.MultiheadAttention(4, 2), False),
        (nn.LSTM(2, 2, num_layers=2, dropout=0.3), True),
        (nn.TransformerEncoderLayer(4, 2, dropout=0.1), True),
        (nn.RReLU(), True),
        (nn.FractionalMaxPool2d(2, output_size=2), True),
        (nn.Sequential(nn.Linear(2, 2), Foreign()), True),
    ],
)
def test_draws_globally(module, draws):
    assert draws_globally(module) is draws


def test_seeded_gives_the_generator_back():
    before = states()
    with seeded(3):
        first = torch.rand(2)
    with seeded(3):
        assert torch.equal(first, torch.rand(2))
    with seeded(4):
        assert not torch.equal(first, torch.rand(2))
    assert states() == before


def test_seeded_gives_it_back_after_an_error():
    before = states()
    with pytest.raises(ZeroDivisionError), seeded(3):
        torch.rand(1 // 0)
    assert states() == before


def test_seeded_is_for_one_thread_at_a_time():
    drawn = {}

    def draw(seed):
        with seeded(seed):
            drawn[seed] = [torch.rand(1).item() for _ in range(200)]

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(4):
        with seeded(seed):
            assert drawn[seed] == [torch.rand(1).item() for _ in range(200)]


@pytest.mark.parametrize(
    "encoder", [None, nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.LazyLinear(2))]
)
def test_a_fit_draws_nothing_of_the_users(job, encoder, same_fit):
    encoders = {"a": encoder} if encoder else None
    before = states()
    first = job(encoders=encoders, random_state=0).fit()
    assert states() == before
    torch.manual_seed(99)
    second = job(encoders=encoders, random_state=0).fit()
    assert same_fit(first, second)
    other = job(encoders=encoders, random_state=1).fit()
    assert not same_fit(first, other)


def test_random_state_instance_moves_on(job, same_fit):
    rng = np.random.RandomState(0)
    first, second = job(random_state=rng).fit(), job(random_state=rng).fit()
    assert not same_fit(first, second)
    assert same_fit(first, job(random_state=np.random.RandomState(0)).fit())


def test_resolve_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    with pytest.raises(ValueError, match="device='cuda:1' was asked for, but torch finds no CUDA"):
        resolve_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")
    assert resolve_device("cuda:1") == torch.device("cuda:1")


def test_cuda_asked_for_and_absent(job, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no CUDA device"):
        job(device="cuda")


@pytest.mark.gpu
def test_seeded_gives_the_cuda_generator_back():
    device = torch.device("cuda")
    before = torch.cuda.get_rng_state(device)
    with seeded(3, device):
        torch.rand(2, device=device)
    assert torch.equal(torch.cuda.get_rng_state(device), before)
