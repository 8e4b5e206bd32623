"""Layout of the columns of each modality in fit, to which new data are compared."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from skmmcl.exceptions import DataError, ModalityError


class Layout(NamedTuple):
    """Names of the columns and meanings of the codes of categories, by modality, as in fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.data._layout import Layout
    >>> sex = pd.DataFrame({"sex": pd.Categorical(["F", "M"])})
    >>> men = pd.DataFrame({"sex": pd.Categorical(["M", "M"])})
    >>> MultimodalData(clinical=men)["clinical"].ravel().tolist()
    [0, 0]
    >>> layout = Layout.of(MultimodalData(clinical=sex))
    >>> layout.apply(MultimodalData(clinical=men))["clinical"].ravel().tolist()
    [1, 1]
    """

    columns: dict[str, list[str] | None]
    categories: dict[str, dict[int, list]]

    @classmethod
    def of(cls, X: Any) -> Layout:
        """Learn it from a container."""
        return cls(X.columns, X.categories)

    def apply(self, X: Any) -> Any:
        """Return a container with the codes of fit; raise for other columns and categories."""
        recoded = {}
        for name in X.modalities:
            known, found = self.columns[name], X.columns[name]
            if known is not None and found is not None and known != found:
                raise ModalityError(_other_columns(name, known, found))
            if self.categories[name] != X.categories[name]:
                recoded[name] = self._recode(X, name)
        return X._recoded(recoded, self.categories) if recoded else X  # noqa: SLF001

    def named_categories(self) -> dict[str, dict[str | int, list]]:
        """Return the categories by modality and name of the column; its number if unnamed."""
        return {
            name: {
                k if (names := self.columns[name]) is None else names[k]: known[k] for k in known
            }
            for name, known in self.categories.items()
            if known
        }

    def _recode(self, X: Any, name: str) -> np.ndarray:
        known, found = self.categories[name], X.categories[name]
        present = X[[name]].mask[:, 0]
        values = np.array(X[name])
        for column in sorted({*known, *found}):
            codes = _Codes(X, name, column, values[:, column], present)
            if column not in found:
                codes.check(known[column])
            elif known.get(column) != found[column]:
                new = codes.translated(known.get(column), found[column])
                values = values.astype(np.result_type(values, new), copy=False)
                values[:, column] = new
        return values


class _Codes(NamedTuple):
    """One column of codes of a container."""

    X: Any
    name: str
    column: int
    values: np.ndarray
    present: np.ndarray

    @property
    def _where(self) -> str:
        names = self.X.columns[self.name]
        column = self.column if names is None else names[self.column]
        return f"Modality {self.name!r}, column {column!r}"

    def check(self, known: list) -> None:
        """Raise unless bare numbers are codes of the categories of fit."""
        values = self.values[self.present]
        values = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        is_table = self.X.columns[self.name] is not None and len(values) > 0
        if is_table or not np.isin(values, np.arange(len(known))).all():
            raise DataError(
                f"{self._where} holds numbers, but fit saw the categories {known}: give it as "
                f"pandas.Categorical(..., categories={known}), or arrays of the codes of fit."
            )

    def translated(self, known: list | None, found: list) -> np.ndarray:
        """Return the codes of fit for those of other categories; raise for unknown ones."""
        if known is None:
            raise DataError(f"{self._where} holds the categories {found}, but fit saw numbers.")
        position = {label: code for code, label in enumerate(known)}
        new = np.array([position.get(label, np.nan) for label in found])
        values = np.where(self.present, self.values, np.nan)
        has = ~np.isnan(values)
        out = np.full(len(values), np.nan)
        out[has] = new[values[has].astype(np.int64)]
        unknown = has & np.isnan(out)
        if unknown.any():
            rows = np.flatnonzero(unknown)
            labels = sorted({str(found[int(code)]) for code in values[rows]})
            who = rows[0] if self.X.index is None else self.X.index.tolist()[rows[0]]
            raise DataError(
                f"{self._where} has categories that fit did not see: {', '.join(labels[:5])} in "
                f"{len(rows)} subjects (first: {who!r}); fit saw {known}."
            )
        return out if np.isnan(out).any() else out.astype(self.values.dtype)


def _other_columns(name: str, known: list[str], found: list[str]) -> str:
    if sorted(known) == sorted(found):
        return (
            f"Modality {name!r} has the columns of fit in another order: {found[:5]}, fit saw "
            f"{known[:5]}. Put them in order, for example by table[columns]."
        )
    missing = [column for column in known if column not in found]
    extra = [column for column in found if column not in known]
    return (
        f"Modality {name!r} has other columns than in fit: missing {missing[:5]}, unknown "
        f"{extra[:5]}."
    )
