"""Families, people with several rows and sites, which folds keep together."""

from __future__ import annotations

import re

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.model_selection._people import find_people
from skmmcl.utils._targets import is_unlabeled

# Columns of relatives, or of people with several rows, by their names.
_KIN = "fam|family|fid|pedigree|sibship|sib|sibling|twin|couple|dyad|pair|household|mother|father"
_PERSON = "subject|participant|patient|person|proband"
GROUP_NAMES = re.compile(f"({_KIN}|{_PERSON})[_ .-]?(id|no|nr|num|number|code|key)?s?")
MIN_GROUPS = 6  # fewer different values are codes, such as of patients and controls
MEAN_SIZE = 10  # subjects: larger groups, on average, are no families


def read_groups(X: MultimodalData, column: str) -> tuple[np.ndarray, str, str]:
    """Return the group of each subject as a number, the code that makes it, and what to say.

    Raises
    ------
    DataError
        If the side data lack the column, or it has gaps or a single value.
    """
    name = spelled(column, [str(known) for known in X.meta])
    if name is None:
        holding = [modality for modality in X.modalities if column in (X.columns[modality] or ())]
        moved = f" It is a column of {holding[0]}: move it to participants.tsv." if holding else ""
        raise DataError(
            f"--groups: the side data have no column {column!r}, only {list(X.meta)}.{moved}"
        )
    values = X.meta[name]
    if (unknown := is_unlabeled(values, None)).any():
        raise DataError(
            f"--groups: {name!r} is empty for {unknown.sum()} subjects. Give each of them a value, "
            "such as the identifier of the subject where nobody else belongs to the group."
        )
    codes = np.unique(values.astype(str), return_inverse=True)[1]
    sizes = np.bincount(codes)
    if len(sizes) < 2:
        raise DataError(f"--groups: {name!r} has one value, so that no fold could be left out.")
    note = f"Folds keep the {len(sizes)} groups of {name!r} together, of up to {sizes.max()}."
    return codes, f"groups = X.meta[{name!r}].astype(str)", note


def spelled(wanted: str, names: list[str]) -> str | None:
    """Return the column that is meant; case distinguishes columns only where it must."""
    same = [name for name in names if name.casefold() == wanted.casefold()]
    return wanted if wanted in same else same[0] if len(same) == 1 else None


def find_group_columns(X: MultimodalData) -> list[str]:
    """Return the side data that seem to name families, or people with several rows."""
    found = []
    for name, values in X.meta.items():
        known = values[~is_unlabeled(values, None)].astype(str)
        n_groups = len(np.unique(known))
        are_groups = MIN_GROUPS <= n_groups < len(known) < MEAN_SIZE * n_groups
        if are_groups and GROUP_NAMES.fullmatch(str(name).casefold()):
            found.append(str(name))
    return found


def suspect_groups(X: MultimodalData) -> list[str]:
    """Return what to say of relatives and of people with several rows that folds would part."""
    said = [
        f"Take care, {name!r} seems to name families or people with several rows. Folds that part "
        f"them give scores that are too good: --groups {name} keeps them together."
        for name in find_group_columns(X)
    ]
    people = find_people(X)
    if not said and people is not None and (several := len(people) - len(np.unique(people))):
        said.append(
            f"Take care, {several} rows are of people who have another row, by their identifiers. "
            "Folds that part them give scores that are too good: add a column of the people to "
            "participants.tsv, and name it by --groups."
        )
    return said
