"""Base of the solvers: columns of blocks, of which absent ones are imputed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.solvers._cohort import Cohort
from skmmcl.solvers._joint_normal import JointNormal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from skmmcl.solvers._blocks import Standardizer


class BlockSolver(ABC):
    """Base of the solvers, which give a subject columns for each block, absent ones included."""

    _scale: Standardizer

    @abstractmethod
    def _scores(self, cohort: Cohort) -> np.ndarray:
        """Return (n_samples, n_blocks, n_columns), anything finite where a block is absent."""

    def _present(self, mask: np.ndarray) -> np.ndarray:
        """Return the presence mask of the blocks, (n_samples, n_blocks)."""
        return mask

    def transform(self, blocks: Mapping[str, Any], mask: ArrayLike | None = None) -> np.ndarray:
        """Return the columns of new subjects.

        Parameters
        ----------
        blocks : dict of str to array-like of shape (n_samples, n_features)
            The modalities of the training subjects, in any order, without NaN.
        mask : array-like of bool (n_samples, n_modalities), optional
            Presence mask, with the modalities in the order of `blocks`.

        Returns
        -------
        ndarray of shape (n_samples, n_blocks, n_columns)
            Absent blocks are imputed by their conditional means given the others.

        Raises
        ------
        DataError
            If a subject has NaN or infinite values in a modality that the mask does not mark as
            absent.
        ModalityError
            If the modalities or their numbers of features are not those of the training subjects.
        """
        cohort = Cohort.of_new(blocks, mask, self._scale)
        scores = self._scores(cohort)
        _check_finite(scores)
        return self._fill(scores, self._present(cohort.mask))

    def _note_training_scores(self, scores: np.ndarray, cohort: Cohort) -> None:
        """Learn how blocks depend on each other, and impute those that training subjects lack."""
        _check_finite(scores)
        n_samples, n_blocks, n_columns = scores.shape
        present = self._present(cohort.mask)
        self._joint_normal = JointNormal(
            scores.reshape(n_samples, -1),
            np.repeat(np.arange(n_blocks), n_columns),
            present,
            cohort.weight,
        )
        self.training_scores_ = self._fill(scores, present)

    def _fill(self, scores: np.ndarray, present: np.ndarray) -> np.ndarray:
        if present.all():
            return scores
        return self._joint_normal.fill(scores.reshape(len(scores), -1), present).reshape(
            scores.shape
        )


def _check_finite(scores: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=(1, 2)))
    if len(bad):
        raise DataError(
            f"{len(bad)} of {len(scores)} subjects have NaN, infinite or huge values (first: row "
            f"{bad[0]}). Impute them, or mark modalities that subjects lack in the mask."
        )
