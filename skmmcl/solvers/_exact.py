"""Discriminants by the kernels with the training subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skmmcl.solvers._cohort import Cohort
from skmmcl.solvers._dual import gaussian_kernel, solve_dual

if TYPE_CHECKING:
    from skmmcl.solvers._ridge import Problem, Solution
    from skmmcl.solvers._views import Mixture, View


class ExactForm:
    """Discriminants by the exact kernels with the training subjects, whose rows are kept.

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
        labeled = cohort.subset(np.unique(np.concatenate([p.rows for p in problems])))
        self.rows, self.squares = labeled.kept, labeled.squares
        self.width = max(len(labeled.subjects), sum(cohort.scale.widths))
        solutions = []
        self.models: list[tuple[Mixture, np.ndarray, np.ndarray] | None] = []
        for view, problem in zip(self.views, problems, strict=True):
            solution, model = None, None
            if problem.is_solvable:
                at = np.searchsorted(labeled.subjects, problem.rows)
                linear = view.mean(labeled.grams)[np.ix_(at, at)]
                squares = np.diagonal(linear)
                gaussian = gaussian_kernel(linear, squares, squares)
                solution, mixture, weights, offset = solve_dual(
                    linear, gaussian, problem, penalties
                )
                coefficients = np.zeros((len(labeled.subjects), weights.shape[1]))
                coefficients[at] = weights
                model = mixture, coefficients, offset
            solutions.append(solution)
            self.models.append(model)
        return solutions

    def predict(self, rows: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return the columns of each view."""
        products = [new @ old.T for new, old in zip(rows, self.rows, strict=True)]
        squares = [np.einsum("ij,ij->i", new, new) for new in rows]
        columns: list[np.ndarray | None] = []
        for view, model in zip(self.views, self.models, strict=True):
            if model is None:
                columns.append(None)
                continue
            mixture, coefficients, offset = model
            linear = view.mean(products)
            gaussian = gaussian_kernel(linear, view.mean(squares), view.mean(self.squares))
            kernel = mixture.linear * linear + mixture.gaussian * gaussian
            columns.append(kernel @ coefficients - offset)
        return columns
