"""A fit alone, watched by a callback, in a stack and resumed are one fit, bit for bit."""

import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from skorch.callbacks import Callback, Freezer

from skmmcl.networks import MLP, LaneLinear
from skmmcl.training import Checkpoint, FitJob
from skmmcl.training import train as train_stack

OPTIONS = {
    "plain": {},
    "clipped": {"gradient_clip": 0.01},
    "clipped-scheduled": {"gradient_clip": 0.1, "lr_schedule": "cosine"},
    "onecycle": {"gradient_clip": 1.0, "lr_schedule": "onecycle", "optimizer": "sgd"},
    "decay": {"weight_decay": 0.1, "gradient_clip": 0.5, "optimizer": "adamw"},
    "radam": {"weight_decay": 0.1, "optimizer": "radam"},
    "stopping": {"gradient_clip": 0.1, "validation_fraction": 0.25, "monitor": "probe"},
    "float64": {"gradient_clip": 0.1, "dtype": torch.float64},
    "noisy": {"gradient_clip": 0.1, "input_noise": 1.0},
    "linear": {"gradient_clip": 0.1, "encoders": {"a": "linear", "b": "linear"}},
    "wide": {"gradient_clip": 0.1, "encoders": {"a": partial(MLP, hidden=(256, 256))}},
}


class Looks(Callback):
    """Changes nothing."""


class Cut(Callback):
    power = False

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3 and not Cut.power:
            raise InterruptedError


def watched(make, folder, monkeypatch):
    return make(callbacks=[Looks()]).fit()


def stacked(make, folder, monkeypatch):
    jobs = []
    for seed in (1, 0, 2):
        made = make(random_state=seed)
        jobs.append(FitJob(made.net, made.subjects, made.settings, made.settings.max_epochs))
    train_stack(jobs, lambda _: [], lambda _, error: None, lambda _: None)
    return jobs[1].net


def resumed(make, folder, monkeypatch):
    with pytest.raises(InterruptedError):
        make(checkpoint=folder, callbacks=[Cut()]).fit(key="job")
    monkeypatch.setattr(Cut, "power", True)
    return make(checkpoint=folder).fit(key="job")


def state(net):
    """Weights, and what the optimizer knows of each."""
    steps = net.optimizer_.state_dict()["state"]
    moments = {(k, name): v for k, of in steps.items() for name, v in of.items() if v is not None}
    return {**net.module_.state_dict(), **moments}


@pytest.mark.parametrize("way", [watched, stacked, resumed])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_all_ways_give_the_same_bits(job, tmp_path, monkeypatch, same_fit, options, way):
    monkeypatch.setattr(Checkpoint, "interval", 0)

    def make(**more):
        return job(**{"max_epochs": 5, **options, **more})

    expected, found = make().fit(), way(make, tmp_path, monkeypatch)
    assert same_fit(found, expected)
    before, after = state(expected), state(found)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(torch.as_tensor(after[name]), torch.as_tensor(value)), name


class CountsNorms(Callback):
    def __init__(self, to):
        self.to = to

    def on_grad_computed(self, net, named_parameters=(), **kwargs):
        self.to.append([name for name, p in named_parameters if p.grad is not None])


def test_the_norm_is_of_all_weights(job):
    """In attention, the bias of the keys has no influence, hence no gradient of its own."""
    seen = []
    net = job(callbacks=[CountsNorms(seen)]).fit()
    everything = [name for name, _ in net.get_all_learnable_params()]
    assert any(name.endswith("key.bias") for name in everything)
    assert all(names == everything for names in seen)


class FreezesLate(Callback):
    """Freeze an encoder after the second epoch, and release it after the fourth."""

    def on_epoch_begin(self, net, **kwargs):
        for p in net.module_.encoders[0].parameters():
            p.requires_grad_(len(net.history) not in (3, 4))


class Remembers(Callback):
    def __init__(self, to):
        self.to = to

    def on_epoch_end(self, net, **kwargs):
        self.to.append([p.detach().clone() for p in net.module_.encoders[0].parameters()])


@pytest.mark.parametrize(
    ("freezer", "moving"),
    [(FreezesLate(), [1, 0, 0, 1]), (Freezer("encoders.0*"), [0, 0, 0, 0])],
    ids=["late", "from the start"],
)
def test_frozen_weights_stay(job, freezer, moving):
    seen = []
    options = {"weight_decay": 0.1, "max_epochs": 5, "gradient_clip": 1.0}
    job(callbacks=[freezer, Remembers(seen)], **options).fit()
    for before, after, moves in zip(seen, seen[1:], moving, strict=False):
        same = all(torch.equal(p, q) for p, q in zip(before, after, strict=True))
        assert same is not bool(moves)


def test_hooks_of_the_user_see_the_gradients_of_wide_layers(job):
    class Hooks(Callback):
        seen = 0

        def on_train_begin(self, net, **kwargs):
            wide = next(m for m in net.module_.modules() if isinstance(m, LaneLinear))
            wide.is_large = True
            wide.weight.register_hook(self.look)

        def look(self, grad):
            Hooks.seen += 1

    job(callbacks=[Hooks()]).fit(1)
    assert Hooks.seen == 3


@pytest.mark.slow
@pytest.mark.parametrize("capability", ["default", "avx2", ""])
@pytest.mark.parametrize("n_threads", ["1", "2"])
def test_on_other_processors(repo_dir, capability, n_threads):
    environment = {**os.environ, "OMP_NUM_THREADS": n_threads, "ATEN_CPU_CAPABILITY": capability}
    if not capability:
        del environment["ATEN_CPU_CAPABILITY"]
    chosen = f"{__file__}::test_all_ways_give_the_same_bits"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", chosen],
        env=environment,
        cwd=repo_dir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
