"""Values that training cannot use, found before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from skmmcl.data._rows import as_key, row_blocks
from skmmcl.exceptions import DataError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from skmmcl.data import MultimodalData

_BLOCK_BYTES = 2**20  # in the cache of the processor, of which several copies are made

_OF_LAZY = (
    "Rows of NaN are looked for in memory only: for a lazy array, give mask= or its attribute "
    "present."
)
_ADVICE = {
    "NaN": (
        "A row that is wholly NaN marks a missing modality; fill single gaps beforehand, for "
        "example with skmmcl.preprocessing.ModalityTransformer({{{name!r}: SimpleImputer()}})."
    ),
    "infinite": (
        "Infinite values come from a division by zero or from np.arctanh of a correlation of 1, "
        "as on the diagonal of a connectome; replace them, or leave the diagonal out by "
        "skmmcl.preprocessing.ModalityTransformer({{{name!r}: ConnectomeVectorizer()}})."
    ),
    "too large": "Rescale such values, or train in dtype='float64'.",
}


@dataclass
class _Finding:
    """Number of values of one kind, number of subjects with such values, and the first place."""

    n_values: int = 0
    n_subjects: int = 0
    first: tuple[int, ...] = field(default=())

    def add(self, bad: np.ndarray, start: int) -> None:
        if not bad.any():
            return
        self.n_values += int(bad.sum())
        self.n_subjects += int(bad.reshape(len(bad), -1).any(axis=1).sum())
        if not self.first:
            row, *place = np.argwhere(bad)[0].tolist()
            self.first = (row + start, *place)


def check_values(X: MultimodalData, dtype: DTypeLike | None) -> None:
    """Raise if a present modality of a subject holds values that training cannot use.

    Parameters
    ----------
    X : MultimodalData
        The subjects. Lazy modalities are read a block at a time, but for those with a method
        ``check``, which is called to check the files.
    dtype : dtype or None
        The type to train in; None for that of each modality.

    Raises
    ------
    DataError
        For NaN and infinite values, and for values that overflow `dtype`: how many, in how many
        subjects, where the first is and what to do.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data import MultimodalData, check_values
    >>> X = MultimodalData(clinical=[[31.0, np.nan], [28.0, 7.0]])
    >>> check_values(X, "float32")
    Traceback (most recent call last):
        ...
    skmmcl.exceptions.DataError: Modality 'clinical': 1 NaN in 1 of 2 present subjects (first: ...
    """
    lines: list[str] = []
    advice: dict[str, str] = {}
    for name, kind in X.dtypes.items():
        if hasattr(X.base(name), "check"):
            _check_lazy(X, name)
        elif kind.kind == "f":
            target = kind if dtype is None else np.dtype(dtype)
            for what, finding in _scan(X, name, target).items():
                lines.append(_describe(X, name, what, finding, target))
                advice.setdefault(what, _ADVICE[what].format(name=name))
            if lines and not isinstance(X.base(name), np.ndarray):
                advice.setdefault("lazy", _OF_LAZY)
    if lines:
        raise DataError("\n".join([*lines, *advice.values()]))


def _check_lazy(X, name: str) -> None:
    """Let a lazy modality check the files of the subjects who have it."""
    try:
        X[X[[name]].mask[:, 0]][name].check()
    except DataError as error:
        raise DataError(f"Modality {name!r}: {error}") from error


def _scan(X, name: str, target: np.dtype) -> dict[str, _Finding]:
    """Look at the present rows of one modality, a block at a time."""
    found = {what: _Finding() for what in _ADVICE}
    present = X[[name]].mask[:, 0]
    row_bytes = math.prod(X.shapes[name]) * X.dtypes[name].itemsize
    for rows in row_blocks(range(len(X)), row_bytes, block_bytes=_BLOCK_BYTES):
        values, start = np.asarray(X[as_key(rows)][name]), rows[0]
        with np.errstate(over="ignore"):
            usable = np.isfinite(values.astype(target, copy=False))
        usable[~present[as_key(rows)]] = True
        if not usable.all():
            found["NaN"].add(~usable & np.isnan(values), start)
            found["infinite"].add(~usable & np.isinf(values), start)
            found["too large"].add(~usable & np.isfinite(values), start)
    return {what: finding for what, finding in found.items() if finding.n_values}


def _describe(X, name: str, what: str, finding: _Finding, target: np.dtype) -> str:
    row, *place = finding.first
    subject = f"row {row}" if X.index is None else f"subject {X.index.tolist()[row]!r}"
    columns = X.columns[name]
    if len(place) == 1:
        where = f"column {place[0] if columns is None else repr(columns[place[0]])}"
    else:
        where = f"position {tuple(place)}"
    unit = f"too large for {target}" if what == "too large" else what
    n_present = int(X[[name]].mask.sum())
    return (
        f"Modality {name!r}: {finding.n_values} {unit} in {finding.n_subjects} of "
        f"{n_present} present subjects (first: {subject}, {where})."
    )
