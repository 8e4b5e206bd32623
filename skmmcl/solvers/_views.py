"""Blocks whose discriminants are fitted: each modality, and all of them jointly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skmmcl.solvers._ridge import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class View:
    """A modality, or several next to each other, divided by the root of their number.

    Parameters
    ----------
    name : str
    members : tuple of int
        Positions of the modalities.
    needed : tuple of int
        Modalities that no training subject lacked: how to do without them has not been learned.
    """

    name: str
    members: tuple[int, ...]
    needed: tuple[int, ...] = ()

    @property
    def factor(self) -> float:
        """Factor of the z-scores."""
        return 1 / np.sqrt(len(self.members))

    def present(self, mask: np.ndarray) -> np.ndarray:
        """Return which subjects have any of the members, and all that are needed."""
        return np.asarray(mask[:, self.members].any(axis=1) & mask[:, self.needed].all(axis=1))

    def total(self, arrays: Mapping[int, np.ndarray] | list[np.ndarray]) -> np.ndarray:
        """Return a linear function, such as projections, of all members from those of each."""
        if len(self.members) == 1:
            return arrays[self.members[0]]
        return self.factor * np.sum([arrays[member] for member in self.members], axis=0)

    def mean(self, arrays: list[np.ndarray]) -> np.ndarray:
        """Return products, such as Gram matrices, of all members from those of each."""
        return self.factor * self.total(arrays)


@dataclass
class Mixture:
    """Half linear, half Gaussian kernel, each divided by its centered trace.

    Parameters
    ----------
    linear, gaussian : float
        The factors of both.
    """

    linear: float
    gaussian: float

    @classmethod
    def of_traces(cls, linear: float, gaussian: float) -> Mixture:
        """Return the mixture of kernels with these traces per unit of weight."""
        tiny = np.finfo(float).tiny
        return cls(
            0.5 / linear if linear > tiny else 0.0, 0.5 / gaussian if gaussian > tiny else 0.0
        )


def centered_trace(kernel: np.ndarray, weight: np.ndarray) -> float:
    """Return the trace of a kernel over centered and weighted rows, per unit of weight."""
    total = weight.sum()
    trace = (weight @ np.diagonal(kernel) - weight @ kernel @ weight / total) / total
    # Rounding leaves some variance of a constant block.
    return float(trace) if trace > 1e-12 * np.abs(np.diagonal(kernel)).max() else 0.0


def make_problem(
    rows: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    groups: np.ndarray | None,
    nuisance: np.ndarray | None,
    strength: float,
) -> Problem:
    """Return the ridge problem of the labeled subjects who have a block.

    Parameters
    ----------
    rows : ndarray of int (n_rows,)
        Their positions in the cohort; the other arrays are of the whole cohort.
    target, weight, groups, nuisance : ndarray
    strength : float

    Returns
    -------
    Problem
        Rows sorted by group.
    """
    codes = None
    if groups is not None:
        order = np.argsort(groups[rows], kind="stable")
        rows, codes = rows[order], groups[rows][order]
    directions = None
    if nuisance is not None:
        directions = _without_target(nuisance[rows], target[rows], weight[rows])
    return Problem(rows, target[rows], weight[rows], codes, directions, strength)


def _without_target(nuisance: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return orthonormal directions of the nuisance without a constant and the targets."""
    root = np.sqrt(weight)[:, None]
    known = root * np.hstack([np.ones((len(target), 1)), target])
    directions = root * nuisance
    size = np.linalg.norm(directions)
    directions -= known @ np.linalg.lstsq(known, directions, rcond=1e-10)[0]
    left, sizes, _ = np.linalg.svd(directions, full_matrices=False)
    return left[:, sizes > 1e-8 * size] / root
