"""Regression of confounds out of modalities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.preprocessing._side_data import SideDataTransformer


class ConfoundRegressor(SideDataTransformer):
    """Remove linear effects of confounds from each value, as estimated on the training subjects.

    The training mean stays. Variance that a confound shares with the target is removed too.

    Parameters
    ----------
    confounds : str or list of str
        Names of side data of the container. Numbers have a linear effect, text one of each
        class.
    modalities : list of str, default=None
        Modalities to correct; None for all.

    Attributes
    ----------
    models_ : dict of str to (ndarray, ndarray)
        By modality, the slopes (n_confound_columns, n_values) and the means of the columns of
        the confounds.
    modalities_ : tuple of str
        The modalities that are transformed.

    See Also
    --------
    ComBat : Removes differences between sites, in mean and variance.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.preprocessing import ConfoundRegressor
    >>> age = np.array([20.0, 30.0, 40.0])
    >>> X = MultimodalData(smri=np.column_stack([age, 3 - age]), meta={"age": age})
    >>> ConfoundRegressor("age").fit_transform(X)["smri"].round(6)
    array([[ 30., -27.],
           [ 30., -27.],
           [ 30., -27.]])
    """

    _parameter_constraints: ClassVar = {
        "confounds": [str, list, tuple],
        "modalities": [list, tuple, None],
    }

    def __init__(
        self, confounds: str | Sequence[str], *, modalities: Sequence[str] | None = None
    ) -> None:
        self.confounds = confounds
        self.modalities = modalities

    def _linear(self) -> str | Sequence[str]:
        return self.confounds

    def _fit_model(
        self, values: np.ndarray, X: MultimodalData, rows: np.ndarray, name: str
    ) -> tuple[np.ndarray, np.ndarray]:
        confounds = self._columns[name].transform(X, rows)
        design = np.column_stack([np.ones(len(values)), confounds])
        coefficients = np.linalg.lstsq(design, values.astype(np.float64))[0][1:]
        return coefficients, confounds.mean(axis=0)

    def _apply(
        self, model: Any, values: np.ndarray, X: MultimodalData, rows: np.ndarray, name: str
    ) -> np.ndarray:
        coefficients, mean = model
        return values - (self._columns[name].transform(X, rows) - mean) @ coefficients
