"""scikit-learn's own functions give the same numbers with and without stacked fits."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline
from torch import nn
from torch.nn import functional as F

from skmmcl import CMCCSSEmbedder, MultimodalData, stacked_fits
from skmmcl.base import BaseEmbedder
from skmmcl.exceptions import CheckpointWarning
from skmmcl.networks._vmap import unstacked_modules
from skmmcl.training import class_aware_batches
from skmmcl.training._stack import Stack
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
# Their objectives know no lanes.
ALONE = {
    "DeepInfoMaxEmbedder",
    "DeepUCSL",
    "MMVAEEmbedder",
    "SepVAEEmbedder",
    "TopologicalConsistencyEmbedder",
}
N = 40


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture(name="X")
def cohort(y):
    rng = np.random.default_rng(0)
    mask = rng.random((N, 3)) > 0.2
    mask[~mask.any(axis=1)] = True
    return MultimodalData(
        smri=rng.normal(size=(N, 5)) + y[:, None],
        fc=rng.normal(size=(N, 6, 6)),
        clinical=rng.normal(size=(N, 3)),
        mask=mask,
    )


@pytest.fixture
def widths(monkeypatch):
    """Return how many lanes each stack had."""
    seen = []
    link = Stack._link

    def counted(self):
        seen.append(len(self.nets))
        return link(self)

    monkeypatch.setattr(Stack, "_link", counted)
    return seen


def make_pipe(cls, device="cpu", **params):
    embedder = cls(
        solver="gradient", max_epochs=3, n_components=4, random_state=0, device=device, **params
    )
    return Pipeline([("emb", embedder), ("clf", LogisticRegression())])


def scores(pipe, X, y):
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    found = cross_validate(pipe, X, y, cv=cv, scoring=["roc_auc", "neg_log_loss"])
    return {name: value for name, value in found.items() if not name.endswith("time")}


def results_of_search(pipe, X, y):
    grid = {"emb__lr": [1e-3, 1e-2], "emb__n_components": [2, 4]}
    search = GridSearchCV(pipe, grid, cv=2, scoring="neg_log_loss").fit(X, y)
    kept = {k: v for k, v in search.cv_results_.items() if k.startswith(("split", "rank"))}
    return kept | {"predicted": search.predict_proba(X)}


@pytest.mark.parametrize("function", [scores, results_of_search])
@pytest.mark.parametrize("cls", EMBEDDERS)
def test_same_numbers_bit_for_bit(X, y, cls, function, widths):
    pipe = make_pipe(cls)
    expected = function(pipe, X, y)
    alone = cls.__name__ in ALONE
    assert set(widths) == (set() if alone else {1})
    with stacked_fits():
        found = function(pipe, X, y)
    assert not widths if alone else max(widths) >= 3
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_same_numbers_with_balanced_classes(X, widths):
    y = (np.arange(N) % 4 == 0).astype(int)
    pipe = make_pipe(CMCCSSEmbedder, sampler="balanced", batch_size=16)
    expected = scores(pipe, X, y)
    with stacked_fits():
        found = scores(pipe, X, y)
    assert max(widths) == 4
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.gpu
@pytest.mark.parametrize("cls", EMBEDDERS)
def test_same_numbers_on_the_gpu(X, y, cls):
    pipe = make_pipe(cls, device="cuda", dtype="float64")
    expected = scores(pipe, X, y)
    with stacked_fits():
        found = scores(pipe, X, y)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_failing_fit_is_scored_as_an_error(X, y):
    pipe = make_pipe(CMCCSSEmbedder)
    grid = {"emb__lr": [1e-3, 1e38]}
    with stacked_fits():
        search = GridSearchCV(pipe, grid, cv=3, error_score=-1.0, scoring="roc_auc").fit(X, y)
    good, bad = search.cv_results_["mean_test_score"]
    assert good > 0
    assert bad == -1


# ------------------------------------------------------------------------------------------ resume


def test_a_protocol_is_taken_up_again(X, y, tmp_path, widths):
    pipe = make_pipe(CMCCSSEmbedder)
    expected = scores(pipe, X, y)
    for _ in range(2):
        with stacked_fits(checkpoint=tmp_path):
            found = scores(pipe, X, y)
        assert len(list(tmp_path.glob("fit-*.npz"))) == 4
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)
    assert len(widths) == 5  # four alone and one stack, none in the second round
    with stacked_fits(checkpoint=tmp_path):
        scores(pipe.set_params(emb__lr=0.01), X, y)
        scores(pipe, X[["smri", "fc"]], y)
    assert len(list(tmp_path.glob("fit-*.npz"))) == 12


def test_checkpoints_of_other_code_are_refused_before_any_fit(tmp_path):
    (tmp_path / "about.json").write_text('{"skmmcl": "0.0.1", "torch": "1.0"}')
    with pytest.raises(ValueError, match="another version"), stacked_fits(checkpoint=tmp_path):
        pytest.fail("entered")


def test_damaged_checkpoints_are_no_failed_fits(X, y, tmp_path):
    """Of scikit-learn's functions, an error in a fit makes a score of NaN."""
    pipe = make_pipe(CMCCSSEmbedder)
    expected = scores(pipe, X, y)
    with stacked_fits(checkpoint=tmp_path):
        scores(pipe, X, y)
    one, other, third, _ = sorted(tmp_path.glob("fit-*.npz"))
    one.write_bytes(one.read_bytes()[:100])
    other.write_bytes(third.read_bytes())
    third.write_bytes(b"")
    with pytest.warns(CheckpointWarning) as warned, stacked_fits(checkpoint=tmp_path):
        found = scores(pipe, X, y)
    assert len(warned) == 3
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


