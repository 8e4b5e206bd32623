"""Splitters that hold whole sites out, and that balance classes and a covariate."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d

from skmmcl.exceptions import DataError
from skmmcl.model_selection._balance import balanced_folds, joined_sites
from skmmcl.model_selection._evaluate import plain
from skmmcl.utils._named import named
from skmmcl.utils._targets import seem_measured

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_N_BINS = 5  # of a target of numbers


class LeaveSitesOut(BaseCrossValidator):
    """Hold whole sites out, with every class among the test subjects.

    :class:`~sklearn.model_selection.LeaveOneGroupOut` tests on each site alone, where a site with
    patients only leaves an area under the ROC curve undefined. Here sites that lack a class are
    joined with others until each test set has enough subjects of each class. With `n_splits`,
    whole sites are joined into so many folds of similar size and with similar shares of the
    classes.

    Parameters
    ----------
    n_splits : int, default=None
        Number of folds. None makes as many as `min_per_class` allows.
    min_per_class : int, default=2
        Number of subjects of each class that each test set must have.
    random_state : int, RandomState instance or None, default=None
        Decides among equal ways to join sites. The splits are the same for the same seed.

    See Also
    --------
    BalancedGroupKFold : Keeps people together and balances a covariate as well.
    sklearn.model_selection.LeaveOneGroupOut : Each site alone.

    Notes
    -----
    A target of numbers is cut into five bins of equal size, which are balanced, but need not
    all be present.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.model_selection import LeaveSitesOut
    >>> y = np.array([0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0])
    >>> site = np.array([*"aaaabbbbccdd"])
    >>> for train, test in LeaveSitesOut().split(y, y, groups=site):
    ...     print("".join(np.unique(site[test])), y[test])
    a [0 1 0 1]
    b [0 1 0 1]
    cd [1 1 0 0]
    """

    __metadata_request__split: ClassVar = {"groups": True}

    def __init__(self, n_splits=None, *, min_per_class=2, random_state=None):
        self.n_splits = n_splits
        self.min_per_class = min_per_class
        self.random_state = random_state

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None):
        """Yield training and test rows of each fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The data, of which only the length is used.
        y : array-like of shape (n_samples,), optional
            Classes, or numbers. Without it only sizes are balanced.
        groups : array-like of shape (n_samples,)
            Site of each subject.

        Yields
        ------
        train, test : ndarray of int
            Row numbers.
        """
        yield from super().split(X, y, groups)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X : array-like, optional
            Of any value; its length is used where there is no `y`.
        y : array-like of shape (n_samples,), optional
            Needed unless `n_splits` is given.
        groups : array-like of shape (n_samples,), optional
            Needed unless `n_splits` is given.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        if self.n_splits is not None:
            return self.n_splits
        if groups is None:
            raise ValueError("LeaveSitesOut needs y and groups to know the number of folds.")
        return int(self._folds(groups if X is None else X, y, groups).max()) + 1

    def _iter_test_masks(self, X=None, y=None, groups=None) -> Iterator[NDArray[np.bool_]]:
        folds = self._folds(X, y, groups)
        for fold in range(folds.max() + 1):
            yield folds == fold

    def _folds(self, X: Any, y: Any, groups: Any) -> NDArray[np.intp]:
        """Return the fold of each subject."""
        codes, names = _check_groups(groups, X, "LeaveSitesOut")
        strata = _strata(y, len(codes))
        counts = _counts(codes, strata)
        measured = y is None or seem_measured(plain(y))
        least = 0 if measured else _check_whole(self.min_per_class, "min_per_class", 1)
        if (few := counts.sum(axis=0).min()) < 2 * least:
            raise DataError(
                f"One class has {int(few)} subjects, too few for two test sets with {least} of "
                "each class: lower min_per_class."
            )
        rng = check_random_state(self.random_state)
        if self.n_splits is not None:
            n_splits = _check_whole(self.n_splits, "n_splits", 2)
            folds = balanced_folds(np.column_stack([counts.sum(axis=1), counts]), n_splits, rng)
        else:
            folds = joined_sites(counts, least, rng)
        totals = np.zeros((folds.max() + 1, counts.shape[1]))
        np.add.at(totals, folds, counts)
        if len(totals) < 2 or totals.min() < least or totals.sum(axis=1).min() == 0:
            raise DataError(
                f"The {len(names)} sites cannot be joined into {max(len(totals), 2)} test sets "
                f"with {least} or more subjects of each class: use fewer n_splits or a lower "
                "min_per_class."
            )
        return folds[codes]


class BalancedGroupKFold(BaseCrossValidator):
    """K folds that keep groups together and balance the classes and a continuous covariate.

    :class:`~sklearn.model_selection.StratifiedGroupKFold` balances the classes alone. If one
    fold tests the old and another the young, scores differ from fold to fold for that reason.
    Here the bins of a covariate, such as age, are balanced as well, over all subjects and within
    classes.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    covariate : str or array-like of shape (n_samples,), default=None
        What to balance besides `y`: the name of side data of ``X.meta`` or of a column of a
        DataFrame, or one number for each row of what is split. Missing values are a bin of their
        own. None balances the classes alone.
    n_bins : int, default=4
        Number of bins of the covariate, of equal size.
    shuffle : bool, default=True
        Whether ties are broken at random.
    random_state : int, RandomState instance or None, default=None
        Breaks ties. The splits are the same for the same seed.

    See Also
    --------
    LeaveSitesOut : Holds whole sites out.

    Notes
    -----
    Groups are assigned one by one, large ones first, each to the fold that has least of what the
    group brings; then groups move and change places as long as folds become more alike. Without
    groups each subject is one.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.model_selection import BalancedGroupKFold
    >>> rng = np.random.default_rng(0)
    >>> age, y = rng.uniform(20, 80, size=100), np.tile([0, 1], 50)
    >>> person = np.arange(100) // 2
    >>> cv = BalancedGroupKFold(5, covariate=age, random_state=0)
    >>> folds = [test for _, test in cv.split(age, y, groups=person)]
    >>> [int(y[test].sum()) for test in folds]
    [10, 10, 10, 10, 10]
    >>> bool(np.ptp([age[test].mean() for test in folds]) < 4)
    True
    """

    __metadata_request__split: ClassVar = {"groups": True}

    def __init__(self, n_splits=5, *, covariate=None, n_bins=4, shuffle=True, random_state=None):
        self.n_splits = n_splits
        self.covariate = covariate
        self.n_bins = n_bins
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None):
        """Yield training and test rows of each fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The data, with the side data or the column that `covariate` names.
        y : array-like of shape (n_samples,), optional
            Classes, or numbers, which are cut into five bins.
        groups : array-like of shape (n_samples,), optional
            Who or what stays together.

        Yields
        ------
        train, test : ndarray of int
            Row numbers.
        """
        yield from super().split(X, y, groups)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Not used.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        return self.n_splits

    def _iter_test_masks(self, X=None, y=None, groups=None) -> Iterator[NDArray[np.bool_]]:
        n_splits = _check_whole(self.n_splits, "n_splits", 2)
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        groups = np.arange(n) if groups is None else groups
        codes, names = _check_groups(groups, X, "BalancedGroupKFold")
        if len(names) < n_splits:
            raise DataError(
                f"groups has {len(names)} different values, fewer than the {n_splits} folds."
            )
        strata, bins = _strata(y, n), self._bins(X, n)
        joint = np.unique(np.column_stack([strata, bins]), axis=0, return_inverse=True)[1].ravel()
        sizes = np.bincount(codes).astype(float)
        counts = np.column_stack([sizes, *(_counts(codes, s) for s in (strata, bins, joint))])
        rng = check_random_state(self.random_state if self.shuffle else 0)
        folds = balanced_folds(counts, n_splits, rng)[codes]
        for fold in range(n_splits):
            yield folds == fold

    def _bins(self, X: Any, n: int) -> NDArray[np.intp]:
        if self.covariate is None:
            return np.zeros(n, dtype=int)
        values = self.covariate
        if isinstance(values, str):
            holder = getattr(X, "meta", X)
            try:
                values = holder[values]
            except (KeyError, IndexError, TypeError) as error:
                raise DataError(
                    f"covariate={values!r} names neither side data (X.meta) nor a column of X."
                ) from error
        with named("covariate", "one number for each row of X"):
            column = column_or_1d(values).astype(np.float64)
        if len(column) != n:
            raise DataError(
                f"covariate has {len(column)} entries for {n} rows of X: within a search or "
                "another splitter, name side data of X instead, which are split along."
            )
        return _quantile_bins(column, _check_whole(self.n_bins, "n_bins", 2))


# ---------------------------------------------------------------------------------- the input
def _check_groups(groups: Any, X: Any, who: str) -> tuple[NDArray[np.intp], NDArray]:
    if groups is None:
        raise ValueError(f"The 'groups' parameter should not be None: {who} keeps them together.")
    with named("groups", "one entry for each subject"):
        column = plain(column_or_1d(groups))
        if X is not None:
            check_consistent_length(X, column)
    names, codes = np.unique(column, return_inverse=True)
    return codes, names


def _strata(y: Any, n: int) -> NDArray[np.intp]:
    """Return the class of each subject as a number, or the bin of its number."""
    if y is None:
        return np.zeros(n, dtype=int)
    target = plain(y)
    if target.ndim == 1 and seem_measured(target):
        return _quantile_bins(target.astype(np.float64), _N_BINS)
    axis = None if target.ndim == 1 else 0
    return np.unique(target, axis=axis, return_inverse=True)[1].ravel()


def _quantile_bins(values: NDArray, n_bins: int) -> NDArray[np.intp]:
    """Return the number of the bin of each value; those that are missing are a further bin."""
    known = np.isfinite(values)
    bins = np.full(len(values), n_bins)
    if known.any():
        edges = np.quantile(values[known], np.linspace(0, 1, n_bins + 1)[1:-1])
        bins[known] = np.searchsorted(edges, values[known], side="right")
    return bins


def _counts(codes: NDArray, strata: NDArray) -> NDArray[np.float64]:
    """Return the number of subjects of each group in each stratum."""
    counts = np.zeros((codes.max() + 1, strata.max() + 1))
    np.add.at(counts, (codes, strata), 1)
    return counts[:, counts.any(axis=0)]


def _check_whole(value: Any, name: str, least: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number from {least}, got {value!r}.")
    return int(value)
