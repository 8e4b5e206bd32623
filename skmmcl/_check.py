"""``skmmcl check``: the content of a folder and its problems; nothing is trained."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from skmmcl._folder import LISTINGS, TABLES, TARGETS, read_cohort, read_side, words_of
from skmmcl._groups import find_group_columns
from skmmcl.data import MultimodalData
from skmmcl.data._files import SHEETS, list_folder
from skmmcl.data._text import read_header
from skmmcl.exceptions import DataError
from skmmcl.model_selection import check_leakage
from skmmcl.utils._files import user_path
from skmmcl.utils._plain import numbers_of
from skmmcl.utils._targets import class_name, is_unlabeled, seem_measured

MAX_SHOWN = 5  # names in one line
MAX_WIDTH = 70  # characters
MAX_CLASSES = 10
MAX_CODES = 10  # different values, of which rows may well be equal by chance
MIN_PER_CLASS = 5  # subjects of each class, one for each of five folds


def run_check(options: Namespace) -> int:
    """Print the content of a folder; return 1 if a problem prevents a meaningful comparison."""
    folder = user_path(options.data)
    print("\n".join(["Files", *describe_files(folder)]))
    words = words_of(options) | ({"target": options.target} if options.target else {})
    X, said = read_side(options.data, words)
    files = [f"{file.name} (" for file in list_folder(folder)[0]]
    notes = [  # files that nobody reads are listed above; data that could not be read are not
        text
        for text in said
        if not text.startswith("Not read in") or any(name in text for name in files)
    ]
    if len(X.modalities) == 1:
        notes.append(f"{X.modalities[0]} is the only modality: methods have nothing to combine.")
    problems: list[str] = []
    for name, present in zip(X.modalities, X.mask.T, strict=True):
        find_faults(X, name, X[name][present], problems, notes)
    target = options.target or guess_target(X)
    sections = {
        "Modalities": describe_modalities(X),
        "Who is missing what": describe_missing(X),
        f"Side data{_listing(folder)}": describe_side_data(X, target),
    }
    if target is not None:
        sections["Target"] = describe_target(options, target, problems, notes)
    sections["Notes"] = _numbered(dict.fromkeys(notes))
    sections["Problems"] = _numbered(dict.fromkeys(problems))
    sections["What to type next"] = advise(options, X, target, is_sound=not problems)
    for title, lines in sections.items():
        print("\n".join(["", title, *lines]))
    return int(bool(problems))


def _numbered(texts: Iterable[str]) -> list[str]:
    return [f"  {k}. {text}" for k, text in enumerate(texts, 1)] or ["  none"]


# ------------------------------------------------------------------------------------- the files
def describe_files(folder: Path) -> list[str]:
    """Return a line for each file: how it is read, or why it is not."""
    files, skipped = list_folder(folder)
    lines = {file.name: _describe_file(file) for file in files}
    lines |= {name: f"not read: {reason}" for name, reason in skipped.items()}
    return _in_columns(lines.items()) or ["  none"]


def _describe_file(file: Path) -> str:
    if file.is_dir():
        return "a modality: one array for each subject"
    if file.suffix.lower() in SHEETS:
        return "workbook: each sheet is a table"
    if file.suffix.lower() not in TABLES:
        return "arrays: each is a modality"
    columns = read_header(file)
    role = "the list of subjects" if file.stem.lower() in LISTINGS else "table"
    return f"{role} with {len(columns)} columns: {_shown(columns)}"


def _listing(folder: Path) -> str:
    names = [f.name for f in sorted(folder.iterdir()) if f.stem.lower() in LISTINGS]
    return f" of {names[0]}" if names else ""


# -------------------------------------------------------------------------------- the modalities
def describe_modalities(X: MultimodalData) -> list[str]:
    """Return a line for each modality, and one for the subjects."""
    ids = "no identifiers: rows belong together by position"
    if X.index is not None and len(X):
        ids = f"identifiers {X.index[0]} ... {X.index[-1]}"
    facts = {name: _describe_modality(X, name) for name in X.modalities}
    return [f"  {len(X)} subjects, {ids}", *_in_columns(facts.items())]


def _describe_modality(X: MultimodalData, name: str) -> str:
    shape, columns = X.shapes[name], X.columns[name]
    if len(shape) == 1:
        text = f"{shape[0]} values for each subject"
        return f"{text}: {_shown(columns)}" if columns else text
    return f"{' x '.join(map(str, shape))} values for each subject, {X.dtypes[name]}"


def describe_missing(X: MultimodalData) -> list[str]:
    """Return the subjects who lack a modality, and which modalities occur together."""
    mask, who = X.mask, np.arange(len(X)) if X.index is None else X.index
    if mask.all():
        return ["  nobody: all subjects have all modalities"]
    facts = {}
    for name, present in zip(X.modalities, mask.T, strict=True):
        missing = who[~present]
        named = f", missing for {len(missing)}: {_shown(missing)}" if len(missing) else ""
        facts[name] = f"{present.sum()} of {len(X)} have it{named}"
    patterns = Counter(map(tuple, mask.tolist())).most_common(MAX_SHOWN)
    lines = [f"  {n} subjects have {_pattern(X, pattern)}" for pattern, n in patterns]
    return [*_in_columns(facts.items()), *lines]


def _pattern(X: MultimodalData, pattern: tuple[bool, ...]) -> str:
    if all(pattern):
        return "all"
    names = [name for name, has in zip(X.modalities, pattern, strict=True) if has]
    return f"{', '.join(names)} alone" if names else "none"


# --------------------------------------------------------------------------------- the side data
def guess_target(X: MultimodalData) -> str | None:
    """Return the one column whose name is that of a target."""
    found = [name for name in X.meta if str(name).lower() in TARGETS]
    return found[0] if len(found) == 1 else None


def describe_side_data(X: MultimodalData, target: str | None) -> list[str]:
    """Return a line for each column, and whether it could be a target."""
    facts = {}
    for name, values in X.meta.items():
        known = ~is_unlabeled(values, None)
        text, role = _describe_column(values[known])
        role = "the target" if name == target else role
        gaps = f", unknown for {(~known).sum()}" if not known.all() else ""
        facts[str(name)] = f"{text}{gaps}{f'  <- {role}' if role else ''}"
    return _in_columns(facts.items()) or ["  none: participants.tsv would hold it"]


def _describe_column(values: np.ndarray) -> tuple[str, str]:
    numbers = numbers_of(values) if values.dtype == object else values
    values = values if numbers is None else numbers
    if len(values) and seem_measured(values):
        return f"numbers from {values.min():g} to {values.max():g}", "may be a target"
    counts = Counter(values.tolist()).most_common()
    if len(counts) > MAX_CLASSES:
        return f"{len(counts)} different values", ""
    listed = ", ".join(f"{class_name(label)} {n}" for label, n in counts)
    is_target = len(counts) > 1 and counts[-1][1] >= MIN_PER_CLASS
    return listed or "nothing", "may be a target" if is_target else ""


def describe_target(
    options: Namespace, target: str, problems: list[str], notes: list[str]
) -> list[str]:
    """Return a description of the target; add to problems and notes what is wrong with it."""
    try:
        cohort = read_cohort(
            options.data, words_of(options), target=target, task=options.task, groups=options.groups
        )
    except DataError as error:
        problems.append(str(error))
        return [f"  {target!r} cannot be used"]
    # Relatives, and people with several rows, are among the notes, with the option to add.
    leaks = check_leakage(cohort.X, cohort.y)
    problems += [leak.message for leak in leaks if leak.kind != "person"]
    suspicion = [note for note in cohort.notes if note.startswith("Take care")]
    problems += suspicion
    notes += [note for note in cohort.notes if "are left out" in note or "Folds keep" in note]
    counts = None if cohort.classes is None else np.bincount(cohort.y)
    if counts is not None and (len(counts) < 2 or counts.min() < MIN_PER_CLASS):
        listed = ", ".join(f"{k}: {n}" for k, n in zip(cohort.classes or (), counts, strict=True))
        problems.append(
            f"The target {target!r} needs two classes or more of {MIN_PER_CLASS} subjects or more "
            f"for {MIN_PER_CLASS} folds, found {listed}: leave a class out, or lower --folds."
        )
    return [f"  {note}" for note in cohort.notes if "target" in note and note not in suspicion]


# ---------------------------------------------------------------------------------- the problems
def find_faults(
    X: MultimodalData, name: str, array: np.ndarray, problems: list[str], notes: list[str]
) -> None:
    """Add the faults of a modality to the problems, and harmless peculiarities to the notes.

    `array` has the rows of those who have the modality.
    """
    if not len(array):
        problems.append(f"Nobody has {name}: remove the file.")
        return
    flat = array.reshape(len(array), -1)
    columns = X.columns[name] or [f"number {k}" for k in range(flat.shape[1])]
    if X.categories[name]:
        held = [columns[k] for k in X.categories[name]]
        notes.append(f"{name} has columns of text, taken as categories: {_shown(held)}.")
    if flat.dtype.kind == "f":
        _find_gaps(name, flat, columns, problems, notes)
    constant = (flat == flat[:1]).all(axis=0)
    if len(flat) > 1 and (constant.all() or (constant.any() and array.ndim == 2)):
        what = _picked(columns, constant) if array.ndim == 2 else "all"  # diagonals may be
        notes.append(f"{name} has constant values, which say nothing: {what}.")
    varied = flat[(flat != flat[:, :1]).any(axis=1)]  # not those of people without any lesion
    copies = len(varied) - len({row.tobytes() for row in np.ascontiguousarray(varied)})
    if copies and flat.shape[1] > 3:
        text = f"{name} has {copies} rows that equal another one: is somebody in it twice?"
        (notes if len(np.unique(varied)) <= MAX_CODES else problems).append(text)


def _find_gaps(
    name: str, flat: np.ndarray, columns: list[str], problems: list[str], notes: list[str]
) -> None:
    infinite, gaps = np.isinf(flat).any(axis=0), np.isnan(flat)
    if infinite.any():
        problems.append(f"{name} has infinite values, in {_picked(columns, infinite)}.")
    if gaps.any():
        notes.append(
            f"{name} lacks single values ({gaps.mean():.1%}), in "
            f"{_picked(columns, gaps.any(axis=0))}: imputed within each training fold."
        )


# ------------------------------------------------------------------------------------ what is next
def advise(
    options: Namespace, X: MultimodalData, target: str | None, *, is_sound: bool
) -> list[str]:
    """Return the commands to type next."""
    said = f"--data {shlex.quote(options.data)}"
    said += f" --id {shlex.quote(options.id)}" if options.id else ""
    said += "".join(f" --rows {shlex.quote(choice)}" for choice in options.rows or ())
    if target is None:
        columns = [name for name, values in X.meta.items() if _may_be_target(values)]
        return [f"  skmmcl check {said} --target COLUMN      where COLUMN is {_or(columns)}"]
    said += f" --target {shlex.quote(target)}"
    groups = [options.groups] if options.groups else find_group_columns(X)[:1]
    said += "".join(f" --groups {shlex.quote(column)}" for column in groups)
    if not is_sound:
        return [f"  mend the problems, then: skmmcl check {said}"]
    return [f"  skmmcl {command} {said}" for command in ("compare", "report")]


def _may_be_target(values: np.ndarray) -> bool:
    return bool(_describe_column(values[~is_unlabeled(values, None)])[1])


def _or(columns: list[str]) -> str:
    return f"one of {_shown(columns)}" if columns else "what is to be predicted"


def _picked(columns: list[str], chosen: np.ndarray) -> str:
    return _shown([columns[k] for k in np.flatnonzero(chosen)])


def _shown(values: Iterable[Any]) -> str:
    listed = [str(value) for value in values]
    fitting = [k for k in range(1, MAX_SHOWN + 1) if len(", ".join(listed[:k])) <= MAX_WIDTH]
    shown = listed[: max(fitting, default=1)]
    return ", ".join(shown) + (f", ... ({len(listed)} in all)" if shown != listed else "")


def _in_columns(facts: Iterable[tuple[str, str]]) -> list[str]:
    facts = list(facts)
    width = max((len(name) for name, _ in facts), default=0)
    return [f"  {name:{width}}  {text}" for name, text in facts]
