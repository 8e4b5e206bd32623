"""Fits trained side by side are the fits alone, bit for bit, whatever they differ in."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn
from torch.optim.lr_scheduler import StepLR

from skmmcl.exceptions import TrainingError
from skmmcl.losses import CMCLoss, SupConLoss
from skmmcl.networks import MLP
from skmmcl.training import FitJob, Term
from skmmcl.training import train as train_stack
from skmmcl.training._lanes import lane_bytes
from skmmcl.training._stack import Stack


def terms(temperature=0.5, weight=0.5):
    return [
        Term("cmc", CMCLoss(temperature), on=("z", "mask", "sample_weight")),
        Term("css", SupConLoss(temperature), on=("z_fused", "y", "sample_weight"), weight=weight),
    ]


def train(jobs, refill=lambda _: [], done=None, tick=lambda _: None):
    def check(_, error):
        if error is not None:
            raise error

    train_stack(jobs, refill, done or check, tick)


def fit_job(job, **options):
    made = job(**options)
    return FitJob(made.net, made.subjects, made.settings, made.settings.max_epochs, None)


DIFFERENT = {
    "seeds": [{"random_state": k} for k in range(5)],
    "rates": [{"random_state": k, "lr": 10.0**-k, "weight_decay": k / 10} for k in range(5)],
    "objectives": [{"terms": terms(0.1 * (k + 1), 1.0 / (k + 1))} for k in range(5)],
    "epochs": [{"max_epochs": k + 1, "random_state": k} for k in range(5)],
    "sizes": [{"n_samples": 24 - k, "codes": np.arange(24 - k) % 2} for k in range(5)],
    "clipped": [{"gradient_clip": 0.01 * (k + 1)} for k in range(3)],
    "scheduled": [
        {"lr_schedule": s, "max_epochs": 4}
        for s in (
            "cosine",
            "onecycle",
            "step_decay",
            "warmup_cosine",
            partial(StepLR, step_size=1),
            None,
        )
    ],
    "optimizers": [{"optimizer": name} for name in ("adam", "adamw", "radam", "sgd")],
    "stopped": [
        {
            "random_state": k,
            "validation_fraction": 0.25,
            "n_iter_no_change": 1,
            "lr": 0.3,
            "max_epochs": 15,
            "monitor": ("loss", "probe")[k % 2],
        }
        for k in range(6)
    ],
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", DIFFERENT.values(), ids=DIFFERENT)
def test_a_stack_is_its_fits_alone(job, same_fit, options, dtype):
    jobs = [fit_job(job, dtype=dtype, **each) for each in options]
    assert len({one.signature for one in jobs}) == 1
    train(jobs)
    for one, each in zip(jobs, options, strict=True):
        assert same_fit(one.net, job(dtype=dtype, **each).fit())
    if "stopped" in [name for name, value in DIFFERENT.items() if value is options]:
        assert len({len(one.net.history) for one in jobs}) > 1


@pytest.mark.parametrize("capacity", [1, 2, 4])
def test_freed_lanes_are_refilled(job, same_fit, capacity):
    options = [{"max_epochs": 1 + k % 4, "random_state": k} for k in range(9)]
    queue = [fit_job(job, **each) for each in options]
    jobs, finished, widths = list(queue), [], []

    def refill(n_free):
        taken = queue[:n_free]
        del queue[:n_free]
        return taken

    train(refill(capacity), refill, lambda one, error: finished.append((one, error)), widths.append)
    assert {one for one, _ in finished} == set(jobs)
    assert not any(error for _, error in finished)
    assert max(widths) == capacity
    assert sum(widths) == sum(each["max_epochs"] for each in options)
    for one, each in zip(jobs, options, strict=True):
        assert same_fit(one.net, job(**each).fit())


def test_an_error_ends_only_its_own_fit(job, same_fit):
    jobs = [fit_job(job, lr=lr, max_epochs=5) for lr in (1e-2, 1e38, 1e-3)]
    outcome = {}
    train(jobs, done=outcome.__setitem__)
    assert isinstance(outcome[jobs[1]], TrainingError)
    for k, lr in ((0, 1e-2), (2, 1e-3)):
        assert outcome[jobs[k]] is None
        assert same_fit(jobs[k].net, job(lr=lr, max_epochs=5).fit())


class Broken(torch.optim.SGD):
    def step(self, closure=None):
        raise ZeroDivisionError


def test_an_optimizer_that_fails_ends_only_its_own_fit(job, same_fit):
    jobs = [fit_job(job, optimizer=optimizer) for optimizer in ("adam", Broken, "adam")]
    assert len({one.signature for one in jobs}) == 1
    outcome = {}
    train(jobs, done=outcome.__setitem__)
    assert isinstance(outcome[jobs[1]], ZeroDivisionError)
    for k in (0, 2):
        assert outcome[jobs[k]] is None
        assert same_fit(jobs[k].net, job(optimizer="adam").fit())


def test_nets_own_their_memory_afterwards(job):
    jobs = [fit_job(job, random_state=k) for k in range(4)]
    train(jobs)
    alone = job().fit()
    for one in jobs:
        for p, q in zip(one.net.module_.parameters(), alone.module_.parameters(), strict=True):
            assert p.untyped_storage().nbytes() == q.untyped_storage().nbytes()
            assert p.grad is None
        assert len(pickle.dumps(one.net)) == pytest.approx(len(pickle.dumps(alone)), rel=0.01)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_during_training_is_one_lane(job, copied):
    jobs = [fit_job(job, random_state=k) for k in range(3)]
    stack = Stack([one.net for one in jobs], [one.sets for one in jobs])
    twin = copied(jobs[1].net)
    for p, q in zip(twin.module_.parameters(), jobs[1].net.module_.parameters(), strict=True):
        assert torch.equal(p, q)
        assert p.untyped_storage().nbytes() == p.numel() * p.element_size()
    in_group = {id(p) for group in twin.optimizer_.param_groups for p in group["params"]}
    assert in_group == {id(p) for p in twin.module_.parameters()}
    stack.unlink()


def test_reset_starts_anew(job, same_fit):
    one = fit_job(job)
    one.keep()
    train([one])
    trained = one.net
    one.reset()
    assert not one.net.history
    train([one])
    assert same_fit(one.net, trained)


@pytest.mark.parametrize(
    "options",
    [
        {"encoders": {"a": nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2))}},
        {"encoders": {"a": nn.Sequential(nn.Linear(5, 2), nn.Dropout(0.5))}},
        {"terms": [Term("plain", lambda z: z.square().mean(), on=("z",))]},
        {"callbacks": [Callback()]},
    ],
    ids=["batch-norm", "dropout", "loss", "callback"],
)
def test_what_knows_no_lanes_trains_alone(job, options):
    assert fit_job(job, **options).signature is None


def test_a_callback_that_does_nothing_changes_nothing(job, same_fit):
    assert same_fit(job(callbacks=[Callback()]).fit(), job().fit())


class Freeze(Callback):
    """Freeze the encoder of the first view after an epoch."""

    def on_epoch_end(self, net, **kwargs):
        for p in net.module_.encoders[0].parameters():
            p.requires_grad_(False)
        self.frozen = {k: v.clone() for k, v in net.module_.encoders[0].state_dict().items()}


def test_weights_that_a_callback_freezes_stay(job):
    freeze = Freeze()
    net = job(callbacks=[freeze], max_epochs=1, weight_decay=0.5)
    net.fit()
    frozen = dict(freeze.frozen)
    after = net.fit(2).module_.encoders[0].state_dict()
    assert all(torch.equal(frozen[name], after[name]) for name in frozen)


def test_weights_that_are_never_used_are_left_alone(job):
    class Partly(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(5, 2), nn.Linear(5, 2)

        def forward(self, x):
            return self.used(x)

    made = job(encoders={"a": Partly()}, weight_decay=0.5)
    before = made.net.module_.encoders[0].module.unused.weight.clone()
    assert torch.equal(made.fit().module_.encoders[0].module.unused.weight, before)


@pytest.mark.parametrize(
    "options",
    [
        {"encoders": {"a": partial(MLP, hidden=(3,))}},
        {"terms": [Term("cmc", CMCLoss(0.5), on=("z",))]},
        {"terms": terms(0.01)},
        {"batch_size": 12},
        {"dtype": torch.float64},
        {"validation_fraction": 0.25},
    ],
)
def test_what_differs_in_kind_has_another_signature(job, options):
    assert fit_job(job, **options).signature != fit_job(job).signature


def test_a_lane_is_estimated_in_bytes(job):
    small, large = (fit_job(job, n_samples=n, codes=np.arange(n) % 2) for n in (24, 240))
    data = sum(x.numel() * x.element_size() for x in large.subjects.data.x.values())
    assert lane_bytes(large.net, large.sets[0]) > data
    assert large.n_bytes - small.n_bytes == pytest.approx(0.9 * data, rel=0.05)


@pytest.mark.gpu
@pytest.mark.parametrize("options", DIFFERENT.values(), ids=DIFFERENT)
def test_a_stack_on_the_gpu(job, options):
    jobs = [fit_job(job, dtype=torch.float64, device="cuda", **each) for each in options]
    train(jobs)
    for one, each in zip(jobs, options, strict=True):
        alone = job(dtype=torch.float64, device="cuda", **each).fit()
        for p, q in zip(one.net.module_.parameters(), alone.module_.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-9)
