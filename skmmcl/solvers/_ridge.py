"""Ridge regression of targets on a spectrum, with leave-out residuals for all penalties at once.

In coordinates scaled by the roots of the weights, a centered kernel matrix is ``U e U'`` and the
ridge regression with penalty ``L`` has the hat matrix ``q q' + U e/(e + L) U'``, ``q`` the
intercept's unit vector ``sqrt(w / s)`` with ``s`` the sum of the weights. Subjects who are left
out, alone or as a group B, have the residuals ``(I - H_BB)^-1 r_B`` of a model without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PENALTIES = np.logspace(-3, 4, 15)  # in units of the mean eigenvalue per unit of weight
RANK = 1e-10  # eigenvalues below this fraction of the largest are rounding errors
ENTRIES = 2**21  # largest size of the matrices of one group for several penalties


@dataclass
class Problem:
    """Labeled subjects of one block, those of a group next to each other.

    Parameters
    ----------
    rows : ndarray of int (n_rows,)
        Positions of the subjects in the cohort.
    target : ndarray of shape (n_rows, n_targets)
    weight : ndarray of shape (n_rows,)
        Positive.
    group : ndarray of int (n_rows,), optional
        Sorted codes of the groups that are left out together; None to leave out each alone.
    nuisance : ndarray of shape (n_rows, n_nuisance), optional
        Directions between subjects that are deflated, orthogonal to the target.
    strength : float
        Strength of the deflation.
    """

    rows: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    group: np.ndarray | None = None
    nuisance: np.ndarray | None = None
    strength: float = 10.0

    @cached_property
    def total(self) -> float:
        """Sum of the weights."""
        return float(self.weight.sum())

    @cached_property
    def centered(self) -> np.ndarray:
        """Targets without their weighted mean."""
        return self.target - self.weight @ self.target / self.total

    @cached_property
    def starts(self) -> np.ndarray:
        """First row of each group, and the number of rows."""
        if self.group is None:
            return np.arange(len(self.rows) + 1)
        return np.r_[0, np.flatnonzero(np.diff(self.group)) + 1, len(self.rows)]

    @property
    def is_solvable(self) -> bool:
        """Return whether subjects remain to learn from when a group is left out."""
        return len(self.rows) > 2 and len(self.starts) > 2

    def chunks(self, size: int) -> Iterator[slice]:
        """Cut the rows between groups, into chunks of at least a size."""
        start = 0
        while start < len(self.rows):
            stop = int(self.starts[np.searchsorted(self.starts, min(start + size, len(self.rows)))])
            yield slice(start, stop)
            start = stop

    def deviations(self) -> np.ndarray:
        """Return the targets less the mean of the subjects who are not left out with them."""
        lengths = np.diff(self.starts)
        weight = np.add.reduceat(self.weight, self.starts[:-1])
        sums = np.add.reduceat(self.weight[:, None] * self.centered, self.starts[:-1])
        return self.centered + np.repeat(sums / (self.total - weight)[:, None], lengths, axis=0)


@dataclass
class Path:
    """Solutions of one problem for all penalties.

    Parameters
    ----------
    problem : Problem
    eigenvalues : ndarray of shape (rank,)
        Eigenvalues of the weighted and centered kernel.
    projections : ndarray of shape (rank, n_targets)
        ``U' sqrt(w) y`` for centered targets y.
    penalties : ndarray of shape (n_penalties,)
        Relative to the mean eigenvalue per unit of weight.
    """

    problem: Problem
    eigenvalues: np.ndarray
    projections: np.ndarray
    penalties: np.ndarray

    @cached_property
    def absolute(self) -> np.ndarray:
        """The penalties in the units of the eigenvalues."""
        mean = self.eigenvalues.sum() / self.problem.total
        return self.penalties * max(mean, np.finfo(float).tiny)

    @cached_property
    def shrinkage(self) -> np.ndarray:
        """Shrinkage of each direction by each penalty, (rank, n_penalties)."""
        return self.eigenvalues[:, None] / (self.eigenvalues[:, None] + self.absolute)

    def residuals(self, left: np.ndarray, part: slice) -> np.ndarray:
        """Return leave-out residuals times the root of the weight, (rows, n_penalties, n_targets).

        Parameters
        ----------
        left : ndarray of shape (rows, rank)
            Rows of U.
        part : slice
            Rows of the problem; whole groups.
        """
        root = np.sqrt(self.problem.weight[part])[:, None]
        scores = self.shrinkage[:, :, None] * self.projections[:, None, :]
        fitted = np.tensordot(left, scores, axes=1)
        residuals = (root * self.problem.centered[part])[:, None, :] - fitted
        intercept = root / np.sqrt(self.problem.total)
        alone = np.maximum(1 - intercept**2 - left**2 @ self.shrinkage, 1e-12)
        result = residuals / alone[:, :, None]
        if self.problem.group is not None:
            for group in self._groups(part):
                result[group] = self._together(left[group], intercept[group], residuals[group])
        return result

    def _groups(self, part: slice) -> Iterator[slice]:
        """Yield groups of several rows, counted from the start of the part."""
        starts = self.problem.starts
        for first in range(*np.searchsorted(starts, [part.start, part.stop])):
            start, stop = starts[first] - part.start, starts[first + 1] - part.start
            if stop - start > 1:
                yield slice(start, stop)

    def _together(self, left: np.ndarray, intercept: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Return ``(I - H_BB)^-1 r_B`` for all penalties."""
        kept = np.eye(len(left)) - intercept @ intercept.T
        result, step = np.empty_like(rest), max(1, ENTRIES // len(left) ** 2)
        for first in range(0, len(self.penalties), step):
            some = slice(first, first + step)
            hat = (left * self.shrinkage.T[some, None, :]) @ left.T
            solved = np.linalg.solve(kept - hat, rest[:, some].transpose(1, 0, 2))
            result[:, some] = solved.transpose(1, 0, 2)
        return result


@dataclass
class Solution:
    """Chosen penalty of a problem, with its columns and coefficients.

    Parameters
    ----------
    columns : ndarray of shape (n_rows, n_targets)
        Discriminant of each subject by the model without it.
    penalty : float
        Relative, the one of least leave-out error.
    error : float
        Mean squared leave-out error.
    dual : ndarray of shape (rank, n_targets)
        ``U' a / sqrt(w)`` for the dual coefficients a.
    primal : ndarray of shape (rank, n_targets)
        ``U' f sqrt(w)`` for the fitted values f.
    """

    columns: np.ndarray
    penalty: float
    error: float
    dual: np.ndarray
    primal: np.ndarray


def choose_penalty(path: Path, left: Callable[[slice], np.ndarray], size: int) -> Solution:
    """Choose the penalty by the weighted leave-out error, and return its solution.

    A column is the prediction of the model without the subject, less its intercept:
    ``(y_i - mean of the others) - residual_i``. That intercept, the mean of the others, decreases
    with the subject's own target and would reveal it.

    Parameters
    ----------
    path : Path
    left : callable
        Returns the rows of U for a slice of the problem's rows.
    size : int
        Number of rows of a call.

    Returns
    -------
    Solution
    """
    problem = path.problem
    residuals = np.empty((len(problem.rows), len(path.penalties), problem.target.shape[1]))
    for part in problem.chunks(size):
        residuals[part] = path.residuals(left(part), part)
    errors = np.einsum("ijk,ijk->j", residuals, residuals) / (problem.total * residuals.shape[2])
    best = int(errors.argmin())
    columns = problem.deviations() - residuals[:, best] / np.sqrt(problem.weight)[:, None]
    return Solution(
        columns=columns if len(path.eigenvalues) else np.zeros_like(columns),
        penalty=float(path.penalties[best]),
        error=float(errors[best]),
        dual=path.projections / (path.eigenvalues + path.absolute[best])[:, None],
        primal=path.projections * path.shrinkage[:, [best]],
    )
