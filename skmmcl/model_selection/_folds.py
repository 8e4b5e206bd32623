"""Folds that leave out every subject exactly once."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils.multiclass import type_of_target

from skmmcl.model_selection._rows import n_rows
from skmmcl.utils._named import named
from skmmcl.utils._targets import seem_measured


def complementary_folds(cv, X, y, **split_params):
    """Return the (train, test) pairs of `cv`, having checked that their test parts tile X."""
    with named("cv", f"folds of {n_rows(X)} subjects"):
        splitter = check_cv(cv, y, classifier=_can_stratify(y, cv))
        folds = list(splitter.split(X, y, **split_params))
    times_left_out = np.zeros(n_rows(X), dtype=int)
    for _, test in folds:
        times_left_out[test] += 1
    if np.any(times_left_out != 1):
        raise ValueError(
            f"cv={cv!r} leaves out some subjects {times_left_out.min()} times and others "
            f"{times_left_out.max()} times; cross-fitting needs folds that leave out every subject "
            "exactly once, such as those of StratifiedKFold."
        )
    return folds


def _can_stratify(y, cv):
    """Return whether y has classes, of which one at least is in every fold; ages are none."""
    n_folds = cv if isinstance(cv, Integral) else 5
    if y is None:
        return False
    values = np.asarray(y)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return False
    if values.ndim == 1 and seem_measured(values):
        return False
    if type_of_target(values) not in {"binary", "multiclass"}:
        return False
    return np.unique(values, return_counts=True)[1].max() >= n_folds
