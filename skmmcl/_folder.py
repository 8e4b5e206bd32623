"""Subjects and target in a folder, as the command line reads them."""

from __future__ import annotations

import warnings
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.preprocessing import LabelEncoder

from skmmcl._groups import read_groups, spelled, suspect_groups
from skmmcl.data import MultimodalData
from skmmcl.data._copies import check_leaks
from skmmcl.data._files import SHEETS, list_folder
from skmmcl.data._tables import read_sheets
from skmmcl.data._text import read_header
from skmmcl.exceptions import DataError
from skmmcl.utils._files import user_path
from skmmcl.utils._optional import import_pandas
from skmmcl.utils._targets import class_name, has_fractions, seem_measured

LISTINGS = ("participants", "meta")
# Tables that list subjects as well, if one of them has the target and other files have the data.
LISTINGS_BY_NAME = {"subjects", "demographics", "labels", "targets", "phenotype", "phenotypes"}
TABLES = {".csv", ".tsv", ".txt"}
TARGETS = {"y", "label", "diagnosis", "group", "target"}


class _HeldTwiceError(DataError):
    """The target is in two tables, which is reported before anything else."""


class Cohort(NamedTuple):
    """Subjects and target: `classes` names the codes in `y`, None where it is regressed on.

    `groups` are kept together by the folds. `code` makes X, y and groups, with `imports` by module
    and name, and `notes` are for the user.
    """

    X: MultimodalData
    y: np.ndarray
    classes: list[str] | None = None
    code: tuple[str, ...] = ()
    imports: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    target: str = "the class"


def read_cohort(
    folder: str,
    words: dict[str, Any] | None = None,
    *,
    target: str | None = None,
    task: str = "auto",
    groups: str | None = None,
) -> Cohort:
    """Return the subjects of a folder who have a target and a modality.

    `words` are those of `MultimodalData.from_folder`, such as ``id_column``. `groups` is the column
    of families, people or sites that folds keep together.

    Raises
    ------
    DataError
        If the folder cannot be read, the target or groups are not found or cannot be used, or a
        modality holds a copy of the target.
    """
    words, place = dict(words or {}), user_path(folder)
    try:
        name, file = _find_target(place, target)
    except _HeldTwiceError:
        raise
    except DataError:
        _read(folder, words)  # an unreadable folder is reported first
        raise
    if file is not None and _is_listing(place, file):
        words["meta"], file = Path(file).stem, None
    if file is not None:
        words["target"] = name
    cohort = _read(folder, words)
    if file is not None:
        note = f"The target {name!r} is taken out of {file}, and is no feature."
        cohort = cohort._replace(notes=(*cohort.notes, note))
    cohort = _with_target(_usable(cohort, name), name, task)._replace(target=name)
    files = {file.stem: file.name for file in sorted(place.iterdir())}
    coded = cohort.classes is not None
    if note := check_leaks(cohort.X, cohort.y, name, files, coded=coded):
        cohort = cohort._replace(notes=(*cohort.notes, note))
    if groups is None:
        return cohort._replace(notes=(*cohort.notes, *suspect_groups(cohort.X)))
    codes, code, note = read_groups(cohort.X, groups)
    return cohort._replace(groups=codes, code=(*cohort.code, code), notes=(*cohort.notes, note))


def words_of(options: Namespace) -> dict[str, Any]:
    """Return the options of the command line that `MultimodalData.from_folder` takes."""
    rows = dict(choice.split("=", 1) for choice in options.rows or ())
    words = {"id_column": options.id, "rows": rows}
    return {name: value for name, value in words.items() if value}


def read_side(folder: str, words: dict[str, Any]) -> tuple[MultimodalData, tuple[str, ...]]:
    """Return the subjects and side data of a folder, whatever the target, and its warnings."""
    cohort = _read(folder, words)
    return cohort.X, cohort.notes


def _read(folder: str, words: dict[str, Any]) -> Cohort:
    """Return the container, with the warnings of its reading as notes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        X = MultimodalData.from_folder(folder, **words)
    said = "".join(f", {name}={value!r}" for name, value in words.items())
    return Cohort(
        X,
        np.array([]),
        code=(f"X = MultimodalData.from_folder({folder!r}{said})",),
        imports=(("skmmcl", "MultimodalData"),),
        notes=tuple(dict.fromkeys(str(warning.message) for warning in caught)),
    )


# ------------------------------------------------------------------------------- finding the target
def _find_target(folder: Path, target: str | None) -> tuple[str, str | None]:
    """Return the name of the target, and the file of a modality if it is a column of one."""
    tables = _headers(folder)
    listing = next((file for file in tables if Path(file).stem.lower() in LISTINGS), None)
    listed = [] if listing is None else tables.pop(listing)
    wanted = _guess(folder, listing, listed, tables) if target is None else target
    own = spelled(wanted, listed)
    holding = {file: name for file, names in tables.items() if (name := spelled(wanted, names))}
    if len(holding) + (own is not None) > 1:
        (file, name), *others = holding.items()
        other = others[0][0] if own is None else listing
        raise _HeldTwiceError(
            f"{file} has the target {name!r} as a column, and {other} has it too: it would be "
            f"predicted from itself. Remove the column from {file}."
        )
    if own is None and not holding:
        seen = {**({} if listing is None else {listing: listed}), **tables}
        found = "; ".join(f"{file}: {', '.join(names[:20])}" for file, names in seen.items())
        raise DataError(f"--target: no table has a column {wanted!r}; found {found or 'none'}.")
    if own is not None:
        return own, None
    ((file, name),) = holding.items()
    return name, file


def _is_listing(folder: Path, file: str) -> bool:
    """Return whether a table lists the subjects of other files, by its name."""
    others = {name for name in _headers(folder) if name != file}
    others |= {path.name for path in list_folder(folder)[0] if path.name != file}
    return Path(file).stem.lower() in LISTINGS_BY_NAME and bool(others)


def _headers(folder: Path) -> dict[str, list[str]]:
    """Return the columns of the tables, by the names of their files."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    kept = [f for f in files if f.is_file() and not f.name.startswith((".", "~$"))]
    found = {f.name: read_header(f) for f in kept if f.suffix.lower() in TABLES}
    for file in kept:
        if file.suffix.lower() in SHEETS and find_spec("openpyxl"):
            found |= {path.name: table.names for path, table in read_sheets(file).items()}
    return found


