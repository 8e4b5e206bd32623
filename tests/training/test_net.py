"""The skorch net: its history, its errors, its interruption, and its copies."""

import copy
import io
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from skmmcl.exceptions import FitInterruptedWarning, TrainingError
from skmmcl.losses import CMCLoss
from skmmcl.training import Term, _fit, represent

CMC = Term("cmc", CMCLoss(0.5), on=("z", "mask"))


def becomes_nan(z):
    return (z * torch.nan).sum()


class InterruptIn(Callback):
    """Ctrl-C in some epoch, before or after its batches."""

    def __init__(self, epoch, event="on_batch_end"):
        self.epoch, self.event = epoch, event

    def notify(self, method_name, net, **kwargs):
        if method_name == self.event and len(net.history) == self.epoch:
            raise KeyboardInterrupt

    def __getattribute__(self, name):
        own = object.__getattribute__(self, name)
        if name.startswith("on_"):
            return partial(self.notify, name)
        return own


@pytest.fixture(autouse=True)
def no_earlier_interrupt(monkeypatch):
    monkeypatch.setattr(_fit, "_last_interrupt", -np.inf)


def test_history(job):
    net = job(validation_fraction=0.25).fit()
    assert len(net.history) == 3
    for row in net.history:
        for name in ("loss", "cmc", "css"):
            train_name = "train_loss" if name == "loss" else name
            assert isinstance(row[train_name], float)
            assert isinstance(row[f"valid_{name}"], float)
        assert row["train_loss"] == pytest.approx(row["cmc"] + 0.5 * row["css"])
        assert row["valid_loss"] == pytest.approx(row["valid_cmc"] + 0.5 * row["valid_css"])
        assert row["train_batch_count"] == 3
        assert row["valid_batch_count"] == 1
    for prefix in ("train", "valid"):
        losses = net.history[:, f"{prefix}_loss"]
        best = [loss == min(losses[: i + 1]) for i, loss in enumerate(losses)]
        assert net.history[:, f"{prefix}_loss_best"] == best
    assert net.history[0, "train_loss"] > net.history[-1, "train_loss"]


def test_no_validation_is_not_in_the_history(job):
    assert not [name for name in job().fit().history[-1] if name.startswith("valid")]


def test_mean_over_batches_is_weighted_by_their_size(job):
    count = Term("count", lambda y, z: len(y) + 0 * z.sum(), on=("y", "z"))
    net = job(terms=[CMC, count], codes=[-1] * 23, n_samples=23, max_epochs=1).fit()
    assert net.history[-1, "count"] == pytest.approx((8 * 8 + 8 * 8 + 7 * 7) / 23)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype(job, dtype):
    fitted = job(dtype=dtype)
    net = fitted.fit()
    assert {p.dtype for p in net.module_.parameters()} == {dtype}
    assert str(represent(net, fitted.subjects).dtype) == str(dtype).removeprefix("torch.")


def test_not_finite(job):
    terms = [CMC, Term("broken", becomes_nan, on=("z",))]
    with pytest.raises(TrainingError, match=r"The train 'broken' became nan in epoch 1"):
        job(terms=terms).fit()


def test_total_that_overflows(job):
    huge = Term("huge", lambda z: 1e30 * (z**2).mean(), on=("z",), weight=1e30)
    with pytest.raises(TrainingError, match=r"The train 'loss' became inf in epoch 1"):
        job(terms=[huge]).fit()


def test_not_finite_in_validation(job):
    def only_in_training(z):
        return z.sum() if z.requires_grad else z.sum() / 0

    terms = [Term("odd", only_in_training, on=("z",))]
    with pytest.raises(TrainingError, match=r"The valid 'odd' became"):
        job(terms=terms, validation_fraction=0.25).fit()


