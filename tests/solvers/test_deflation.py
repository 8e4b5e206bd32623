"""Discriminants that do not depend on a nuisance, given the target."""

from functools import partial

import numpy as np
import pytest

from skmmcl.solvers import KernelDiscriminant
from skmmcl.solvers._dual import solve_dual
from skmmcl.solvers._views import make_problem

ExactDiscriminant = partial(KernelDiscriminant, kernel_features="exact")


def make_sites(seed=0, n_samples=300):
    """Subjects of two sites of different age, with a scanner effect in one feature."""
    rng = np.random.default_rng(seed)
    site = rng.integers(0, 2, n_samples)
    age = rng.normal(size=n_samples) + 0.5 * site
    block = rng.normal(size=(n_samples, 10))
    block[:, :3] += age[:, None]
    block[:, 3:6] += 3 * site[:, None]
    return {"t1": block}, age[:, None], np.eye(2)[site], site


def partial_correlation(column, site, age):
    known = np.c_[np.ones(len(age)), age]
    rest = [v - known @ np.linalg.lstsq(known, v, rcond=None)[0] for v in (column, site)]
    return np.corrcoef(*rest)[0, 1]


@pytest.mark.parametrize("kernel_features", ["exact", 64, 1000])
def test_new_subjects_depend_less_on_the_site(kernel_features):
    blocks, age, sites, _ = make_sites()
    new, new_age, _, new_site = make_sites(seed=1)

    def dependence(**nuisance):
        solver = KernelDiscriminant(kernel_features=kernel_features, random_state=0)
        column = solver.fit(blocks, age, **nuisance).transform(new)[:, 0, 0]
        assert np.corrcoef(column, new_age[:, 0])[0, 1] > 0.8
        return abs(partial_correlation(column, new_site.astype(float), new_age[:, 0]))

    free = dependence()
    deflated = dependence(nuisance=sites)
    projected = dependence(nuisance=sites, nuisance_strength=1e6)
    assert projected < free / 2
    assert projected - 0.02 < deflated < free


def test_dummies_and_other_codes_of_the_sites_are_the_same():
    blocks, age, sites, site = make_sites()
    fits = [
        ExactDiscriminant().fit(blocks, age, nuisance=code).training_scores_
        for code in (sites, site[:, None], 7.0 - 3 * sites)
    ]
    np.testing.assert_allclose(fits[0], fits[1], atol=1e-9)
    np.testing.assert_allclose(fits[0], fits[2], atol=1e-9)


def test_a_nuisance_that_the_target_explains_changes_nothing():
    blocks, age, _, _ = make_sites()
    free = ExactDiscriminant().fit(blocks, age).training_scores_
    same = ExactDiscriminant().fit(blocks, age, nuisance=2 * age + 1).training_scores_
    np.testing.assert_allclose(same, free, atol=1e-9)


def test_weights_are_copies_with_a_nuisance():
    blocks, age, sites, _ = make_sites(n_samples=60)
    weight = np.arange(60) % 3
    many = np.repeat(np.arange(60), weight)
    weighted = ExactDiscriminant().fit(
        blocks, age, sample_weight=weight, nuisance=sites, groups=np.arange(60)
    )
    copied = ExactDiscriminant().fit(
        {"t1": blocks["t1"][many]}, age[many], nuisance=sites[many], groups=many
    )
    np.testing.assert_allclose(weighted.training_scores_[many], copied.training_scores_, atol=1e-8)
    np.testing.assert_allclose(weighted.transform(blocks), copied.transform(blocks), atol=1e-8)


def test_leaving_out_is_exact_given_the_deflated_kernel():
    rng = np.random.default_rng(0)
    rows, target = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    weight = rng.uniform(0.5, 2, 30)
    linear, gaussian = rows @ rows.T, np.exp(-((rows[:, None] - rows) ** 2).sum(axis=2) / 2)
    problem = make_problem(np.arange(30), target, weight, None, rng.normal(size=(30, 2)), 10.0)
    solution, mixture, _, _ = solve_dual(linear, gaussian, problem, np.array([0.1]))
    kernel = mixture.linear * linear + mixture.gaussian * gaussian
    seen = kernel @ (weight[:, None] * problem.nuisance)
    inner = problem.nuisance.T @ (weight[:, None] * seen) + np.eye(2) / 10
    kernel -= seen @ np.linalg.solve(inner, seen.T)
    center = np.eye(30) - np.outer(np.ones(30), weight / weight.sum())
    penalty = 0.1 * weight @ np.diagonal(center @ kernel @ center.T) / weight.sum()
    for left_out in range(30):
        keep = np.arange(30) != left_out
        w = weight[keep] / weight[keep].sum()
        centered = kernel[:, keep] - w @ kernel[np.ix_(keep, keep)]
        centered -= (centered @ w)[:, None]
        system = centered[keep] + penalty * np.diag(1 / weight[keep])
        slopes = np.linalg.solve(system, target[keep] - w @ target[keep])
        found = centered[left_out] @ slopes
        np.testing.assert_allclose(found, solution.columns[left_out], rtol=1e-8, atol=1e-9)
