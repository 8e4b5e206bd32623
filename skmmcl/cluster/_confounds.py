"""Association of subtypes with side data of the subjects: their site, age or sex."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.utils import check_scalar

from skmmcl.data._frames import is_frame
from skmmcl.exceptions import DataError
from skmmcl.metrics._checks import check_known
from skmmcl.utils._plain import plain_column
from skmmcl.utils._targets import is_unlabeled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pandas import DataFrame

MOST_VALUES = 10  # numbers with more different values are cut into bins
STRONG = 0.1  # association that is warned of
ROUNDING = 1e-6


def subtype_confounds(
    labels: ArrayLike,
    meta: Mapping[str, ArrayLike] | DataFrame,
    *,
    n_bins: int = 4,
    categorical: Sequence[str] = ("site",),
) -> dict[str, float]:
    """Measure how strongly subtypes are associated with the side data of the subjects.

    Parameters
    ----------
    labels : array-like of int (n_samples,)
        Subtype of each subject, such as ``labels_`` of :class:`UCSL`; subjects with -1 are left
        out.
    meta : mapping of str to array-like, or DataFrame
        Side data of the same subjects, such as ``X.meta``. Each column leaves out the subjects for
        which it is missing.
    n_bins : int, default=4
        Number of bins, from 2, into which numbers with more than 10 different values are cut; all
        have the same number of subjects.
    categorical : sequence of str, default=("site",)
        Columns whose numbers are codes, such as those of sites, and are not binned.

    Returns
    -------
    confounds : dict of str to float
        Adjusted mutual information of the subtypes with each column, the largest first: about 0
        by chance, and 1 if one determines the other. NaN for a column that is constant, or
        different in every subject.

    Raises
    ------
    DataError
        If a column has another number of subjects, several values for each, or infinite ones.
    TypeError
        If `meta` is no mapping, or `n_bins` no integer.
    ValueError
        If labels are missing, or `n_bins` is below 2.

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
    check_scalar(n_bins, "n_bins", Integral, min_val=2)
    if not (isinstance(meta, Mapping) or is_frame(meta)):
        raise TypeError(
            f"meta must map names to columns, as X.meta does; got {type(meta).__name__}."
        )
    labels = check_known(labels, "labels")
    names = [categorical] if isinstance(categorical, str) else categorical
    found = {
        str(name): _association(labels, str(name), meta[name], None if name in names else n_bins)
        for name in list(meta)
    }
    return _ranked(found)


def warn_of_site(labels: np.ndarray, X: Any, site: str | None) -> None:
    """Warn if the site is more strongly associated with the subtypes than all other side data."""
    meta = getattr(X, "meta", {})
    if site is None or site not in meta:
        return
    found: dict[str, float] = {}
    for name, column in meta.items():
        with suppress(DataError):  # columns that cannot be used are no reason to fail
            found |= subtype_confounds(labels, {name: column}, categorical=(site,))
    strength = found.pop(site, np.nan)
    others = list(_ranked(found).items())[:1]
    # Side data that are nested in the site, such as the scanner, are as strongly associated.
    most = np.nanmax([0.0, *(value for _, value in others)])
    if strength > STRONG and strength >= most - ROUNDING:
        beyond = "".join(f", {value:.2f} with {name!r}" for name, value in others)
        warnings.warn(
            f"The subtypes follow the site more than any other side data: their adjusted "
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
            f"{strength:.2f}; 0 is chance. They may be degrees of one kind. To contrast patients "
            "with controls, give y of two classes.",
            UserWarning,
            stacklevel=4,
        )


def _ranked(found: dict[str, float]) -> dict[str, float]:
    return dict(sorted(found.items(), key=lambda item: -np.nan_to_num(item[1], nan=-1.0)))


def _association(labels: np.ndarray, name: str, column: Any, n_bins: int | None) -> float:
    values = column.to_numpy() if is_frame(column) else np.asarray(column)
    if values.shape != labels.shape:
        raise DataError(
            f"Side data {name!r} have the shape {values.shape}; expected one value for each of "
            f"{len(labels)} labels."
        )
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
