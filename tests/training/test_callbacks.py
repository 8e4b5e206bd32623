"""What happens between epochs: the user's callbacks, best epochs, schedules, clipping."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, ReduceLROnPlateau, StepLR

from skmmcl.training import Term
from skmmcl.training._callbacks import BestEpoch, ProbeScore, Progress


class Recorder(Callback):
    """Keeps the weights of each epoch and the norm of each gradient."""

    def on_train_begin(self, net, **kwargs):
        self.epochs, self.norms, self.rates = [], [], []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        squares = [(p.grad**2).sum() for _, p in named_parameters if p.grad is not None]
        self.norms.append(sum(squares).sqrt().item())

    def on_epoch_begin(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])

    def on_epoch_end(self, net, **kwargs):
        self.epochs.append(copy.deepcopy(net.module_.state_dict()))


class Diverge(Callback):
    """Makes the weights worse after some epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) > 3:
            for p in net.module_.parameters():
                p.data.normal_(std=5, generator=torch.Generator().manual_seed(len(net.history)))


def test_every_callback_of_the_user_runs(job):
    recorder = Recorder()
    job(callbacks=[("recorder", recorder)]).fit()
    assert len(recorder.epochs) == 3
    assert len(recorder.norms) == 9


def test_early_stopping_of_the_user(job, recwarn):
    stop = EarlyStopping("train_loss", patience=2, threshold=1e9, threshold_mode="abs")
    net = job(callbacks=[stop], max_epochs=20).fit()
    assert len(net.history) == 3
    assert not recwarn.list


def test_schedule_of_the_user(job):
    recorder = Recorder()
    step = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.1)
    job(callbacks=[step, recorder], lr=0.1).fit()
    assert recorder.rates == pytest.approx([0.1, 0.01, 0.001])


@pytest.mark.parametrize("optimizer", ["adam", "radam", "sgd"])
def test_cosine(job, optimizer):
    recorder = Recorder()
    job(lr_schedule="cosine", lr=0.1, max_epochs=4, callbacks=[recorder], optimizer=optimizer).fit()
    expected = [0.05 * (1 + np.cos(np.pi * epoch / 4)) for epoch in range(4)]
    assert recorder.rates == pytest.approx(expected)


def test_onecycle(job):
    recorder = Recorder()
    fitted = job(lr_schedule="onecycle", lr=0.1, max_epochs=10, callbacks=[recorder])
    fitted.fit()
    rates = recorder.rates
    top = int(np.argmax(rates))
    assert max(rates) == pytest.approx(0.1, rel=0.05)
    assert 0 < top < 9
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()


def rates_of(job, **options):
    recorder = Recorder()
    job(lr=0.1, callbacks=[recorder], **options).fit()
    return recorder.rates


def test_step_decay(job):
    """The decay of y-Aware and of contrastive regression: by 0.9 every 10 epochs."""
    found = rates_of(job, lr_schedule="step_decay", max_epochs=25)
    assert found == pytest.approx([0.1] * 10 + [0.09] * 10 + [0.081] * 5)


def test_warmup_cosine(job):
    found = rates_of(job, lr_schedule="warmup_cosine", max_epochs=20)
    cosine = [0.05 * (1 + np.cos(np.pi * epoch / 18)) for epoch in range(18)]
    assert found == pytest.approx([0.05, 0.1, *cosine])


def test_warmup_takes_ten_epochs_at_most(job):
    found = rates_of(job, lr_schedule="warmup_cosine", max_epochs=110)
    assert found[:11] == pytest.approx([*np.arange(1, 11) / 100, 0.1])
    assert found[11] < 0.1


def test_scheduler_with_a_least_rate(job):
    schedule = partial(CosineAnnealingLR, T_max=4, eta_min=0.02)
    expected = [0.02 + 0.04 * (1 + np.cos(np.pi * epoch / 4)) for epoch in range(4)]
    assert rates_of(job, lr_schedule=schedule, max_epochs=4) == pytest.approx(expected)


def test_scheduler_of_torch(job):
    schedule = partial(MultiStepLR, milestones=[2, 3], gamma=0.5)
    assert rates_of(job, lr_schedule=schedule, max_epochs=4) == pytest.approx(
        [0.1, 0.1, 0.05, 0.025]
    )


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (StepLR, "must give a scheduler of torch .* it fails"),
        (lambda optimizer: optimizer, "it gives SGD"),
        (ReduceLROnPlateau, "callbacks, as skorch.callbacks.LRScheduler"),
    ],
)
def test_schedule_that_is_none(job, schedule, said):
    with pytest.raises(TypeError, match=said):
        job(lr_schedule=schedule).fit()


OVER_FITS = ["cosine", "onecycle", "warmup_cosine", partial(StepLR, step_size=1, gamma=0.5)]


