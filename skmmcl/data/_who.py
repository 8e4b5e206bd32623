"""Check that tables and containers have the same subjects in the same order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from skmmcl.data._frames import index_of, is_pandas
from skmmcl.data._identifiers import canonical
from skmmcl.exceptions import DataError


class _Who(NamedTuple):
    """Identifiers of the rows of one source."""

    ids: np.ndarray
    numbers: np.ndarray | None  # of the rows in the cohort or table that a container comes from
    may_count: bool  # whether the identifiers may be row numbers of a table without any


def check_same_subjects(sources: Mapping[str, Any], *, embedded: bool = False) -> None:
    """Raise if what belongs to the same rows carries identifiers of other subjects.

    `sources` are ``X`` first, then ``y``, ``sample_weight``, ``groups``, ... by name. Containers
    and pandas tables carry identifiers; all else is passed over, and what has another number of
    rows.

    The same subjects in another order are an error, and so are others. Rows go by position next to
    an index 0, 1, 2, ..., next to what is left of it after slicing if the identifiers are text, and
    next to the labels that the rows of a container have in the cohort that it was cut from, or in
    the table that it was made of. Next to identifiers that are numbers, other numbers are other
    subjects, unless `embedded`: a table may be the embedding of a container.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmmcl.data._who import check_same_subjects
    >>> X = pd.DataFrame({"age": [31, 28]}, index=["s1", "s2"])
    >>> check_same_subjects({"X": X, "y": pd.Series([0, 1])})
    >>> check_same_subjects({"X": X, "y": pd.Series([1, 0], index=["s2", "s1"])})
    Traceback (most recent call last):
        ...
    skmmcl.exceptions.DataError: X and y list the same subjects in another order; row 0 ...
    """
    known = [(name, who) for name, value in sources.items() if (who := _who(value)) is not None]
    for k, (name, who) in enumerate(known):
        for first, other in known[:k]:
            if len(who.ids) == len(other.ids) and _contradict(other, who, embedded=embedded):
                raise DataError(_message(first, other.ids, name, who.ids))


def _who(value: Any) -> _Who | None:
    if isinstance(value, Mapping):
        value = next(filter(is_pandas, value.values()), None)
    if is_pandas(value):
        ids = index_of(value)
        return _Who(ids, None, ids.dtype.kind in "iu" and bool((ids >= 0).all()))
    numbers = getattr(value, "numbers", None)
    if numbers is None or getattr(value, "index", None) is None:
        return None
    return _Who(value.index, numbers, may_count=False)


def _contradict(a: _Who, b: _Who, *, embedded: bool) -> bool:
    if _are_equal(a.ids, b.ids) or _is_cut_like(a, b) or _is_cut_like(b, a):
        return False
    x, y = _written(a.ids), _written(b.ids)
    distinct = len(set(x)) == len(set(a.ids.tolist())) and len(set(y)) == len(set(b.ids.tolist()))
    if x == y and distinct:
        return False
    if not (a.may_count or b.may_count):
        return True
    both_numbers = _is_number(a.ids) and _is_number(b.ids)
    if _counts_from_0(a) or _counts_from_0(b):
        return both_numbers and sorted(x) == sorted(y)
    is_embedding = embedded and a.numbers is b.numbers is None
    return (both_numbers and not is_embedding) or sorted(x) == sorted(y)


def _is_cut_like(table: _Who, container: _Who) -> bool:
    """Return whether one has the labels that the rows of the other have where they come from."""
    return container.numbers is not None and _are_equal(table.ids, container.numbers)


def _counts_from_0(who: _Who) -> bool:
    return who.may_count and np.array_equal(who.ids, np.arange(len(who.ids)))


def _are_equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype.kind == b.dtype.kind and np.array_equal(a, b)


def _is_number(ids: np.ndarray) -> bool:
    return ids.dtype.kind in "iu" or all(re.fullmatch(r"\d+", item) for item in _trimmed(ids))


def _trimmed(ids: np.ndarray) -> list[str]:
    return [re.sub(r"\.0$", "", str(item).strip()) for item in ids.tolist()]


def _written(ids: np.ndarray) -> list[str]:
    """Return identifiers as they are compared: 007 is 7, and sub-S1 is s1."""
    return [canonical(item) for item in ids.tolist()]


def _message(first: str, ids: np.ndarray, name: str, other: np.ndarray) -> str:
    pairs = list(zip(ids.tolist(), other.tolist(), strict=True))
    row = next(k for k, (one, two) in enumerate(pairs) if one != two)
    written = _written(ids), _written(other)
    if sorted(written[0]) == sorted(written[1]):
        found = f"{first} and {name} list the same subjects in another order"
    else:
        shared = len(set(written[0]) & set(written[1]))
        found = f"{first} and {name} list other subjects: they share {shared} of {len(ids)}"
    return (
        f"{found}; row {row} is {pairs[row][0]!r} in the one and {pairs[row][1]!r} in the other. "
        f"Put {name} in order by its index, for example {name}.loc[ids]; if the rows do match by "
        f"position, give {name}.to_numpy(), which has no identifiers."
    )
