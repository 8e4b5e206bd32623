"""A fit that was cut off goes on as if it had not been, and no other fit reads its file."""

import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback, EarlyStopping
from torch import nn

import skmmcl
from skmmcl import CMCCSSEmbedder
from skmmcl.base import BaseEmbedder, embedder
from skmmcl.exceptions import CheckpointWarning, FitInterruptedWarning
from skmmcl.networks import MLP
from skmmcl.training import (
    Checkpoint,
    Term,
    _checkpoint,
    _fingerprint,
    _fit,
    _state,
    fingerprint,
    open_folder,
)

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


class OfUser(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.by = nn.Linear(5, 2), 2.0

    def forward(self, x):
        return self.by * self.linear(x)


DROPOUT = {"a": nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 2))}
OPTIONS = {
    "plain": {},
    "dropout": {"encoders": DROPOUT},
    "module of the user": {"encoders": {"a": OfUser()}},
    "cosine": {"lr_schedule": "cosine"},
    "onecycle": {"lr_schedule": "onecycle", "optimizer": "sgd"},
    "scheduler": {"lr_schedule": partial(torch.optim.lr_scheduler.StepLR, step_size=2)},
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


def flip(path, bit):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


def cut_off(job, folder, **options):
    """Leave the checkpoint of a fit that ended in its third epoch."""
    CutIn.crash = True
    with pytest.raises(Cut):
        job(checkpoint=folder, callbacks=[CutIn(3)], **options).fit(key="job")
    CutIn.crash = False
    (path,) = folder.iterdir()
    return path


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    open_folder("~/fits")
    assert (tmp_path / "fits" / "about.json").is_file()
    assert Checkpoint("~/fits", "key").path == tmp_path / "fits" / "fit-key.npz"


def test_part_files_of_a_killed_process_are_removed(job, tmp_path, same_fit):
    cut_off(job, tmp_path)
    left = tmp_path / Checkpoint(tmp_path, fingerprint("job", 3, None)).path.stem
    left.with_suffix(".123.456.part").write_bytes(b"trunca")
    other = tmp_path / "fit-other.1.2.part"
    other.write_bytes(b"of a fit that may run")
    assert same_fit(job(checkpoint=tmp_path).fit(key="job"), job().fit())
    assert [path for path in tmp_path.iterdir() if path.suffix == ".part"] == [other]


@pytest.mark.parametrize("complete", [False, True])
def test_no_bit_of_a_file_can_flip_unseen(job, tmp_path, same_fit, complete):
    if complete:
        job(checkpoint=tmp_path).fit(key="job")
        (path,) = tmp_path.iterdir()
    else:
        path = cut_off(job, tmp_path)
    whole, content = job().fit(), path.read_bytes()
    for bit in np.random.default_rng(0).integers(8 * len(content), size=12):
        path.write_bytes(content)
        flip(path, int(bit))
        with pytest.warns(CheckpointWarning, match=r"fit-.*npz.* damaged .*begins anew"):
            assert same_fit(job(checkpoint=tmp_path).fit(key="job"), whole)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 1000, -1])
