"""Two forms of the discriminants: by the training subjects' rows, or by features without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.solvers._blocks import Standardizer, row_slices
from skmmcl.solvers._dual import gaussian_kernel, solve_dual
from skmmcl.solvers._primal import solve_primal
from skmmcl.solvers._random_features import OrthogonalProjection, gaussian_features
from skmmcl.solvers._views import Mixture, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skmmcl.solvers._ridge import Problem, Solution

WIDE = 64  # number of chunks that are kept in memory while the others are read once more


@dataclass
class Cohort:
    """Blocks of subjects, and how they are scaled.

    Parameters
    ----------
    blocks : dict of str to array-like of shape (n_samples, n_features)
    mask : ndarray of bool (n_samples, n_blocks)
    scale : Standardizer
    """

    blocks: Mapping[str, Any]
    mask: np.ndarray
    scale: Standardizer

    def rows(self, rows: np.ndarray | slice) -> list[np.ndarray]:
        """Return some rows of each block."""
        return self.scale.rows(self.blocks, self.mask, rows)


class ExactForm:
    """Discriminants by the kernels with the training subjects, whose rows are kept.

    Parameters
    ----------
    views : list of View
    """

    holds_subjects = True

    def __init__(self, views: list[View]) -> None:
        self.views = views

    def fit(
        self, cohort: Cohort, problems: list[Problem], penalties: np.ndarray
    ) -> list[Solution | None]:
        """Solve the problem of each view."""
        labeled = np.unique(np.concatenate([problem.rows for problem in problems]))
        self.rows = cohort.rows(labeled)
        self.width = max(len(labeled), sum(cohort.scale.widths))
        grams = [rows @ rows.T for rows in self.rows]
        self.lengths = [np.diagonal(gram).copy() for gram in grams]
        solutions = []
        self.models: list[tuple[Mixture, np.ndarray, np.ndarray] | None] = []
        for view, problem in zip(self.views, problems, strict=True):
            solution, model = None, None
            if problem.is_solvable:
                at = np.searchsorted(labeled, problem.rows)
                linear = view.mean(grams)[np.ix_(at, at)]
                squares = np.diagonal(linear)
                gaussian = gaussian_kernel(linear, squares, squares)
                solution, mixture, weights, offset = solve_dual(
                    linear, gaussian, problem, penalties
                )
                coefficients = np.zeros((len(labeled), weights.shape[1]))
                coefficients[at] = weights
                model = mixture, coefficients, offset
            solutions.append(solution)
            self.models.append(model)
        return solutions

    def predict(self, rows: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return the columns of each view."""
        products = [new @ old.T for new, old in zip(rows, self.rows, strict=True)]
        lengths = [np.einsum("ij,ij->i", new, new) for new in rows]
        columns: list[np.ndarray | None] = []
        for view, model in zip(self.views, self.models, strict=True):
            if model is None:
                columns.append(None)
                continue
            mixture, coefficients, offset = model
            linear = view.mean(products)
            gaussian = gaussian_kernel(linear, view.mean(lengths), view.mean(self.lengths))
            kernel = mixture.linear * linear + mixture.gaussian * gaussian
            columns.append(kernel @ coefficients - offset)
        return columns


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
        self.project = [
            OrthogonalProjection(width, (n_random + 1) // 2, seed, name)
            for name, width in zip(names, widths, strict=True)
        ]
        self.n_random = 2 * ((n_random + 1) // 2)
        self.width = sum(widths) + self.n_random  # numbers per subject in memory

    def fit(
        self, cohort: Cohort, problems: list[Problem], penalties: np.ndarray
    ) -> list[Solution | None]:
        """Solve the problem of each view."""
        solutions = []
        self.models: list[tuple[np.ndarray, np.ndarray] | None] = []
        for view, problem in zip(self.views, problems, strict=True):
            if not problem.is_solvable:
                solution, model = None, None
            else:
                solution, *model = self._solve(view, cohort, problem, penalties)
            solutions.append(solution)
            self.models.append(model)
        return solutions

    def predict(self, rows: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return the columns of each view."""
        projected = [project(part) for project, part in zip(self.project, rows, strict=True)]
        return [
            None if model is None else self._features(view, rows, projected) @ model[0] - model[1]
            for view, model in zip(self.views, self.models, strict=True)
        ]

    def _features(
        self, view: View, rows: list[np.ndarray], projected: list[np.ndarray]
    ) -> np.ndarray:
        """Return linear and Gaussian features of a view, from those of its members."""
        total = projected[view.members[0]]
        for member in view.members[1:]:
            total = total + projected[member]
        linear = [rows[member] * view.factor for member in view.members]
        return np.hstack([*linear, gaussian_features(total * view.factor)])

    def _solve(
        self, view: View, cohort: Cohort, problem: Problem, penalties: np.ndarray
    ) -> tuple[Solution, np.ndarray, np.ndarray]:
        n_linear = sum(self.widths[member] for member in view.members)

        def features(subjects: np.ndarray) -> np.ndarray:
            rows: dict[int, np.ndarray] = {
                member: cohort.scale.rows_of(member, cohort.blocks, cohort.mask, subjects)
                for member in view.members
            }
            projected = {member: self.project[member](part) for member, part in rows.items()}
            return self._features(view, rows, projected)

        n_features = n_linear + self.n_random
        if n_features < len(problem.rows):
            return solve_primal(features, n_linear, n_features, problem, penalties)
        return solve_wide(features, n_linear, n_features, problem, penalties)


def solve_wide(
    features: Callable[[np.ndarray], np.ndarray],
    n_linear: int,
    n_features: int,
    problem: Problem,
    penalties: np.ndarray,
) -> tuple[Solution, np.ndarray, np.ndarray]:
    """Solve a problem with more features than subjects; see `solve_primal`."""
    n_rows = len(problem.rows)
    linear, gaussian = np.empty((n_rows, n_rows)), np.empty((n_rows, n_rows))
    for part in row_slices(n_rows, n_features // WIDE):
        rows = features(problem.rows[part])
        for other in row_slices(part.stop, n_features):
            others = rows if other == part else features(problem.rows[other])
            linear[part, other] = rows[:, :n_linear] @ others[:, :n_linear].T
            gaussian[part, other] = rows[:, n_linear:] @ others[:, n_linear:].T
            linear[other, part] = linear[part, other].T
            gaussian[other, part] = gaussian[part, other].T
    solution, mixture, weights, offset = solve_dual(linear, gaussian, problem, penalties)
    coefficients = np.zeros((n_features, weights.shape[1]))
    for part in row_slices(n_rows, n_features):
        coefficients += features(problem.rows[part]).T @ weights[part]
    coefficients[:n_linear] *= mixture.linear
    coefficients[n_linear:] *= mixture.gaussian
    return solution, coefficients, offset
