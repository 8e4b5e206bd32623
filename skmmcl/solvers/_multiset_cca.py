"""Contrast of all modalities of a subject with each other, solved rather than trained."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import eigh

from skmmcl.exceptions import ModalityError
from skmmcl.solvers._blocks import Standardizer, as_mask, row_slices
from skmmcl.solvers._checks import as_weight
from skmmcl.solvers._joint_normal import JointNormal
from skmmcl.utils._moments import _signed, principal_axes

if TYPE_CHECKING:
    from collections.abc import Mapping


class MultisetCCA:
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
        ``lambda``, in units of the mean eigenvalue of the covariance of each modality.
    power : float, default=1.5
        How much directions of weak correlation are shortened.
    max_axes : int, default=200
        Modalities with more features are reduced to their first principal components.

    Attributes
    ----------
    block_names_ : tuple of str
        The modalities.
    correlations_ : ndarray of shape (n_found,)
        Regularized correlations ``rho`` of the directions.

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
        max_axes: int = 200,
    ) -> None:
        self.n_components = n_components
        self.regularization = regularization
        self.power = power
        self.max_axes = max_axes

    def fit(
        self,
        blocks: Mapping[str, Any],
        mask: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> MultisetCCA:
        """Find the directions.

        Parameters
        ----------
        blocks : dict of str to array-like of shape (n_samples, n_features)
            Modalities; anything that gives rows, read in chunks.
        mask : array-like of bool (n_samples, n_modalities), optional
            Who has which modality. Covariances are those of the subjects who have both.
        sample_weight : array-like of shape (n_samples,), optional
            How often a subject counts.

        Returns
        -------
        MultisetCCA
            The fitted solver.
        """
        mask = as_mask(blocks, mask)
        weight = as_weight(sample_weight, len(mask))
        if len(blocks) < 2:
            raise ModalityError(
                f"Modalities are contrasted with each other: give at least 2, found {list(blocks)}."
            )
        self.block_names_ = tuple(blocks)
        self._scale = Standardizer(blocks, mask, weight)
        whitened = self._whiten(blocks, mask, weight)
        self._weights = self._solve(whitened, mask, weight)
        shown = self._show(blocks, mask)
        self._joint_normal = JointNormal(
            shown.reshape(len(mask), -1),
            np.repeat(np.arange(len(blocks)), shown.shape[2]),
            mask,
            weight,
        )
        return self

    def transform(self, blocks: Mapping[str, Any], mask: np.ndarray | None = None) -> np.ndarray:
        """Represent each modality in the common directions.

        Parameters
        ----------
        blocks : dict of str to array-like of shape (n_samples, n_features)
            The modalities of the training, in any order.
        mask : array-like of bool (n_samples, n_modalities), optional
            Who has which modality, in the order of `blocks`.

        Returns
        -------
        shown : ndarray of shape (n_samples, n_modalities, n_found)
            Absent modalities are filled with their conditional means given the others.
        """
        mask = as_mask(blocks, mask)
        self._scale.check(blocks)
        mask = mask[:, [list(blocks).index(name) for name in self.block_names_]]
        shown = self._show(blocks, mask)
        if mask.all():
            return shown
        return self._joint_normal.fill(shown.reshape(len(mask), -1), mask).reshape(shown.shape)

    def _whiten(
        self, blocks: Mapping[str, Any], mask: np.ndarray, weight: np.ndarray
    ) -> list[np.ndarray]:
        """Return regularized scores on the principal axes of each modality; 0 where absent."""
        self._whitenings, scores = [], []
        for index, name in enumerate(self.block_names_):
            factors = self._scale.factors[index]
            moments = self._scale.means[index], np.where(factors > 0, 1 / _nonzero(factors), 0.0)
            axes, deviations = principal_axes(
                blocks[name], mask[:, index] & (weight > 0), weight, moments, self.max_axes
            )
            variance = deviations**2
            penalty = self.regularization * variance.sum() / max(len(variance), 1)
            self._whitenings.append(axes.T / np.sqrt(variance + penalty))
            scores.append(self._scores(index, blocks, mask, self._whitenings[index]))
        return scores

    def _scores(
        self, index: int, blocks: Mapping[str, Any], mask: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        parts = [
            self._scale.rows_of(index, blocks, mask, part) @ weights
            for part in row_slices(len(mask), len(weights))
        ]
        return np.concatenate(parts)

    def _solve(
        self, whitened: list[np.ndarray], mask: np.ndarray, weight: np.ndarray
    ) -> list[np.ndarray]:
        """Return what the z-scores of each modality are multiplied by."""
        starts = np.cumsum([0] + [scores.shape[1] for scores in whitened])
        parts = [slice(*pair) for pair in pairwise(starts)]
        between = np.zeros((starts[-1], starts[-1]))
        for one in range(len(parts)):
            for other in range(one):
                both = weight * mask[:, one] * mask[:, other]
                covariance = (whitened[one].T * both) @ whitened[other] / max(both.sum(), 1e-300)
                between[parts[one], parts[other]] = covariance
                between[parts[other], parts[one]] = covariance.T
        n_found = min(self.n_components, len(between))
        last = len(between) - 1
        values, vectors = eigh(between, subset_by_index=[last - n_found + 1, last])
        values, vectors = np.maximum(values[::-1], 0.0), _signed(vectors.T[::-1]).T
        n_kept = max(1, int(np.sum(values > 1e-10 * values[0])))
        self.correlations_ = values[:n_kept]
        shares = self.correlations_ / _nonzero(values[:1])
        shown = vectors[:, :n_kept] * np.where(shares > 0, shares**self.power, 0.0)
        return [w @ shown[part] for w, part in zip(self._whitenings, parts, strict=True)]

    def _show(self, blocks: Mapping[str, Any], mask: np.ndarray) -> np.ndarray:
        return np.stack(
            [self._scores(i, blocks, mask, weights) for i, weights in enumerate(self._weights)],
            axis=1,
        )


def _nonzero(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1.0)
