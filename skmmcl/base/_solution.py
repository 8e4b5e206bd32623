"""Solution in closed form of terms whose optimum is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skmmcl.base._known import Known
from skmmcl.base._rows import Layout, join_copies, read_groups, read_nuisance
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.losses import has_target
from skmmcl.solvers import KernelDiscriminant, MultisetCCA, warn_of_lone_classes
from skmmcl.solvers._cohort import Cohort
from skmmcl.training import Term

# Scale of the columns of unsupervised terms, relative to those of the discriminants.
UNSUPERVISED_SCALE = 0.5

# Number of folds for the training columns of invariant discriminants.
N_FOLDS = 10

# Fraction of a nuisance, beyond the target, that is rounding.
SMALLEST_REST = 1e-9


class Solution:
    """Solved terms of an objective, as blocks of columns.

    A term with a target geometry becomes a discriminant of each modality and of all jointly. A term
    that aligns modalities is solved by their regularized canonical correlations.
    """

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}
        self.factors: dict[str, float] = {}
        self.widths: dict[str, int] = {}
        self.layout = Layout()

    def fit(
        self,
        terms: Sequence[Term],
        settings: Any,
        data: MultimodalData,
        side: Known,
        *,
        columns_wanted: bool,
    ) -> np.ndarray:
        """Solve the terms.

        Parameters
        ----------
        terms : sequence of Term
            Terms with a target or that align modalities.
        settings : object
            Has the parameters of an embedder as attributes.
        data : MultimodalData
            The training subjects.
        side : mapping of str to ndarray
            Targets and weights of the subjects: "y", "targets" and "sample_weight"; None where
            unknown.
        columns_wanted : bool
            Whether training columns are needed, which take invariant discriminants ten times as
            long.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            The columns of the training subjects, each by a discriminant that has not seen the
            subject's target, nor that of others of its group.
        """
        if "joint" in data.modalities:
            raise ModalityError(
                "The name 'joint' is that of the columns of all modalities; rename this modality."
            )
        blocks = self.layout.learn(data)
        given = read_groups(data, settings.groups)
        groups = join_copies(blocks, data.mask, given, data.index)
        nuisance = read_nuisance(data, settings.invariant_to)
        side = {**side, "groups": groups, "nuisance": nuisance}
        supervised = any(has_target(term.loss) for term in terms)
        cohort = Cohort.read(blocks, data.mask, side["sample_weight"])
        columns = []
        part: Any
        for term in terms:
            if has_target(term.loss):
                part = _discriminate(term, settings, cohort, side, columns_wanted)
            else:
                part = MultisetCCA(n_components=settings.n_components).fit(cohort)
            found, factor = part.training_scores_, 1.0
            del part.training_scores_  # nothing of the training subjects is kept
            if supervised and not has_target(term.loss):
                factor = unsupervised_factor(found, side["sample_weight"])
            self.parts[term.name], self.factors[term.name] = part, factor
            self.widths[term.name] = found.shape[-1]
            columns.append(_side_by_side(found) * factor)
        return np.hstack(columns)

    def transform(
        self, data: MultimodalData, rows: Any = (), columns: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the columns of subjects, (n_samples, n_columns); those of ``rows`` are given."""
        if columns is not None and len(columns) == len(data):
            return columns
        blocks = self.layout.read(data)
        found = np.hstack(
            [
                _side_by_side(part.transform(blocks, data.mask)) * self.factors[name]
                for name, part in self.parts.items()
            ]
        )
        if columns is not None:  # subjects of weight 0 were not solved for
            found[rows] = columns
        return found

    def names(self) -> list[str]:
        """Return the names of the columns: modality or "joint", term, number."""
        return [
            f"{block}_{term}_{k}"
            for term, part in self.parts.items()
            for block in part.block_names_
            for k in range(self.widths[term])
        ]


def _discriminate(
    term: Term, settings: Any, cohort: Cohort, side: Known, columns_wanted: bool
) -> KernelDiscriminant:
    loss: Any = term.loss
    known = [side[name] for name in term.on if name in ("y", "targets")]
    target = np.asarray(loss.target(*known, sample_weight=side["sample_weight"]))
    _check_nuisance(settings.invariant_to, side["nuisance"], target)
    features, seed = settings.kernel_features, 0  # which results hardly depend on
    if settings.random_state is not None and features != "exact":
        seed = check_random_state(settings.random_state).randint(np.iinfo(np.int32).max)
    of_subjects: dict[str, Any] = {name: side[name] for name in ("groups", "nuisance")}

    def solve(target: np.ndarray) -> KernelDiscriminant:
        solver = KernelDiscriminant(kernel_features=features, random_state=seed)
        return solver.fit(cohort, target, **of_subjects)

    solver = solve(target)
    if side["nuisance"] is not None and columns_wanted:
        _cross_fit(solver, solve, target, side["groups"])
    if "y" in term.on:
        warn_of_lone_classes(np.asarray(side["y"]), side["groups"], settings.classes_)
    return solver


def _cross_fit(
    solver: KernelDiscriminant,
    solve: Callable[[np.ndarray], KernelDiscriminant],
    target: np.ndarray,
    groups: np.ndarray | None,
) -> None:
    """Replace the training columns by those of solvers that have not seen the target.

    The targets are regressed out of the nuisance, which would leak them: leaving a subject out of
    the discriminant alone is not enough.
    """
    labeled = np.flatnonzero(np.isfinite(target).all(axis=1))
    units = np.unique(labeled if groups is None else groups[labeled], return_inverse=True)[1]
    n_folds = min(N_FOLDS, units.max() + 1)
    fold = np.random.default_rng(0).permutation(units.max() + 1)[units] % n_folds
    for k in range(n_folds):
        rows = labeled[fold == k]
        hidden = target.copy()
        hidden[rows] = np.nan
        solver.training_scores_[rows] = solve(hidden).training_scores_[rows]


def _check_nuisance(name: str | None, nuisance: np.ndarray | None, target: np.ndarray) -> None:
    """Raise if the target determines the nuisance."""
    if nuisance is None:
        return
    known = np.isfinite(target).all(axis=1)
    given = np.column_stack([np.ones(known.sum()), target[known]])
    slopes = np.linalg.lstsq(given, nuisance[known], rcond=None)[0]
    left, spread = nuisance[known] - given @ slopes, nuisance[known] - nuisance[known].mean(axis=0)
    if np.sum(left**2) < SMALLEST_REST * np.sum(spread**2):
        raise DataError(
            f"invariant_to={name!r} is determined by the target: no representation can hold one "
            "without the other."
        )


def _side_by_side(columns: np.ndarray) -> np.ndarray:
    return columns.reshape(len(columns), -1)


def unsupervised_factor(blocks: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Return the factor that brings blocks of columns to the scale of unsupervised terms.

    Parameters
    ----------
    blocks : ndarray of shape (n_samples, n_blocks, n_columns)
        Columns of the training subjects. The squared scale of a block is the sum of the variances
        of its columns; the mean over the blocks counts.
    sample_weight : ndarray of shape (n_samples,) or None
        How often a subject counts.

    Returns
    -------
    float
    """
    centered = blocks - np.average(blocks, axis=0, weights=sample_weight)
    variance = np.average(centered**2, axis=0, weights=sample_weight).sum(axis=-1).mean()
    return float(UNSUPERVISED_SCALE / np.sqrt(variance)) if variance > 0 else 1.0
