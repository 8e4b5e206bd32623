"""Columns of a representation in which the modalities of a subject are fused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmmcl.base._input import check_have, only_modality, read_input
from skmmcl.utils._sklearn import check_feature_names_in

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import Subjects


class FusedMixin(TransformerMixin):  # `set_output` wraps methods of its subclasses alone
    """Represents subjects by all modalities that they have, or by one of them."""

    net_: Any
    mean_representation_: np.ndarray
    on_empty: Any
    _transformed: Any

    def transform(self, X: Subjects, modality: str | None = None) -> np.ndarray:
        """Represent subjects by all modalities that they have, or by one of them.

        Parameters
        ----------
        modality : str, default=None
            The only modality to look at; None for all. Subjects without it count as subjects
            without any.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The fused representation.
        """
        check_is_fitted(self, "net_")
        data = read_input(self, X, reset=False)
        if modality is not None:
            data = only_modality(modality, data)
            if self.on_empty == "error":
                check_have(data, modality)
        return self._transformed(data)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the columns of `transform`: ``comm_0``, ``comm_1``, ..."""
        check_is_fitted(self, "net_")
        check_feature_names_in(self, input_features)
        width = self.mean_representation_.shape[1]
        return np.asarray([f"comm_{i}" for i in range(width)], dtype=object)
