"""Transformers of single modalities that need to know more of the subjects: site, age, ..."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmmcl.data import MultimodalData
from skmmcl.data._layout import Layout
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing._side_columns import SideColumns
from skmmcl.preprocessing._tables import (
    ContainerTransformer,
    check_shapes,
    name_columns,
    present_rows,
)
from skmmcl.utils._sklearn import fit_context


class SideDataTransformer(ContainerTransformer):
    """Base: fits a model of each modality on the subjects who have it."""

    modalities: Sequence[str] | None

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the training subjects.

        Parameters
        ----------
        X : MultimodalData
            Training data with side data.
        y : None
            Not used.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        DataError
            If side data is missing, or a modality has gaps.
        ModalityError
            If a modality is unknown or nobody has it.
        """
        X = self._container(X)
        chosen = X.modalities if self.modalities is None else tuple(self.modalities)
        self._check_names(chosen, X)
        self._learn_side_data(X)
        self.modalities_ = chosen
        self.shapes_ = {name: tuple(X.shapes[name]) for name in chosen}
        self._layout = Layout.of(X[list(chosen)])
        self.models_: dict[str, Any] = {}
        self._columns: dict[str, SideColumns] = {}
        for name in chosen:
            values, rows = self._table(X, name)
            if not len(values):
                raise ModalityError(f"No subject has the modality {name!r}; leave it out.")
            self._columns[name] = SideColumns(self._linear()).fit(X, rows)
            self.models_[name] = self._fit_model(values, X, rows, name)
        return self

    def transform(self, X: Any) -> MultimodalData:
        """Transform the modalities.

        Parameters
        ----------
        X : MultimodalData
            Data with the modalities and side data that were seen in ``fit``.

        Returns
        -------
        X_out : MultimodalData
            The same subjects, with the same ids, side data and missing modalities.
        """
        check_is_fitted(self)
        X = self._container(X)
        self._check_names(self.modalities_, X)
        check_shapes(X, self.shapes_)
        chosen = self._layout.apply(X[list(self.modalities_)])
        return X.assign({name: self._transform_one(chosen, name) for name in self.modalities_})

    @abstractmethod
    def _linear(self) -> str | Sequence[str] | None:
        """Return the names of the side data whose effects are linear."""

    def _learn_side_data(self, X: MultimodalData) -> None:
        """Learn what other side data of the training subjects are."""

    @abstractmethod
    def _fit_model(self, values: np.ndarray, X: MultimodalData, rows: np.ndarray, name: str) -> Any:
        """Fit on a table (n_present, n_values) of the subjects in ``rows``."""

    @abstractmethod
    def _apply(
        self, model: Any, values: np.ndarray, X: MultimodalData, rows: np.ndarray, name: str
    ) -> np.ndarray:
        """Transform a table of the subjects in ``rows``."""

    def _transform_one(self, X: MultimodalData, name: str) -> Any:
        values, rows = self._table(X, name)
        out = np.full((len(X), values.shape[1]), np.nan, np.result_type(values, np.float32))
        if len(values):
            with np.errstate(over="ignore", invalid="ignore"):
                out[rows] = self._apply(self.models_[name], values, X, rows, name)
            if not np.isfinite(out[rows]).all():
                raise DataError(
                    f"Modality {name!r} has values, up to {np.abs(values).max():.3g}, that leave "
                    f"the range of {out.dtype} when they are transformed; rescale it."
                )
        if X.columns[name] is None:
            return out.reshape(len(X), *X.shapes[name])
        return name_columns(out, X.columns[name])

    def _table(self, X: MultimodalData, name: str) -> tuple[np.ndarray, np.ndarray]:
        table, rows = present_rows(X, name)
        values = np.asarray(table)
        if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise DataError(
                f"Modality {name!r} has values that are NaN, infinite or no numbers in subjects "
                f"who have it; {type(self).__name__} needs them filled beforehand."
            )
        return values, rows

    def _check_names(self, names: Sequence[str], X: MultimodalData) -> None:
        unknown = [name for name in names if name not in X]
        if unknown:
            raise ModalityError(
                f"X has no modality {', '.join(map(repr, unknown))}, only {list(X.modalities)}."
            )
