"""Site, sex, age and the like, decoded from a representation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.inspection._decoding import Fold, Task, decode, read_confound, splits_of
from skmmcl.metrics._checks import check_matrix
from skmmcl.utils._targets import is_unlabeled

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import Groups, RandomState


@dataclass(frozen=True, eq=False)
class ConfoundReport:
    """Result of :func:`confound_report`.

    Parameters
    ----------
    names : tuple of str
        Names of the confounds.
    scorings : tuple of str
        "balanced accuracy" of confounds that are classes, "R2" of numbers.
    scores : ndarray of shape (n_confounds,)
        Score of the held-out subjects.
    permuted : ndarray of shape (n_confounds, n_permutations)
        Scores with the confound permuted over the subjects: what chance gives.
    n_subjects : ndarray of shape (n_confounds,)
        Number of subjects whose confound is known.

    See Also
    --------
    confound_report : Computes it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import confound_report
    >>> rng = np.random.default_rng(0)
    >>> Z, sex = rng.normal(size=(60, 4)), np.tile(["f", "m"], 30)
    >>> confound_report(Z, {"sex": sex}, n_permutations=5).n_subjects
    array([60])
    """

    names: tuple[str, ...]
    scorings: tuple[str, ...]
    scores: np.ndarray
    permuted: np.ndarray
    n_subjects: np.ndarray

    @property
    def chance(self) -> np.ndarray:
        """Mean score with the confound permuted."""
        return self.permuted.mean(axis=1)

    @property
    def p_values(self) -> np.ndarray:
        """Share of permutations, the true order among them, that score as high."""
        # Scores that differ by rounding are the same.
        as_high = (self.permuted >= self.scores[:, None] - 1e-10).sum(axis=1)
        return (as_high + 1) / (self.permuted.shape[1] + 1)

    def __repr__(self) -> str:
        rows = zip(self.names, self.scorings, self.scores, self.chance, self.p_values, strict=True)
        width = max(map(len, self.names), default=0)
        lines = [
            f"  {name:{width}}  {scoring} {score:.3f}, by chance {chance:.3f}, p = {p:.3g}"
            for name, scoring, score, chance, p in rows
        ]
        return "\n".join(["ConfoundReport:", *lines])


def confound_report(
    Z: ArrayLike,
    confounds: Mapping[str, Any],
    *,
    groups: Groups = None,
    cv: int = 5,
    n_permutations: int = 100,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> ConfoundReport:
    """Decode confounds from a representation, and compare that with chance.

    A linear probe predicts each confound of held-out subjects: a logistic regression with balanced
    classes for what is a class (site, sex), ridge regression for numbers (age, motion). The same is
    done with the confound permuted over the subjects.

    Parameters
    ----------
    Z : array-like of shape (n_subjects, n_features)
        Representation of subjects who did not train it.
    confounds : mapping of str to array-like of shape (n_subjects,)
        Confounds by name, such as ``X.meta``. Subjects with an unknown value (None or NaN) are
        left out of the row of that confound.
    groups : array-like of shape (n_subjects,), default=None
        Families, or people with several rows. Folds keep them together, since a probe could
        otherwise recognize the person, and whole groups of equal size are permuted. None where
        each row is another, unrelated person.
    cv : int, default=5
        Number of folds; fewer where a class has fewer subjects.
    n_permutations : int, default=100
        The smallest p-value is ``1 / (n_permutations + 1)``.
    random_state : int, RandomState instance or None, default=0
        Shuffles folds and confounds.
    n_jobs : int, default=None
        Number of confounds to decode in parallel.

    Returns
    -------
    ConfoundReport
        Scores, scores by chance and p-values.

    Raises
    ------
    DataError
        If a confound has one value, or a class of a single subject or group, or does not fit.
    ValueError
        If `Z` is not finite, or `cv` or `n_permutations` is too small.

    See Also
    --------
    skmmcl.metrics.site_predictability : The score of a single class, with any probe.
    plot_embedding : Color a map of the representation by confounds.

    Notes
    -----
    A confound that is decoded is no proof of harm: patients differ in age from controls, and a
    representation of the disease then shows age. A confound that is not decoded is not linearly
    visible with this number of subjects, which does not prove its absence.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import confound_report
    >>> rng = np.random.default_rng(0)
    >>> age, site = rng.uniform(20, 80, size=90), np.tile(["London", "Paris", "Rome"], 30)
    >>> Z = np.column_stack([age / 10, rng.normal(size=(90, 3))])
    >>> confound_report(Z, {"age": age, "site": site}, n_permutations=10)
    ConfoundReport:
      age   R2 1.000, by chance ..., p = 0.0909
      site  balanced accuracy 0.2..., by chance 0.3..., p = 0...
    """
    for name, number, least in (("cv", cv, 2), ("n_permutations", n_permutations, 1)):
        if not isinstance(number, Integral) or number < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {number!r}.")
    z = check_matrix(Z, "Z").astype(np.float64)
    _check_lengths(len(z), confounds)
    check_same_subjects({"Z": Z, **confounds, "groups": groups})
    if groups is not None:
        groups = _read_groups(groups, len(z))
    seeds = check_random_state(random_state).randint(2**31 - 1, size=2)
    tasks = {}
    for name, values in confounds.items():
        known, labels, is_class = read_confound(name, values)
        units = None if groups is None else np.unique(groups[known], return_inverse=True)[1]
        splits = splits_of(labels, units, cv, seeds[0], name, is_class=is_class)
        folds = [Fold(train, test, z[known]) for train, test in splits]
        tasks[name] = Task(folds, labels, is_class, units)
    return decode_all(tasks, n_permutations, seeds[1], n_jobs)


def decode_all(
    tasks: Mapping[str, Task], n_permutations: int, seed: int, n_jobs: int | None = None
) -> ConfoundReport:
    """Return the report of what can be decoded."""
    rows = Parallel(n_jobs=n_jobs)(
        delayed(decode)(task, n_permutations, seed) for task in tasks.values()
    )
    return ConfoundReport(
        tuple(tasks),
        tuple("balanced accuracy" if task.is_class else "R2" for task in tasks.values()),
        np.array([score for score, _ in rows]),
        np.array([permuted for _, permuted in rows]),
        np.array([len(task.labels) for task in tasks.values()]),
    )


def _read_groups(groups: Any, n_subjects: int) -> np.ndarray:
    groups = np.asarray(groups)
    if groups.shape != (n_subjects,):
        raise DataError(
            f"groups has shape {groups.shape}, and the representation {n_subjects} rows."
        )
    if (unknown := is_unlabeled(groups, None)).any():
        raise DataError(f"groups has {unknown.sum()} missing values: each subject needs a group.")
    return np.unique(groups.astype(str), return_inverse=True)[1]


def _check_lengths(n_subjects: int, confounds: Mapping[str, Any]) -> None:
    if not isinstance(confounds, Mapping) or not confounds:
        raise DataError("confounds must be a mapping from a name to one value for each subject.")
    for name, values in confounds.items():
        if len(values) != n_subjects:
            raise DataError(
                f"Confound {name!r} has {len(values)} values, and the representation {n_subjects} "
                "subjects."
            )
