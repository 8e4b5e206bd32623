"""Discriminants by features of a subject, without the rows of training subjects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.solvers._cohort import Cohort, Rows
from skmmcl.solvers._dual import gaussian_kernel, solve_dual
from skmmcl.solvers._primal import solve_primal
from skmmcl.solvers._random_features import (
    OrthogonalProjection,
    curved_features,
    gaussian_features,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skmmcl.solvers._ridge import Problem, Solution
    from skmmcl.solvers._views import View

DUAL_BYTES = 2**32  # of memory for matrices between subjects
# Variance of products of n random features, in units of (b b')^2 / n.
NOISE = 0.6
NEGLIGIBLE = 0.01  # fraction of that variance; kernels that vary less get no random features


@dataclass
class FeatureModel:
    """Coefficients of the discriminant of a view.

    Parameters
    ----------
    linear : ndarray of shape (n_features, n_targets)
    gaussian : ndarray of shape (n_random, n_targets)
    offset : ndarray of shape (n_targets,)
    bent : ndarray of shape (n_features + 1, n_targets), optional
        Coefficients of the features and a constant, times ``exp(-|x|^2 / 2)``, where the random
        features approximate only the rest of the Gaussian kernel.
    """

    linear: np.ndarray
    gaussian: np.ndarray
    offset: np.ndarray
    bent: np.ndarray | None = None

    def __call__(self, rows: np.ndarray, projections: np.ndarray) -> np.ndarray:
        """Return the columns of subjects."""
        result = rows @ self.linear - self.offset
        if self.bent is None:
            return result + gaussian_features(projections) @ self.gaussian
        squares = np.einsum("ij,ij->i", rows, rows)
        bell = np.exp(-squares / 2)[:, None]
        result += bell * (rows @ self.bent[:-1] + self.bent[-1])
        return result + curved_features(projections, squares) @ self.gaussian


class FeatureForm:
    """Discriminants by the features of a subject and random features of the Gaussian kernel.

    Parameters
    ----------
    views : list of View
    widths : list of int
        Number of features of each modality.
    names : tuple of str
        Of the modalities.
    n_random : int
        Number of random features.
    seed : int
    """

    holds_subjects = False

    def __init__(
        self, views: list[View], widths: list[int], names: tuple[str, ...], n_random: int, seed: int
    ) -> None:
        self.views, self.widths = views, widths
        n_directions = (n_random + 1) // 2
        self.project = [
            OrthogonalProjection(width, n_directions, seed, name)
            for name, width in zip(names, widths, strict=True)
        ]
        self.n_random = 2 * n_directions
        self.width = sum(widths) + self.n_random  # numbers per subject in memory

    def fit(
        self, cohort: Cohort, problems: list[Problem], penalties: np.ndarray
    ) -> list[Solution | None]:
        """Solve the problem of each view."""
        labeled = cohort.subset(np.unique(np.concatenate([p.rows for p in problems])))
        projected: dict[int, np.ndarray] = {}
        solutions = []
        self.models: list[FeatureModel | None] = []
        for view, problem in zip(self.views, problems, strict=True):
            solution, model = None, None
            if problem.is_solvable and self._n_features(view) < len(problem.rows):
                solution, model = self._solve_primal(view, cohort, problem, penalties)
            elif problem.is_solvable:
                project = partial(self._project, view, labeled, projected)
                solution, model = _solve_wide(
                    view, labeled, project, self.n_random, problem, penalties
                )
            solutions.append(solution)
            self.models.append(model)
        return solutions

    def predict(self, rows: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return the columns of each view."""
        projected = [project(part) for project, part in zip(self.project, rows, strict=True)]
        return [
            None if model is None else model(_side_by_side(view, rows), view.total(projected))
            for view, model in zip(self.views, self.models, strict=True)
        ]

    def _n_linear(self, view: View) -> int:
        return sum(self.widths[member] for member in view.members)

    def _is_bent(self, view: View) -> bool:
        """Return whether the linear part of the Gaussian kernel gets features of its own."""
        return self._n_linear(view) <= self.n_random

    def _n_features(self, view: View) -> int:
        n_linear = self._n_linear(view)
        return n_linear + (n_linear + 1) * self._is_bent(view) + self.n_random

    def _project(self, view: View, labeled: Rows, projected: dict[int, np.ndarray]) -> np.ndarray:
        """Return the projections of the labeled subjects; each block is projected once."""
        for member in view.members:
            if member not in projected:
                parts = [self.project[member](rows) for _, rows in labeled.chunks(member)]
                projected[member] = np.concatenate(parts)
        return view.total(projected)

    def _solve_primal(
        self, view: View, cohort: Cohort, problem: Problem, penalties: np.ndarray
    ) -> tuple[Solution, FeatureModel]:
        n_linear, n_features = self._n_linear(view), self._n_features(view)
        features = partial(self._features, view, cohort)
        solution, coefficients, offset = solve_primal(
            features, n_linear, n_features, problem, penalties
        )
        linear, bent, gaussian = np.split(coefficients, [n_linear, n_features - self.n_random])
        return solution, FeatureModel(linear, gaussian, offset, bent if len(bent) else None)

    def _features(self, view: View, cohort: Cohort, subjects: np.ndarray) -> np.ndarray:
        """Return the features of some subjects, those of the linear kernel first."""
        by_member = {member: cohort.rows_of(member, subjects) for member in view.members}
        projected = {member: self.project[member](part) for member, part in by_member.items()}
        rows, projections = _side_by_side(view, by_member), view.total(projected)
        if not self._is_bent(view):
            return np.hstack([rows, gaussian_features(projections)])
        squares = np.einsum("ij,ij->i", rows, rows)
        bell = np.exp(-squares / 2)[:, None]
        return np.hstack([rows, bell * rows, bell, curved_features(projections, squares)])


