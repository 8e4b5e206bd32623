"""Predictions of the linear models of all subtypes together."""

from __future__ import annotations

import numpy as np
from scipy.special import expit


def mixture_decision(distances: np.ndarray, responsibilities: np.ndarray) -> np.ndarray:
    """Return the outputs of the linear models, weighted by the responsibilities of the subtypes.

    Parameters
    ----------
    distances : ndarray of shape (n_samples, n_clusters)
        Output of each linear model.
    responsibilities : ndarray of shape (n_samples, n_clusters)
        Probability of each subtype.

    Returns
    -------
    ndarray of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._mixture import mixture_decision
    >>> mixture_decision(np.array([[1.2, -0.4]]), np.array([[0.75, 0.25]])).round(6).tolist()
    [0.8]
    """
    return np.einsum("nk,nk->n", distances, responsibilities)


def class_probability(decision: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return the probability of a patient.

    Parameters
    ----------
    decision : ndarray of shape (n_samples,)
        Weighted outputs of the linear models.
    scale : float, default=1.0
        Decision at which the odds are e to 1. The released code takes a fifth of the largest
        decision of the batch, so that a subject's probability depends on the other subjects.

    Returns
    -------
    ndarray of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._mixture import class_probability
    >>> class_probability(np.array([0.0, np.log(3)])).round(6).tolist()
    [0.5, 0.75]
    """
    return expit(decision / scale)


def inverse_distances(X: np.ndarray, centers: np.ndarray, offset: float = 1e-5) -> np.ndarray:
    """Return responsibilities in proportion to the inverse squared distances from centers.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    centers : ndarray of shape (n_clusters, n_features)
    offset : float, default=1e-5
        Added to the squared distances, so that a subject may lie on a center.

    Returns
    -------
    ndarray of shape (n_samples, n_clusters)

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._mixture import inverse_distances
    >>> X, centers = np.array([[0.5, 1.0]]), np.array([[0.0, 1.0], [2.0, 0.0]])
    >>> inverse_distances(X, centers, offset=0).round(6).tolist()
    [[0.928571, 0.071429]]
    """
    squared = np.stack([((X - center) ** 2).sum(axis=1) for center in centers], axis=1)
    weights = 1 / (squared + offset)
    return weights / weights.sum(axis=1, keepdims=True)
