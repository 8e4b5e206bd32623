"""A fit that was cut off goes on as if it had not been, and no other fit reads its file."""

import os
import pickle
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

import skmmcl
from skmmcl.exceptions import FitInterruptedWarning
from skmmcl.networks import MLP
from skmmcl.training import Checkpoint, _checkpoint, _fit, fingerprint, open_folder

N_EPOCHS = 5


class Cut(Exception):  # noqa: N818
    """Ends a fit as a crash would."""


class CutIn(Callback):
    """Crash in some epoch of the first run only."""

    crash = True

    def __init__(self, epoch, error=Cut):
        self.epoch, self.error = epoch, error

    def on_batch_begin(self, net, **kwargs):
        if CutIn.crash and len(net.history) == self.epoch:
            raise self.error


@pytest.fixture(autouse=True)
def at_every_epoch(monkeypatch):
    monkeypatch.setattr(Checkpoint, "interval", 0)
    monkeypatch.setattr(CutIn, "crash", True)
    monkeypatch.setattr(_fit, "_last_interrupt", -np.inf)


DROPOUT = {"a": nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 2))}
OPTIONS = {
    "plain": {},
    "dropout": {"encoders": DROPOUT},
    "cosine": {"lr_schedule": "cosine"},
    "onecycle": {"lr_schedule": "onecycle", "optimizer": "sgd"},
    "stopping": {"validation_fraction": 0.25, "n_iter_no_change": 1, "lr": 1.0},
    "best": {"validation_fraction": 0.25, "lr": 0.3, "monitor": "probe"},
    "bar": {"verbose": 1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("epoch", [1, 3, N_EPOCHS])
def test_cut_off_and_resumed(job, tmp_path, same_fit, options, epoch):
    make = partial(job, max_epochs=N_EPOCHS, checkpoint=tmp_path, **options)
    CutIn.crash = False
    whole = make(callbacks=[CutIn(epoch)]).fit()
    if len(whole.history) < epoch:
        pytest.skip("stopped early before the cut")
    CutIn.crash = True
    with pytest.raises(Cut):
        make(callbacks=[CutIn(epoch)]).fit(key="job")
    CutIn.crash = False
    assert len(list(tmp_path.iterdir())) == (epoch > 1)
    resumed = make(callbacks=[CutIn(epoch)])
    resumed.fit(key="job")
    assert same_fit(resumed.net, whole)
    assert [name for name, _ in resumed.net.callbacks_ if name == "checkpoint"] == []


def test_resumed_after_the_last_epoch(job, tmp_path, same_fit, monkeypatch):
    """Cut between the last epoch and the end of the fit."""
    whole = job(verbose=1).fit()
    save = Checkpoint.save

    def unfinished(self, net, *, complete):
        if complete:
            raise Cut
        save(self, net, complete=complete)

    monkeypatch.setattr(Checkpoint, "save", unfinished)
    with pytest.raises(Cut):
        job(verbose=1, checkpoint=tmp_path).fit(key="job")
    monkeypatch.setattr(Checkpoint, "save", save)
    assert same_fit(job(verbose=1, checkpoint=tmp_path).fit(key="job"), whole)


def test_complete_job_is_not_trained_again(job, tmp_path, same_fit, monkeypatch):
    first = job(checkpoint=tmp_path).fit(key="job")
    monkeypatch.setattr(_fit, "Stack", None)
    assert same_fit(job(checkpoint=tmp_path).fit(key="job"), first)


def test_interrupted_fit_goes_on(job, tmp_path, same_fit):
    make = partial(job, callbacks=[CutIn(2, KeyboardInterrupt)], checkpoint=tmp_path)
    with pytest.warns(FitInterruptedWarning):
        partial_net = make().fit(key="job")
    assert len(partial_net.history) == 2
    CutIn.crash = False
    assert same_fit(make().fit(key="job"), make(checkpoint=None).fit())


def test_other_number_of_epochs_is_another_job(job, tmp_path):
    assert len(job(checkpoint=tmp_path).fit(1, key="job").history) == 1
    assert len(job(checkpoint=tmp_path).fit(3, key="job").history) == 3


def test_going_on_is_another_job(job, tmp_path, same_fit):
    fitted, other = job(checkpoint=tmp_path), job(checkpoint=tmp_path, random_state=1)
    for expected in (1, 2, 3):
        assert len(fitted.fit(1, key="job").history) == expected
    other.fit(2, key="other")
    assert len(other.fit(1, key="job").history) == 3
    assert not same_fit(other.net, fitted.net)


def test_resumed_job_writes_to_the_folder_it_was_found_in(job, tmp_path):
    make = partial(job, callbacks=[CutIn(2)])
    with pytest.raises(Cut):
        make(checkpoint=tmp_path / "old").fit(key="job")
    (tmp_path / "old").rename(tmp_path / "new")
    CutIn.crash = False
    make(checkpoint=tmp_path / "new").fit(key="job")
    assert not (tmp_path / "old").exists()


def test_clock_of_another_boot(job, tmp_path, monkeypatch):
    fitted = job(checkpoint=tmp_path, callbacks=[CutIn(2)])
    with pytest.raises(Cut):
        fitted.fit(key="job")
    (path,) = tmp_path.iterdir()
    net, complete = pickle.loads(path.read_bytes())
    dict(net.callbacks_)["checkpoint"].saved_ = 1e12
    path.write_bytes(pickle.dumps((net, complete)))
    saved = []
    save = Checkpoint.save
    monkeypatch.setattr(
        Checkpoint,
        "save",
        lambda self, net, *, complete: (
            saved.append(len(net.history)),
            save(self, net, complete=complete),
        ),
    )
    CutIn.crash = False
    job(checkpoint=tmp_path).fit(key="job")
    assert saved == [2, 3, 3]


def test_part_file_is_ignored(job, tmp_path, same_fit):
    (tmp_path / "fit-job.123.part").write_bytes(b"trunca")
    checkpoint = Checkpoint(tmp_path, "job")
    assert checkpoint.load() is None
    net = job().fit()
    checkpoint.save(net, complete=True)
    found, complete = checkpoint.load()
    assert same_fit(found, net)
    assert complete is True
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".part", ".pkl"]


def test_a_failed_write_leaves_the_earlier_file(job, tmp_path):
    net = job().fit()
    checkpoint = Checkpoint(tmp_path, "job")
    checkpoint.save(net, complete=False)
    net.unpicklable = lambda: None
    with pytest.raises((pickle.PicklingError, AttributeError)):
        checkpoint.save(net, complete=True)
    assert checkpoint.load()[1] is False


def test_a_file_that_cannot_be_read_is_named(job, tmp_path):
    checkpoint = Checkpoint(tmp_path, "job")
    checkpoint.save(job().fit(), complete=False)
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"fit-job\.pkl.*cannot be read.*Delete it"):
        checkpoint.load()


