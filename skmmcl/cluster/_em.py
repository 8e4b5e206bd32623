"""Expectation and maximization: linear models of the subtypes, then subtypes in their space."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from skmmcl.cluster._clusterers import with_clusters, with_start
from skmmcl.cluster._mixture import inverse_distances, mixture_decision
from skmmcl.cluster._subspace import orthonormal_basis


@dataclass(frozen=True)
class Settings:
    """What all runs of one fit have in common.

    Attributes
    ----------
    n_clusters : int
    clusterer, estimator : estimators
    max_iter : int
    tol : float
        Adjusted Rand index of two iterations from which on they are the same.
    noise_tolerance : float
    """

    n_clusters: int
    clusterer: Any
    estimator: Any
    max_iter: int
    tol: float
    noise_tolerance: float


@dataclass(frozen=True)
class Subtypes:
    """Linear models, their subspace and the clusters in it.

    Attributes
    ----------
    coef : ndarray of shape (n_clusters, n_features)
    intercept : ndarray of shape (n_clusters,)
    basis : ndarray of shape (n_components, n_features)
    clusterer : estimator
    centers : ndarray of shape (n_clusters, n_components)
    """

    coef: np.ndarray
    intercept: np.ndarray
    basis: np.ndarray
    clusterer: Any
    centers: np.ndarray

    def responsibilities(self, Z: np.ndarray) -> np.ndarray:
        """Return the probability of each subtype, of subjects in the subspace."""
        Z = Z.astype(np.float64, copy=False)
        if hasattr(self.clusterer, "predict_proba"):
            return self.clusterer.predict_proba(Z)
        return inverse_distances(Z, self.centers)

    def decision(self, X: np.ndarray) -> np.ndarray:
        """Return the outputs of the linear models, weighted by the subtypes."""
        distances = X @ self.coef.T + self.intercept
        return mixture_decision(distances, self.responsibilities(X @ self.basis.T))


@dataclass
class Run:
    """One run of the algorithm.

    Attributes
    ----------
    subtypes : Subtypes
    labels : ndarray of int (n_patients,)
    n_iter : int
    agreement : float
        Adjusted Rand index of the last two iterations.
    emptied : ndarray of int
        Clusters that lost all patients.
    """

    subtypes: Any
    labels: np.ndarray
    n_iter: int = 0
    agreement: float = 0.0
    emptied: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))


def expectation_maximization(
    X: np.ndarray,
    target: np.ndarray,
    is_patient: np.ndarray,
    start: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
) -> Run:
    """Run until the labels of the patients stay, or a cluster loses all of them.

    All clusters have patients at the start.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    target : ndarray of shape (n_samples,)
        Classes 0 and 1, or numbers.
    is_patient : ndarray of bool (n_samples,)
        Who is clustered: patients, or everybody where the target is a number.
    start : ndarray of shape (n_samples, n_clusters)
        Responsibilities.
    settings : Settings
    rng : Generator

    Returns
    -------
    Run
    """
    responsibilities = start
    run = Run(None, start[is_patient].argmax(axis=1))
    for n_iter in range(1, settings.max_iter + 1):
        weights = sample_weights(responsibilities, run.labels, is_patient)
        subtypes, responsibilities = _iterate(X, target, is_patient, weights, settings, rng)
        labels = responsibilities[is_patient].argmax(axis=1)
        run.emptied = np.setdiff1d(np.arange(settings.n_clusters), labels)
        run.n_iter = n_iter
        if len(run.emptied) and run.subtypes is not None:
            break  # what was there before is kept
        run.agreement = float(adjusted_rand_score(run.labels, labels))
        run.subtypes, run.labels = subtypes, labels
        if len(run.emptied) or run.agreement > settings.tol:
            break
    return run


def sample_weights(
    responsibilities: np.ndarray, labels: np.ndarray, is_patient: np.ndarray
) -> np.ndarray:
    """Return the weights of all subjects in each linear model.

    Patients count in the model of their cluster alone, controls by their responsibilities, and
    equally where no control belongs to a cluster by half or more.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._em import sample_weights
    >>> soft = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.8, 0.2]])
    >>> is_patient = np.array([True, True, False, False])
    >>> sample_weights(soft, np.array([0, 1]), is_patient).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.9, 0.5], [0.8, 0.5]]
    """
    weights = np.array(responsibilities, dtype=float)
    n_clusters = weights.shape[1]
    weights[is_patient] = np.eye(n_clusters)[labels]
    controls = weights[~is_patient]
    if len(controls):
        weights[~is_patient] = np.where(controls.max(axis=0) < 0.5, 1 / n_clusters, controls)
    return weights


def _iterate(
    X: np.ndarray,
    target: np.ndarray,
    is_patient: np.ndarray,
    weights: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
) -> tuple[Subtypes, np.ndarray]:
    """Fit the linear models, then cluster the patients in their space."""
    models = [_fit_linear(settings.estimator, X, target, weight, rng) for weight in weights.T]
    coef = np.vstack([np.ravel(model.coef_) for model in models])
    intercept = np.array([np.ravel(model.intercept_)[0] for model in models])
    basis = orthonormal_basis(coef, settings.noise_tolerance)
    if not len(basis):  # nothing separates: all coefficients are 0
        basis = np.eye(1, X.shape[1])
    Z = (X @ basis.T).astype(np.float64, copy=False)
    patients, own = Z[is_patient], weights[is_patient]
    clusterer = with_clusters(settings.clusterer, settings.n_clusters, rng)
    clusterer = with_start(clusterer, own.T @ patients / own.sum(axis=0)[:, None])
    labels = clusterer.fit_predict(patients)
    centers = _centers(patients, labels, settings)
    responsibilities = Subtypes(coef, intercept, basis, clusterer, centers).responsibilities(Z)
    # Clusterers that cannot be given a start number the clusters anew: each model goes with the
    # cluster that has most of the patients it was fitted on.
    matched = linear_sum_assignment(responsibilities[is_patient].T @ own, maximize=True)[1]
    subtypes = Subtypes(coef[matched], intercept[matched], basis, clusterer, centers)
    return subtypes, responsibilities


def _fit_linear(
    estimator: Any,
    X: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    rng: np.random.Generator,
) -> Any:
    model = clone(estimator)
    if model.get_params().get("random_state", 0) is None:
        model.set_params(random_state=int(rng.integers(2**31)))
    return model.fit(X, target, sample_weight=np.ascontiguousarray(weight))


def _centers(patients: np.ndarray, labels: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the mean of each cluster, and that of all patients for an empty one."""
    centers = np.tile(patients.mean(axis=0), (settings.n_clusters, 1))
    for label in np.unique(labels[labels >= 0]):
        centers[label] = patients[labels == label].mean(axis=0)
    return centers
