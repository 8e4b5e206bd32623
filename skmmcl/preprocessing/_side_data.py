"""Transformers of single modalities that need to know more of the subjects: site, age, ..."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmmcl.data._layout import Layout
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing._side_columns import SideColumns
from skmmcl.preprocessing._tables import as_container, name_columns, present_rows
from skmmcl.utils._sklearn import fit_context


class SideDataTransformer(  # type: ignore[call-arg]
    TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Base: fits a model of each modality on the subjects who have it."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
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
        self.models_, self._columns = {}, {}
        for name in chosen:
            values, rows = self._table(X, name)
            if not len(values):
                raise ModalityError(f"No subject has the modality {name!r}; leave it out.")
            self._columns[name] = SideColumns(self._linear()).fit(X, rows)
            self.models_[name] = self._fit_model(values, X, rows, name)
        return self

    def transform(self, X):
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
        self._check_shapes(X)
        chosen = self._layout.apply(X[list(self.modalities_)])
        return X.assign({name: self._transform_one(chosen, name) for name in self.modalities_})

    def set_output(self, *, transform=None):
        """Do nothing: the output is a container, whatever the output of other steps.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Not used.

        Returns
        -------
        self : object
            This transformer.
        """
        return self

    @abstractmethod
    def _linear(self):
        """The names of the side data whose effects are linear."""

    def _learn_side_data(self, X):
        """Learn what other side data of the training subjects are."""

    @abstractmethod
    def _fit_model(self, values, X, rows, name):
        """Fit on a table (n_present, n_values) of the subjects in ``rows``."""

    @abstractmethod
    def _apply(self, model, values, X, rows, name):
        """Transform a table of the subjects in ``rows``."""

    def _transform_one(self, X, name):
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

    def _table(self, X, name):
        table, rows = present_rows(X, name)
        values = np.asarray(table)
        if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise DataError(
                f"Modality {name!r} has values that are NaN, infinite or no numbers in subjects "
                f"who have it; {type(self).__name__} needs them filled beforehand."
            )
        return values, rows

    def _container(self, X):
        return as_container(X, type(self).__name__)

    def _check_shapes(self, X):
        for name, shape in self.shapes_.items():
            if tuple(X.shapes[name]) != shape:
                raise ModalityError(
                    f"Modality {name!r} has shape {tuple(X.shapes[name])} per subject, fit saw "
                    f"{shape}."
                )

    def _check_names(self, names, X):
        unknown = [name for name in names if name not in X]
        if unknown:
            raise ModalityError(
                f"X has no modality {', '.join(map(repr, unknown))}, only {list(X.modalities)}."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.dict = True
        return tags
