"""Volumes of a cohort in a BIDS folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skmmcl.data import MultimodalData
from skmmcl.data._frames import drop_index
from skmmcl.data._io import read_source
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.volumes._load import load_volumes

PREFIX = "sub-"


def load_bids(root, modalities, *, participants=None, **options) -> MultimodalData:
    r"""Make a container of the volumes in a BIDS folder.

    Parameters
    ----------
    root : str or path
        The data set, or its derivatives.
    modalities : dict of str to str or dict
        A pattern for the file of each modality, below the folder of a subject, as in ``{"t1":
        "anat/*_T1w.nii.gz"}``; with ``{subject}`` in it, below `root`, as in ``{"gm":
        "derivatives/vbm/{subject}/*_probseg.nii.gz"}``. A dict holds a ``pattern`` and what
        :func:`load_volumes` takes, for this modality alone.
    participants : path, optional
        Table that lists the subjects; by default ``participants.tsv`` in `root`, and without
        one the folders ``sub-*``.
    **options : object
        Passed on to :func:`load_volumes`, for all modalities.

    Returns
    -------
    MultimodalData
        Lazy volumes; a subject without a file lacks that modality. The columns of the table are
        side data, ``participant_id`` is the index.

    Raises
    ------
    DataError
        If a pattern fits several files of a subject, or none of any; and what
        :func:`load_volumes` raises.

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
    ...     nib.save(nib.Nifti1Image(np.ones((4, 5, 6), "float32"), np.eye(4)), path)
    ...     load_bids(root, {"t1": "anat/*_T1w.nii.gz"}, cache=False)
    MultimodalData: 2 subjects, 1 modality
      t1  (2, 4, 5, 6)  float32  1 missing
      meta: age; index: sub-01, sub-02
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder.")
    ids, meta = _list_subjects(root, participants)
    arrays = {
        name: _load_one(root, ids, name, wanted, options)
        for name, wanted in _checked(modalities).items()
    }
    return MultimodalData(arrays, meta=meta, index=ids)


def _checked(modalities: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(modalities, Mapping) or not modalities:
        raise ModalityError(
            "modalities must map names to patterns, as in {'t1': 'anat/*_T1w.nii.gz'}; got "
            f"{modalities!r}."
        )
    wanted = {
        name: {"pattern": value} if isinstance(value, str) else dict(value)
        for name, value in modalities.items()
    }
    for name, value in wanted.items():
        if "pattern" not in value:
            raise ModalityError(f"Modality {name!r} has no 'pattern' for its files: {value}.")
    return wanted


def _list_subjects(root: Path, participants: Any) -> tuple[list[str], Any]:
    """Names of the subjects, and what the table says of them."""
    listing = root / "participants.tsv" if participants is None else Path(participants)
    if participants is None and not listing.exists():
        ids = sorted(folder.name for folder in root.glob(f"{PREFIX}*") if folder.is_dir())
        if not ids:
            raise DataError(f"{root} has neither a participants.tsv nor folders sub-*.")
        return ids, None
    source = read_source(listing)
    if source.ids is None:
        raise DataError(f"{listing} has no column participant_id.")
    return source.ids, drop_index(source.values)


def _load_one(
    root: Path, ids: list[str], name: str, wanted: dict[str, Any], options: dict[str, Any]
) -> Any:
    import pandas as pd

    settings = {**options, **wanted}
    pattern = settings.pop("pattern")
    paths = [_find(root, item, name, pattern) for item in ids]
    if not any(paths):
        raise DataError(
            f"Modality {name!r}: no file of any of {len(ids)} subjects fits {pattern!r}."
        )
    try:
        return load_volumes(pd.Series(paths, index=ids, dtype=object), **settings)
    except DataError as error:
        raise DataError(f"Modality {name!r}: {error}") from error


def _find(root: Path, item: str, name: str, pattern: str) -> Path | None:
    """The one file of a subject, or None."""
    subject = item if item.startswith(PREFIX) else PREFIX + item
    below = pattern.format(subject=subject) if "{subject}" in pattern else f"{subject}/{pattern}"
    found = sorted(root.glob(below))
    if len(found) > 1:
        listed = ", ".join(str(path.relative_to(root)) for path in found[:5])
        raise DataError(
            f"Modality {name!r}: subject {item!r} has {len(found)} files that fit {pattern!r}: "
            f"{listed}. Give a pattern that fits one."
        )
    return found[0] if found else None
