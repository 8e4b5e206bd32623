"""Every backend of joblib gives, bit for bit, the numbers of one process."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import joblib
import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.networks import MLP
from skmmcl.parallel import stack_on_dask

N = 30


class DropoutMLP(torch.nn.Module):
    def __init__(self, shape, n_components):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Dropout(0.3), MLP(shape, n_components))

    def forward(self, x):
        return self.layers(x)


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture(name="X")
def cohort(y):
    rng = np.random.default_rng(0)
    mask = rng.random((N, 2)) > 0.2
    mask[~mask.any(axis=1)] = True
    return MultimodalData(
        smri=rng.normal(size=(N, 5)) + y[:, None], fc=rng.normal(size=(N, 4, 4)), mask=mask
    )


def make_pipe(encoders="auto"):
    embedder = CMCCSSEmbedder(
        solver="gradient",
        max_epochs=3,
        n_components=4,
        batch_size=10,
        encoders=encoders,
        random_state=0,
    )
    return Pipeline([("cmc", embedder), ("clf", LogisticRegression())])


def probabilities(X, y, encoders="auto", n_jobs=1):
    pipe = make_pipe(encoders)
    return cross_val_predict(pipe, X, y, cv=3, method="predict_proba", n_jobs=n_jobs)


@pytest.fixture(scope="module")
def loky():
    # One pool for all tests, since starting it costs seconds; even small arrays are mapped.
    with joblib.parallel_config(backend="loky", max_nbytes=1000, mmap_mode="r"):
        yield
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.usefixtures("loky")
def test_loky_gives_the_same_bits(X, y):
    expected = probabilities(X, y)
    assert np.array_equal(probabilities(X, y, n_jobs=2), expected)


@pytest.mark.usefixtures("loky")
def test_fitted_estimators_come_back_from_other_processes(X, y):
    run = {"cv": 2, "return_estimator": True}
    here = cross_validate(make_pipe(), X, y, **run)["estimator"]
    there = cross_validate(make_pipe(), X, y, n_jobs=2, **run)["estimator"]
    for a, b in zip(here, there, strict=True):
        assert np.array_equal(a[0].transform(X), b[0].transform(X))
        assert np.array_equal(a[0].history_["train_loss"], b[0].history_["train_loss"])


@pytest.mark.usefixtures("loky")
def test_arrays_that_joblib_maps_into_memory_are_left_alone(y):
    rng = np.random.default_rng(0)
    X = MultimodalData(a=rng.normal(size=(N, 5000)), b=rng.normal(size=(N, 3)))
    X["a"][:, 0] += y
    before = joblib.hash(X)
    found = Parallel(n_jobs=2)(delayed(_fit_on_mapped)(X, y) for _ in range(2))
    expected = make_pipe()[0].fit(X, y).transform(X)
    for mapped, out in found:
        assert mapped
        assert np.array_equal(out, expected)
    assert joblib.hash(X) == before


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None and not array.flags.writeable


def _fit_on_mapped(X, y):
    mapped = is_mapped(X.base("a"))
    embedder = CMCCSSEmbedder(
        solver="gradient", max_epochs=3, n_components=4, batch_size=10, random_state=0
    )
    return mapped, embedder.fit(X, y).transform(X)


def test_memory_mapped_files(X, y, tmp_path):
    for name in X.modalities:
        np.save(tmp_path / f"{name}.npy", X.to_dict()[name])
    mapped = MultimodalData.from_folder(tmp_path, mmap_mode="r")[["smri", "fc"]]
    assert is_mapped(mapped.base("fc"))
    assert np.array_equal(probabilities(mapped, y), probabilities(X, y))


@pytest.mark.parametrize("encoders", ["auto", {"smri": DropoutMLP}], ids=["auto", "dropout"])
def test_threading_gives_the_same_bits(X, y, encoders):
    expected = probabilities(X, y, encoders)
    with joblib.parallel_config(backend="threading"):
        assert np.array_equal(probabilities(X, y, encoders, n_jobs=3), expected)


@pytest.mark.slow  # starting the workers takes longer than all that is computed
def test_dask_gives_the_same_bits(X, y):
    distributed = pytest.importorskip("distributed")
    grid = {"cmc__temperature": [0.1, 0.7]}
    search = GridSearchCV(make_pipe(), grid, cv=2, scoring="neg_log_loss")
    expected = search.fit(X, y).cv_results_
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        found = search.fit(X, y).cv_results_
    for split in range(2):
        key = f"split{split}_test_score"
        assert np.array_equal(found[key], expected[key])


def widths_of_stacks():
    """Count, on a worker, how wide the stacks are that it trains."""
    from skmmcl.training._stack import Stack

    if not hasattr(Stack, "widths"):
        Stack.widths, link = [], Stack._link

        def counted(self):
            Stack.widths.append(len(self.nets))
            return link(self)

        Stack._link = counted
    return Stack.widths


@pytest.mark.slow
def test_dask_workers_stack_their_share(X, y):
    distributed = pytest.importorskip("distributed")
    grid = {"cmc__temperature": [0.1, 0.3, 0.5, 0.7]}
    search = GridSearchCV(make_pipe(), grid, cv=4, scoring="neg_log_loss")
    expected = search.fit(X, y).cv_results_
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=8, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client, joblib.parallel_config(backend="dask"):
        stack_on_dask(client)
        client.run(widths_of_stacks)
        found = search.fit(X, y).cv_results_
        widths = client.run(widths_of_stacks)
    for split in range(4):
        key = f"split{split}_test_score"
        assert np.array_equal(found[key], expected[key])
    assert len(widths) == 2
    assert max(max(each, default=0) for each in widths.values()) >= 4


SCRIPT = """
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from skmmcl import CMCCSSEmbedder, MultimodalData


class Encoder(torch.nn.Module):
    def __init__(self, shape, n_components):
        super().__init__()
        self.linear = torch.nn.Linear(shape[0], n_components)

    def forward(self, x):
        return torch.tanh(self.linear(x))


if __name__ == "__main__":
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    X = MultimodalData(a=rng.normal(size=(30, 4)) + y[:, None], b=rng.normal(size=(30, 3)))
    for encoders in (Encoder, {"a": Encoder((4,), 2)}):
        embedder = CMCCSSEmbedder(
            solver="gradient", n_components=2, max_epochs=2, encoders=encoders, random_state=0
        ).fit(X, y)
        pipe = make_pipeline(embedder, LogisticRegression())
        options = {"cv": 2, "scoring": "neg_log_loss", "return_estimator": True}
        runs = [cross_validate(pipe, X, y, n_jobs=n, **options) for n in (1, 2)]
        assert np.array_equal(runs[0]["test_score"], runs[1]["test_score"])
        first, second = (run["estimator"][0][0].transform(X) for run in runs)
        assert np.array_equal(first, second)
    print("same bits")
"""


def test_an_encoder_of_the_users_own_script(tmp_path, repo_dir):
    script = tmp_path / "analysis.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = [sys.executable, "-W", "error::UserWarning", str(script)]
    environment = {"PYTHONPATH": str(repo_dir), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert run.stdout.strip() == "same bits", run.stderr
