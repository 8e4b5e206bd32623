"""Checks for leakage: people, labels and sites on both sides of a split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.model_selection._given import Splits, as_splits
from skmmcl.model_selection._leaking_columns import find_target_columns
from skmmcl.model_selection._people import (
    find_identical,
    find_people,
    find_relatives,
    find_same,
    index_of,
)
from skmmcl.model_selection._rows import as_array, as_rows, check_groups, n_rows
from skmmcl.model_selection._site_effect import find_site_effect

if TYPE_CHECKING:
    from skmmcl.utils._typing import CrossValidator, Groups, Subjects, Target

_FITTED_NAMES = (
    r".+_(css|cmc)_\d+|\w*embedder\d+|(lineardiscriminantanalysis|plsregression|cca|"
    r"neighborhoodcomponentsanalysis)\d+"
)
_FEW = 10  # subjects; groups that are smaller on average are people, larger ones sites


@dataclass(frozen=True)
class Leak:
    """A reason why scores may be too good.

    Parameters
    ----------
    kind : str
        ``"person"`` for people or families in training and test, by identifier, group or side
        data; ``"copy"`` for identical rows in training and test; ``"fitted"`` for estimators
        fitted outside the folds; ``"pretraining"`` for test subjects in the pretraining;
        ``"target"`` for columns that reveal the target; ``"site"`` for sites that predict it.
    message : str
        Description of the finding, and advice.

    See Also
    --------
    check_leakage : Finds them.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.model_selection import check_leakage
    >>> y = np.tile([0, 1], 20)
    >>> X = np.random.default_rng(0).normal(size=(40, 3))
    >>> X[:, 1] = 2 * y
    >>> [leak.kind for leak in check_leakage(X, y)]
    ['target']
    """

    kind: str
    message: str


def check_leakage(
    X: Subjects,
    y: Target = None,
    *,
    groups: Groups = None,
    cv: CrossValidator = None,
    methods: Any = None,
    pretraining: Any = None,
) -> list[Leak]:
    """Look for leaks that make scores of a cross-validation too good.

    Parameters
    ----------
    X : array-like, DataFrame, MultimodalData or dict of arrays
        The data.
    y : array-like of shape (n_samples,), optional
        The target. Without it columns and sites are not compared to it.
    groups : array-like of shape (n_samples,), optional
        People, families or sites. Groups of fewer than ten subjects on average are taken for
        people who were scanned repeatedly, larger ones for sites.
    cv : int, cross-validation generator or iterable, optional
        The splits. Without it, people are reported whose scans any split could separate.
    methods : estimator or dict of str to estimator, optional
        The estimators to be cross-validated.
    pretraining : MultimodalData, DataFrame, array-like or list of identifiers, optional
        Subjects on which parts of the methods were pretrained: their data or identifiers. Those
        of a parameter ``pretrain`` of the methods are checked in any case.

    Returns
    -------
    leaks : list of Leak
        The leaks; empty if there are none.

    See Also
    --------
    compare : Calls it, and warns of each leak.

    Notes
    -----
    An empty list is no proof. The output of a transformer fitted on all subjects looks like any
    other array; only the column names of this package's transformers reveal it. Copies are rows
    with the same values in single precision; families are columns of ``X.meta`` such as
    ``family_id``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import KFold
    >>> from skmmcl.model_selection import check_leakage
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(40, 5)), np.tile([0, 1], 20)
    >>> X[7] = X[30]
    >>> for leak in check_leakage(X, y, cv=KFold(4)):
    ...     print(leak.kind, "-", leak.message[:66])
    copy - 2 subjects have the same values as another one (such as rows 7 and
    """
    check_same_subjects({"X": X, "y": y, "groups": groups})
    X, y = as_rows(X), None if y is None else as_array(y)
    if y is not None and y.shape[:1] != (n_rows(X),):
        raise DataError(f"X has {n_rows(X)} subjects, and y has the shape {y.shape}.")
    groups = None if groups is None else check_groups(groups, "groups", n_rows(X))
    splits = as_splits(cv, X, y, groups)
    methods = methods if isinstance(methods, Mapping) else {"The method": methods}
    found = [
        *_check_people(X, groups, splits),
        *_check_fitted(X, methods, pretraining),
        *_check_pretraining(X, [pretraining, *_pretrained_on(methods)], splits),
    ]
    if y is not None:
        found += [Leak("target", text) for text in find_target_columns(X, y)]
        found += [Leak("site", text) for text in _check_sites(X, y, groups, splits)]
    return found


def are_sites(groups: np.ndarray) -> bool:
    """Return whether groups are as large as sites usually are."""
    return len(groups) >= _FEW * len(np.unique(groups))


# --------------------------------------------------------------------------------------- people
def _check_people(X: Any, groups: np.ndarray | None, splits: Splits | None) -> list[Leak]:
    found = []
    named = find_people(X) if groups is None or are_sites(groups) else groups
    sources = {"people, by group" if named is groups else "people, by identifier": named}
    for source, codes in {**sources, **find_relatives(X)}.items():
        if codes is not None and (torn := _torn(codes, splits)).size:
            found.append(
                Leak(
                    "person",
                    f"{len(torn)} {source}, are in training and test (such as {_shown(torn)}): "
                    "their scans are not independent. Use a splitter that keeps them together, "
                    "such as StratifiedGroupKFold, and pass them as groups.",
                )
            )
    same = find_identical(X)
    torn = _torn(same, splits)
    torn = torn if named is None else np.array([c for c in torn if not _one(named[same == c])])
    if torn.size:
        rows = np.flatnonzero(same == torn[0])
        found.append(
            Leak(
                "copy",
                f"{np.isin(same, torn).sum()} subjects have the same values as another one (such "
                f"as rows {rows[0]} and {rows[1]}) and are in training and test: keep one of "
                "each, or give copies the same entry in groups and use a splitter that reads it.",
            )
        )
    return found


def _torn(codes: np.ndarray, splits: Splits | None) -> np.ndarray:
    """Return the codes in training and test of any split; without splits, those repeated."""
    values, counts = np.unique(codes, return_counts=True)
    repeated = values[counts > 1]
    if splits is None or not repeated.size:
        return repeated
    both = [np.intersect1d(codes[train], codes[test]) for train, test in splits]
    return np.intersect1d(repeated, np.unique(np.concatenate(both)))


def _one(values: np.ndarray) -> bool:
    return len(np.unique(values)) == 1


# ---------------------------------------------------------------------------- fitted beforehand
def _check_fitted(X: Any, methods: Any, pretraining: Any) -> list[Leak]:
    found = []
    if columns := [name for name in _column_names(X) if re.fullmatch(_FITTED_NAMES, name)]:
        found.append(
            Leak(
                "fitted",
                f"Columns of X such as {_shown(columns)} are those of a fitted transformer. If "
                "it was fitted on all subjects, it has seen the labels of test subjects: put the "
                "transformer into the pipeline that is cross-validated, and pass the raw data.",
            )
        )
    for name, method in methods.items():
        if pretraining is None and (frozen := _frozen_parts(method)):
            found.append(
                Leak(
                    "fitted",
                    f"{name!r} contains {_shown(frozen)} that stays as it was fitted, outside the "
                    "folds. If test subjects took part in that fit, scores are too good: fit it "
                    "within the folds, or pass the subjects of that fit as pretraining.",
                )
            )
    return found


def _column_names(X: Any) -> Iterable[str]:
    columns = getattr(X, "columns", None)
    if isinstance(columns, Mapping):
        return [str(name) for names in columns.values() for name in names or ()]
    return [] if columns is None else [str(name) for name in columns]


def _frozen_parts(method: Any) -> list[str]:
    """Return the estimators in a method that a clone leaves fitted."""
    if not hasattr(method, "get_params"):
        return []
    return [type(part).__name__ for part in clone(method).get_params().values() if _is_fitted(part)]


def _is_fitted(part: Any) -> bool:
    if not isinstance(part, BaseEstimator) or isinstance(part, FrozenEstimator):
        return False  # a frozen estimator has a fitted one as its parameter
    if isinstance(part, (FeatureUnion, Pipeline)):
        return False  # their parts are among the parameters; without any that learn, both are
    if not get_tags(part).requires_fit:
        return False
    try:
        check_is_fitted(part)
    except NotFittedError:
        return False
    return True


def _pretrained_on(methods: Mapping[str, Any]) -> Iterable[Any]:
    """Yield the subjects that methods pretrain on within each fit, wherever the folds are."""
    for method in methods.values():
        for name, value in getattr(method, "get_params", dict)().items():
            if name.rpartition("__")[2] == "pretrain":
                yield value[0] if isinstance(value, tuple) else value


def _check_pretraining(X: Any, pretraining: list[Any], splits: Splits | None) -> list[Leak]:
    tested = (
        np.arange(n_rows(X)) if splits is None else np.unique(np.hstack([s for _, s in splits]))
    )
    ours, seen = find_people(X), np.zeros(n_rows(X), dtype=bool)
    for given in pretraining:
        if given is not None:
            seen |= find_same(X, given)
            theirs = find_people(given, plain_is_ids=True)
            if ours is not None and theirs is not None:
                seen |= np.isin(ours, theirs)
    rows = tested[seen[tested]]
    if not rows.size:
        return []
    names = rows if ours is None else np.asarray(index_of(X))[rows]
    return [
        Leak(
            "pretraining",
            f"{rows.size} test subjects took part in the pretraining (such as {_shown(names)}): "
            "scores on them are too good. Pretrain on others, or within the folds.",
        )
    ]


# ----------------------------------------------------------------------------------------- sites
def _check_sites(X: Any, y: Any, groups: Any, splits: Splits | None) -> Iterable[str]:
    named = {}
    if groups is not None and are_sites(groups):
        named["groups"] = groups
    for name, values in dict(getattr(X, "meta", None) or {}).items():
        if str(name).casefold() in {"site", "scanner", "center", "centre"}:
            named.setdefault(str(name), np.asarray(values).astype(str))
    texts = (
        find_site_effect(name, sites, y)
        for name, sites in named.items()
        if splits is None or any(np.isin(sites[b], sites[a]).any() for a, b in splits)
    )
    return [text for text in texts if text][:1]


def _shown(values: Iterable[Any]) -> str:
    values = [str(value) for value in values]
    return ", ".join(map(repr, values[:3])) + (", ..." if len(values) > 3 else "")