@pytest.mark.parametrize(
    "optimizer", ["adam", "adamw", "radam", "sgd", torch.optim.Adagrad, torch.optim.RMSprop]
)
def test_optimizers(job, optimizer):
    fitted = job(optimizer=optimizer, lr=0.01, weight_decay=0.3)
    before = copy.deepcopy(fitted.net.module_.state_dict())
    group = fitted.net.optimizer_.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.01, 0.3)
    if optimizer == "sgd":
        assert group["momentum"] == 0.9
    if not isinstance(optimizer, str):
        assert type(fitted.net.optimizer_) is optimizer
    after = fitted.fit().module_.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_representation(job):
    fitted = job()
    net = fitted.fit()
    whole = represent(net, fitted.subjects)
    assert whole.shape == (2, 24, 2)
    np.testing.assert_allclose(represent(net, fitted.subjects, n_rows=5), whole, rtol=1e-5)
    assert not net.module_.training


def test_more_epochs_go_on(job, same_fit):
    dropout = {"a": nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 2))}
    at_once, stepwise = job(encoders=dropout), job(encoders=dropout)
    at_once.fit(3)
    for _ in range(3):
        stepwise.fit(1)
    assert same_fit(at_once.net, stepwise.net)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_equal_and_go_on_alike(job, copied, same_fit):
    original = job(lr_schedule="cosine")
    original.fit(2)
    twin = copy.copy(original)
    twin.net = copied(original.net)
    assert same_fit(twin.net, original.net)
    twin.fit(2)
    assert not same_fit(twin.net, original.net)
    original.fit(2)
    assert same_fit(twin.net, original.net)


@pytest.mark.parametrize("event", ["on_batch_begin", "on_batch_end", "on_epoch_end"])
def test_interruption_leaves_a_usable_net(job, event):
    fitted = job(callbacks=[InterruptIn(2, event)], max_epochs=5)
    with pytest.warns(FitInterruptedWarning, match="interrupted in epoch 2"):
        net = fitted.fit()
    assert len(net.history) == 2
    assert np.isfinite(represent(net, fitted.subjects)).all()
    net.callbacks_ = []
    fitted.fit(2)
    assert len(net.history) == 4


def test_two_interruptions_within_two_seconds_go_through(job, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(_fit, "monotonic", lambda: clock[0])
    for pause in (0, 2.5):
        clock[0] += pause
        with pytest.warns(FitInterruptedWarning):
            job(callbacks=[InterruptIn(1)]).fit()
    clock[0] += 1.5
    with pytest.raises(KeyboardInterrupt):
        job(callbacks=[InterruptIn(1)]).fit()


def test_interruption_after_training_ended_callbacks(job):
    class Ended(Callback):
        ended = 0

        def on_train_end(self, net, **kwargs):
            self.ended += 1

    ended = Ended()
    with pytest.warns(FitInterruptedWarning):
        job(callbacks=[ended, InterruptIn(1)]).fit()
    assert ended.ended == 1


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_output(job, verbose, capsys):
    job(verbose=verbose, validation_fraction=0.25, n_iter_no_change=1, lr=1e-9, max_epochs=9).fit()
    out, err = capsys.readouterr()
    if verbose == 0:
        assert out == err == ""
    elif verbose == 1:
        assert "epoch" in err
        assert "loss=" in err
    else:
        assert "train_loss" in out


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["adam", "radam", "sgd"])
def test_a_net_of_the_gpu_is_read_anywhere(job, optimizer):
    fitted = job(device="cuda", optimizer=optimizer, validation_fraction=0.25)
    net = fitted.fit()
    expected = represent(net, fitted.subjects)
    twin = pickle.loads(pickle.dumps(net))
    assert net.device == "cuda"
    assert twin.device == "cpu"
    assert {p.device.type for p in twin.module_.parameters()} == {"cpu"}
    there = job(device="cpu")
    np.testing.assert_allclose(represent(twin, there.subjects), expected, rtol=1e-3, atol=1e-4)
    there.net = twin
    assert len(there.fit(1).history) == 4
    fitted.net = twin.to("cuda")
    assert len(fitted.fit(1).history) == 5


def test_unpickled_network_is_written_to_any_file(job, same_fit):
    net = job().fit()
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    assert same_fit(torch.load(file, weights_only=False), net)
