"""Random features, primal and dual forms, streaming, deflation."""

import numpy as np
import pytest

from skmmcl.solvers import KernelDiscriminant, simplex_codes
from skmmcl.solvers import _blocks as blocks_module
from skmmcl.solvers._dual import gaussian_kernel, solve_dual
from skmmcl.solvers._primal import solve_primal
from skmmcl.solvers._random_features import (
    OrthogonalProjection,
    curved_features,
    gaussian_features,
)
from skmmcl.solvers._ridge import PENALTIES
from skmmcl.solvers._views import make_problem


class Lazy:
    """Rows that are read when they are asked for, at most so many at once."""

    def __init__(self, array, at_most):
        self.array, self.shape, self.at_most = array, array.shape, at_most

    def __getitem__(self, rows):
        part = self.array[rows]
        assert len(part) <= self.at_most
        return part.astype(np.float32)


def make_problem_and_features(nuisance, seed=0):
    rng = np.random.default_rng(seed)
    n_rows = 80
    rows = rng.normal(size=(n_rows, 9)) / 3
    target = rng.normal(size=(n_rows, 2)) + rows[:, :2]
    problem = make_problem(
        np.arange(n_rows),
        target,
        rng.uniform(0.5, 2, n_rows),
        np.arange(n_rows) // 2,
        np.eye(3)[rng.integers(0, 3, n_rows)] if nuisance else None,
        10.0,
    )
    gaussian = gaussian_features(rows @ rng.normal(size=(9, 20)))
    return problem, np.hstack([rows, gaussian])


@pytest.mark.parametrize("nuisance", [False, True])
def test_primal_is_dual(nuisance):
    problem, features = make_problem_and_features(nuisance)
    get = lambda rows: features[rows].copy()  # noqa: E731
    n_features = features.shape[1]
    primal = solve_primal(get, 9, n_features, problem, PENALTIES)
    linear, gaussian = features[:, :9], features[:, 9:]
    dual = solve_dual(linear @ linear.T, gaussian @ gaussian.T, problem, PENALTIES)
    np.testing.assert_allclose(primal[0].columns, dual[0].columns, atol=1e-9)
    assert primal[0].penalty == dual[0].penalty
    assert primal[0].error == pytest.approx(dual[0].error)
    kernels = dual[1].linear * linear @ linear.T + dual[1].gaussian * gaussian @ gaussian.T
    expected = kernels @ dual[2] - dual[3]
    np.testing.assert_allclose(features @ primal[1] - primal[2], expected, atol=1e-9)
    np.testing.assert_allclose(problem.weight @ expected, 0, atol=1e-9)


@pytest.mark.parametrize("n_features", [2, 70, 300, 5000])
def test_random_features_are_unbiased(n_features):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20, n_features)) / np.sqrt(n_features)
    squares = (rows**2).sum(axis=1)
    exact = gaussian_kernel(rows @ rows.T, squares, squares)
    np.testing.assert_allclose(
        exact, np.exp(-((rows[:, None] - rows) ** 2).sum(axis=2) / 2), atol=1e-12
    )
    bells = np.exp(-squares / 2)
    linear = bells[:, None] * bells * (1 + rows @ rows.T)
    plain, curved = np.zeros((20, 20)), linear
    for seed in range(20):
        projections = OrthogonalProjection(n_features, 500, seed, "fc")(rows)
        features = gaussian_features(projections)
        plain += features @ features.T / 20
        features = curved_features(projections, squares)
        curved = curved + features @ features.T / 20
    np.testing.assert_allclose(plain, exact, atol=0.025)
    np.testing.assert_allclose(curved, exact, atol=0.02)


@pytest.mark.parametrize("kernel_features", [32, 500])
def test_streaming_is_as_in_memory(kernel_features, monkeypatch):
    rng = np.random.default_rng(0)
    blocks = {
        name: rng.normal(size=(150, p)).astype(np.float32) for name, p in [("a", 9), ("b", 40)]
    }
    classes = rng.integers(0, 3, 150)
    solver = KernelDiscriminant(kernel_features=kernel_features, random_state=0)
    options = {"groups": np.arange(150) // 2, "nuisance": np.eye(2)[np.arange(150) % 2]}
    whole = solver.fit(blocks, simplex_codes(classes), **options)
    expected, new = whole.training_scores_, whole.transform(blocks)
    monkeypatch.setattr(blocks_module, "CHUNK", 1000)
    monkeypatch.setattr("skmmcl.utils._moments.ROWS", 64)
    monkeypatch.setattr("skmmcl.solvers._cohort.WIDE", 1)
    monkeypatch.setattr("skmmcl.solvers._cohort.KEPT", 0)
    lazy = {name: Lazy(block, 130) for name, block in blocks.items()}
    streamed = solver.fit(lazy, simplex_codes(classes), **options)
    np.testing.assert_allclose(streamed.training_scores_, expected, atol=1e-9)
    np.testing.assert_allclose(streamed.transform(lazy), new, atol=1e-9)
    assert not streamed.holds_subjects_


def test_more_features_come_closer_to_the_exact_kernel():
    rng = np.random.default_rng(0)
    blocks = {"a": rng.normal(size=(100, 8))}
    target = simplex_codes((blocks["a"][:, 0] * blocks["a"][:, 1] > 0).astype(int))
    exact = KernelDiscriminant(kernel_features="exact").fit(blocks, target).training_scores_

    def distance(n_random):
        solver = KernelDiscriminant(kernel_features=n_random, random_state=0)
        return np.abs(solver.fit(blocks, target).training_scores_ - exact).mean()

    assert distance(30_000) < 0.02 < distance(30)


@pytest.mark.parametrize("kernel_features", ["exact", 32])
def test_no_rows_are_kept_but_with_the_exact_kernel(kernel_features):
    rng = np.random.default_rng(0)
    blocks = {"a": rng.normal(size=(60, 7)), "b": rng.normal(size=(60, 50))}
    target = simplex_codes(rng.integers(0, 2, 60))
    solver = KernelDiscriminant(kernel_features=kernel_features).fit(blocks, target)
    assert solver.holds_subjects_ == (kernel_features == "exact")
    solver.training_scores_ = None
    assert (60 in _lengths(solver)) == solver.holds_subjects_


def _lengths(thing):
    if isinstance(thing, np.ndarray):
        return set(thing.shape)
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list | tuple):
        return set().union(*map(_lengths, thing)) if thing else set()
    return _lengths(vars(thing)) if hasattr(thing, "__dict__") else set()


@pytest.mark.parametrize(("n_factors", "needed"), [(0, False), (5, True)])
def test_random_features_where_they_are_more_than_noise(n_factors, needed):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(60, n_factors)) @ rng.normal(size=(n_factors, 1000))
    blocks = {"a": factors + rng.normal(size=(60, 1000))}
    target = np.sign(blocks["a"][:, :1])
    solver = KernelDiscriminant().fit(blocks, target)
    assert solver._form.models[0].gaussian.any() == needed
    exact = KernelDiscriminant(kernel_features="exact").fit(blocks, target)
    pair = solver.training_scores_.ravel(), exact.training_scores_.ravel()
    assert np.corrcoef(*pair)[0, 1] > (0.98 if needed else 0.999)
