"""One clustering from many."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

NEVER_TOGETHER = 1e-3  # similarity of two subjects whom no run puts together


def consensus_similarity(runs: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """Return how similar each subject is to the clusters on which the runs agree.

    Two subjects are as similar as they are often put together. The clusters are those of spectral
    clustering of these similarities, which are never computed pair by pair: they are the products
    of the rows of the indicators.

    Parameters
    ----------
    runs : ndarray of int (n_runs, n_samples)
        Labels, in any order in each run.
    n_clusters : int
    seed : int

    Returns
    -------
    similarity : ndarray of shape (n_samples, n_clusters)
        Mean similarity to the members of each cluster; rows sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._consensus import consensus_similarity
    >>> runs = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1]])
    >>> labels = consensus_similarity(runs, 2, seed=0).argmax(axis=1)
    >>> bool(labels[0] == labels[1] != labels[3])
    True
    """
    indicators = np.hstack([run[:, None] == np.unique(run) for run in runs]).astype(float)
    constant = np.full((len(indicators), 1), np.sqrt(NEVER_TOGETHER * len(runs)))
    indicators = np.hstack([indicators, constant])
    degrees = np.sqrt(indicators @ indicators.sum(axis=0))[:, None]
    vectors = np.linalg.svd(indicators / degrees, full_matrices=False)[0][:, :n_clusters]
    members = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(vectors / degrees)
    members = members[:, None] == np.arange(n_clusters)
    similarity = indicators @ (indicators.T @ members) / np.maximum(members.sum(axis=0), 1)
    return similarity / similarity.sum(axis=1, keepdims=True)


def mean_agreement(runs: np.ndarray) -> float:
    """Return the mean adjusted Rand index of all pairs of runs; NaN for a single one.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._consensus import mean_agreement
    >>> mean_agreement(np.array([[0, 0, 1], [1, 1, 0]]))
    1.0
    """
    pairs = [adjusted_rand_score(a, b) for a, b in combinations(runs, 2)]
    return float(np.mean(pairs)) if pairs else float("nan")
