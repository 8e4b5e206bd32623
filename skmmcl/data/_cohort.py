"""The subjects of several tables, and their rows in one order."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from skmmcl.data._frames import drop_index
from skmmcl.data._id_columns import Who
from skmmcl.data._identifiers import canonical, match_identifiers, show, spreadsheet_hint
from skmmcl.data._tables import Table
from skmmcl.exceptions import DataError

_MIN_UNLIKE = 3  # a table of fewer subjects may well lack those of all others


class Cohort:
    """The subjects, in order, and who the rows of each table are.

    The rows of `positional` files, which are arrays, go by position.
    """

    def __init__(self, who: Who, positional: list[Path]):
        self._spelled: list[str] | None = None
        self.listing = who.listing
        self._n_listed = None if self.listing is None else len(self.listing.frame)
        self._ids = {table: ids for table in who.tables if (ids := who.ids(table)) is not None}
        self._positions: dict[Table, np.ndarray] = {}
        if self.listing is None:
            self._unite()
            positional = [*positional, *(t.file for t in who.tables if t not in self._ids)]
            self._check_order(positional)
        elif (listed := who.ids(self.listing)) is not None:
            self._join(listed, self.listing.name)

    @property
    def ids(self) -> list[str] | None:
        """The identifiers, without blanks around them."""
        if self._spelled is None:
            return None
        stripped = [item.strip() for item in self._spelled]
        return stripped if len(set(stripped)) == len(stripped) else self._spelled

    # ---------------------------------------------------------------------------- the subjects
    def _join(self, listed: list[str], listing: str) -> None:
        """Find the rows of each table in the list of subjects."""
        self._spelled = listed
        for table, ids in self._ids.items():
            positions = match_identifiers(ids, listed, source=table.name, reference=listing)
            self._positions[table] = positions
            strangers = [item for item, place in zip(ids, positions, strict=True) if place < 0]
            if strangers:
                n_absent = len(listed) - len(ids) + len(strangers)
                warnings.warn(
                    f"{table.name} has {len(strangers)} subjects that {listing} does not list, the "
                    f"first is {strangers[0]!r}; they are left out. {len(ids) - len(strangers)} "
                    f"of {len(listed)} subjects have {table.name}, {n_absent} lack it."
                    f"{spreadsheet_hint(strangers)}",
                    stacklevel=2,
                )

    def _unite(self) -> None:
        """List the subjects of all tables."""
        union: list[str] = []
        for table, ids in self._ids.items():
            others = "the other tables"
            places = match_identifiers(
                ids, union, source=table.name, reference=others, required=False
            )
            new = [item for item, place in zip(ids, places, strict=True) if place < 0]
            if union and len(new) == len(ids) and _are_unlike(ids, union):
                raise DataError(
                    f"{table.name} and {others} have no subject in common: {show(ids)} in the "
                    f"one, {show(union)} in the others."
                )
            places[places < 0] = np.arange(len(union), len(union) + len(new))
            union += new
            self._positions[table] = places
        self._spelled = union or None

    def _check_order(self, positional: list[Path]) -> None:
        n_subjects = len(self._spelled or ())
        in_order = all(
            np.array_equal(places, np.arange(n_subjects)) for places in self._positions.values()
        )
        if positional and not in_order:
            raise DataError(
                f"{positional[0].name} has no subject ids, and the tables do not list the same "
                "subjects in the same order; add a participants.tsv that lists the subjects of "
                "its rows."
            )

    # ------------------------------------------------------------------------------- their rows
    def align(self, table: Table | None, values: Any, file: Path) -> Any:
        """Return values with one row for each subject."""
        if table not in self._positions:
            self._check_length(values, file)
            return drop_index(values)
        positions, n_subjects = self._positions[table], len(self._spelled or ())
        if np.array_equal(positions, np.arange(n_subjects)):
            return drop_index(values)
        known = positions >= 0
        if not hasattr(values, "columns"):
            return _scatter(values[known], positions[known], n_subjects)
        return values[known].set_axis(positions[known], axis=0).reindex(range(n_subjects))

    def _check_length(self, values: Any, file: Path) -> None:
        if self._n_listed is not None and self.listing is not None:
            listing, n_listed = f"{self.listing.name} lists", self._n_listed
        elif self._spelled is not None:
            listing, n_listed = "the tables list", len(self._spelled)
        else:
            return  # the container compares modalities with each other
        if np.ndim(values) and len(values) != n_listed:
            raise DataError(f"{file.name} has {len(values)} rows, {listing} {n_listed} subjects.")


def _scatter(values: np.ndarray, positions: np.ndarray, n_subjects: int) -> np.ndarray:
    """Put rows where they belong, NaN elsewhere."""
    if len(positions) == n_subjects:
        return values[np.argsort(positions)]
    dtype = values.dtype if values.dtype.kind == "f" else np.float64
    found = np.full((n_subjects, *values.shape[1:]), np.nan, dtype=dtype)
    found[positions] = values
    return found


def _are_unlike(ids: list[str], others: list[str]) -> bool:
    """Return whether two lists without a common subject can hardly be of one cohort."""
    patterns = [{re.sub(r"\d+", "0", canonical(i)) for i in each} for each in (ids, others)]
    return min(len(ids), len(others)) >= _MIN_UNLIKE or not patterns[0] & patterns[1]
