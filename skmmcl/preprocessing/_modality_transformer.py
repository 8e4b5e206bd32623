"""scikit-learn's transformers applied to single modalities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skmmcl.data import MultimodalData
from skmmcl.data._layout import Layout
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import ModalityError
from skmmcl.preprocessing._lazy import fit_by_blocks, stays_lazy, transformed_when_read
from skmmcl.preprocessing._tables import (
    ContainerTransformer,
    check_modalities,
    name_columns,
    names_out,
    nobody_has,
    present_rows,
    takes_shape,
)
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import HasMethods, StrOptions, fit_context

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from skmmcl.utils._typing import Subjects, Target

_CHOICES = [StrOptions({"drop", "passthrough"}), HasMethods(["fit", "transform"])]


class ModalityTransformer(ContainerTransformer):
    """Apply a scikit-learn transformer to each modality of its choice.

    The transformers see a modality as a table of the subjects who have it. Subjects without the
    modality stay without it; ids, side data and the other modalities stay as they are. Use it for
    steps that are learned on training folds: imputation, scaling, reducing a wide modality.

    Parameters
    ----------
    transformers : dict of str to {"drop", "passthrough"} or estimator
        Transformer of each modality, by name. Transformers are cloned. They see modalities
        of several dimensions per subject as flat rows, which get their shape back if the number of
        values is unchanged; those with the tag ``three_d_array``, such as `ConnectomeVectorizer`,
        see the original shape.
    remainder : {"drop", "passthrough"} or estimator, default="passthrough"
        Transformer of each modality that `transformers` does not name.

    Attributes
    ----------
    transformers_ : dict of str to {"drop", "passthrough"} or estimator
        The fitted transformer of each modality, or the choice made for it.
    modalities_ : tuple of str
        Names of the modalities seen in ``fit``.
    n_features_in_ : int
        Number of values per subject, over all modalities seen in ``fit``.

    See Also
    --------
    sklearn.compose.ColumnTransformer : The same for columns of one table.

    Notes
    -----
    Volumes that lie in files are read into memory, except for transformers that treat each subject
    by itself, `MaskedZScore` and `HistogramStandardizer`: there they stay lazy and are transformed
    whenever they are read.

    A row that is wholly NaN is a missing modality, which no imputer fills. In a modality of one
    column every NaN is such a row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.impute import SimpleImputer
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.preprocessing import ModalityTransformer
    >>> X = MultimodalData(fc=np.ones((3, 2)), clinical=[[31, 9], [28, np.nan], None])
    >>> impute = ModalityTransformer({"clinical": SimpleImputer()})
    >>> impute.fit_transform(X)["clinical"]
    array([[31.,  9.],
           [28.,  9.],
           [nan, nan]])

    Parameters of a transformer are reached by the name of its modality:

    >>> impute.set_params(clinical__strategy="median").transformers
    {'clinical': SimpleImputer(strategy='median')}
    """

    _parameter_constraints: ClassVar = {
        "transformers": [dict],
        "remainder": _CHOICES,
    }

    def __init__(
        self,
        transformers: dict[str, str | BaseEstimator],
        *,
        remainder: str | BaseEstimator = "passthrough",
    ) -> None:
        self.transformers = transformers
        self.remainder = remainder

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Subjects, y: Target = None) -> Self:
        """Fit each transformer on the subjects who have its modality.

        Parameters
        ----------
        X : MultimodalData, dict of arrays, list of records or structured array
            Training data.
        y : array-like of shape (n_samples,), default=None
            Targets, passed on to the transformers.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ModalityError
            If `transformers` names a modality that X does not have, or no subject has a
            modality that is to be transformed.
        """
        X = self._container(X)
        self._check_transformers(X)
        if y is not None:
            with named("y", "one entry for each subject"):
                check_consistent_length(X, y)
            check_same_subjects({"X": X, "y": y})
        self.modalities_ = tuple(X.modalities)
        self.n_features_in_ = X.shape[1]
        self._shapes_in = dict(X.shapes)
        self._layout = Layout.of(X)
        fits = {name: self._fit_one(X, y, name) for name in self.modalities_}
        self.transformers_ = {name: transformer for name, (transformer, _) in fits.items()}
        self._shapes_out = {name: shape for name, (_, shape) in fits.items()}
        return self

    def transform(self, X: Subjects) -> MultimodalData:
        """Transform the modalities.

        Parameters
        ----------
        X : MultimodalData, dict of arrays, list of records or structured array
            Data with the modalities seen in ``fit``.

        Returns
        -------
        X_out : MultimodalData
            Container of the same subjects, with the same ids, side data and missing modalities.

        Raises
        ------
        ModalityError
            If a modality is missing, unknown or of another shape.
        """
        check_is_fitted(self)
        X = self._container(X, self._shapes_in)
        check_modalities(X, self._shapes_in)
        X = self._layout.apply(X)
        X = X[self._kept()]
        fitted = [name for name in X.modalities if self.transformers_[name] != "passthrough"]
        return X.assign({name: self._transform_one(X, name) for name in fitted}) if fitted else X

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, with those of the transformers under the names of modalities.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the transformers and their parameters.

        Returns
        -------
        params : dict
            Values by name of parameter.
        """
        params = super().get_params(deep=deep)
        if not deep or not isinstance(self.transformers, dict):
            return params
        inner = dict(self.transformers)
        for name, transformer in self.transformers.items():
            if hasattr(transformer, "get_params") and not isinstance(transformer, type):
                values = transformer.get_params(deep=True)
                inner.update({f"{name}__{key}": value for key, value in values.items()})
        return {**inner, **params}

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this transformer, a transformer, or parameters of one.

        Parameters
        ----------
        **params : dict
            ``transformers`` or ``remainder``; ``<modality>`` to replace a transformer;
            ``<modality>__<parameter>`` for a parameter of one.

        Returns
        -------
        self : object
            This transformer.
        """
        if "transformers" in params:
            self.transformers = params.pop("transformers")
        if isinstance(self.transformers, dict):
            own = super().get_params(deep=False)
            replaced = [n for n in params if n in self.transformers and n not in own]
            if new := {name: params.pop(name) for name in replaced}:
                self.transformers = {**self.transformers, **new}
        return super().set_params(**params)

    def get_feature_names_out(self, input_features: None = None) -> np.ndarray:
        """Return names of the values per subject, over all modalities that are kept.

        Parameters
        ----------
        input_features : None
            Not used.

        Returns
        -------
        feature_names_out : ndarray of str
            ``<modality>_<number>``, in the order of the flat array.
        """
        check_is_fitted(self)
        widths = {name: math.prod(self._shapes_out[name]) for name in self._kept()}
        names = [f"{name}_{i}" for name, width in widths.items() for i in range(width)]
        return np.asarray(names, dtype=object)

    def _kept(self) -> list[str]:
        return [name for name in self.modalities_ if self.transformers_[name] != "drop"]

    def _check_transformers(self, X: MultimodalData) -> None:
        unknown = [name for name in self.transformers if name not in X]
        if unknown:
            raise ModalityError(
                f"transformers names {', '.join(map(repr, unknown))}, but the modalities are "
                f"{', '.join(map(repr, X.modalities))}."
            )
        for name, transformer in self.transformers.items():
            is_choice = any(kind.is_satisfied_by(transformer) for kind in _CHOICES)
            if isinstance(transformer, type) or not is_choice:
                raise ModalityError(
                    f"Modality {name!r} takes 'drop', 'passthrough' or a transformer with fit and "
                    f"transform, got {transformer!r}."
                )
        if all(self._choice(name) == "drop" for name in X.modalities):
            raise ModalityError("Every modality is dropped; keep at least one.")

    def _choice(self, name: str) -> Any:
        choice = self.transformers.get(name, self.remainder)
        return choice if isinstance(choice, str) else clone(choice)

    def _fit_one(self, X: MultimodalData, y: Any, name: str) -> tuple[Any, tuple[int, ...]]:
        """Return the fitted transformer of a modality and its shape after it."""
        choice, shape = self._choice(name), X.shapes[name]
        if isinstance(choice, str):
            return choice, shape
        if stays_lazy(choice, X, name):
            return fit_by_blocks(choice, X, name), shape
        table, present = present_rows(X, name, flat=not takes_shape(choice))
        if len(table) == 0:
            raise nobody_has(name, choice)
        with named(f"Modality {name!r}"):
            choice.fit(table, None if y is None else np.asarray(y)[present])
            found = choice.transform(table[:1]).shape[1:]
        return choice, shape if found == (math.prod(shape),) else tuple(found)

    def _transform_one(self, X: MultimodalData, name: str) -> Any:
        """Return a modality transformed, with NaN for the subjects who lack it."""
        transformer, shape = self.transformers_[name], self._shapes_out[name]
        if stays_lazy(transformer, X, name):
            return transformed_when_read(transformer, X, name)
        table, present = present_rows(X, name, flat=not takes_shape(transformer))
        if len(table) == 0:
            return np.full((len(X), *shape), np.nan)
        with named(f"Modality {name!r}"):
            values = transformer.transform(table)
        values = values.toarray() if issparse(values) else np.asarray(values)
        if len(table) < len(X):
            gaps = np.full((len(X), *values.shape[1:]), np.nan, np.result_type(values, np.float32))
            gaps[present] = values
            values = gaps
        if X.columns[name] is None:
            return values.reshape(len(X), *shape)
        return name_columns(values, names_out(transformer, values.shape[1]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
