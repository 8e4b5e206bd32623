"""Identifiers of subjects: their names in headers, their spellings, and how two lists match."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from skmmcl.exceptions import DataError

_EXCEL = re.compile(r"(?<=\d)\.0+$")
_MONTH = "(?:jan|feb|mar|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)"
_CHANGED = re.compile(  # MAR1 becomes 1-Mar or 2024-03-01 00:00:00, a long number 1.00E+11
    rf"\d+-{_MONTH}$|{_MONTH}-\d\d$|\d{{4}}-\d\d-\d\d 00:00:00$|\d\.\d+e\+\d+$", re.IGNORECASE
)
_PREFIX = re.compile(r"^sub(?:j(?:ect)?)?(?:[-_ ]+|(?=\d))(?=\w)")
_BESIDE_LETTERS = re.compile(r"(?<=[^\W\d_])[-_ ]+(?=\w)|(?<=\d)[-_ ]+(?=[^\W\d_])")
_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)")

_USUAL = {
    "participantid", "participant", "subjectid", "subject", "subjid", "subid", "sub", "subj", "id",
    "ids", "rid", "eid", "ptid", "mrid", "pid", "iid", "uid", "patientid", "subjectkey",
}  # fmt: skip
_OTHER_IDS = {
    "batch", "center", "centre", "device", "event", "fam", "family", "group", "image", "pair",
    "protocol", "run", "scan", "scanner", "series", "ses", "session", "site", "task", "visit",
}  # fmt: skip
_CODES = _OTHER_IDS | {
    "case", "code", "codes", "cohort", "dataset", "dsm", "icd", "id", "ids", "key", "model", "name",
    "no", "nr", "num", "number", "numero", "participant", "patient", "person", "serial", "study",
    "subject", "wave",
}  # fmt: skip
_FREESURFER = re.compile(r"[lr]h\.aparc\b|measure:", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def simple_name(name: str) -> str:
    """Return a column name without case, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def is_usual_name(name: str) -> bool:
    """Return whether a column of this name always holds identifiers of subjects."""
    return simple_name(name) in _USUAL or bool(_FREESURFER.match(str(name)))


def is_id_name(name: str) -> bool:
    """Return whether a column of this name holds identifiers of subjects if its values are unique.

    Examples
    --------
    >>> from skmmcl.data._identifiers import is_id_name
    >>> [is_id_name(name) for name in ["Subject ID", "nspn_id", "lh.aparc.thickness", "SITE_ID"]]
    [True, True, True, False]
    """
    words = {word.casefold() for word in _WORDS.findall(str(name))}
    return is_usual_name(name) or (bool(words & {"id", "ids"}) and not words & _OTHER_IDS)


def is_code_name(name: str) -> bool:
    """Return whether a column of this name holds codes, such as those of sites and families.

    Examples
    --------
    >>> from skmmcl.data._identifiers import is_code_name
    >>> [is_code_name(name) for name in ["family_id", "SITE", "age_at_scan"]]
    [True, True, False]
    """
    words = {word.casefold() for word in _WORDS.findall(str(name))}
    return is_id_name(name) or (bool(words) and words <= _CODES)


def canonical(identifier) -> str:
    """Return the form that all spellings of an identifier share.

    Case, surrounding blanks, a prefix ``sub-``, leading zeros, the ``.0`` that spreadsheets add
    to numbers, and separators next to letters make no difference. Separators between digits do.

    Examples
    --------
    >>> from skmmcl.data._identifiers import canonical
    >>> {canonical(item) for item in ["sub-007", "SUB-7", "007", "7", " 7 ", "7.0", 7]}
    {'7'}
    >>> canonical("NDAR_INV0123") == canonical("sub-NDARINV0123")
    True
    >>> canonical("1_11") == canonical("11_1")
    False
    """
    text = unicodedata.normalize("NFKC", str(identifier)).strip().casefold()
    text = _BESIDE_LETTERS.sub("", _PREFIX.sub("", _EXCEL.sub("", text)))
    return _ZEROS.sub("", text)


