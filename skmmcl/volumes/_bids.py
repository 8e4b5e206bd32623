"""Volumes of a cohort in a BIDS folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from glob import escape
from pathlib import Path
from typing import Any

from skmmcl.data import MultimodalData
from skmmcl.data._frames import drop_index
from skmmcl.data._io import read_source
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils._files import user_path
from skmmcl.utils._optional import import_pandas
from skmmcl.volumes._bids_names import (
    SUBJECT,
    head_of,
    is_dead_folder,
    list_folders,
    listed,
    match_folders,
    matching,
    report_matches,
    warn,
)
from skmmcl.volumes._files import missing_file
from skmmcl.volumes._load import load_volumes

TABLES = {".tsv", ".csv"}


def load_bids(
    root: str | os.PathLike[str],
    modalities: Mapping[str, str | Mapping[str, Any]],
    *,
    participants: str | os.PathLike[str] | None = None,
    **options: Any,
) -> MultimodalData:
    r"""Load the volumes of a BIDS folder into a container.

    Parameters
    ----------
    root : str or path
        The data set, or its derivatives.
    modalities : dict of str to str or dict
        A pattern for the file of each modality, below the folder of a subject, as in ``{"t1":
        "anat/*_T1w.nii.gz"}``; with ``{subject}`` in it, below `root`, as in ``{"gm":
        "derivatives/vbm/{subject}/*_probseg.nii.gz"}``. Sessions are named in it, a modality for
        each: ``"ses-01/anat/*_T1w.nii.gz"``. Hidden files never match. A dict holds a
        ``pattern`` and parameters of :func:`load_volumes` for this modality alone.
    participants : path, optional
        Table (``.tsv`` or ``.csv``) that lists the subjects; by default ``participants.tsv`` in
        `root`, and without one the folders ``sub-*``.
    **options : object
        Parameters of :func:`load_volumes` for all modalities.

    Returns
    -------
    MultimodalData
        Lazy volumes; a subject without a file lacks that modality. The columns of the table are
        side data, and ``participant_id`` is the index.

    Raises
    ------
    DataError
        If a pattern matches several files of a subject, or no file of any subject; if it is
        unclear which folder belongs to which subject; and whatever :func:`load_volumes` raises.
    ModalityError
        If a value of `modalities` is not a pattern.

    Warns
    -----
    UserWarning
        If subjects have no folder, folders have no row in the table, or the spelling of a subject
        differs between table and folder, as ``1`` and ``sub-01`` do; the warning names them.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import nibabel as nib, numpy as np
    >>> from skmmcl.volumes import load_bids
    >>> with TemporaryDirectory() as root:
    ...     _ = Path(root, "participants.tsv").write_text(
    ...         "participant_id\tage\nsub-01\t31\nsub-02\tn/a\n"
    ...     )
    ...     path = Path(root, "sub-01", "anat", "sub-01_T1w.nii.gz")
    ...     path.parent.mkdir(parents=True)
    ...     Path(root, "sub-02").mkdir()
    ...     nib.save(nib.Nifti1Image(np.ones((4, 5, 6), "float32"), np.eye(4)), path)
    ...     load_bids(root, {"t1": "anat/*_T1w.nii.gz"}, cache=False)
    MultimodalData: 2 subjects, 1 modality
      t1  (2, 4, 5, 6)  float32  1 missing
      meta: age; index: sub-01, sub-02
    """
    root = user_path(root)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder.")
    wanted = _checked(root, modalities)
    patterns = {name: _below_root(settings["pattern"]) for name, settings in wanted.items()}
    heads = [SUBJECT, *map(head_of, patterns.values())]
    folders = {head: list_folders(root, head) for head in heads}
    ids, meta, listing = _list_subjects(root, participants, folders.values())
    matches = {head: match_folders(ids, names) for head, names in folders.items()}
    report_matches(listing, ids, folders, matches)
    arrays = {
        name: _load_one(
            root,
            {item: matches[head_of(pattern)].get(item) for item in ids},
            name,
            wanted[name],
            options,
        )
        for name, pattern in patterns.items()
    }
    return MultimodalData(arrays, meta=meta, index=ids)


def _below_root(pattern: str) -> str:
    return pattern if SUBJECT in pattern else f"{SUBJECT}/{pattern}"


def _checked(root: Path, modalities: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(modalities, Mapping) or not modalities:
        raise ModalityError(
            "modalities must map names to patterns, as in {'t1': 'anat/*_T1w.nii.gz'}; got "
            f"{modalities!r}."
        )
    wanted = {
        name: dict(value) if isinstance(value, Mapping) else {"pattern": value}
        for name, value in modalities.items()
    }
    for name, value in wanted.items():
        if "pattern" not in value:
            raise ModalityError(f"Modality {name!r} has no 'pattern' for its files: {value}.")
        fault = _fault_of(root, value["pattern"])
        if fault:
            raise ModalityError(f"Modality {name!r}: the pattern {value['pattern']!r} {fault}.")
    return wanted


def _fault_of(root: Path, pattern: Any) -> str | None:
    """Return why a pattern cannot be used, and what to write instead."""
    if not isinstance(pattern, str) or not pattern.strip():
        return "is not a text such as 'anat/*_T1w.nii.gz', below the folder of a subject"
    if pattern.startswith("~") or Path(pattern).is_absolute():
        return f"is absolute; write the part below a subject's folder in {root}"
    braces = re.findall(r"\{[^{}]*\}?|\}", pattern.replace(SUBJECT, ""))
    if not braces:
        return None
    found = _sessions(root)
    return (
        f"has {braces[0]}; only {SUBJECT} may be in braces. There is one row per subject, so "
        "name the session, as in 'ses-01/anat/*_T1w.nii.gz', with a modality for each"
        + (f"; there are {listed(found)}" if found else "")
    )


def _sessions(root: Path) -> list[str]:
    return sorted({Path(item).name for item in matching(root, "sub-*/ses-*/")})


def _list_subjects(
    root: Path, participants: Any, folders: Iterable[set[str]]
) -> tuple[list[str], Any, str]:
    """Return the names of the subjects, their side data, and where they are listed."""
    listing = root / "participants.tsv" if participants is None else _checked_table(participants)
    if participants is None and not os.path.lexists(listing):
        unread = [name for name in matching(root, "participants.*") if not name.endswith(".json")]
        if unread:
            warn(
                f"{root} has no participants.tsv, and {listed(unread)} is not read: give "
                "participants=."
            )
        return _subjects_of(root, folders), None, str(root)
    if not listing.is_file():
        raise DataError(f"{listing} {missing_file(listing)}.")
    source = read_source(listing)
    if source.ids is None:
        raise DataError(f"{listing} has no column participant_id.")
    return source.ids, drop_index(source.values), str(listing)


def _checked_table(participants: Any) -> Path:
    if not isinstance(participants, (str, os.PathLike)):
        raise DataError(f"participants must be the path of a table; got {participants!r}.")
    listing = user_path(participants)
    if listing.suffix not in TABLES:
        raise DataError(f"participants={str(listing)!r} must be a table in .tsv or .csv.")
    return listing


def _subjects_of(root: Path, folders: Iterable[set[str]]) -> list[str]:
    """Return subjects by their folders; folders that differ in spelling alone are one subject."""
    ids: list[str] = []
    for names in folders:
        ids += names.difference(match_folders(ids, names).values())
    if not ids:
        raise DataError(f"{root} has neither a participants.tsv nor folders sub-*.")
    return sorted(ids)


def _load_one(
    root: Path,
    folders: dict[str, str | None],
    name: str,
    wanted: dict[str, Any],
    options: dict[str, Any],
) -> Any:
    """Load the volumes of one modality; `folders` has the folder of each subject."""
    pd = import_pandas("load_bids")

    settings = {**options, **wanted}
    pattern = settings.pop("pattern")
    paths = [
        None if folder is None else _find(root, item, folder, name, pattern)
        for item, folder in folders.items()
    ]
    if not any(paths):
        sessions = _sessions(root)
        raise DataError(
            f"Modality {name!r}: {pattern!r} matches no file of any of {len(paths)} subjects."
            + (f" Name one of their sessions in it: {listed(sessions)}." if sessions else "")
        )
    try:
        return load_volumes(pd.Series(paths, index=list(folders), dtype=object), **settings)
    except DataError as error:
        raise DataError(f"Modality {name!r}: {error}") from error


def _find(root: Path, item: str, folder: str, name: str, pattern: str) -> Path | None:
    """Return the file of a subject, or an unreadable folder on the way, which is an error later."""
    below = _below_root(pattern).replace(SUBJECT, escape(folder))
    found = matching(root, below) or _dead_ends(root, below)
    if not head_of(_below_root(pattern)).endswith(SUBJECT):  # sub-1* matches sub-10 too
        found = [item for item in found if folder in re.findall(r"sub-[^_./]+", item)]
    if len(found) > 1:
        raise DataError(
            f"Modality {name!r}: subject {item!r} has {len(found)} files that match {pattern!r}: "
            f"{listed(found)}. Give a pattern that matches one."
        )
    return root / found[0] if found else None


def _dead_ends(root: Path, below: str) -> list[str]:
    """Return the first folder on the way to a file that is unreadable or a broken link."""
    parts = below.split("/")
    for n_parts in range(1, len(parts)):
        for item in matching(root, "/".join(parts[:n_parts])):
            path = root / item
            is_closed = path.is_dir() and not os.access(path, os.R_OK | os.X_OK)
            if is_closed or is_dead_folder(path):
                return [item]
    return []
