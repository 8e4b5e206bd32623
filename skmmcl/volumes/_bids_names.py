"""Matching of the subjects of a table to the folders ``sub-*`` of a BIDS folder."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from glob import glob
from pathlib import Path

from skmmcl.data._identifiers import canonical, show
from skmmcl.exceptions import DataError

PREFIX = "sub-"
SUBJECT = "{subject}"
SHOWN = 5  # names that a message lists


def matching(root: Path, pattern: str) -> list[str]:
    """Return what matches a pattern below a folder, broken links too, but no hidden files.

    Path.glob returns hidden files, and broken links only where the pattern has a wildcard.
    """
    return sorted(glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207


def head_of(pattern: str) -> str:
    """Return a pattern up to the part that holds the subject: ``derivatives/vbm/{subject}``."""
    before, _, after = pattern.partition(SUBJECT)
    return before + SUBJECT + after.partition("/")[0]


def list_folders(root: Path, head: str) -> set[str]:
    """Return the names ``sub-*`` that match the subject in the head of a pattern."""
    found = [root / item for item in matching(root, head.replace(SUBJECT, PREFIX + "*"))]
    if head.rpartition("/")[2] == SUBJECT:
        return {path.name for path in found if path.is_dir() or is_dead_folder(path)}
    labels = [re.search(PREFIX + r"[^_.]+", path.name) for path in found]
    return {label.group() for label in labels if label is not None}


def is_dead_folder(path: Path) -> bool:
    """Return whether this is a broken link without the suffix of a file."""
    return path.is_symlink() and not path.exists() and not path.suffix


def match_folders(ids: list[str], folders: set[str]) -> dict[str, str]:
    """Return the folder of each subject who has one, also where the two are spelled differently.

    A spelling that matches several is a DataError.
    """
    matched: dict[str, str] = {}
    for spelled in (str, _with_prefix, canonical):
        own = _grouped(spelled, (item for item in ids if item not in matched))
        theirs = _grouped(spelled, folders.difference(matched.values()))
        for label in [label for label in own if label in theirs]:
            if len(own[label]) > 1 or len(theirs[label]) > 1:
                raise DataError(
                    f"Subjects {show(own[label])} and folders {show(theirs[label])} differ only "
                    "in spelling, so that it is unclear which belong together. Write the names "
                    "of the folders into the table."
                )
            matched[own[label][0]] = theirs[label][0]
    return matched


def _with_prefix(name: str) -> str:
    return name if name.startswith(PREFIX) else PREFIX + name


def _grouped(spelled: Callable[[str], str], names: Iterable[str]) -> dict[str, list[str]]:
    groups = defaultdict(list)
    for name in sorted(names):
        groups[spelled(name)].append(name)
    return groups


def report_matches(
    listing: str,
    ids: list[str],
    folders: dict[str, set[str]],
    matches: dict[str, dict[str, str]],
) -> None:
    """Warn of unmatched subjects and folders and of other spellings; raise if none match."""
    found = {item: name for matched in matches.values() for item, name in matched.items()}
    strangers = {
        name for head, names in folders.items() for name in names.difference(matches[head].values())
    }
    if not found:
        raise DataError(
            f"No subject of {listing} has a folder. It lists {show(ids) or 'none'}; the folders "
            f"are {show(sorted(strangers)) or 'none'}."
        )
    for message in _disagreements(listing, ids, found, sorted(strangers)):
        warn(message)


def _disagreements(
    listing: str, ids: list[str], found: dict[str, str], strangers: list[str]
) -> Iterator[str]:
    respelled = [f"{item!r} is {name}" for item, name in found.items() if item != name]
    if respelled:
        yield (
            f"{len(respelled)} of {len(ids)} subjects of {listing} are spelled differently from "
            f"their folders, and were matched: {listed(respelled)}."
        )
    lost = [item for item in ids if item not in found]
    if lost:
        yield (
            f"{len(lost)} of {len(ids)} subjects of {listing} have no folder at all, and so lack "
            f"all modalities: {show(lost)}. X[X.mask.any(axis=1)] leaves them out."
        )
    if strangers:
        yield f"Folders without a row in {listing} are left out: {show(strangers)}."


def warn(message: str) -> None:
    """Warn the caller of load_bids, from a function that it calls."""
    warnings.warn(message, UserWarning, stacklevel=4)


def listed(items: list[str]) -> str:
    """Return the first items as text."""
    first = ", ".join(items[:SHOWN]) or "none"
    return first if len(items) <= SHOWN else f"{first}, ... ({len(items)} in all)"
