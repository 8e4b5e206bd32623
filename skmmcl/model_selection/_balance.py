"""Assignment of groups to folds, so that folds are similar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.model_selection._rows import plain
from skmmcl.utils._targets import is_unlabeled, seem_measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

_N_BINS = 5  # of a target of numbers
_UNKNOWN = -1  # stratum of subjects without a class or number
_N_ROUNDS = 20  # of exchanges between folds, most of which are not needed
_MOST_IMPROVED = 3000  # groups; above, the folds are balanced without exchanges


def strata(y: Any, n: int) -> tuple[NDArray[np.intp], bool]:
    """Return the class of each subject as a number, or the bin of its number, and which it is."""
    target = np.empty(0) if y is None else np.asarray(y)
    if target.ndim != 1:
        return np.unique(target, axis=0, return_inverse=True)[1].ravel(), False
    known = ~is_unlabeled(target, None)
    if not known.any():
        return np.zeros(n, dtype=int), True
    values, found = plain(target[known]), np.full(n, _UNKNOWN)
    is_measured = seem_measured(values)
    found[known] = (
        quantile_bins(values.astype(np.float64), _N_BINS)
        if is_measured
        else np.unique(values, return_inverse=True)[1]
    )
    return found, is_measured


def quantile_bins(values: NDArray, n_bins: int) -> NDArray[np.intp]:
    """Return the number of the bin of each value; those that are missing are a further bin."""
    known = np.isfinite(values)
    bins = np.full(len(values), n_bins)
    if known.any():
        edges = np.quantile(values[known], np.linspace(0, 1, n_bins + 1)[1:-1])
        bins[known] = np.searchsorted(edges, values[known], side="right")
    return bins


def count(codes: NDArray, strata: NDArray, *, with_unknown: bool = True) -> NDArray[np.float64]:
    """Return the number of subjects of each group in each stratum."""
    names, columns = np.unique(strata, return_inverse=True)
    counts = np.zeros((codes.max() + 1, len(names)))
    np.add.at(counts, (codes, columns), 1)
    return counts if with_unknown else counts[:, names != _UNKNOWN]


def balanced_folds(counts: NDArray, n_folds: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Return a fold for each group, so that folds have similar sums of all columns.

    When a group joins a fold, the sum of the folds' squared sums grows by the product of both:
    each group joins the fold of the smallest product.
    """
    scaled = counts / np.sqrt(counts.sum(axis=0) * counts.mean(axis=0))
    order = rng.permutation(len(scaled))
    order = order[np.argsort(-np.linalg.norm(scaled[order], axis=1), kind="stable")]
    sums, folds = np.zeros((n_folds, scaled.shape[1])), np.empty(len(scaled), dtype=int)
    for group in order:
        common = sums @ scaled[group]
        folds[group] = rng.choice(np.flatnonzero(common <= common.min() + 1e-12))
        sums[folds[group]] += scaled[group]
    for _ in range(_N_ROUNDS if len(scaled) <= _MOST_IMPROVED else 0):
        if not sum(_improve(group, scaled, sums, folds) for group in order):
            break
    return folds


def _improve(group: int, scaled: NDArray, sums: NDArray, folds: NDArray) -> bool:
    """Move a group, or exchange it for another one, if that makes the folds more similar."""
    own, brings = folds[group], scaled[group]
    moves = (sums - sums[own] + brings) @ brings
    moves[own if np.sum(folds == own) > 1 else slice(None)] = np.inf  # no fold is left empty
    change = scaled - brings
    exchanges = np.einsum("gd,gd->g", change, sums[own] - sums[folds] + change)
    exchanges[folds == own] = np.inf
    fold, other = int(moves.argmin()), int(exchanges.argmin())
    if min(moves[fold], exchanges[other]) > -1e-9:
        return False
    if moves[fold] <= exchanges[other]:
        _shift(group, fold, scaled, sums, folds)
    else:
        fold = folds[other]
        _shift(other, own, scaled, sums, folds)
        _shift(group, fold, scaled, sums, folds)
    return True


def _shift(group: int, fold: int, scaled: NDArray, sums: NDArray, folds: NDArray) -> None:
    sums[folds[group]] -= scaled[group]
    sums[fold] += scaled[group]
    folds[group] = fold


def joined_sites(counts: NDArray, least: int, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Return the number of the test set of each site, joined with others if it lacks a class."""
    folds = np.arange(len(counts))
    totals = counts.copy()
    while True:
        poor = [f for f in np.unique(folds) if totals[f].min() < least]
        if not poor or len(np.unique(folds)) < 2:
            return np.unique(folds, return_inverse=True)[1]
        first = min(poor, key=lambda f: totals[f].sum())
        lacking = np.argmin(totals[first])
        # Prefer sites that have the lacking class and lack another one, small ones first.
        others = [f for f in np.unique(folds) if f != first]
        others = [others[k] for k in rng.permutation(len(others))]
        helpful = [f for f in others if totals[f, lacking] > 0]
        partner = min(helpful or others, key=lambda f: (totals[f].min() >= least, totals[f].sum()))
        folds[folds == first] = partner
        totals[partner] += totals[first]
