"""Splitters that hold whole sites out, and that balance classes and a covariate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.validation import column_or_1d

from skmmcl.data import is_multimodal
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.model_selection._balance import (
    balanced_folds,
    count,
    joined_sites,
    quantile_bins,
    strata,
)
from skmmcl.model_selection._rows import check_groups
from skmmcl.utils._named import check_whole, named
from skmmcl.utils._sklearn import num_samples

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skmmcl.utils._typing import Groups, Subjects, Target


class _WholeGroups(BaseCrossValidator):
    """Base of splitters in which all rows of a group are in one test set."""

    n_splits: int | None
    __metadata_request__split: ClassVar = {"groups": True}

    def split(
        self, X: Subjects, y: Target = None, groups: Groups = None
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield training and test rows of each fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The data, of which only the length and a named `covariate` are used.
        y : array-like of shape (n_samples,), optional
            Classes, or numbers, which are cut into five bins. Unknown ones, NaN or None, are
            spread over the folds. Without `y` it has no part in the balance.
        groups : array-like of shape (n_samples,), optional
            Site or person of each subject, which stays in one test set.

        Yields
        ------
        train, test : ndarray of int
            Row numbers.
        """
        yield from super().split(X, y, groups)

    def get_n_splits(self, X: Any = None, y: Target = None, groups: Groups = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X : array-like, optional
            The data; not used if `n_splits` is a number, as are `y` and `groups`.
        y : array-like of shape (n_samples,), optional
            Classes, or numbers.
        groups : array-like of shape (n_samples,), optional
            Site or person of each subject.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        if self.n_splits is not None:
            return self.n_splits
        if groups is None:
            name = type(self).__name__
            raise ValueError(f"{name} needs y and groups to know the number of folds.")
        return int(self._folds(groups if X is None else X, y, groups).max()) + 1

    def _iter_test_masks(
        self, X: Any = None, y: Any = None, groups: Any = None
    ) -> Iterator[NDArray[np.bool_]]:
        folds = self._folds(X, y, groups)
        for fold in range(folds.max() + 1):
            yield folds == fold

    def _folds(self, X: Any, y: Any, groups: Any) -> NDArray[np.intp]:
        """Return the fold of each subject."""
        raise NotImplementedError


class LeaveSitesOut(_WholeGroups):
    """Splitter that holds whole sites out, with every class among the test subjects.

    :class:`~sklearn.model_selection.LeaveOneGroupOut` tests on each site alone, where a site with
    patients only leaves an area under the ROC curve undefined. Here sites that lack a class are
    joined with others until each test set has enough subjects of each class. With `n_splits`,
    whole sites are joined into that number of folds, of similar size and with similar shares of
    the classes.

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

    def __init__(
        self,
        n_splits: int | None = None,
        *,
        min_per_class: int = 2,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.min_per_class = min_per_class
        self.random_state = random_state

    def _folds(self, X: Any, y: Any, groups: Any) -> NDArray[np.intp]:
        n_sites, codes = _check_groups(groups, X, "LeaveSitesOut")
        classes, is_measured = strata(y, len(codes))
        counts = count(codes, classes)
        of_classes = count(codes, classes, with_unknown=False)
        least = 0 if is_measured else check_whole(self.min_per_class, "min_per_class", 1)
        if (few := of_classes.sum(axis=0).min(initial=np.inf)) < 2 * least:
            raise DataError(
                f"One class has {int(few)} subjects, too few for two test sets with {least} of "
                "each class: lower min_per_class."
            )
        rng = check_random_state(self.random_state)
        if self.n_splits is None:
            folds = joined_sites(of_classes, least, rng)
            n_splits = max(folds.max() + 1, 2)
        else:
            n_splits = check_whole(self.n_splits, "n_splits", 2)
            folds = balanced_folds(np.column_stack([counts.sum(axis=1), counts]), n_splits, rng)
        totals = np.zeros((n_splits, of_classes.shape[1]))
        np.add.at(totals, folds, of_classes)
        if totals.min() < least or np.bincount(folds, minlength=n_splits).min() == 0:
            raise DataError(
                f"The {n_sites} sites cannot be joined into {n_splits} test sets "
                f"with {least} or more subjects of each class: use a lower n_splits or "
                "min_per_class."
            )
        return folds[codes]


class BalancedGroupKFold(_WholeGroups):
    """K-fold splitter that keeps groups together and balances classes and a continuous covariate.

    :class:`~sklearn.model_selection.StratifiedGroupKFold` balances the classes alone. If one
    fold tests the old and another the young, scores differ from fold to fold for that reason.
    Here the bins of a covariate, such as age, are balanced as well, over all subjects and within
    classes.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    covariate : str or array-like of shape (n_samples,), default=None
        Covariate to balance in addition to `y`: the name of side data of ``X.meta`` or of a
        column of a DataFrame, or one number for each row. Missing values are a bin of their own.
        None balances the classes alone.
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
    Groups are assigned one by one, large ones first, each to the fold that has the fewest
    subjects of its classes and bins; then groups move and change places as long as folds become
    more similar. Without groups each subject is one.

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

    def __init__(
        self,
        n_splits: int = 5,
        *,
        covariate: str | ArrayLike | None = None,
        n_bins: int = 4,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.covariate = covariate
        self.n_bins = n_bins
        self.shuffle = shuffle
        self.random_state = random_state

    def _folds(self, X: Any, y: Any, groups: Any) -> NDArray[np.intp]:
        n_splits, n = check_whole(self.n_splits, "n_splits", 2), num_samples(X)
        groups = np.arange(n) if groups is None else groups
        n_groups, codes = _check_groups(groups, X, "BalancedGroupKFold")
        if n_groups < n_splits:
            raise DataError(
                f"groups has {n_groups} different values, fewer than the {n_splits} folds."
            )
        (classes, _), bins = strata(y, n), self._bins(X, n)
        joint = np.unique(np.column_stack([classes, bins]), axis=0, return_inverse=True)[1].ravel()
        sizes = np.bincount(codes).astype(float)
        counts = np.column_stack([sizes, *(count(codes, s) for s in (classes, bins, joint))])
        rng = check_random_state(self.random_state if self.shuffle else 0)
        return balanced_folds(counts, n_splits, rng)[codes]

    def _bins(self, X: Any, n: int) -> NDArray[np.intp]:
        if self.covariate is None:
            return np.zeros(n, dtype=int)
        values = self.covariate
        if isinstance(values, str):
            try:
                values = (X.meta if is_multimodal(X) else X)[values]
            except (KeyError, IndexError, TypeError) as error:
                raise DataError(
                    f"covariate={values!r} names neither side data (X.meta) nor a column of X."
                ) from error
        check_same_subjects({"X": X, "covariate": values})
        with named("covariate", "one number for each row of X"):
            column = column_or_1d(values).astype(np.float64)
        if len(column) != n:
            raise DataError(
                f"covariate has {len(column)} entries for {n} rows of X: within a search or "
                "another splitter, name side data of X instead, which are split along."
            )
        return quantile_bins(column, check_whole(self.n_bins, "n_bins", 2))


# ---------------------------------------------------------------------------------- the input
def _check_groups(groups: Any, X: Any, who: str) -> tuple[int, NDArray[np.intp]]:
    """Return the number of groups, and that of each subject."""
    if groups is None:
        raise ValueError(f"The 'groups' parameter should not be None: {who} keeps them together.")
    found = check_groups(groups, "groups", num_samples(X))
    names, codes = np.unique(found, return_inverse=True)
    return len(names), codes
