"""The runs of one fit, their consensus, and what is warned of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmmcl.cluster._consensus import consensus_similarity, mean_agreement
from skmmcl.cluster._em import Run, Settings, expectation_maximization

MOST_STARTS = 5  # of a run in which a cluster empties


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


def fit_ensemble(
    X: np.ndarray,
    target: np.ndarray,
    is_patient: np.ndarray,
    settings: Settings,
    n_consensus: int,
    seed: int,
) -> Ensemble:
    """Run from random starts, then once from what the runs agree on."""
    rng = np.random.default_rng(seed)
    runs = [_run(X, target, is_patient, settings, rng) for _ in range(n_consensus)]
    labels = np.array([run.labels for run in runs])
    if n_consensus == 1:
        return Ensemble(runs, runs[0], mean_agreement(labels))
    start = np.full((len(X), settings.n_clusters), 1 / settings.n_clusters)
    similarity = consensus_similarity(labels, settings.n_clusters, int(rng.integers(2**31)))
    if len(np.unique(similarity.argmax(axis=1))) < settings.n_clusters:
        similarity = np.eye(settings.n_clusters)[_with_all_clusters(is_patient, settings, rng)]
    start[is_patient] = similarity
    last = expectation_maximization(X, target, is_patient, start, settings, rng)
    return Ensemble(runs, last, mean_agreement(labels))


def _run(
    X: np.ndarray,
    target: np.ndarray,
    is_patient: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
) -> Run:
    """Run from random responsibilities, anew where a cluster empties."""
    for _ in range(MOST_STARTS):
        start = rng.dirichlet(np.ones(settings.n_clusters), len(X))
        start[is_patient] = np.eye(settings.n_clusters)[
            _with_all_clusters(is_patient, settings, rng)
        ]
        run = expectation_maximization(X, target, is_patient, start, settings, rng)
        if not len(run.emptied):
            break
    return run


def _with_all_clusters(
    is_patient: np.ndarray, settings: Settings, rng: np.random.Generator
) -> np.ndarray:
    """Return random labels of the patients, in clusters of equal size."""
    return rng.permutation(np.arange(is_patient.sum()) % settings.n_clusters)


def warn_of_runs(ensemble: Ensemble, settings: Settings) -> None:
    """Warn, with numbers, of clusters that emptied and of a last run that has not converged."""
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


@contextmanager
def joined_warnings(settings: Settings) -> Iterator[None]:
    """Join the warnings of inner fits that did not converge into one; repeat all others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    inner = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    for other in caught:
        if not issubclass(other.category, ConvergenceWarning):
            warnings.warn(other.message, stacklevel=4)
    if inner:
        first = str(inner[0].message).strip().partition("\n")[0]
        warnings.warn(
            f"{len(inner)} fits of {settings.estimator!r} or {settings.clusterer!r} did not "
            f"converge: {first} Columns on one scale help, for example by StandardScaler().",
            ConvergenceWarning,
            stacklevel=4,
        )
