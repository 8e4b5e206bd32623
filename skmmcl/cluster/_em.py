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

MOST_STARTS = 5  # of a run in which a cluster empties


@dataclass(frozen=True)
class Settings:
    """Settings that all runs of a fit have in common.

    Attributes
    ----------
    n_clusters : int
    clusterer, estimator : estimators
    max_iter : int
    tol : float
        Adjusted Rand index above which two iterations count as the same.
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


@dataclass
class ExpectationMaximization:
    """Runs on the same subjects.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    target : ndarray of shape (n_samples,)
        Classes 0 and 1, or numbers.
    is_patient : ndarray of bool (n_samples,)
        Subjects who are clustered: patients, or all where the target is a number.
    settings : Settings
    rng : Generator
    """

    X: np.ndarray
    target: np.ndarray
    is_patient: np.ndarray
    settings: Settings
    rng: np.random.Generator

    def run_from_random(self) -> Run:
        """Run from random responsibilities, again where a cluster empties."""
        n_clusters = self.settings.n_clusters
        for _ in range(MOST_STARTS):
            start = self.rng.dirichlet(np.ones(n_clusters), len(self.X))
            start[self.is_patient] = np.eye(n_clusters)[self.random_labels()]
            run = self.run(start)
            if not len(run.emptied):
                break
        return run

    def random_labels(self) -> np.ndarray:
        """Return random labels of the patients, in clusters of equal size."""
        return self.rng.permutation(np.arange(self.is_patient.sum()) % self.settings.n_clusters)

    def run(self, responsibilities: np.ndarray) -> Run:
        """Run until the labels of the patients stay, or a cluster loses all of them.

        Parameters
        ----------
        responsibilities : ndarray of shape (n_samples, n_clusters)
            The start, in which all clusters have patients.

        Returns
        -------
        Run
        """
        settings = self.settings
        run = Run(None, responsibilities[self.is_patient].argmax(axis=1))
        for n_iter in range(1, settings.max_iter + 1):
            weights = sample_weights(responsibilities, run.labels, self.is_patient)
            subtypes, responsibilities = self._iterate(weights)
            labels = responsibilities[self.is_patient].argmax(axis=1)
            run.emptied = np.setdiff1d(np.arange(settings.n_clusters), labels)
            run.n_iter = n_iter
            if len(run.emptied) and run.subtypes is not None:
                break  # the subtypes of the iteration before are kept
            run.agreement = float(adjusted_rand_score(run.labels, labels))
            run.subtypes, run.labels = subtypes, labels
            if len(run.emptied) or run.agreement > settings.tol:
                break
        return run

    def _iterate(self, weights: np.ndarray) -> tuple[Subtypes, np.ndarray]:
        """Fit the linear models, then cluster the patients in their space."""
        settings = self.settings
        models = [self._fit_linear(weight) for weight in weights.T]
        coef = np.vstack([np.ravel(model.coef_) for model in models])
        intercept = np.array([np.ravel(model.intercept_)[0] for model in models])
        basis = orthonormal_basis(coef, settings.noise_tolerance)
        if not len(basis):  # nothing separates: all coefficients are 0
            basis = np.eye(1, self.X.shape[1])
        Z = (self.X @ basis.T).astype(np.float64, copy=False)
        patients, own = Z[self.is_patient], weights[self.is_patient]
        clusterer = with_clusters(settings.clusterer, settings.n_clusters, self.rng)
        clusterer = with_start(clusterer, own.T @ patients / own.sum(axis=0)[:, None])
        centers = self._centers(patients, clusterer.fit_predict(patients))
        responsibilities = Subtypes(coef, intercept, basis, clusterer, centers).responsibilities(Z)
        # Clusterers that take no start renumber the clusters: each model goes with the cluster
        # that has most of the patients it was fitted on.
        matched = linear_sum_assignment(responsibilities[self.is_patient].T @ own, maximize=True)[1]
        subtypes = Subtypes(coef[matched], intercept[matched], basis, clusterer, centers)
        return subtypes, responsibilities

    def _fit_linear(self, weight: np.ndarray) -> Any:
        model = clone(self.settings.estimator)
        if model.get_params().get("random_state", 0) is None:
            model.set_params(random_state=int(self.rng.integers(2**31)))
        return model.fit(self.X, self.target, sample_weight=np.ascontiguousarray(weight))

    def _centers(self, patients: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the mean of each cluster, and that of all patients for an empty one."""
        centers = np.tile(patients.mean(axis=0), (self.settings.n_clusters, 1))
        for label in np.unique(labels[labels >= 0]):
            centers[label] = patients[labels == label].mean(axis=0)
        return centers


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
