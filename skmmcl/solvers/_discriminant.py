"""Kernel ridge discriminants of multimodal data, in closed form."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.solvers._block_solver import BlockSolver
from skmmcl.solvers._blocks import row_slices
from skmmcl.solvers._checks import (
    as_group_codes,
    as_nuisance,
    as_penalties,
    as_target,
    check_exact,
    check_labeled,
)
from skmmcl.solvers._cohort import Cohort
from skmmcl.solvers._exact import ExactForm
from skmmcl.solvers._features import FeatureForm
from skmmcl.solvers._ridge import PENALTIES
from skmmcl.solvers._views import View, make_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from skmmcl.solvers._ridge import Problem, Solution
    from skmmcl.utils._typing import Groups, SampleWeight

# Random features of kernel_features="auto". Those of many subjects, such as 20,000 with 1,000
# features each, take less than a third of the data's memory.
N_RANDOM, N_RANDOM_OF_MANY = 1000, 448
MANY_SUBJECTS = 4000


class KernelDiscriminant(BlockSolver):
    """Kernel ridge discriminants of each modality and of all jointly, in closed form.

    Targets, such as the vertices of a simplex for classes, are regressed on half a linear and half
    a Gaussian kernel. The penalty minimizes the leave-one-out error, which is exact and costs one
    eigendecomposition. Training subjects get leave-one-out columns, as if each had been new.

    Parameters
    ----------
    penalties : array-like of shape (n_penalties,), optional
        Ridge penalties to choose from, relative to the mean eigenvalue of the kernel; by default 15
        from 0.001 to 10,000.
    joint : bool, default=True
        Whether to fit a discriminant on all modalities side by side, if there are several.
    kernel_features : {"auto", "exact"} or int, default="auto"
        Number of orthogonal random features that approximate the Gaussian kernel: no subject's row
        is kept, and time and memory are linear in the number of subjects. "exact" computes the
        kernel and keeps the labeled subjects' rows. "auto" is 1,000, and 448 above 4,000 labeled
        subjects.
    random_state : int or None, default=0
        Seed of the random features; None for different ones each time.

    Attributes
    ----------
    block_names_ : tuple of str
        The modalities, then "joint".
    training_scores_ : ndarray of shape (n_samples, n_blocks, n_targets)
        Leave-one-out columns of labeled subjects (leave-group-out with groups), ordinary ones of
        unlabeled subjects, conditional means of absent blocks. In the units of the target.
    penalties_ : ndarray of shape (n_blocks,)
        Chosen penalties.
    errors_ : ndarray of shape (n_blocks,)
        Mean squared leave-out errors.
    holds_subjects_ : bool
        Whether training subjects' rows are kept.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.solvers import KernelDiscriminant, simplex_codes
    >>> rng = np.random.default_rng(0)
    >>> classes = np.repeat([0, 1], 30)
    >>> blocks = {name: rng.normal(size=(60, 5)) + classes[:, None] for name in ["fc", "sc"]}
    >>> solver = KernelDiscriminant().fit(blocks, simplex_codes(classes))
    >>> solver.block_names_, solver.training_scores_.shape
    (('fc', 'sc', 'joint'), (60, 3, 1))
    >>> bool(np.mean((solver.training_scores_[:, 2, 0] > 0) == classes) > 0.8)
    True
    """

    def __init__(
        self,
        penalties: ArrayLike | None = None,
        joint: bool = True,
        kernel_features: str | int = "auto",
        random_state: int | None = 0,
    ) -> None:
        self.penalties = penalties
        self.joint = joint
        self.kernel_features = kernel_features
        self.random_state = random_state

    def fit(
        self,
        blocks: Mapping[str, Any] | Cohort,
        target: ArrayLike,
        mask: ArrayLike | None = None,
        sample_weight: SampleWeight = None,
        groups: Groups = None,
        nuisance: ArrayLike | None = None,
        nuisance_strength: float = 10.0,
    ) -> KernelDiscriminant:
        """Fit the discriminants.

        Parameters
        ----------
        blocks : dict of str to array-like of shape (n_samples, n_features)
            Modalities, read in chunks of rows. A `Cohort` has its own mask and weights.
        target : array-like of shape (n_samples, n_targets)
            NaN for unlabeled subjects, who take part only in the scaling.
        mask : array-like of bool (n_samples, n_modalities), optional
            Presence mask, with the modalities in the order of `blocks`.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w subjects; one of weight 0 is treated as new.
        groups : array-like of shape (n_samples,), optional
            Groups that are left out together, such as scans of a person or siblings.
        nuisance : array-like of shape (n_samples, n_nuisance), optional
            Variables on which the discriminants should not depend given the target, such as dummies
            of the site. Leave-one-out columns use the deflation by all labeled subjects.
        nuisance_strength : float, default=10.0
            Strength of the deflation, above 0. The kernel's part k along the nuisance becomes
            ``k / (1 + strength k)``.

        Returns
        -------
        KernelDiscriminant
            The fitted solver.

        Raises
        ------
        DataError
            If blocks, target, weights, groups or nuisance have wrong shapes, NaN (but for unlabeled
            subjects) or infinite values, and if fewer than 3 subjects are labeled.
        ModalityError
            If a modality has another number of subjects, or is absent from all.
        ValueError
            If a penalty is negative, or `nuisance_strength` not above 0, or for other
            `kernel_features` than those above.
        """
        penalties = PENALTIES if self.penalties is None else as_penalties(self.penalties)
        if not nuisance_strength > 0:
            raise ValueError(f"nuisance_strength must be above 0, got {nuisance_strength!r}.")
        cohort = Cohort.read(blocks, mask, sample_weight)
        mask, weight, self._scale = cohort.mask, cohort.weight, cohort.scale
        target = as_target(target, len(mask))
        codes, nuisance = as_group_codes(groups, len(mask)), as_nuisance(nuisance, len(mask))
        labeled = np.isfinite(target).all(axis=1) & (weight > 0) & mask.any(axis=1)
        check_labeled(labeled, codes)
        views = self._views(mask[labeled])
        known = (target, weight, codes, nuisance, nuisance_strength)
        rows = (np.flatnonzero(labeled & view.present(mask)) for view in views)
        problems = [make_problem(of_view, *known) for of_view in rows]
        self._form = self._make_form(views, int(labeled.sum()))
        self.holds_subjects_ = self._form.holds_subjects
        self.block_names_ = tuple(view.name for view in views)
        solutions = self._form.fit(cohort, problems, penalties)
        self._note(views, solutions)
        self._n_targets = target.shape[1]
        scores = self._training_columns(cohort, ~labeled, problems, solutions)
        self._note_training_scores(scores, cohort)
        return self

    def _views(self, mask: np.ndarray) -> list[View]:
        views = [View(name, (index,)) for index, name in enumerate(self._scale.names)]
        if self.joint and len(views) > 1:
            needed = tuple(np.flatnonzero(mask.all(axis=0)).tolist())
            views.append(View("joint", tuple(range(len(views))), needed))
        return views

    def _make_form(self, views: list[View], n_labeled: int) -> ExactForm | FeatureForm:
        widths, names = self._scale.widths, self._scale.names
        if self.kernel_features == "exact":
            check_exact(n_labeled, widths, N_RANDOM)
            return ExactForm(views)
        n_random = self._n_random(n_labeled)
        seed = int(np.random.default_rng(self.random_state).integers(2**32))
        return FeatureForm(views, widths, names, n_random, seed)

    def _n_random(self, n_labeled: int) -> int:
        asked = self.kernel_features
        if isinstance(asked, Integral) and not isinstance(asked, bool) and asked > 0:
            return int(asked)
        if asked != "auto":
            raise ValueError(
                'kernel_features is "auto", "exact" or a positive number of random features; '
                f"found {asked!r}."
            )
        return N_RANDOM if n_labeled <= MANY_SUBJECTS else N_RANDOM_OF_MANY

    def _note(self, views: list[View], solutions: list[Solution | None]) -> None:
        self.penalties_ = np.array([np.nan if s is None else s.penalty for s in solutions])
        self.errors_ = np.array([np.nan if s is None else s.error for s in solutions])
        unsolved = [view.name for view, s in zip(views, solutions, strict=True) if s is None]
        if unsolved:
            warnings.warn(
                f"Fewer than three labeled subjects, or a single group of them, have {unsolved}: "
                "their columns are 0.",
                UserWarning,
                stacklevel=3,
            )

    def _scores(self, cohort: Cohort) -> np.ndarray:
        return self._predict(cohort, np.arange(len(cohort.mask)))

    def _predict(self, cohort: Cohort, rows: np.ndarray) -> np.ndarray:
        """Return the ordinary columns of some subjects; 0 where a block is absent."""
        views = self._form.views
        scores = np.zeros((len(rows), len(views), self._n_targets))
        for part in row_slices(len(rows), self._form.width // 8):
            columns = self._form.predict(cohort.rows(rows[part]))
            for index, (view, column) in enumerate(zip(views, columns, strict=True)):
                if column is not None:
                    present = view.present(cohort.mask[rows[part]])
                    scores[part, index] = np.where(present[:, None], column, 0.0)
        return scores

    def _training_columns(
        self,
        cohort: Cohort,
        others: np.ndarray,
        problems: list[Problem],
        solutions: list[Solution | None],
    ) -> np.ndarray:
        """Return leave-out columns of labeled subjects, and ordinary ones of the others."""
        scores = np.zeros((len(others), len(problems), self._n_targets))
        rows = np.flatnonzero(others)
        scores[rows] = self._predict(cohort, rows)
        for index, (problem, solution) in enumerate(zip(problems, solutions, strict=True)):
            if solution is not None:
                scores[problem.rows, index] = solution.columns
        return scores

    def _present(self, mask: np.ndarray) -> np.ndarray:
        return np.column_stack([view.present(mask) for view in self._form.views])
