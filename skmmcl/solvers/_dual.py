"""Ridge discriminants from kernel matrices between subjects."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from skmmcl.solvers._ridge import RANK, Path, Problem, Solution, choose_penalty
from skmmcl.solvers._views import Mixture, centered_trace


def gaussian_kernel(gram: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return ``exp(-|x - x'|^2 / 2)`` from products, and from squared lengths of the rows."""
    result = gram - left[:, None] / 2
    result -= right / 2
    return np.exp(np.minimum(result, 0, out=result), out=result)


def solve_dual(
    linear: np.ndarray, gaussian: np.ndarray, problem: Problem, penalties: np.ndarray
) -> tuple[Solution, Mixture, np.ndarray, np.ndarray]:
    """Solve a problem from the two kernel matrices between its subjects.

    Parameters
    ----------
    linear, gaussian : ndarray of shape (n_rows, n_rows)
    problem : Problem
    penalties : ndarray of shape (n_penalties,)

    Returns
    -------
    solution : Solution
    mixture : Mixture
    coefficients : ndarray of shape (n_rows, n_targets)
        The discriminant of a subject is its kernels with these subjects, times these.
    offset : ndarray of shape (n_targets,)
        Mean of the training subjects' discriminants, to be subtracted.
    """
    weight = problem.weight
    mixture = Mixture.of_traces(centered_trace(linear, weight), centered_trace(gaussian, weight))
    kernel = mixture.linear * linear + mixture.gaussian * gaussian
    slopes = _deflate(kernel, problem)
    mean = kernel @ weight / problem.total
    kernel -= mean
    kernel -= (mean - weight @ mean / problem.total)[:, None]
    root = np.sqrt(weight)[:, None]
    kernel *= root * root.T
    values, left = eigh(kernel, overwrite_a=True, check_finite=False, driver="evd")
    kept = values > RANK * max(values[-1], np.finfo(float).tiny)
    values, left = values[kept], left[:, kept]
    path = Path(problem, values, left.T @ (root * problem.centered), penalties)
    solution = choose_penalty(path, left.__getitem__, len(weight))
    coefficients = root * (left @ solution.dual)
    offset = mean @ coefficients
    if slopes is not None:
        directions = weight[:, None] * problem.nuisance
        coefficients -= directions @ (slopes @ coefficients)
    return solution, mixture, coefficients, offset


def _deflate(kernel: np.ndarray, problem: Problem) -> np.ndarray | None:
    """Subtract ``K U (U'K U + I/strength)^-1 U'K`` in place; return ``(...)^-1 U'K``.

    The kernel between new and training subjects is deflated by the same matrix, so that changed
    coefficients suffice. Leaving out a subject does not change the deflation.
    """
    if problem.nuisance is None:
        return None
    directions = problem.weight[:, None] * problem.nuisance
    seen = kernel @ directions
    inner = directions.T @ seen + np.eye(directions.shape[1]) / problem.strength
    slopes = np.linalg.solve(inner, seen.T)
    kernel -= seen @ slopes
    return slopes