@pytest.mark.parametrize("schedule", OVER_FITS)
def test_schedule_over_several_fits(job, schedule):
    """Epochs of partial_fit go on in the cycle, and a cycle follows on a cycle."""

    def rates(*epochs):
        fitted = job(lr_schedule=schedule, lr=0.1, max_epochs=5, callbacks=[Recorder()])
        found = []
        for n_epochs in epochs:
            net = fitted.fit(n_epochs)
            found += dict(net.callbacks_)["Recorder"].rates
        return found

    cycle = rates(5)
    assert len(set(cycle)) >= 4
    assert rates(1, 1, 3) == pytest.approx(cycle)
    assert rates(5, 5) == pytest.approx(cycle * 2)
    assert rates(2, 5, 8) == pytest.approx(cycle * 3)


def test_gradient_clip(job):
    clipped, free = Recorder(), Recorder()
    job(gradient_clip=1e-3, callbacks=[clipped]).fit()
    job(callbacks=[free]).fit()
    assert max(clipped.norms) <= 1e-3 * (1 + 1e-5)
    assert max(free.norms) > 1e-2


def test_best_epoch_is_restored(job):
    recorder = Recorder()
    net = job(
        validation_fraction=0.25, max_epochs=6, callbacks=[Diverge(), recorder], n_iter_no_change=9
    ).fit()
    assert len(net.history) == 6
    best = int(np.argmin(net.history[:, "valid_loss"]))
    assert best < 3
    found = net.module_.state_dict()
    assert all(torch.equal(found[name], value) for name, value in recorder.epochs[best].items())
    assert any(not torch.equal(found[name], value) for name, value in recorder.epochs[-1].items())


def test_best_epoch_stops(job, recwarn):
    net = job(validation_fraction=0.25, max_epochs=50, callbacks=[Diverge()], n_iter_no_change=2)
    assert len(net.fit().history) <= 6
    assert not recwarn.list


def test_best_epoch_of_a_negative_loss(job):
    """A relative threshold would take a worse value for a better one where losses are negative."""
    values = iter([-1000.0, -999.95, -999.9])

    class Told(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("valid_loss", next(values))

    fitted = job(validation_fraction=0.25, n_iter_no_change=9)
    names = [name for name, _ in fitted.net.callbacks_]
    fitted.net.callbacks_.insert(names.index("best_epoch"), ("told", Told()))
    net = fitted.fit()
    assert dict(net.callbacks_)["best_epoch"].best_epoch_ == 1


def test_no_stopping(job):
    net = job(validation_fraction=0.25, n_iter_no_change=None)
    assert not any(isinstance(callback, BestEpoch) for _, callback in net.net.callbacks_)
    assert len(net.fit().history) == 3


def test_best_epoch_keeps_its_weights_in_a_checkpoint_only_while_training():
    best = BestEpoch("valid_loss", load_best=True)
    best.best_model_weights_ = {"w": torch.ones(2)}
    assert pickle.loads(pickle.dumps(best)).best_model_weights_["w"].tolist() == [1, 1]


def test_probe_monitor(job):
    net = job(validation_fraction=0.25, monitor="probe", max_epochs=10, n_iter_no_change=3).fit()
    scores = net.history[:, "valid_probe"]
    assert all(0 <= score <= 1 for score in scores)
    assert max(scores) > 0.7
    assert dict(net.callbacks_)["best_epoch"].best_epoch_ == int(np.argmax(scores)) + 1


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0] * 22 + [1] * 2, "for validation, found 1"),
        ([0] * 2 + [1] * 2 + [-1] * 20, "for validation, found 0"),
        ([0] * 24, "for training, found 1"),
    ],
)
def test_probe_without_classes(job, codes, message):
    with pytest.raises(ValueError, match=message):
        job(validation_fraction=0.2, monitor="probe", codes=codes).fit()


@pytest.mark.parametrize(
    "codes", [[0] * 12 + [1] * 6 + [-1] * 6, [0] * 11 + [1] * 11 + [2] * 2, [0] * 18 + [1] * 6]
)
def test_probe_with_few_labels(job, codes):
    net = job(validation_fraction=0.2, monitor="probe", codes=codes).fit()
    assert len(net.history[:, "valid_probe"]) == 3


class Silent(nn.Module):
    """Encodes everybody alike."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return torch.ones(len(x), 2, device=x.device, dtype=x.dtype) * self.unused


def test_probe_of_a_constant_representation(job):
    silent = {"a": Silent(), "b": Silent()}
    term = Term("any", lambda z: z.sum(), on=("z",))
    net = job(
        encoders=silent, terms=[term], validation_fraction=0.25, monitor="probe", max_epochs=1
    ).fit()
    assert net.history[-1, "valid_probe"] == 0.5


def test_probe_does_not_train(job):
    fitted = job(validation_fraction=0.25)
    net = fitted.fit()
    kept = copy.deepcopy(net.module_.state_dict())
    net.history.new_epoch()
    subjects = fitted.subjects
    ProbeScore().on_epoch_end(net, dataset_train=subjects, dataset_valid=subjects)
    assert all(torch.equal(kept[name], v) for name, v in net.module_.state_dict().items())


def test_progress_bar_without_an_epoch(job):
    Progress().on_train_end(job().net)


def test_progress_bar_goes_on(job, capsys):
    fitted = job(verbose=1)
    fitted.fit(2)
    fitted.fit(1)
    assert "3/3" in capsys.readouterr().err