def _side_by_side(view: View, rows: Mapping[int, np.ndarray] | list[np.ndarray]) -> np.ndarray:
    if len(view.members) == 1:
        return rows[view.members[0]]
    return np.hstack([rows[member] for member in view.members]) * view.factor


def _solve_wide(
    view: View,
    labeled: Rows,
    project: Callable[[], np.ndarray],
    n_random: int,
    problem: Problem,
    penalties: np.ndarray,
) -> tuple[Solution, FeatureModel]:
    """Solve a problem with more features than subjects, from products between subjects.

    With ``b = exp(-|x|^2 / 2)``, the Gaussian kernel is ``b b' exp(x'x)``. Its part
    ``b b' (1 + x'x)`` is exact, so that random features approximate only the small rest. They are
    shrunk as far as they are noise, and left out where they would be noise alone.
    """
    _check_memory(len(problem.rows), len(view.members))
    at = np.searchsorted(labeled.subjects, problem.rows)
    linear = view.mean(labeled.grams)[np.ix_(at, at)]
    squares = np.diagonal(linear)
    bell = np.exp(-squares / 2)[:, None]
    gaussian = bell * bell.T * (1 + linear)
    rest = gaussian_kernel(linear, squares, squares) - gaussian
    pairs = _pairs(problem)
    curved, trust = np.zeros((len(at), n_random)), 0.0
    noise = NOISE * ((bell**2).T @ pairs @ bell**2).item() / n_random
    if _variance(rest, pairs) > NEGLIGIBLE * noise:
        curved = curved_features(project()[at], squares)
        products = curved @ curved.T
        trust = _trust(products, rest, pairs)
        gaussian += trust * products
    solution, mixture, weights, offset = solve_dual(linear, gaussian, problem, penalties)
    of_all = np.zeros((len(labeled.subjects), 2 * weights.shape[1]))
    of_all[at] = np.hstack([mixture.linear * weights, mixture.gaussian * bell * weights])
    sums = [view.factor * labeled.products(member, of_all) for member in view.members]
    straight, bent = np.hsplit(np.vstack([*sums, of_all.sum(axis=0)]), 2)
    gaussian_weights = mixture.gaussian * trust * (curved.T @ weights)
    return solution, FeatureModel(straight[:-1], gaussian_weights, offset, bent)


def _pairs(problem: Problem) -> np.ndarray:
    """Return the weights of pairs of subjects who are not left out together, of sum 1."""
    weights = np.outer(problem.weight, problem.weight)
    groups = np.arange(len(weights)) if problem.group is None else problem.group
    weights *= groups[:, None] != groups
    weights /= weights.sum()
    return weights


def _variance(values: np.ndarray, pairs: np.ndarray) -> float:
    return float(np.vdot(pairs, values**2) - np.vdot(pairs, values) ** 2)


def _trust(products: np.ndarray, exact: np.ndarray, pairs: np.ndarray) -> float:
    """Return the slope of the exact kernel on products of random features, over pairs."""
    deviations = pairs * (products - np.vdot(pairs, products))
    variance = max(np.vdot(deviations, products), np.finfo(float).tiny)
    return float(np.clip(np.vdot(deviations, exact) / variance, 0.0, 1.0))


def _check_memory(n_rows: int, n_members: int) -> None:
    needed = 8 * n_rows**2 * (n_members + 4)
    if needed > DUAL_BYTES:
        raise DataError(
            f"With more features than the {n_rows} labeled subjects, the discriminants take "
            f"{needed / 2**30:.0f} GiB of memory. Reduce the modalities to principal components, "
            "fewer than subjects in all."
        )