def _guess(folder: Path, listing: str | None, listed: list[str], tables: dict[str, Any]) -> str:
    usual = [name for names in tables.values() for name in names if name.lower() in TARGETS]
    if listing is None and len(usual) == 1:
        return usual[0]
    if listing is None:
        raise DataError(
            f"{folder} has no participants.tsv or participants.csv, which lists the subjects "
            "(participant_id) and the target, such as their diagnosis. Add it, or name the column "
            "of another table that is the target by --target."
        )
    found = [name for name in listed if name.lower() in TARGETS]
    if len(found) != 1:
        raise DataError(
            f"which column of {listing} is the target? --target names it; found {found} among "
            f"{listed}."
        )
    return found[0]


# ------------------------------------------------------------------------------- who takes part
def _usable(cohort: Cohort, target: str) -> Cohort:
    """Leave out subjects without target or without any modality."""
    if target not in cohort.X.meta:
        raise DataError(f"the side data have no column {target!r}, only {list(cohort.X.meta)}.")
    known = import_pandas().notna(cohort.X.meta[target])
    cohort = _without(cohort, ~known, repr(target), f"notna(X.meta[{target!r}])")
    if not known.all():
        cohort = cohort._replace(imports=(*cohort.imports, ("pandas", "notna")))
    empty = ~cohort.X.mask.any(axis=1)
    return _without(cohort, empty, "any modality", "X.mask.any(axis=1)")


def _without(cohort: Cohort, left_out: Any, what: str, kept: str) -> Cohort:
    if not left_out.any():
        return cohort
    if left_out.all():
        raise DataError(f"all {len(left_out)} subjects are without {what}.")
    return cohort._replace(
        X=cohort.X[~left_out],
        code=(*cohort.code, f"X = X[{kept}]"),
        notes=(*cohort.notes, f"{left_out.sum()} subjects without {what} are left out."),
    )


# ------------------------------------------------------------------------------ classes or numbers
def _with_target(cohort: Cohort, target: str, task: str) -> Cohort:
    """Encode the target as class codes, or as numbers."""
    values = np.asarray(cohort.X.meta[target])
    if task == "regression" or (task == "auto" and seem_measured(values)):
        return _with_numbers(cohort, target, values, task)
    if has_fractions(values):
        raise DataError(f"the target {target!r} is continuous, no classes: --task regression.")
    encoder = LabelEncoder()
    codes = encoder.fit_transform(values)
    names = [class_name(label) for label in encoder.classes_.tolist()]
    counts = ", ".join(f"{k}: {n}" for k, n in zip(names, np.bincount(codes), strict=True))
    as_class = "; -1 is a class here, leave a cell empty for no class" if "-1" in names else ""
    return cohort._replace(
        y=codes,
        classes=names,
        code=(*cohort.code, f"y = LabelEncoder().fit_transform(X.meta[{target!r}])"),
        imports=(*cohort.imports, ("sklearn.preprocessing", "LabelEncoder")),
        notes=(*cohort.notes, f"The target {target!r} has the classes {counts}{as_class}."),
    )


def _with_numbers(cohort: Cohort, target: str, values: np.ndarray, task: str) -> Cohort:
    try:
        y = values.astype(float)
    except (TypeError, ValueError) as error:
        raise DataError(f"the target {target!r} holds no numbers to regress on: {error}") from error
    if not np.isfinite(y).all() or np.ptp(y) == 0:
        raise DataError(f"the target {target!r} must have different, finite numbers.")
    hint = "; --task classification takes them for classes" if task == "auto" else ""
    span = f"{len(np.unique(y))} different numbers from {y.min():g} to {y.max():g}"
    return cohort._replace(
        y=y,
        code=(*cohort.code, f"y = X.meta[{target!r}].astype(float)"),
        notes=(*cohort.notes, f"The target {target!r} has {span}: a regression{hint}."),
    )
