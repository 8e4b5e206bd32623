"""Parts of a container as the user gives them, checked and aligned."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from skmmcl.data._arrays import Modality, read_modality
from skmmcl.data._frames import (
    as_table,
    column_names,
    find_axis,
    frame_ids,
    is_frame,
    is_pandas,
    is_table,
    pick_column,
    plain,
    side_column,
)
from skmmcl.data._rows import Rows
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils._named import named


class Parts(NamedTuple):
    """Aligned content of a container."""

    modalities: dict[str, Modality]
    ids: np.ndarray | None
    meta: dict[str, np.ndarray]
    numbers: Rows | None = None  # of the base rows in the cohort that they were cut from
    axis: Any = None  # the pandas index that gave the ids, if one did


def merge_names(modalities, arrays: Mapping) -> dict:
    """Put the positional mapping and the keywords together; raise for bad or repeated names."""
    if modalities is not None and not isinstance(modalities, Mapping):
        raise ModalityError(
            "MultimodalData takes a mapping from name to array, or keywords; got "
            f"{type(modalities).__name__}. Records and structured arrays go through "
            "skmmcl.data.as_multimodal, tables through MultimodalData.from_dataframe."
        )
    given = dict(modalities.items()) if modalities is not None else {}
    twice = [name for name in arrays if name in given]
    if twice:
        raise ModalityError(f"Modalities given twice: {', '.join(twice)}.")
    given.update(arrays)
    if not given:
        raise ModalityError("Give at least one modality, as in MultimodalData(fc=array).")
    for name in given:
        if not isinstance(name, str) or not name.strip():
            raise ModalityError(f"Names of modalities must be non-empty text; got {name!r}.")
        if "__" in name:
            raise ModalityError(
                f"The name {name!r} holds '__', which sets names apart from parameters in "
                f"scikit-learn; call the modality {name.replace('__', '_')!r}, for example."
            )
    return given


def collect(arrays: Mapping, meta=None, index=None, mask=None, *, unique_ids=True) -> Parts:
    """Read every part and check that all speak of the same subjects."""
    read = {name: read_modality(name, value) for name, value in arrays.items()}
    modalities = {name: modality for name, (modality, _) in read.items()}
    n_subjects = check_rows({name: len(modality.array) for name, modality in modalities.items()})
    side, side_ids = _read_meta(meta, n_subjects)
    sources: dict[str, np.ndarray | None] = {}
    if index is not None:
        sources["index="] = read_ids(index, n_subjects)
    sources.update({repr(name): ids for name, (_, ids) in read.items()})
    sources.update(side_ids)
    ids = agree(sources)
    tables = {repr(name): value for name, value in arrays.items()}
    check_same_subjects({**tables, "meta=": meta, "mask=": mask})
    if unique_ids and ids is not None:
        _check_unique(ids)
        _warn_of_counts(ids, {**tables, "meta=": meta})
    for name, present in _read_mask(mask, tuple(modalities), n_subjects).items():
        modalities[name] = modalities[name].restrict(present)
    return Parts(modalities, ids, side, axis=_axis_of(index, arrays, meta))


def _axis_of(index, arrays: Mapping, meta) -> Any:
    """Return the pandas index among what carries the ids; a column of ids is none."""
    columns = meta.values() if isinstance(meta, Mapping) else ()
    return find_axis([None if is_frame(index) else index, *arrays.values(), meta, *columns])


def check_rows(rows: Mapping[str, int]) -> int:
    """Return the number of rows that all modalities share; else name the odd one out."""
    counts = Counter(rows.values())
    if len(counts) == 1:
        return next(iter(counts))
    listed = ", ".join(f"{name!r} {n}" for name, n in rows.items())
    (common, times), *_ = counts.most_common()
    odd = [name for name, n in rows.items() if n != common]
    hint = f" {odd[0]!r} is the odd one out." if len(odd) == 1 and times > 1 else ""
    raise DataError(
        f"All modalities must have one row per subject, found numbers of rows: {listed}.{hint} "
        "A subject without a modality gets a row of NaN, or None in a list."
    )


def read_ids(index, n_subjects: int) -> np.ndarray:
    """Return subject ids as a checked 1-D array."""
    of_levels = isinstance(index, list) and index and isinstance(index[0], tuple)
    with named("index", "one id per subject"):
        ids = np.fromiter(index, dtype=object, count=len(index)) if of_levels else plain(index)
        hash(tuple(ids.flat))
    if ids.shape != (n_subjects,):
        raise DataError(
            f"index must hold one id per subject, ({n_subjects},); found shape {ids.shape}."
        )
    return ids


def agree(sources: Mapping[str, np.ndarray | None]) -> np.ndarray | None:
    """Return the ids that all sources share, None where none has ids; raise if they differ."""
    known = [(name, ids) for name, ids in sources.items() if ids is not None]
    if not known:
        return None
    (first, ids), *others = known
    for name, other in others:
        if ids.dtype == other.dtype and np.array_equal(ids, other):
            continue
        pairs = enumerate(zip(ids.tolist(), other.tolist(), strict=True))
        for row, (a, b) in pairs:
            if a != b:
                raise DataError(
                    f"{first} and {name} do not list the same subjects in the same order: row "
                    f"{row} is {a!r} in the one and {b!r} in the other. Align the tables first, "
                    "for example with table.loc[ids]; if their rows do match by position, drop "
                    "the index with .reset_index(drop=True)."
                )
    return ids


def _warn_of_counts(ids: np.ndarray, tables: Mapping) -> None:
    """Warn of a table that was filtered next to one whose rows are numbered anew."""
    numbered = [name for name, value in tables.items() if is_pandas(value)]
    numbered = [name for name in numbered if frame_ids(tables[name]) is None]
    n = len(ids)
    if not numbered or n < 2 or ids.dtype.kind not in "iu" or ids[0] < 0 or ids[-1] >= 2 * n:
        return
    if (np.diff(ids) > 0).all() and not np.array_equal(ids, np.arange(1, n + 1)):
        warnings.warn(
            f"The rows of {numbered[0]} are numbered 0 to {n - 1}, those of another table "
            f"{ids[0]} to {ids[-1]} with gaps, as after a selection; they are matched by position. "
            "If that is right, drop the index of the other by .reset_index(drop=True).",
            stacklevel=4,
        )


def _check_unique(ids: np.ndarray) -> None:
    listed = ids.tolist()
    if any(item is None or str(item) in {"nan", "NaT", "<NA>"} for item in listed):
        raise DataError("Subject ids must not be missing; found None or NaN among them.")
    item, times = Counter(listed).most_common(1)[0] if listed else (None, 1)
    if times > 1:
        raise DataError(
            f"Subject ids must be unique: {item!r} occurs {times} times. For ids that mean "
            "nothing, use .reset_index(drop=True)."
        )


def _read_meta(meta, n_subjects: int) -> tuple[dict[str, np.ndarray], dict]:
    """Return side data by name, and the subject ids that tables among it carry."""
    if meta is None:
        return {}, {}
    side, ids = {}, {}
    for name, value in _meta_items(meta):
        if name in side:
            raise DataError(f"meta has two columns named {name!r}; rename one.")
        ids[f"meta {name!r}"] = frame_ids(value)
        is_column = is_frame(value) and not is_table(value)
        with named(f"meta {name!r}", "one entry per subject"):
            array = side_column(value) if is_column else plain(value)
        if array.ndim == 0 or len(array) != n_subjects:
            raise DataError(
                f"meta {name!r} must have one entry per subject, {n_subjects}; found shape "
                f"{array.shape}."
            )
        side[name] = array
    return side, ids


def _meta_items(meta) -> Iterable:
    if is_frame(meta):
        table = as_table(meta)
        return [(name, pick_column(table, k)) for k, name in enumerate(column_names(table.columns))]
    if isinstance(meta, Mapping):
        return zip(column_names(meta), meta.values(), strict=True)
    names = getattr(getattr(meta, "dtype", None), "names", None)
    if names is None:
        raise DataError(
            "meta must be a mapping from name to array, a DataFrame or a structured array; got "
            f"{type(meta).__name__}."
        )
    return [(name, meta[name]) for name in names]


def _read_mask(mask, names: tuple[str, ...], n_subjects: int) -> dict[str, np.ndarray]:
    if mask is None:
        return {}
    if is_table(mask):
        mask = {name: mask[name] for name in mask.columns}
    if not isinstance(mask, Mapping):
        with named("mask", "an array of True and False"):
            array = np.asarray(mask)
        if array.shape != (n_subjects, len(names)):
            raise DataError(
                f"mask must have shape ({n_subjects}, {len(names)}), subjects by modalities; "
                f"found {array.shape}."
            )
        mask = dict(zip(names, array.T, strict=True))
    unknown = [name for name in mask if name not in names]
    if unknown:
        raise ModalityError(f"mask names no modality: {unknown}; there are {list(names)}.")
    return {name: _presence(name, values, n_subjects) for name, values in mask.items()}


def _presence(name: str, values, n_subjects: int) -> np.ndarray:
    with named(f"mask of {name!r}", "an array of True and False"):
        present = np.asarray(values)
    if present.shape != (n_subjects,):
        raise DataError(f"mask of {name!r} must have shape ({n_subjects},); found {present.shape}.")
    if present.dtype.kind not in "biuf" or not np.isin(present, (0, 1)).all():
        raise DataError(f"mask of {name!r} must be boolean: True where a subject has it.")
    return present.astype(bool)