def test_interval(job, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoint, "interval", 1000)
    with pytest.raises(Cut):
        job(checkpoint=tmp_path, callbacks=[CutIn(3)]).fit(key="job")
    assert not list(tmp_path.iterdir())


def test_fingerprint_differs_where_anything_differs(monkeypatch):
    x, module = np.arange(6.0), nn.Linear(2, 2)
    other = nn.Linear(2, 2)
    jobs = [
        (x, {"lr": 0.1}),
        (x + 1, {"lr": 0.1}),
        (x.astype("f4"), {"lr": 0.1}),
        (x.reshape(2, 3), {"lr": 0.1}),
        (x, {"lr": 0.2}),
        (x, {"lr": 0.1, "encoders": module}),
        (x, {"lr": 0.1, "encoders": {"a": module}}),
        (x, {"lr": 0.1, "encoders": {"a": other}}),
        (x, {"lr": 0.1, "encoders": [module]}),
        (x, {"lr": 0.1, "encoders": MLP}),
        (x, {"lr": 0.1, "encoders": partial(MLP, hidden=(3,))}),
        (torch.ones(2), {}),
        (torch.zeros(2), {}),
    ]
    keys = [fingerprint(*job) for job in jobs]
    assert len(set(keys)) == len(keys)
    assert keys == [fingerprint(*job) for job in jobs]
    monkeypatch.setattr(skmmcl, "__version__", "0.0.other")
    assert fingerprint(*jobs[0]) != keys[0]


