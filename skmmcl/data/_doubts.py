"""Warnings of entries in a folder that may not mean what they are read as."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.data._identifiers import canonical, is_code_name, show, simple_name
from skmmcl.data._tables import NUMBER, text_columns

if TYPE_CHECKING:
    from pandas import DataFrame

_LOW_CODES = (-9, -99, -999, -9999, -99999)
_HIGH_CODES = (99, 999, 9999, 99999)
_FAR = 5  # times the largest other value, from where a high code is no measurement
_TOTALS = {
    "average", "avg", "mean", "median", "mittelwert", "moyenne", "sd", "std", "sum", "summe",
    "total",
}  # fmt: skip
_TARGETS = {"y", "class", "diagnosis", "dx", "dxgroup", "label", "labels", "target", "targets"}
_OF_A_PERSON = re.compile(  # the same in every table; each scan has a mean_fd of its own
    r"age(?:at\w+|in\w+|months|years|yrs)?|sex|gender|male|female|educ\w*|[fpv]?s?iq|height|weight"
    r"|bmi|icv|e?tiv"
)
_MIN_PAIRS = 10  # subjects from which the same column of two tables is compared
_LEAST_CORRELATION = 0.5  # of one measure in two tables, whatever its units


def warn_of_values(name: str, values: Any) -> None:
    """Warn of codes of missing values, and of columns that a join of tables has doubled."""
    if hasattr(values, "columns"):
        if pairs := _joined(values):
            _warn(
                f"{name}: the columns {', '.join(pairs[:5])} agree in most rows, as after a join "
                "of two tables; keep one of each."
            )
        numbers = values.select_dtypes("number")
        columns, values = list(numbers.columns), numbers.to_numpy(dtype=np.float64)
    elif (
        type(values) is np.ndarray
        and values.ndim == 2
        and values.dtype.kind in "if"
        and values.size
    ):
        columns = [f"number {k}" for k in range(values.shape[1])]
    else:
        return  # files that are mapped are not read here
    if len(values) and (codes := _codes(values)):
        listed = "; ".join(f"{columns[k]}: {code:g}" for k, code in list(codes.items())[:5])
        more = f"; ... ({len(codes)} in all)" if len(codes) > 5 else ""
        _warn(
            f"{name} has numbers that often code missing values ({listed}{more}), and they are "
            "read as numbers. If they are codes, leave these cells empty or write 'n/a' (NaN in "
            "arrays)."
        )


def _codes(values: np.ndarray) -> dict[int, float]:
    """Return, by column, a value far from all others that may code missing values."""
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    found = {}
    for k in np.flatnonzero(np.isin(low, _LOW_CODES) | np.isin(high, _HIGH_CODES)).tolist():
        others = values[:, k][~np.isin(values[:, k], _LOW_CODES) & ~np.isnan(values[:, k])]
        if low[k] < 0:
            if len(others) and others.min() >= 0:
                found[k] = float(low[k])
            continue
        others = others[~np.isin(others, _HIGH_CODES)]
        if len(others) and 0 < _FAR * others.max() <= high[k]:
            found[k] = float(high[k])
    return found


def _joined(frame: DataFrame) -> list[str]:
    """Return pairs such as age_x and age_y, or age and age.1, that agree in most rows."""
    names = set(frame.columns)
    stems = (str(name)[:-2] for name in frame.columns if str(name).endswith("_x"))
    pairs = [(f"{s}_x", f"{s}_y") for s in stems if f"{s}_y" in names and f"{s}_z" not in names]
    pairs += [(name, f"{name}.1") for name in frame.columns if f"{name}.1" in names]
    found = []
    for one, other in pairs:
        known = frame[one].notna() & frame[other].notna()
        first, second = frame[one][known], frame[other][known]
        if first.nunique() < 2:
            continue
        usual = first.value_counts().index[0]  # zeros of two sparse measures agree as well
        same = (first == second)[(first != usual) | (second != usual)]
        if 2 * same.sum() > len(same):
            found.append(f"{one!r} and {other!r}")
    return found


def warn_of_text(name: str, side: DataFrame) -> None:
    """Warn of side data that are text for a few entries that are no numbers."""
    for column in text_columns(side):
        if is_code_name(column):
            continue  # such as sites 1, 2 and 3A
        known = side[column].dropna()
        odd = [item for item in known if not NUMBER.match(item)]
        if 0 < 2 * len(odd) < len(known):
            _warn(
                f"{name}: column {column!r} is read as text, because {len(odd)} of {len(known)} "
                f"entries are no numbers ({show(dict.fromkeys(odd), 3)}); write them as numbers, "
                "missing ones as 'n/a'."
            )


def warn_of_subjects(ids: Iterable[str]) -> None:
    """Warn of rows that sum up the others, and of subjects that differ only in spelling."""
    listed = list(ids)
    forms: dict[str, list[str]] = {}
    for item in listed:
        forms.setdefault(canonical(item), []).append(item)
    if totals := [items[0] for form, items in forms.items() if form in _TOTALS]:
        _warn(
            f"{show(totals)} is read as a subject; if the row sums up the others, remove it from "
            "the file."
        )
    if twins := [items for items in forms.values() if len(items) > 1]:
        _warn(
            f"{show(twins[0])} are read as {len(twins[0])} subjects, though they differ only in "
            f"spelling ({len(twins)} such cases); if they are one, spell them the same."
        )


def warn_of_modalities(
    values: Mapping[str, Any], side: DataFrame | None, files: Mapping[str, str], *, has_target: bool
) -> None:
    """Warn of modalities that look like the target, are copies, or are of other subjects."""
    for name, array in values.items():
        has_names, is_one = hasattr(array, "columns"), np.shape(array)[1:] in {(), (1,)}
        features = [*(array.columns if has_names else ()), *([name] if is_one else ())]
        wanted = _TARGETS if is_one else _TARGETS - {"y"}  # which is a coordinate too
        if "dy" in map(simple_name, features):
            wanted = wanted - {"dx"}  # which is a shift along an axis too
        odd = [feature for feature in features if simple_name(feature) in wanted]
        if odd and not has_target:
            _warn(
                f"{files[name]}: {odd[0]!r} is read as a feature. If it is the target, give "
                "target=, or put it into participants.tsv: a model would predict it from itself."
            )
        if side is not None and has_names:
            for column in _contradicting(array, side):
                _warn(
                    f"{files[name]} and the side data both have {column!r}, and the two hardly "
                    "correlate: check that their rows are the same subjects."
                )
    for one, other in combinations(values, 2):
        if _are_equal(values[one], values[other]):
            _warn(f"{files[one]} and {files[other]} hold the same values; keep one of them.")


def _contradicting(frame: DataFrame, side: DataFrame) -> list[str]:
    """Return the age and the like in a table that differ from those of the side data."""
    twins = {
        simple: name
        for name in side.select_dtypes("number")
        if _OF_A_PERSON.fullmatch(simple := simple_name(name))
    }
    found = []
    for name in frame.select_dtypes("number"):
        if (twin := twins.get(simple_name(name))) is not None:
            pair = np.array([frame[name], side[twin]], dtype=np.float64)
            pair = pair[:, np.isfinite(pair).all(axis=0)]
            if pair.shape[1] < _MIN_PAIRS or not np.ptp(pair, axis=1).all():
                continue
            correlations: Any = np.corrcoef(pair)
            if abs(correlations[0, 1]) < _LEAST_CORRELATION:
                found.append(str(name))
    return found


def _are_equal(one: Any, other: Any) -> bool:
    if np.shape(one) != np.shape(other) or {type(one), type(other)} & {np.memmap}:
        return False
    first, second = (np.asarray(array[:1]) for array in (one, other))
    if first.dtype.kind not in "biuf" or second.dtype.kind not in "biuf" or first.size < 2:
        return False
    if not np.array_equal(first, second, equal_nan=True):
        return False
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=5)