PROTOCOL = """
import sys
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.training import Checkpoint

Checkpoint.interval = 0.2
rng = np.random.default_rng(0)
y = np.arange(40) % 2
X = np.hstack([rng.normal(size=(40, 6)) + y[:, None], rng.normal(size=(40, 4))])
embedder = CMCCSSEmbedder(
    solver="gradient", modalities={"a": slice(0, 6), "b": slice(6, 10)},
    max_epochs=150, random_state=0, device="cpu",
)
cv = RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=0)
with stacked_fits(checkpoint=sys.argv[1] or None, max_stack=5):
    pipe = make_pipeline(embedder, LogisticRegression())
    print(cross_val_score(pipe, X, y, cv=cv, scoring="neg_log_loss").tobytes().hex())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_protocol_goes_on(tmp_path, repo_dir, monkeypatch):
    monkeypatch.chdir(repo_dir)

    def start(folder):
        command = [sys.executable, "-c", PROTOCOL, str(folder)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    expected = start("").communicate(timeout=300)[0]
    rng = np.random.default_rng()
    for n_files in (1, 3, 6):
        process = start(tmp_path)
        while process.poll() is None and len(list(tmp_path.glob("fit-*.npz"))) < n_files:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert start(tmp_path).communicate(timeout=300)[0] == expected
    assert len(expected) == 12 * 16 + 1


# ------------------------------------------------------------------- against a text-book training


class Encoder(nn.Module):
    """The default encoder of a vector: an MLP behind a gate, beside a linear map."""

    def __init__(self, ours):
        super().__init__()
        self.first, self.last, self.linear = (
            linear_like(layer) for layer in (*ours.encoder.layers, ours.linear)
        )
        self.gate = nn.Parameter(ours.gate.detach().clone())

    def forward(self, x):
        return self.linear(x) + 0.1 * self.gate[0] * self.last(torch.relu(self.first(x)))


def linear_like(ours):
    linear = nn.Linear(ours.weight.shape[1], ours.weight.shape[2]).double()
    with torch.no_grad():
        linear.weight.copy_(ours.weight[0].T)
        linear.bias.copy_(ours.bias[0, 0])
    return linear


def textbook_loss(views, y, temperature, css_weight):
    """CMC + CSS as sums over anchors, positives and negatives."""
    z = torch.stack([F.normalize(view, dim=1) for view in views])
    n_views, n_samples, _ = z.shape
    terms = []
    for v, i in itertools.product(range(n_views), range(n_samples)):
        others = [j for j in range(n_samples) if j != i]
        negatives = sum(
            torch.exp(z[w, others] @ z[v, i] / temperature).sum() for w in range(n_views)
        )
        positives = sum(
            torch.exp(z[w, i] @ z[v, i] / temperature) for w in range(n_views) if w != v
        )
        terms.append(-torch.log(positives / negatives))
    f = F.normalize(torch.cat(views, 1), dim=1)
    css = []
    for i in range(n_samples):
        others = [j for j in range(n_samples) if j != i]
        log_all = torch.logsumexp(f[others] @ f[i] / temperature, 0)
        same = [j for j in others if y[j] == y[i]]
        css.append(log_all - (f[same] @ f[i] / temperature).mean())
    return torch.stack(terms).mean() + css_weight * torch.stack(css).mean()


def test_a_text_book_loop_trains_the_same_encoders(y):
    rng = np.random.default_rng(0)
    arrays = {"a": rng.normal(size=(N, 5)) + y[:, None], "b": rng.normal(size=(N, 4))}
    params = {"n_components": 3, "batch_size": 10, "dtype": "float64", "random_state": 0}
    ours = CMCCSSEmbedder(solver="gradient", max_epochs=4, **params).fit(arrays, y)
    start = CMCCSSEmbedder(solver="gradient", max_epochs=1, lr=1e-30, weight_decay=0, **params).fit(
        arrays, y
    )

    network = start.net_.module_
    encoders = nn.ModuleList(map(Encoder, network.encoders))
    raw = {name: torch.as_tensor(array) for name, array in arrays.items()}
    x = [scores.detach() for scores in network.prepare(raw).values()]
    optimizer = torch.optim.Adam(encoders.parameters(), lr=ours.lr, weight_decay=ours.weight_decay)
    draw = np.random.default_rng(start.net_.seed_)
    for _ in range(4):
        for rows in class_aware_batches(y, 10, draw):
            optimizer.zero_grad()
            views = [encoder(part[rows]) for encoder, part in zip(encoders, x, strict=True)]
            textbook_loss(views, y[rows], ours.temperature, ours.css_weight).backward()
            optimizer.step()
    expected = torch.cat([encoder(part) for encoder, part in zip(encoders, x, strict=True)], 1)
    np.testing.assert_allclose(ours.transform(arrays), expected.detach(), rtol=0, atol=1e-9)


def test_batch_norm_and_dropout_are_as_outside(X, y):
    def encoder(shape, n_components):
        return nn.Sequential(nn.BatchNorm1d(5), nn.Dropout(0.2), nn.Linear(5, n_components))

    embedder = CMCCSSEmbedder(
        solver="gradient", encoders={"smri": encoder}, max_epochs=2, random_state=0
    )
    model = Pipeline([("embed", embedder), ("classify", LogisticRegression())])
    alone = cross_validate(model, X, y, cv=2, return_estimator=True)["estimator"]
    with stacked_fits():
        stacked = cross_validate(model, X, y, cv=2, return_estimator=True)["estimator"]
    for one, other in zip(alone, stacked, strict=True):
        assert np.array_equal(one[0].transform(X), other[0].transform(X))


class Residual(nn.Module):
    """A network of the user's own."""

    def __init__(self, shape, n_components):
        super().__init__()
        self.first, self.last = nn.Linear(*shape, *shape), nn.Linear(*shape, n_components)
        self.last.bias.requires_grad_(requires_grad=False)

    def forward(self, x):
        return self.last(x + torch.relu(self.first(x)))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-9)])
def test_networks_of_the_user_are_stacked(X, y, widths, dtype, tolerance):
    embedder = CMCCSSEmbedder(
        solver="gradient", encoders={"smri": Residual}, max_epochs=3, dtype=dtype, random_state=0
    )
    expected = clone(embedder).fit(X, y).transform(X)
    found = []
    for n_fits in (1, 3):
        with stacked_fits():
            twins = Parallel()(delayed(clone(embedder).fit)(X, y) for _ in range(n_fits))
        assert widths[-1] == n_fits
        found += [twin.transform(X) for twin in twins]
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=tolerance)
    for other in found[1:]:
        # Products of single lanes may round by where they lie in memory, on some processors.
        last_bits = 1e3 * np.finfo(dtype).eps * np.abs(found[0]).max()
        np.testing.assert_allclose(found[0], other, rtol=0, atol=last_bits)
    (trained,) = (each.module for each in unstacked_modules(twins[0].net_.module_))
    assert isinstance(trained, Residual)
    assert trained.first.weight.shape == (5, 5)
