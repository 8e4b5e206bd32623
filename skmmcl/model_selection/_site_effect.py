"""Prediction of the target from the site alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import chi2_contingency, kruskal
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold

from skmmcl.utils._targets import is_unlabeled, seem_measured

_LEVEL = 1e-3  # of the test of association
_AUC, _R2 = 0.6, 0.05  # above which the effect of the site is reported
_SMOOTHING = 1.0  # pseudo-subjects, with the mean of the cohort, added to each site


def find_site_effect(name: str, sites: np.ndarray, y: Any) -> str:
    """Return a message if the site predicts the target by itself, else an empty text."""
    target = np.asarray(y)
    if target.ndim != 1:
        return ""
    known = ~is_unlabeled(target)
    target, sites = target[known], np.unique(sites[known], return_inverse=True)[1]
    target = np.asarray(target.tolist()) if target.dtype.kind == "O" else target
    if seem_measured(target):
        predicts = _of_numbers(sites, target.astype(float))
    else:
        predicts = _of_classes(sites, np.unique(target, return_inverse=True)[1])
    if not predicts:
        return ""
    return (
        f"The site alone ({name}) predicts the target, with {predicts} in cross-validation: scores "
        "on sites that training has seen may be those of the site. Hold whole sites out "
        "(LeaveSitesOut), or balance the classes within sites."
    )


def _of_classes(sites: np.ndarray, codes: np.ndarray) -> str:
    counts = np.zeros((sites.max() + 1, codes.max() + 1))
    np.add.at(counts, (sites, codes), 1)
    smallest = int(counts.sum(axis=0).min())
    if min(counts.shape) < 2 or smallest < 5 or chi2_contingency(counts).pvalue > _LEVEL:
        return ""
    one_hot = np.eye(codes.max() + 1)[codes]
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(sites, codes)
    scores = _means_of_sites(sites, one_hot, folds)
    aucs = [roc_auc_score(one_hot[:, k], scores[:, k]) for k in range(one_hot.shape[1])]
    return f"an AUC of {np.mean(aucs):.2f}" if np.mean(aucs) > _AUC else ""


def _of_numbers(sites: np.ndarray, target: np.ndarray) -> str:
    groups = [target[sites == site] for site in np.unique(sites)]
    if len(groups) < 2 or len(target) < 10 or np.ptp(target) == 0:
        return ""
    if not kruskal(*groups).pvalue < _LEVEL:
        return ""
    folds = KFold(5, shuffle=True, random_state=0).split(sites)
    r2 = r2_score(target, _means_of_sites(sites, target[:, None], folds)[:, 0])
    return f"an R2 of {r2:.2f}" if r2 > _R2 else ""


def _means_of_sites(sites: np.ndarray, values: np.ndarray, folds: Any) -> np.ndarray:
    """Return the mean of each subject's site in the other folds, shrunk to that of all sites."""
    predicted = np.empty_like(values, dtype=float)
    for train, test in folds:
        overall = values[train].mean(axis=0)
        for site in np.unique(sites[test]):
            of_site = values[train][sites[train] == site]
            mean = (of_site.sum(axis=0) + _SMOOTHING * overall) / (len(of_site) + _SMOOTHING)
            predicted[test[sites[test] == site]] = mean
    return predicted
