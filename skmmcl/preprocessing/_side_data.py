"""Transformers of single modalities that use side data of the subjects: site, age, ..."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmmcl.data import MultimodalData
from skmmcl.data._identifiers import is_code_name
from skmmcl.data._layout import Layout
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing._tables import (
    ContainerTransformer,
    check_shapes,
    name_columns,
    present_rows,
)
from skmmcl.utils._plain import plain_column
from skmmcl.utils._sklearn import fit_context
from skmmcl.utils._targets import is_unlabeled

if TYPE_CHECKING:
    from skmmcl.utils._typing import Subjects, Target

_MAX_CODES = 2  # different numbers that are codes, such as those of sex
_MAX_CLASSES = 10  # different texts that may be codes although they are numbers
_KINDS = {"i": "numbers", "f": "numbers", "U": "text", "M": "dates", "m": "spans of time"}


class SideDataTransformer(ContainerTransformer):
    """Base: fits a model of each modality on the subjects who have it."""

    modalities: Sequence[str] | None

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Subjects, y: Target = None) -> Self:
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
            If a modality is unknown or no subject has it.
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

    def transform(self, X: Subjects) -> MultimodalData:
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
                f"who have it; fill them before {type(self).__name__}."
            )
        return values, rows

    def _check_names(self, names: Sequence[str], X: MultimodalData) -> None:
        unknown = [name for name in names if name not in X]
        if unknown:
            raise ModalityError(
                f"X has no modality {', '.join(map(repr, unknown))}, only {list(X.modalities)}."
            )


# ------------------------------------------------------------------------ side data as numbers
class SideColumns:
    """Columns of side data as numbers: text becomes indicators, of all classes but the first.

    A column that is constant among the training subjects has no effect that could be learned: it
    is left out, and raises an error if it differs later.
    """

    def __init__(self, names: str | Sequence[str] | None) -> None:
        self.names = [names] if isinstance(names, str) else list(names or [])

    def fit(self, X: MultimodalData, rows: np.ndarray) -> Self:
        """Learn the classes and scales of the training subjects."""
        self.kinds_: dict[str, str] = {}
        self.classes_: dict[str, np.ndarray] = {}
        self.scales_: dict[str, tuple[float, float]] = {}
        self.codes_: dict[str, np.ndarray | None] = {}  # values of numbers that have one or two
        for name in self.names:
            values = side_column(X, name)[rows]
            self.kinds_[name] = _KINDS[values.dtype.kind]
            if self.kinds_[name] == "text":
                self.classes_[name] = np.unique(values)
                if not is_code_name(name):
                    _warn_of_numbers(self.classes_[name], name)
            else:
                self.scales_[name] = _scale(values, name)
                found = np.unique(values)
                self.codes_[name] = found if len(found) <= _MAX_CODES else None
        return self

    def transform(self, X: MultimodalData, rows: np.ndarray) -> np.ndarray:
        """Return (n_subjects, n_columns) of z-scores and indicators."""
        columns = [np.empty((len(X), 0))[rows]]
        for name in self.names:
            values = side_column(X, name)[rows]
            found, learned = _KINDS[values.dtype.kind], self.kinds_[name]
            if len(values) and found != learned:
                raise DataError(
                    f"Side data {name!r} are {found}, but were {learned} in fit; give them in one "
                    "type."
                )
            if learned == "text":
                columns.append(self._indicators(name, values))
            else:
                columns.append(self._z_scores(name, values))
        return np.hstack(columns)

    def _z_scores(self, name: str, values: np.ndarray) -> np.ndarray:
        mean, scale = self.scales_[name]
        numbers = _as_floats(values)
        if scale > 0:
            self._warn_of_codes(name, values)
            return ((numbers - mean) / scale)[:, None]
        odd = values[numbers != mean]
        if len(odd):
            raise DataError(
                f"Side data {name!r} have {odd[:5].tolist()}, but were the same for all training "
                "subjects, so that their effect is not known; leave them out."
            )
        return np.empty((len(values), 0))

    def _warn_of_codes(self, name: str, values: np.ndarray) -> None:
        """Warn of 0 and 1 where fit saw 1 and 2."""
        known = getattr(self, "codes_", {}).get(name)  # not in model files of version 1
        new = [] if known is None else sorted(set(values.tolist()) - set(known.tolist()))
        if known is not None and new:
            warnings.warn(
                f"Side data {name!r} have {new[:5]}, but only {known.tolist()} in fit. If the "
                "numbers are codes, code them as in fit; else their effect is extrapolated.",
                stacklevel=2,
            )

    def _indicators(self, name: str, values: np.ndarray) -> np.ndarray:
        known = self.classes_[name]
        unseen = sorted(set(values.tolist()) - set(known.tolist()))
        if unseen:
            raise DataError(
                f"Side data {name!r} has {unseen[:5]}, which no training subject has; fit saw "
                f"{known.tolist()}."
            )
        return (values[:, None] == known[1:]).astype(float)


def _warn_of_numbers(classes: np.ndarray, name: str) -> None:
    """Warn of ages that are text, each of which would have an effect of its own."""
    odd = [label for label in classes.tolist() if not _is_number(label)]
    if len(classes) > _MAX_CLASSES and 2 * len(odd) < len(classes):
        hint = f" ({odd[0]!r} is none)" if odd else ""
        warnings.warn(
            f"Side data {name!r} are {len(classes)} texts, each of which has an effect of its own, "
            f"but look like numbers{hint}. Give numbers for one linear effect.",
            stacklevel=2,
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def side_column(X: MultimodalData, name: str) -> np.ndarray:
    """Return side data of all subjects, complete and in a plain type."""
    return plain_column(side_values(X, name), name)


def side_values(X: MultimodalData, name: str) -> np.ndarray:
    """Return side data of all subjects as they are; raise where some are missing."""
    values = np.asarray(X.meta[name])
    unknown = (is_unlabeled(values, None) | is_blank(values)).reshape(len(values), -1).any(axis=1)
    if unknown.any():
        first = int(np.argmax(unknown))
        who = first if X.index is None else X.index[first]
        raise DataError(f"Side data {name!r} is missing for {unknown.sum()} subjects: {who}, ...")
    return values


def is_blank(values: np.ndarray) -> np.ndarray:
    """Return where text is empty, which is how arrays of text leave a value out."""
    if values.dtype.kind not in "OU":
        return np.zeros(values.shape, dtype=bool)
    blank = [isinstance(item, str) and not item.strip() for item in values.flat]
    return np.array(blank, dtype=bool).reshape(values.shape)


def _as_floats(values: np.ndarray) -> np.ndarray:
    """Return numbers as they are, dates and spans in days."""
    if values.dtype.kind in "Mm":
        return values.astype(np.int64) / 86_400e6
    return values.astype(np.float64)


def _scale(values: np.ndarray, name: str) -> tuple[float, float]:
    """Return mean and standard deviation; 0 where all values are the same."""
    numbers = _as_floats(values)
    if not len(numbers) or (numbers == numbers[0]).all():
        return (numbers[0] if len(numbers) else 0.0), 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = numbers.mean(), numbers.std()
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(
            f"Side data {name!r} go from {numbers.min():.3g} to {numbers.max():.3g}, whose "
            "standard deviation leaves the range of numbers; rescale them."
        )
    return mean, scale
