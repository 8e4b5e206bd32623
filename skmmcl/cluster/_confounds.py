"""Whether subtypes follow what is known of the subjects: their site, age or sex."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.utils.validation import column_or_1d

from skmmcl.data._frames import is_frame
from skmmcl.exceptions import DataError
from skmmcl.utils._plain import plain_column
from skmmcl.utils._targets import is_unlabeled

MOST_VALUES = 10  # numbers with more different values are cut into bins
STRONG = 0.1  # association that is warned of
ROUNDING = 1e-6


def subtype_confounds(labels, meta, *, n_bins=4, categorical=("site",)):
    """Measure how far subtypes follow the side data of the subjects.

    Parameters
    ----------
    labels : array-like of int (n_samples,)
        Subtype of each subject, such as ``labels_`` of :class:`UCSL`; subjects with -1 are left
        out.
    meta : mapping of str to array-like, or DataFrame
        Side data of the same subjects, such as ``X.meta``. Subjects for whom a column is missing
        are left out of it.
    n_bins : int, default=4
        Bins, with the same number of subjects, of columns of numbers with more than 10 different
        values.
    categorical : sequence of str, default=("site",)
        Columns whose numbers are names, such as codes of sites: they are not binned.

    Returns
    -------
    confounds : dict of str to float
        Adjusted mutual information of the subtypes with each column, the largest first: about 0
        by chance, and 1 if one determines the other. NaN for a column that is constant, or
        different in every subject.

    Raises
    ------
    DataError
        If a column has another number of subjects.

    See Also
    --------
    UCSL : Warns of subtypes that follow the site.
    skmmcl.metrics.site_predictability : How well the site is predicted from a representation.

    Examples
    --------
    >>> from skmmcl.cluster import subtype_confounds
    >>> site = ["A", "A", "B", "B", "A", "B", "A", "B"]
    >>> sex = ["f", "m", "f", "m", "m", "f", "f", "m"]
    >>> found = subtype_confounds([0, 0, 1, 1, 0, 1, -1, -1], {"sex": sex, "site": site})
    >>> list(found), round(found["site"], 6)
    (['site', 'sex'], 1.0)
    """
    labels = column_or_1d(labels)
    columns = {str(name): meta[name] for name in list(meta)}
    bins = {name: None if name in categorical else n_bins for name in columns}
    found = {name: _association(labels, name, c, bins[name]) for name, c in columns.items()}
    return _ranked(found)


def warn_of_site(labels: np.ndarray, X: Any, site: str | None) -> None:
    """Warn if no side data of a container is as closely related to the subtypes as the site."""
    meta = getattr(X, "meta", {})
    if site is None or site not in meta:
        return
    found: dict[str, float] = {}
    for name, column in meta.items():
        with suppress(DataError):  # columns of no use here are no reason to fail
            found |= subtype_confounds(labels, {name: column}, categorical=(site,))
    strength = found.pop(site, np.nan)
    others = list(_ranked(found).items())[:1]
    # What is nested in the site, such as the scanner, is as closely related.
    most = np.nanmax([0.0, *(value for _, value in others)])
    if strength > STRONG and strength >= most - ROUNDING:
        beyond = "".join(f", {value:.2f} with {name!r}" for name, value in others)
        warnings.warn(
            f"The subtypes follow the site more than anything else that is known: their adjusted "
            f"mutual information is {strength:.2f} with X.meta[{site!r}]{beyond}; 0 is chance. "
            "Harmonize the sites, for example with skmmcl.preprocessing.ComBat, or cluster within "
            "them.",
            UserWarning,
            stacklevel=4,
        )


def warn_of_severity(labels: np.ndarray, severity: np.ndarray) -> None:
    """Warn if the subtypes are little more than degrees of the severity."""
    strength = subtype_confounds(labels, {"severity": severity})["severity"]
    if strength > STRONG:
        warnings.warn(
            "The subtypes follow the severity itself: their adjusted mutual information with y is "
            f"{strength:.2f}; 0 is chance. They may be degrees and not kinds. To contrast patients "
            "with controls, give y of two classes.",
            UserWarning,
            stacklevel=4,
        )


def _ranked(found: dict[str, float]) -> dict[str, float]:
    return dict(sorted(found.items(), key=lambda item: -np.nan_to_num(item[1], nan=-1.0)))


def _association(labels: np.ndarray, name: str, column: Any, n_bins: int | None) -> float:
    values = column.to_numpy() if is_frame(column) else np.asarray(column)
    if len(values) != len(labels):
        raise DataError(f"Side data {name!r} has {len(values)} entries for {len(labels)} labels.")
    known = (labels != -1) & ~is_unlabeled(values, None)
    if not known.any():
        return float("nan")
    values = plain_column(values[known], name)
    different = np.unique(values)
    if n_bins and values.dtype.kind in "ifMm" and len(different) > MOST_VALUES:
        edges = np.quantile(values.astype(float), np.arange(1, n_bins) / n_bins)
        values = np.searchsorted(edges, values.astype(float), side="right")
    elif len(different) in {1, len(values)}:
        return float("nan")
    score = adjusted_mutual_info_score(labels[known], values, average_method="min")
    return float(score)
