"""Closed form of cross-modal contrast: regularized canonical correlation."""

from __future__ import annotations

from functools import partial
from itertools import accumulate, pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import eigh

from skmmcl.exceptions import DataError, ModalityError
from skmmcl.solvers._block_solver import BlockSolver
from skmmcl.solvers._blocks import row_slices
from skmmcl.solvers._checks import check_number
from skmmcl.solvers._cohort import Cohort
from skmmcl.utils._moments import EXACT_UP_TO, axis_signs, leading_axes, principal_axes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

    from skmmcl.solvers._cohort import Rows
    from skmmcl.utils._typing import SampleWeight


class MultisetCCA(BlockSolver):
    """Regularized canonical correlation of several modalities: cross-modal contrast in closed form.

    With ``D`` the block-diagonal matrix of the regularized covariances within modalities and ``C``
    the covariances between them, ``D^-1/2 C D^-1/2 V = V rho`` gives directions along which the
    modalities of a subject agree. Modality m is represented by
    ``W_m = (C_m + lambda)^-1/2 V_m (rho / rho_1)^power``. Without regularization it is canonical
    correlation, with much of it the singular vectors of the cross-covariances.

    Parameters
    ----------
    n_components : int, default=32
        Number of directions; fewer where the correlations are not positive.
    regularization : float, default=0.3
        ``lambda``, in units of the mean eigenvalue of the covariance of each modality. Larger
        values weigh covariance more than correlation.
    power : float, default=1.5
        Power of the relative correlations by which weak directions are shortened; 0 for none.
    max_axes : int, default=100
        Number of principal components to which wider modalities are reduced.

    Attributes
    ----------
    block_names_ : tuple of str
        The modalities.
    correlations_ : ndarray of shape (n_found,)
        Regularized correlations ``rho`` of the directions.
    training_scores_ : ndarray of shape (n_samples, n_modalities, n_found)
        Columns of the training subjects, as `transform` returns them.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.solvers import MultisetCCA
    >>> rng = np.random.default_rng(0)
    >>> shared = rng.normal(size=(100, 1))
    >>> blocks = {name: shared + rng.normal(size=(100, 6)) for name in ["fc", "sc"]}
    >>> shown = MultisetCCA(n_components=2).fit(blocks).transform(blocks)
    >>> shown.shape
    (100, 2, 2)
    >>> bool(np.corrcoef(shown[:, 0, 0], shown[:, 1, 0])[0, 1] > 0.8)
    True
    """

    def __init__(
        self,
        n_components: int = 32,
        regularization: float = 0.3,
        power: float = 1.5,
        max_axes: int = 100,
    ) -> None:
        self.n_components = n_components
        self.regularization = regularization
        self.power = power
        self.max_axes = max_axes

    def fit(
        self,
        blocks: Mapping[str, Any] | Cohort,
        mask: ArrayLike | None = None,
        sample_weight: SampleWeight = None,
    ) -> MultisetCCA:
        """Find the directions.

        Parameters
        ----------
        blocks : dict of str to array-like of shape (n_samples, n_features)
            Modalities, read in chunks of rows. A `Cohort` has its own mask and weights.
        mask : array-like of bool (n_samples, n_modalities), optional
            Presence mask. Covariances are those of the subjects who have both modalities.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w subjects.

        Returns
        -------
        MultisetCCA
            The fitted solver.

        Raises
        ------
        DataError
            If weights or mask are of another shape, for NaN or infinite values, and if no modality
            varies over the subjects.
        ModalityError
            For a single modality, one that is absent from all, or other numbers of subjects.
        ValueError
            For parameters out of range.
        """
        for name in ("n_components", "max_axes"):
            check_number(getattr(self, name), name, Integral, at_least=1)
        for name in ("regularization", "power"):
            check_number(getattr(self, name), name, Real, at_least=0)
        cohort = Cohort.read(blocks, mask, sample_weight)
        self._scale, self.block_names_ = cohort.scale, cohort.scale.names
        if len(self.block_names_) < 2:
            raise ModalityError(
                "Modalities are aligned with each other: expected at least 2, found "
                f"{list(self.block_names_)}."
            )
        shown = self._align(cohort.subset(np.arange(len(cohort.mask))))
        self._note_training_scores(shown, cohort)
        return self

    def _scores(self, cohort: Cohort) -> np.ndarray:
        subjects = np.arange(len(cohort.mask))
        pairs = enumerate(self._weights)
        return np.stack([_scores(cohort, k, subjects, weights) for k, weights in pairs], axis=1)

    def _align(self, rows: Rows) -> np.ndarray:
        """Find the weights of the z-scores, and return the products; 0 where absent."""
        cohort = rows.cohort
        whitened = [self._whiten(rows, index) for index in range(len(self.block_names_))]
        directions = self._solve([scores for scores, _ in whitened], cohort.mask, cohort.weight)
        found = list(zip(whitened, directions, strict=True))
        weights = [read(shown) for (_, read), shown in found]
        signs = axis_signs(np.vstack(weights).T)
        self._weights = [of_block * signs for of_block in weights]
        return np.stack([scores @ (shown * signs) for (scores, _), shown in found], axis=1)

    def _whiten(
        self, rows: Rows, index: int
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Return regularized scores on the principal axes of one modality; 0 where absent.

        The second result is a function that turns directions among the scores into weights of the
        features.
        """
        cohort, name = rows.cohort, self.block_names_[index]
        present = cohort.mask[:, index] & (cohort.weight > 0)
        if len(rows.subjects) <= min(cohort.scale.widths[index], EXACT_UP_TO):
            # The discriminants need the same products.
            root = np.sqrt(cohort.weight[rows.subjects])[:, None]
            left, lengths = leading_axes(root * rows.gram(index) * root.T, self.max_axes)
            kept = lengths > 1e-6 * lengths.max(initial=0)
            left, lengths = left[kept].T, lengths[kept]
            shares = self._shares(lengths**2 / cohort.weight[present].sum())
            dual = root * left / lengths * shares
            return rows.gram(index) @ dual, lambda shown: rows.products(index, dual @ shown)
        factors = cohort.scale.factors[index]
        moments = cohort.scale.means[index], np.where(factors > 0, 1 / _nonzero(factors), 0.0)
        axes, deviations = principal_axes(
            cohort.blocks[name], present, cohort.weight, moments, self.max_axes
        )
        primal = axes.T * self._shares(deviations**2)
        return _scores(cohort, index, rows.subjects, primal), partial(np.matmul, primal)

    def _shares(self, variance: np.ndarray) -> np.ndarray:
        """Return the factors ``(variance + lambda)^-1/2`` of scores of these variances."""
        penalty = self.regularization * variance.sum() / max(len(variance), 1)
        return 1 / np.sqrt(variance + penalty)

    def _solve(
        self, whitened: list[np.ndarray], mask: np.ndarray, weight: np.ndarray
    ) -> list[np.ndarray]:
        """Return the directions among the scores of each modality."""
        stops = accumulate((scores.shape[1] for scores in whitened), initial=0)
        parts = [slice(*pair) for pair in pairwise(stops)]
        n_scores = parts[-1].stop
        if not n_scores:
            raise DataError(
                f"None of the modalities {list(self.block_names_)} varies over the {len(mask)} "
                "subjects (at least 3 must have it): there is nothing to align."
            )
        between = np.zeros((n_scores, n_scores))
        for one in range(len(parts)):
            for other in range(one):
                both = weight * mask[:, one] * mask[:, other]
                products = [
                    (whitened[one][part].T * both[part]) @ whitened[other][part]
                    for part in row_slices(len(both), n_scores)
                ]
                covariance = np.sum(products, axis=0) / max(both.sum(), 1e-300)
                between[parts[one], parts[other]] = covariance
                between[parts[other], parts[one]] = covariance.T
        first = max(n_scores - self.n_components, 0)
        values, vectors = eigh(between, subset_by_index=[first, n_scores - 1])
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        n_kept = max(1, int(np.sum(values > 1e-10 * values[0])))
        self.correlations_ = values[:n_kept]
        shares = self.correlations_ / _nonzero(values[:1])
        shown = vectors[:, :n_kept] * np.where(shares > 0, shares**self.power, 0.0)
        return [shown[part] for part in parts]


def _scores(cohort: Cohort, index: int, subjects: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the z-scores of one modality times weights, (n_subjects, n_columns)."""
    result = np.empty((len(subjects), weights.shape[1]))
    for part in row_slices(len(subjects), len(weights)):
        result[part] = cohort.rows_of(index, subjects[part]) @ weights
    return result


def _nonzero(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1.0)
