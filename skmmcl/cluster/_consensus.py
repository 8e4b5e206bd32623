"""One clustering from many: the runs of a fit, their consensus, and warnings about them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from skmmcl.cluster._em import MOST_STARTS, ExpectationMaximization, Run, Settings

NEVER_TOGETHER = 1e-3  # similarity of two subjects that no run puts together


def consensus_similarity(runs: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """Return how similar each subject is to the clusters on which the runs agree.

    The similarity of two subjects is the fraction of runs that put them together. The clusters are
    those of spectral clustering of these similarities, which are never computed pair by pair: they
    are products of rows of the indicators.

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


@dataclass(frozen=True)
class Ensemble:
    """The runs, and the last one, which starts from their consensus.

    Attributes
    ----------
    runs : list of Run
    last : Run
    agreement : float
        Mean adjusted Rand index of the runs.
    """

    runs: list[Run]
    last: Run
    agreement: float


def fit_ensemble(em: ExpectationMaximization, n_consensus: int) -> Ensemble:
    """Run from random starts, then once from what the runs agree on."""
    runs = [em.run_from_random() for _ in range(n_consensus)]
    labels, n_clusters = np.array([run.labels for run in runs]), em.settings.n_clusters
    if n_consensus == 1:
        return Ensemble(runs, runs[0], mean_agreement(labels))
    start = np.full((len(em.X), n_clusters), 1 / n_clusters)
    similarity = consensus_similarity(labels, n_clusters, int(em.rng.integers(2**31)))
    if len(np.unique(similarity.argmax(axis=1))) < n_clusters:
        similarity = np.eye(n_clusters)[em.random_labels()]
    start[em.is_patient] = similarity
    return Ensemble(runs, em.run(start), mean_agreement(labels))


def warn_of_runs(ensemble: Ensemble, settings: Settings) -> None:
    """Warn if clusters emptied, or the last run has not converged."""
    last, n_runs = ensemble.last, len(ensemble.runs)
    emptied = sum(len(run.emptied) > 0 for run in ensemble.runs)
    if len(last.emptied) or emptied > n_runs / 2:
        sizes = np.bincount(last.labels, minlength=settings.n_clusters).tolist()
        what = f"{emptied} of {n_runs} runs lost a cluster in each of {MOST_STARTS} starts"
        if len(last.emptied):
            what += f"; the last run lost cluster {last.emptied.tolist()} at step {last.n_iter}"
        warnings.warn(
            f"n_clusters={settings.n_clusters} may be more than the patients hold: {what}. The "
            f"subtypes have {sizes} patients; stability_path compares numbers of clusters.",
            UserWarning,
            stacklevel=4,
        )
    elif last.agreement <= settings.tol:
        warnings.warn(
            f"EM has not converged: the adjusted Rand index of the last two of max_iter="
            f"{settings.max_iter} iterations is {last.agreement:.2f}, not above "
            f"tol={settings.tol}. Lower n_clusters, or raise max_iter.",
            ConvergenceWarning,
            stacklevel=4,
        )