def test_a_file_that_is_cut_off_is_named_and_the_fit_begins_anew(job, tmp_path, same_fit, length):
    path = cut_off(job, tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.warns(CheckpointWarning, match=r"fit-.*npz.* damaged or cut off.*begins anew"):
        assert same_fit(job(checkpoint=tmp_path).fit(key="job"), job().fit())
    assert same_fit(job(checkpoint=tmp_path).fit(key="job"), job().fit())  # it was written again


def test_files_cannot_be_swapped(job, tmp_path, same_fit):
    names = ("one", "other")
    for seed, name in enumerate(names):
        job(checkpoint=tmp_path, random_state=seed).fit(key=name)
    one, other = sorted(tmp_path.iterdir())
    one.write_bytes(other.read_bytes())
    found = []
    with pytest.warns(CheckpointWarning, match="it is of another fit"):
        found = [job(checkpoint=tmp_path, random_state=k).fit(key=n) for k, n in enumerate(names)]
    assert all(same_fit(net, job(random_state=k).fit()) for k, net in enumerate(found))


def test_a_file_runs_no_code(job, tmp_path, same_fit):
    class Bad:
        def __reduce__(self):
            return pytest.fail, ("it ran",)

    path = cut_off(job, tmp_path)
    for content in (pickle.dumps(Bad()), archive(np.array([Bad()], dtype=object))):
        path.write_bytes(content)
        with pytest.warns(CheckpointWarning, match="begins anew"):
            assert same_fit(job(checkpoint=tmp_path).fit(key="job"), job().fit())


def archive(array):
    buffer = io.BytesIO()
    np.savez(buffer, json=array)
    return buffer.getvalue() + _checkpoint._digest(buffer.getvalue())


def test_a_file_is_an_archive_of_numpy(job, tmp_path):
    path = cut_off(job, tmp_path)
    with np.load(path, allow_pickle=False) as members:
        text = json.loads(members["json"].tobytes())
    assert text["fingerprint"] == path.stem.removeprefix("fit-")
    assert text["complete"] is False


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError()])
def test_a_full_disk_is_a_warning(job, tmp_path, same_fit, monkeypatch, error):
    def full(*args, **kwargs):
        raise error

    monkeypatch.setattr(_checkpoint.Path, "replace", full)
    with pytest.warns(CheckpointWarning, match=r"could not be written.*The fit goes on") as seen:
        net = job(checkpoint=tmp_path).fit(key="job")
    assert len(seen) == 1
    assert same_fit(net, job().fit())
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a file's size is that of Linux")
def test_a_file_that_may_not_grow(tmp_path, repo_dir, monkeypatch):
    monkeypatch.chdir(repo_dir)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    arguments = [sys.executable, "-c", limit + FIT, str(tmp_path), "-1", "6"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "CheckpointWarning" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["about.json"]


class Counts(Callback):
    """Has state of many kinds, some of it that of torch and numpy."""

    def __init__(self, seen=None):
        self.seen = seen

    def on_train_begin(self, net, **kwargs):
        self.rng_ = np.random.default_rng(0)
        self.generator_ = torch.Generator().manual_seed(0)
        self.inner_ = Inner()
        self.draws_, self.last_ = [], None

    def on_epoch_end(self, net, **kwargs):
        drawn = self.rng_.random(), torch.rand(1, generator=self.generator_).item()
        self.inner_.total += drawn[0]
        self.inner_.by[len(net.history), "x"] = drawn
        self.draws_.append(drawn)
        self.last_ = np.array(drawn), torch.tensor(drawn), {len(self.draws_)}

    def state(self):
        last = [sorted(part) if isinstance(part, set) else part.tolist() for part in self.last_]
        return self.draws_, self.inner_.total, self.inner_.by, last


class Inner:
    def __init__(self):
        self.total, self.by = 0.0, {}


def test_the_state_of_a_callback_goes_on(job, tmp_path):
    whole = job(callbacks=[Counts()], max_epochs=N_EPOCHS)
    whole.fit()
    with pytest.raises(Cut):
        job(checkpoint=tmp_path, callbacks=[Counts(), CutIn(3)], max_epochs=N_EPOCHS).fit(key="job")
    for _ in range(2):  # it goes on, and then it is complete
        given = Counts()
        job(checkpoint=tmp_path, callbacks=[given], max_epochs=N_EPOCHS).fit(key="job")
        assert given.state() == whole.settings.callbacks[0].state()


class Locks(Callback):
    def on_train_begin(self, net, **kwargs):
        self.lock_ = threading.Lock()


class Slotted:
    __slots__ = ("n",)


class HasSlots(Callback):
    def on_epoch_end(self, net, **kwargs):
        self.of_ = Slotted()


@pytest.mark.parametrize("callback", [Locks, HasSlots])
def test_a_callback_whose_state_cannot_be_stored(job, tmp_path, same_fit, callback):
    with pytest.warns(
        CheckpointWarning, match=r"cannot be written: callbacks\.\w+\.\w+_ is a "
    ) as seen:
        net = job(checkpoint=tmp_path, callbacks=[callback()]).fit(key="job")
    assert len(seen) == 1
    assert same_fit(net, job().fit())
    assert not list(tmp_path.iterdir())


class Grows(Callback):
    def on_epoch_end(self, net, **kwargs):
        self.of_ = Inner()


def test_a_state_that_cannot_be_taken_up_begins_anew(job, tmp_path, same_fit):
    """What the callback made in the training is not there at its beginning."""
    seen = {"validation_fraction": 0.25, "lr_schedule": "cosine", "gradient_clip": 0.1}
    with pytest.raises(Cut):
        job(checkpoint=tmp_path, callbacks=[Grows(), CutIn(3)], **seen).fit(key="job")
    CutIn.crash = False
    with pytest.warns(CheckpointWarning, match=r"callbacks.Grows.of_ was .*Inner.*begins anew"):
        net = job(checkpoint=tmp_path, callbacks=[Grows()], **seen).fit(key="job")
    assert same_fit(net, job(**seen).fit())


def test_a_state_that_fails_amid_the_network_leaves_it_as_it_was(
    job, tmp_path, same_fit, monkeypatch
):
    cut_off(job, tmp_path)
    read, n_read = _state.Reader._tensor, []

    def fail_once(self, *args):
        n_read.append(args)
        if len(n_read) == 2:
            raise _state.StateError("the second weight")
        return read(self, *args)

    monkeypatch.setattr(_state.Reader, "_tensor", fail_once)
    with pytest.warns(CheckpointWarning, match="the second weight. The fit begins anew"):
        assert same_fit(job(checkpoint=tmp_path).fit(key="job"), job().fit())


class Drifts(nn.Module):
    """Has a state that is no buffer."""

    def __init__(self):
        super().__init__()
        self.linear, self.n, self.rng = nn.Linear(5, 2), 0, np.random.default_rng(0)

    def forward(self, x):
        self.n += self.training
        return self.linear(x) * (1 + 0.01 * self.n + 0.1 * self.rng.random() * self.training)


def test_a_network_with_a_state_of_its_own(job, tmp_path, same_fit):
    made = partial(job, encoders={"a": Drifts()}, max_epochs=N_EPOCHS)

    with pytest.raises(Cut):
        made(checkpoint=tmp_path, callbacks=[CutIn(3)]).fit(key="job")
    CutIn.crash = False
    assert same_fit(made(checkpoint=tmp_path).fit(key="job"), made().fit())


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


def test_fingerprint_of_a_lambda():
    assert fingerprint(lambda x: x) == fingerprint(lambda x: x) != fingerprint(lambda x: -x)


IN_A_SET = """
from skmmcl.training import fingerprint
from torch import nn
class Encoder(nn.Linear):
    def forward(self, x):
        return x if x in {"a", "b", "c", "d", "e", "f"} else x
def f(x):
    return x in {"g", "h", "i", "j", "k", "l"}
found = fingerprint(f, {"encoders": Encoder, "names": set("mnopqrs")})
"""


def test_fingerprint_does_not_depend_on_the_hash_seed_of_the_process(repo_dir):
    here = {"__name__": "__main__"}
    exec(IN_A_SET, here)
    seed = str(1 + (os.environ.get("PYTHONHASHSEED") == "1"))
    other = subprocess.run(
        [sys.executable, "-c", IN_A_SET + "print(found)"],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=repo_dir, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert other.stdout.strip() == here["found"]


def scaled(by):
    class Scaled(nn.Linear):
        def forward(self, x):
            return by(super().forward(x))

    return Scaled


@pytest.mark.parametrize("make", [lambda kind: kind, lambda kind: kind(2, 2)])
def test_fingerprint_of_an_edited_module(make):
    class Edited(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    before = scaled(torch.neg)
    Edited.__qualname__, Edited.__name__ = before.__qualname__, before.__name__
    with torch.random.fork_rng():
        keys = [torch.manual_seed(0) and fingerprint(make(kind)) for kind in (before, Edited)]
    assert keys[0] != keys[1]


def test_another_callback_does_not_read_the_fits_without(tmp_path):
    X = {"a": np.eye(8, 3), "b": np.eye(8, 4)}
    for callbacks in (None, [EarlyStopping("train_loss", patience=1, threshold=10.0)]):
        options = {"solver": "gradient", "max_epochs": 4, "checkpoint": tmp_path}
        embedder = CMCCSSEmbedder(callbacks=callbacks, random_state=0, **options)
        found = [clone(embedder).fit(X, np.arange(8) % 2).n_iter_ for _ in range(2)]
        assert found == ([4, 4] if callbacks is None else [2, 2])
    assert len(list(tmp_path.glob("*.npz"))) == 2


class Faded(nn.Linear):
    def __init__(self, by=1.0):
        super().__init__(5, 2)
        self.by = by


def test_fingerprint_of_a_module_sees_frozen_weights_and_attributes():
    encoder, frozen, other = (Faded(by) for by in (1.0, 1.0, 2.0))
    for each in (frozen.requires_grad_(False), other):
        each.load_state_dict(encoder.state_dict())
    assert len({fingerprint(each) for each in (encoder, frozen, other)}) == 3
    assert fingerprint(Faded().requires_grad_(False)) != fingerprint(frozen)
    frozen.requires_grad_()
    assert fingerprint(frozen) == fingerprint(encoder)


def test_an_edited_method_does_not_read_the_fits_of_the_earlier_one(tmp_path):
    def make(loss):
        @embedder
        class Method(BaseEmbedder):
            def _make_objective(self):
                return [Term("loss", loss, on=("z",))]

        return Method(max_epochs=1, random_state=0, checkpoint=tmp_path)

    X = {"a": np.eye(8, 3), "b": np.eye(8, 4)}
    first = make(lambda z: (z[0] - z[1]).square().mean()).fit(X)
    edited = make(lambda z: z.square().mean()).fit(X)
    assert first.history_["train_loss"] != edited.history_["train_loss"]
    assert len(list(tmp_path.glob("*.npz"))) == 2


def test_fingerprint_takes_a_copy_for_the_same():
    x = np.arange(12.0).reshape(3, 4)
    assert fingerprint(x, {"a": [1, None]}) == fingerprint(x.copy(), {"a": [1, None]})


def test_a_folder_of_other_code_is_refused(tmp_path, monkeypatch):
    open_folder(tmp_path)
    open_folder(tmp_path)
    monkeypatch.setattr(_fingerprint, "code_hash", lambda: "edited")
    with pytest.raises(ValueError, match=r"another version of the code.*code was .*, is edited"):
        open_folder(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"skmmcl"', '{"skmmcl"'])
def test_a_damaged_description_is_named(tmp_path, content):
    open_folder(tmp_path)
    (tmp_path / "about.json").write_text(content)
    with pytest.raises(ValueError, match=r"about\.json' should say .* damaged"):
        open_folder(tmp_path)


def test_an_edit_of_the_package_makes_another_fingerprint(monkeypatch):
    before = fingerprint("job")
    monkeypatch.setattr(_fingerprint, "code_hash", lambda: "edited")
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
        while process.poll() is None and not list(tmp_path.glob("*.npz")):
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert_same(result(start(tmp_path, n_epochs=200)), whole)
