"""Identity of rows: identifiers, relatives, and rows with the same values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from skmmcl.data import as_multimodal, is_multimodal
from skmmcl.data._identifiers import canonical, is_usual_name, simple_name
from skmmcl.utils._targets import is_unlabeled

_BY_CHANCE = 0.01  # expected number of pairs that are identical by chance, at most
_MOST_COLUMNS = 32  # used for that estimate
_FAMILY = 10  # subjects: larger ones, on average, are no families
_FAMILIES = {"family", "familyid", "fam", "famid", "twin", "twinid", "pair", "pairid"}
# Entities at the end of an identifier, as in BIDS, that are of a scan and not of a person.
_SCAN = re.compile(
    r"([-_ ]((ses|session|visit|wave|run|scan|tp|timepoint)[-_]?\w|"
    r"(task|acq|rec|dir|echo)([-_]|\d))\w*)+$",
    re.IGNORECASE,
)

Blocks = dict[str, tuple[np.ndarray, np.ndarray]]


def find_people(X: Any, *, plain_is_ids: bool = False) -> np.ndarray | None:
    """Return the person of each row, by identifiers without a session; None without any."""
    index = X if plain_is_ids and _is_list(X) else index_of(X)
    if index is None:
        return None
    if getattr(index, "nlevels", 1) > 1:  # of a person and a session, say
        usual = [k for k, name in enumerate(index.names) if is_usual_name(name)]
        index = index.get_level_values(usual[0] if usual else 0)
    people = np.array([canonical(_without_scan(str(item))) for item in index], dtype=str)
    if len(people) > 1 and len(np.unique(people)) == 1:  # MRI_scan01, MRI_scan02, ...
        people = np.array([canonical(str(item)) for item in index], dtype=str)
    return people


def _without_scan(identifier: str) -> str:
    """Return an identifier without session and scan; sub-TP01 is that of a person."""
    person = _SCAN.sub("", identifier)
    return identifier if is_usual_name(person) else person


def find_relatives(X: Any) -> dict[str, np.ndarray]:
    """Return the columns of side data that identify people or families, by description."""
    found = {}
    for name, values in dict(getattr(X, "meta", None) or {}).items() if is_multimodal(X) else ():
        what = "families" if simple_name(name) in _FAMILIES else "people"
        if what == "families" or is_usual_name(name):
            column = np.asarray(values)
            unknown = is_unlabeled(column, None)
            n_groups = len(np.unique(column[~unknown].astype(str)))
            if what == "families" and len(column) >= _FAMILY * n_groups:
                continue  # rather whether there is a twin, or a family history
            alone = [f"row {row}" for row in range(len(column))]
            found[f"{what}, by X.meta[{name!r}]"] = np.where(unknown, alone, column.astype(str))
    return found


def index_of(X: Any) -> Any:
    """Return the identifiers of the rows, None without any."""
    if is_multimodal(X):
        return as_multimodal(X).index
    has_index = hasattr(X, "iloc") and type(X.index).__name__ != "RangeIndex"
    return X.index if has_index else None


def _is_list(X: Any) -> bool:
    return not is_multimodal(X) and np.ndim(X) == 1


def find_identical(X: Any) -> np.ndarray:
    """Return a number for each row, the same for rows with the same values.

    Where rows of few different values may be the same by chance, all numbers differ.
    """
    blocks, n = _blocks(X), X.shape[0]
    if not blocks or _chance(blocks) > _BY_CHANCE:
        return np.arange(n)
    hashes = _hashes(blocks)
    # Rows without any value are not compared.
    distinct = np.where(hashes == "", np.arange(n).astype(str), hashes)
    return np.unique(distinct, return_inverse=True)[1]


def find_same(X: Any, others: Any) -> np.ndarray:
    """Return which rows have the same values as a row of others, in any modality of both."""
    ours, theirs = _blocks(X), {} if _is_list(others) else _blocks(others)
    seen = np.zeros(X.shape[0], dtype=bool)
    for name in ours.keys() & theirs.keys():
        block = {name: ours[name]}
        if _chance(block) <= _BY_CHANCE:
            found = _hashes({name: theirs[name]})
            seen |= np.isin(_hashes(block), found[found != ""])
    return seen


def _hashes(blocks: Blocks) -> np.ndarray:
    """Return a hash of each row over all arrays; empty for rows without any value."""
    n = len(next(iter(blocks.values()))[0])
    hashes = [hashlib.blake2b(digest_size=16) for _ in range(n)]
    known = np.zeros(n, dtype=bool)
    for number, (array, present) in enumerate(blocks.values()):
        for row in np.flatnonzero(present):
            values = _single(array[row])
            known[row] |= not np.isnan(values).all()
            hashes[row].update(b"%d" % number)
            hashes[row].update(np.ascontiguousarray(values).data)
    return np.array([h.hexdigest() if known[row] else "" for row, h in enumerate(hashes)])


def _single(values: np.ndarray) -> np.ndarray:
    """Return values in single precision: a copy may have been stored in it."""
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float32) + np.float32(0)  # -0 is 0


def _blocks(X: Any) -> Blocks:
    """Return what lies in memory as numbers, by modality: the array, and who has it."""
    if is_multimodal(X) or (isinstance(X, Mapping) and X):
        X = as_multimodal(X)
        found = {name: (_numbers(X[name]), X.mask[:, k]) for k, name in enumerate(X.modalities)}
    else:
        array = _numbers(X)
        found = {"": (array, np.ones(0 if array is None else len(array), dtype=bool))}
    return {name: (array, mask) for name, (array, mask) in found.items() if array is not None}


def _numbers(array: Any) -> np.ndarray | None:
    if hasattr(array, "iloc"):
        array = array.select_dtypes("number").to_numpy(dtype=np.float64)
    if isinstance(array, list):
        array = np.asarray(array)
    usable = isinstance(array, np.ndarray) and array.dtype.kind in "biuf" and array.ndim > 1
    return array if usable else None


def _chance(blocks: Blocks) -> float:
    """Return how many pairs of rows are expected to be the same if columns are independent."""
    firsts = [array.reshape(len(array), -1)[:, :_MOST_COLUMNS] for array, _ in blocks.values()]
    table = _single(np.concatenate(firsts, axis=1))
    pairs = len(table) * (len(table) - 1)
    if not pairs:
        return 0.0
    expected = pairs / 2
    for column in table.T[:_MOST_COLUMNS]:
        counts = np.unique(column, return_counts=True)[1].astype(float)
        expected *= (counts * (counts - 1)).sum() / pairs
    return expected
