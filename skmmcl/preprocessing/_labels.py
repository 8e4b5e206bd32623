"""Sets of labels from the subjects' metadata."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.data._frames import is_frame, plain, side_column
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.preprocessing._side_data import is_blank
from skmmcl.utils._named import named
from skmmcl.utils._targets import class_name, encode_classes, is_unlabeled, warn_if_measured

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pandas import DataFrame


def metadata_labels(
    df: DataFrame | Mapping[str, ArrayLike],
    columns: str | Sequence[str] | None = None,
    *,
    bins: Mapping[str, int | Sequence[float]] | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Make a set of labels of each subject from columns such as sex, site and scanner.

    Parameters
    ----------
    df : DataFrame or mapping of str to array of shape (n_subjects,)
        Metadata, such as a table of pandas or polars, or ``X.meta``.
    columns : str or list of str, default=None
        Columns to use; None for all. Each different value becomes a label.
    bins : dict of str to int or list of float, default=None
        Bins into which columns of continuous numbers are cut: their number, with about as many
        subjects in each, or edges, each of which begins a bin.

    Returns
    -------
    labels : ndarray of int64 (n_subjects, n_labels)
        1 where the subject has the label, else 0. A missing value (None, NaN or an empty text)
        gives no label, nor does the -1 of unlabeled subjects in columns of classes. A row is -1
        where all values are missing.
    names : list of str
        Names of the labels: ``"sex=F"``, ``"age<20"``, ``"20<=age<40"``.

    Raises
    ------
    DataError
        If a column is continuous and has no bins, does not exist, or has a single value.

    See Also
    --------
    skmmcl.contrastive.MultiLabelSupConEmbedder : Takes such labels as ``y``.

    Notes
    -----
    Whole numbers are read as codes of classes: give bins for an age in whole years.

    Examples
    --------
    >>> from skmmcl.preprocessing import metadata_labels
    >>> meta = {"sex": ["F", "M", None, "F"], "age": [18.5, 31.0, 44.5, 60.0]}
    >>> labels, names = metadata_labels(meta, bins={"age": [20, 40]})
    >>> names
    ['sex=F', 'sex=M', 'age<20', '20<=age<40', 'age>=40']
    >>> labels
    array([[1, 0, 1, 0, 0],
           [0, 1, 0, 1, 0],
           [0, 0, 0, 0, 1],
           [1, 0, 0, 0, 1]])
    """
    if not (bins is None or isinstance(bins, Mapping)):
        raise TypeError(f"bins must be a dict by the names of columns, got {bins!r}.")
    bins = dict(bins or {})
    table = _columns(df, columns, bins)
    blocks, names = [], []
    for name, values in table.items():
        codes, of_column = (
            _binned(values, name, bins[name]) if name in bins else _of_classes(values, name)
        )
        if len(of_column) < 2:
            raise DataError(
                f"Column {name!r} does not distinguish any subjects: of {len(values)} entries, "
                f"{np.sum(codes >= 0)} are known, all of them {of_column}."
            )
        blocks.append(codes[:, None] == np.arange(len(of_column)))
        names += of_column
    labels = np.concatenate(blocks, axis=1).astype(np.int64)
    labels[~labels.any(axis=1)] = -1
    return labels, names


def _columns(df: Any, columns: str | Sequence[str] | None, bins: Mapping) -> dict[str, np.ndarray]:
    """Return the columns asked for, as arrays of one length."""
    if not (hasattr(df, "columns") or isinstance(df, Mapping)):
        raise DataError(f"df must be a DataFrame or a dict of columns, got {type(df).__name__}.")
    if not (columns is None or isinstance(columns, (str, list, tuple))):
        raise TypeError(f"columns must be a name or a list of them, got {columns!r}.")
    there = list(df.columns) if is_frame(df) else list(df)
    wanted = [columns] if isinstance(columns, str) else list(there if columns is None else columns)
    unknown = [name for name in [*wanted, *bins] if name not in there]
    if unknown or not wanted:
        raise DataError(f"There is no column {unknown} among {there}.")
    unused = [name for name in bins if name not in wanted]
    if unused:
        raise DataError(f"bins= names {unused}, not among columns={wanted}.")
    check_same_subjects({str(name): df[name] for name in wanted})
    table = {str(name): _values(df[name]) for name in wanted}
    shapes = {name: values.shape for name, values in table.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise DataError(f"Each column must have one entry per subject; found the shapes {shapes}.")
    return table


def _values(column: Any) -> np.ndarray:
    if is_frame(column):
        values = side_column(column)
    else:
        # As objects, because numpy would make text of numbers, and of None, next to text.
        mixed = isinstance(column, (list, tuple)) and any(isinstance(v, str) for v in column)
        values = np.array(column, dtype=object) if mixed else plain(column)
    blank = is_blank(values)
    if blank.any():
        values = values.astype(object)
        values[blank] = None
    return values


def _of_classes(values: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    """Return the code of the class of each subject, -1 for none, and the names of the labels."""
    advice = (
        f"Cut continuous numbers by bins={{{name!r}: 5}}, into five bins, or at edges of your own."
    )
    try:
        codes, classes = encode_classes(values)
    except ValueError as error:
        raise DataError(f"Column {name!r} cannot be read as classes: {error} {advice}") from error
    written: dict[str, Any] = {}
    for value in classes.tolist():
        form = str(value).strip().casefold()
        if (other := written.setdefault(form, value)) != value:
            warnings.warn(
                f"Column {name!r} has the classes {other!r} and {value!r}, which differ only in "
                "case or blanks; if they are one, write them in one way.",
                stacklevel=4,
            )
    warn_if_measured(classes[codes[codes >= 0]], f"column {name!r}", advice, stacklevel=5)
    return codes, [f"{name}={class_name(value)}" for value in classes.tolist()]


def _binned(
    values: np.ndarray, name: str, bins: int | Sequence[float]
) -> tuple[np.ndarray, list[str]]:
    """Return the same for a column of numbers, cut at the edges."""
    unknown = is_unlabeled(values, None)
    try:
        known = np.array(values[~unknown].tolist(), dtype=np.float64)
    except ValueError as error:
        raise DataError(f"Column {name!r} has bins, but is not all numbers: {error}") from error
    edges = _edges(known, name, bins)
    codes = np.full(len(values), -1)
    codes[~unknown] = np.searchsorted(edges, known, side="right")
    held, codes_of_held = np.unique(codes[~unknown], return_inverse=True)
    codes[~unknown] = codes_of_held
    return codes, [_name_of_bin(name, edges, k) for k in held]


def _edges(known: np.ndarray, name: str, bins: int | Sequence[float]) -> np.ndarray:
    if isinstance(bins, (int, np.integer)) and not isinstance(bins, bool):
        if bins < 2:
            raise DataError(f"bins={{{name!r}: {bins}}} must be 2 or more.")
        return np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else known
    with named("bins", "a number, or edges that rise"):
        edges = np.asarray(bins, dtype=np.float64)
    if edges.ndim != 1 or not len(edges) or not (np.diff(edges) > 0).all():
        raise DataError(f"bins={{{name!r}: {bins}}} must be a number, or edges that rise.")
    return edges


def _name_of_bin(name: str, edges: np.ndarray, k: int) -> str:
    if k == 0:
        return f"{name}<{edges[0]:g}"
    if k == len(edges):
        return f"{name}>={edges[-1]:g}"
    return f"{edges[k - 1]:g}<={name}<{edges[k]:g}"
