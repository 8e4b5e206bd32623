"""Ridge discriminants from features of subjects, fewer than subjects, read in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.blas import dsyrk

from skmmcl.solvers._blocks import rows_per_chunk
from skmmcl.solvers._ridge import RANK, Path, Problem, Solution, choose_penalty
from skmmcl.solvers._views import Mixture

if TYPE_CHECKING:
    from collections.abc import Callable


class Moments:
    """Weighted sums over the subjects of a problem.

    Parameters
    ----------
    problem : Problem
    features : callable
        Returns the features of an array of subjects; called in chunks.
    n_features : int

    Attributes
    ----------
    scatter : ndarray of shape (n_features, n_features)
        Scatter matrix of centered features; the upper triangle only.
    mean : ndarray of shape (n_features,)
    with_target, with_nuisance : ndarray
        Products of the features with the targets and the nuisance.
    """

    def __init__(
        self, problem: Problem, features: Callable[[np.ndarray], np.ndarray], n_features: int
    ) -> None:
        self.scatter = np.zeros((n_features, n_features), order="F")
        known = [problem.weight[:, None], problem.weight[:, None] * problem.centered]
        if problem.nuisance is not None:
            known.append(problem.weight[:, None] * problem.nuisance)
        known_ = np.hstack(known)
        sums = np.zeros((n_features, known_.shape[1]))
        for part in problem.chunks(rows_per_chunk(n_features)):
            rows = features(problem.rows[part])
            sums += rows.T @ known_[part]
            rows *= np.sqrt(problem.weight[part])[:, None]
            self.scatter = dsyrk(1.0, rows.T, beta=1.0, c=self.scatter, overwrite_c=True)
        n_targets = problem.target.shape[1]
        self.mean = sums[:, 0] / problem.total
        self.with_target = sums[:, 1 : 1 + n_targets]
        self.with_nuisance = sums[:, 1 + n_targets :]
        for row, value in enumerate(self.mean):  # without a second matrix
            self.scatter[: row + 1, row] -= problem.total * value * self.mean[: row + 1]

    def scale(self, factors: np.ndarray) -> None:
        """Multiply the features by factors."""
        self.scatter *= factors
        self.scatter *= factors[:, None]
        self.mean *= factors
        self.with_target *= factors[:, None]
        self.with_nuisance *= factors[:, None]


def solve_primal(
    features: Callable[[np.ndarray], np.ndarray],
    n_linear: int,
    n_features: int,
    problem: Problem,
    penalties: np.ndarray,
) -> tuple[Solution, np.ndarray, np.ndarray]:
    """Solve a problem from the features of its subjects.

    Parameters
    ----------
    features : callable
        Returns the features of an array of subjects; called twice for each chunk.
    n_linear : int
        Number of features of the linear kernel; the others are those of the Gaussian kernel.
    n_features : int
    problem : Problem
    penalties : ndarray of shape (n_penalties,)

    Returns
    -------
    solution : Solution
    coefficients : ndarray of shape (n_features, n_targets)
    offset : ndarray of shape (n_targets,)
    """
    moments = Moments(problem, features, n_features)
    factors = _mixed(moments, n_linear, problem.total)
    moments.scale(factors)
    turn = _Deflation(moments.with_nuisance, problem.strength)
    values, axes = eigh(
        turn.of_matrix(vars(moments).pop("scatter")),  # as large as all else, and overwritten
        overwrite_a=True,
        check_finite=False,
        lower=False,
        driver="evr",
    )
    kept = values > RANK * max(values[-1], np.finfo(float).tiny)
    values = values[kept]
    axes = turn(axes if kept.all() else axes[:, kept])
    axes /= np.sqrt(values)
    path = Path(problem, values, axes.T @ moments.with_target, penalties)

    def left(part: slice) -> np.ndarray:
        rows = features(problem.rows[part])
        rows *= factors
        rows -= moments.mean
        return (rows @ axes) * np.sqrt(problem.weight[part])[:, None]

    solution = choose_penalty(path, left, rows_per_chunk(n_features))
    coefficients = axes @ solution.primal
    offset = moments.mean @ coefficients
    return solution, factors[:, None] * coefficients, offset


def _mixed(moments: Moments, n_linear: int, total: float) -> np.ndarray:
    """Return the factor of each feature in the mixture of the two kernels."""
    variance = np.diagonal(moments.scatter) / total
    squares = variance + moments.mean**2
    # Rounding leaves some variance of a constant block.
    trace = [
        part.sum() if part.sum() > 1e-12 * square.sum() else 0.0
        for part, square in (
            (variance[:n_linear], squares[:n_linear]),
            (variance[n_linear:], squares[n_linear:]),
        )
    ]
    mixture = Mixture.of_traces(*trace)
    counts = n_linear, len(variance) - n_linear
    return np.sqrt(np.repeat([mixture.linear, mixture.gaussian], counts))


class _Deflation:
    """Root of ``I - V (V'V + I/strength)^-1 V'``, V the products of features and nuisance.

    Products of features that it is applied to are the deflated kernel.
    """

    def __init__(self, with_nuisance: np.ndarray, strength: float) -> None:
        self.axes, sizes, _ = np.linalg.svd(with_nuisance, full_matrices=False)
        self.lost = 1 - 1 / np.sqrt(1 + strength * sizes**2)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        if len(self.lost):
            rows = rows - self.axes @ (self.lost[:, None] * (self.axes.T @ rows))
        return rows

    def of_matrix(self, upper: np.ndarray) -> np.ndarray:
        """Apply it to both sides of a symmetric matrix, given by its upper triangle."""
        if not len(self.lost):
            return upper
        whole = np.triu(upper) + np.triu(upper, 1).T
        return np.asfortranarray(self(self(whole).T))