def match_identifiers(
    ids: Iterable,
    known: Iterable,
    *,
    source: str = "the table",
    reference: str = "the cohort",
    required: bool = True,
) -> np.ndarray:
    """Return the position of each identifier in another list, -1 for those that it lacks.

    Identifiers match if they are equal as text. Those that are left match if only their spelling
    differs (:func:`canonical`) and no other one of either list could be meant; a warning says so.
    `source` and `reference` are what messages call the two lists. Lists of which one holds an
    identifier twice are an error, and, if `required`, lists that have nothing in common.

    Examples
    --------
    >>> from skmmcl.data._identifiers import match_identifiers
    >>> match_identifiers(["s3", "s1", "s9"], ["s1", "s2", "s3"])
    array([ 2,  0, -1])
    """
    ids, known = [str(item) for item in ids], [str(item) for item in known]
    check_unique(ids, source)
    check_unique(known, reference)
    place = {item: position for position, item in enumerate(known)}
    positions = np.array([place.get(item, -1) for item in ids], dtype=np.intp)
    if (positions < 0).any():
        respelled = _match_spellings(ids, known, positions, source, reference)
        if required and ids and known and (positions < 0).all():
            raise DataError(
                f"{source} and {reference} have no subject in common: {show(ids)} in the one, "
                f"{show(known)} in the other.{spreadsheet_hint([*ids, *known])}"
                f"{_suffix_hint(ids[0], known) or _suffix_hint(known[0], ids)}"
            )
        if respelled:
            warnings.warn(
                f"{source} spells {len(respelled)} of {len(ids)} subjects otherwise than "
                f"{reference}; they are matched: {', '.join(respelled[:3])}"
                f"{', ...' if len(respelled) > 3 else ''}.",
                stacklevel=2,
            )
    return positions


def _suffix_hint(longer: str, others: Sequence[str]) -> str:
    """Return advice if an identifier is one of others with a session, a path or the like."""
    form, parts = canonical(longer), longer.split("/")[1:]
    for other in others:
        if other in parts or re.match(rf"{re.escape(canonical(other))}(?!\d)", form):
            return (
                f" {longer!r} may be {other!r} with a session or a path: write the identifiers of "
                "both in one way."
            )
    return ""


def _match_spellings(
    ids: list[str], known: list[str], positions: np.ndarray, source: str, reference: str
) -> list[str]:
    """Fill in positions of identifiers that differ in spelling; return the pairs as text."""
    rows, places = _by_form(ids), _by_form(known)
    pairs = []
    for row in np.flatnonzero(positions < 0):
        form = canonical(ids[row])
        if places[form] and len(rows[form]) + len(places[form]) > 2:
            raise DataError(
                f"{source} and {reference} spell subjects differently, and it is not clear who is "
                f"who: {show(ids[k] for k in rows[form])} in the one, "
                f"{show(known[k] for k in places[form])} in the other. Spell them in one way."
            )
        if places[form]:
            positions[row] = places[form][0]
            pairs.append(f"{ids[row]!r} is {known[places[form][0]]!r}")
    return pairs


def _by_form(ids: Sequence[str]) -> defaultdict[str, list[int]]:
    found = defaultdict(list)
    for position, item in enumerate(ids):
        found[canonical(item)].append(position)
    return found


def check_unique(ids: Sequence[str], source: str) -> None:
    """Raise if a subject is listed twice."""
    if len(set(ids)) < len(ids):
        twice, _ = Counter(ids).most_common(1)[0]
        raise DataError(
            f"{source} lists subject {twice!r} more than once.{spreadsheet_hint([twice])}"
        )


def spreadsheet_hint(ids: Iterable[str]) -> str:
    """Return advice if a spreadsheet seems to have changed identifiers; '' if not."""
    changed = next((item for item in ids if _CHANGED.match(item.strip())), None)
    if changed is None:
        return ""
    return f" {changed!r} looks like an identifier that a spreadsheet took for a date or a number."


def show(items: Iterable, limit: int = 5) -> str:
    """Return the first items as text."""
    listed = list(items)
    more = f", ... ({len(listed)} in all)" if len(listed) > limit else ""
    return ", ".join(repr(str(item)) for item in listed[:limit]) + more