def encoder(shape, n_components):
    return nn.Linear(shape[0], n_components)


def edited(shape, n_components):
    return nn.Sequential(nn.Linear(shape[0], 3), nn.Linear(3, n_components))


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: partial(f, shape=(3,))])
def test_fingerprint_of_an_edited_function(monkeypatch, wrap):
    before = fingerprint(wrap(encoder))
    assert fingerprint(wrap(encoder)) == before
    edited.__qualname__ = encoder.__qualname__
    edited.__name__ = encoder.__name__
    monkeypatch.setitem(globals(), "encoder", edited)
    assert fingerprint(wrap(edited)) != before


def test_fingerprint_refuses_what_cannot_be_written():
    with pytest.raises(pickle.PicklingError):
        fingerprint(lambda shape, n_components: None)


def test_fingerprint_takes_a_copy_for_the_same():
    x = np.arange(12.0).reshape(3, 4)
    assert fingerprint(x, {"a": [1, None]}) == fingerprint(x.copy(), {"a": [1, None]})


def test_a_folder_of_other_code_is_refused(tmp_path, monkeypatch):
    open_folder(tmp_path)
    open_folder(tmp_path)
    monkeypatch.setattr(_checkpoint, "_code_hash", lambda: "edited")
    with pytest.raises(ValueError, match=r"another version of the code.*code was .*, is edited"):
        open_folder(tmp_path)


def test_an_edit_of_the_package_makes_another_fingerprint(monkeypatch):
    before = fingerprint("job")
    monkeypatch.setattr(_checkpoint, "_code_hash", lambda: "edited")
    assert fingerprint("job") != before


FIT = """
import os, pickle, sys
import numpy as np
from skmmcl import CMCCSSEmbedder
from skmmcl.training import Checkpoint

folder, die_after, n_epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
Checkpoint.interval = 0
save = Checkpoint.save

def save_and_die(self, net, *, complete):
    save(self, net, complete=complete)
    if len(net.history) == die_after:
        os._exit(9)

Checkpoint.save = save_and_die
rng = np.random.default_rng(0)
X = {"a": rng.normal(size=(30, 4)), "b": rng.normal(size=(30, 5, 5))}
model = CMCCSSEmbedder(
    solver="gradient", max_epochs=n_epochs, batch_size=10, checkpoint=folder or None,
    random_state=0,
    validation_fraction=0.2, lr_schedule="cosine", device="cpu",
)
model.fit(X, np.arange(30) % 2)
print(pickle.dumps((model.transform(X), model.history_)).hex())
"""


def start(folder, die_after=-1, n_epochs=6):
    arguments = [sys.executable, "-c", FIT, str(folder), str(die_after), str(n_epochs)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return pickle.loads(bytes.fromhex(out))


def assert_same(found, expected):
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1].keys() == expected[1].keys()
    for name, values in expected[1].items():
        np.testing.assert_array_equal(found[1][name], values)


@pytest.mark.slow
def test_process_that_dies(tmp_path, repo_dir, monkeypatch):
    monkeypatch.chdir(repo_dir)
    whole, dying = start(""), start(tmp_path, die_after=3)
    dying.communicate(timeout=300)
    assert dying.returncode == 9
    assert_same(result(start(tmp_path)), result(whole))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_process_that_is_killed_at_any_moment(tmp_path, repo_dir, monkeypatch):
    monkeypatch.chdir(repo_dir)
    whole = result(start("", n_epochs=200))
    rng = np.random.default_rng()
    for _ in range(3):
        process = start(tmp_path, n_epochs=200)
        while process.poll() is None and not list(tmp_path.glob("*.pkl")):
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert_same(result(start(tmp_path, n_epochs=200)), whole)
