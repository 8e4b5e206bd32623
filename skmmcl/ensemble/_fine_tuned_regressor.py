"""Regressor that fine-tunes a pretrained embedder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from sklearn.base import RegressorMixin

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.cross_decomposition import SupervisedEmbedder
from skmmcl.ensemble._fine_tuned import BaseFineTuned
from skmmcl.utils._sklearn import StrOptions

if TYPE_CHECKING:
    from skmmcl.utils._typing import Subjects


@embedder
class FineTunedRegressor(RegressorMixin, BaseFineTuned):
    """Regressor that fine-tunes an embedder pretrained on other subjects.

    The network of the embedder gets a linear head on the representations of all modalities, and
    both are trained by squared or absolute error: the head alone, the last blocks of the encoders
    as well, or everything, below the head at a lower learning rate.

    Read more in the :ref:`User Guide <fine_tuning>`.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error"}, default="squared_error"
        Error that is minimized. The absolute one, usual for brain age, is less sensitive to
        outliers.

    See Also
    --------
    FineTunedClassifier : Fine-tuning for classification.
    DeepEnsembleRegressor : Several of these, averaged.

    Notes
    -----
    Targets are z-scored by the subjects of `fit`; predictions are in their own units.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Benchmarking CNN on 3D anatomical brain MRI: architectures,
       data augmentation and deep ensemble learning. arXiv 2106.01132.

    Examples
    --------
    >>> from skmmcl import FineTunedRegressor, SupConEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=120, random_state=0)
    >>> big = SupConEmbedder(max_epochs=5, random_state=0).fit(X[:80], y[:80])
    >>> age = FineTunedRegressor(big, loss="absolute_error", max_epochs=5, random_state=0)
    >>> age.fit(X[80:], X.meta["age"][80:]).predict(X[80:]).shape
    (40,)
    """

    loss: Literal["squared_error", "absolute_error"] = "squared_error"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "loss": [StrOptions({"squared_error", "absolute_error"})],
    }

    def predict(self, X: Subjects) -> np.ndarray:
        """Return the predicted numbers.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_columns)
            In the units of ``y``.
        """
        found = self._outputs(X)
        return found[:, 0] if self._is_column else found

    def _own(self) -> dict[str, Any]:
        return {"loss": self.loss}

    def _default(self) -> BaseEmbedder:
        return SupervisedEmbedder(task="regression", solver="gradient", dtype="auto")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
