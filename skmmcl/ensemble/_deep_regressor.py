"""Deep ensemble of regressors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import RegressorMixin

from skmmcl.base import embedder
from skmmcl.ensemble._fine_tuned_regressor import FineTunedRegressor
from skmmcl.ensemble._members import BaseDeepEnsemble

if TYPE_CHECKING:
    from skmmcl.utils._typing import Subjects


@embedder
class DeepEnsembleRegressor(RegressorMixin, BaseDeepEnsemble):
    """Ensemble of regressors that differ only in their random state.

    Read more in the :ref:`User Guide <ensembles>`.

    Parameters
    ----------
    estimator : estimator, default=None
        Regressor: a fine-tuned one, a pipeline, or any other. Members are clones with random
        states of their own, also of their parts. None for :class:`FineTunedRegressor`.

    See Also
    --------
    DeepEnsembleClassifier : Ensemble of classifiers.

    Notes
    -----
    Networks of this package are trained as one stack, see
    :func:`~skmmcl.parallel.stacked_fits`; the numbers are those of single fits. The standard
    deviation over the members measures the uncertainty of training, not the noise of the targets:
    it gives no interval for the targets.

    References
    ----------
    .. [1] Lakshminarayanan B., Pritzel A., Blundell C. (2017). Simple and scalable predictive
       uncertainty estimation using deep ensembles. NeurIPS.

    Examples
    --------
    >>> from skmmcl import DeepEnsembleRegressor, FineTunedRegressor
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> one = FineTunedRegressor(loss="absolute_error", max_epochs=5)
    >>> ages = DeepEnsembleRegressor(one, n_estimators=3, random_state=0).fit(X, X.meta["age"])
    >>> mean, std = ages.predict(X, return_std=True)
    >>> mean.shape, std.shape
    ((60,), (60,))
    """

    def predict_members(self, X: Subjects) -> np.ndarray:
        """Return the predictions of each member.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.

        Returns
        -------
        ndarray of shape (n_estimators, n_samples) or (n_estimators, n_samples, n_columns)
            Predicted numbers.
        """
        return self._of_members("predict", X)

    def predict(self, X: Subjects, return_std: bool = False) -> Any:
        """Return the mean of the members' predictions.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Subjects, in any form that the members take.
        return_std : bool, default=False
            Whether to return the standard deviation over the members as well.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_columns)
            Predicted numbers.
        std : ndarray of the same shape
            Standard deviation over the members; only with ``return_std=True``.
        """
        each = self.predict_members(X)
        mean = each.mean(axis=0)
        return (mean, each.std(axis=0)) if return_std else mean

    def _default(self) -> Any:
        return FineTunedRegressor()
