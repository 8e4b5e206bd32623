"""All modalities of the subjects as the columns of one array."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from skmmcl.data import as_multimodal, check_values, is_multimodal
from skmmcl.data._layout import Layout
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing._tables import check_shapes


class JoinedColumnsMixin:
    """Reads X at fit and later: a table as it is, or the modalities of a container side by side.

    Sets ``n_features_in_``; ``feature_names_in_`` for a DataFrame, ``modalities_`` for a container.
    """

    _shapes: dict[str, tuple[int, ...]]

    def _read(self, X: Any, *, reset: bool) -> np.ndarray:
        """Return columns without missing values; raise before anything is fitted."""
        if is_multimodal(X):
            return self._read_container(X, reset=reset)
        if reset:
            vars(self).pop("modalities_", None)
        return validate_data(
            self, X, reset=reset, dtype=[np.float64, np.float32], ensure_min_samples=2 - (not reset)
        )

    def _read_container(self, X: Any, *, reset: bool) -> np.ndarray:
        user = type(self).__name__
        if not reset and not hasattr(self, "modalities_"):
            raise ModalityError(f"{user} was fitted on a table: give one, np.asarray(X).")
        X = as_multimodal(X, shapes=None if reset else self._shapes)
        if reset:
            vars(self).pop("feature_names_in_", None)
            self.modalities_ = list(X.modalities)
            self.n_features_in_ = X.shape[1]
            self._shapes, self._layout = dict(X.shapes), Layout.of(X)
        _check_modalities(X.modalities, self.modalities_)
        check_shapes(X, self._shapes)
        X = self._layout.apply(X[self.modalities_])
        check_values(X, None)
        _check_complete(X, user)
        columns = np.asarray(X)
        return columns if columns.dtype == np.float32 else columns.astype(np.float64, copy=False)


def _check_modalities(found: Any, known: list[str]) -> None:
    """Raise unless a container has the modalities that fit saw."""
    missing = [name for name in known if name not in found]
    extra = [name for name in found if name not in known]
    if missing or extra:
        raise ModalityError(
            f"Expected the modalities {known}, found {list(found)}; missing: {missing}, not "
            f"expected: {extra}."
        )


def _check_complete(X: Any, user: str) -> None:
    """Raise for modalities that some subjects lack."""
    lacking = {
        name: int((~present).sum())
        for name, present in zip(X.modalities, X.mask.T, strict=True)
        if not present.all()
    }
    if lacking:
        shown = ", ".join(f"{name!r} by {n} of {len(X)}" for name, n in lacking.items())
        raise DataError(
            f"{user} needs all modalities of all subjects. Missing: {shown}. Leave out these "
            "subjects or modalities, X[X.mask.all(axis=1)] or X[[...]], or fill them beforehand."
        )
