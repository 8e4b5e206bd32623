"""Default models of UCSL, and clusterers with a number of clusters and a start."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import has_fit_parameter

NUMBERS = ("n_clusters", "n_components")
# Penalties of the default linear models, for columns whose median variance is 1. They are strong,
# since directions of weakly penalized models follow the noise of the few patients of a cluster.
LOGISTIC_C, RIDGE_ALPHA = 0.02, 200.0


def default_clusterer() -> GaussianMixture:
    """Return a spherical Gaussian mixture, which common variability misleads least."""
    return GaussianMixture(
        covariance_type="spherical", init_params="random_from_data", max_iter=1000
    )


def default_estimator(X: np.ndarray, *, regression: bool) -> LogisticRegression | Ridge:
    """Return a linear model whose penalty suits the scale of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._clusterers import default_estimator
    >>> X = np.array([[-2.0, 2.0], [2.0, -2.0]])
    >>> default_estimator(X, regression=False).C
    0.005
    """
    variances = np.array([np.var(column, dtype=np.float64) for column in X.T])  # without a copy
    varying = variances[variances > 0]
    variance = np.median(varying) if len(varying) else 1.0
    if regression:
        return Ridge(alpha=float(RIDGE_ALPHA * variance))
    return LogisticRegression(C=float(LOGISTIC_C / variance), max_iter=1000)


def with_clusters(clusterer: Any, n_clusters: int, rng: np.random.Generator) -> Any:
    """Return a clone with this number of clusters, and with a seed if it has none."""
    params = clusterer.get_params()
    new = {name: n_clusters for name in NUMBERS if name in params}
    if params.get("random_state", 0) is None:
        new["random_state"] = int(rng.integers(2**31))
    return clone(clusterer).set_params(**new)


def with_start(clusterer: Any, centers: np.ndarray) -> Any:
    """Return the clusterer, set to start from centers if it can."""
    params = clusterer.get_params()
    if "means_init" in params:
        return clusterer.set_params(means_init=centers)
    # The `init` of KMeans may be an array, that of BisectingKMeans may not.
    init = getattr(clusterer, "_parameter_constraints", {}).get("init", ["array-like"])
    if {"init", "n_init"} <= set(params) and "array-like" in init:
        return clusterer.set_params(init=centers, n_init=1)
    return clusterer


def check_clusterer(clusterer: Any) -> None:
    """Raise unless it takes a number of clusters and labels what it is fitted on.

    Examples
    --------
    >>> from sklearn.cluster import DBSCAN
    >>> from skmmcl.cluster._clusterers import check_clusterer
    >>> check_clusterer(DBSCAN())
    Traceback (most recent call last):
        ...
    ValueError: clusterer=DBSCAN() has no number of clusters: expected a parameter n_clusters or ...
    """
    if isinstance(clusterer, type) or not hasattr(clusterer, "get_params"):
        raise ValueError(
            f"clusterer={clusterer!r} is no clusterer of scikit-learn; expected an instance such "
            "as GaussianMixture(covariance_type='spherical') or KMeans()."
        )
    if not hasattr(clusterer, "fit_predict"):
        raise ValueError(
            f"clusterer={clusterer!r} gives no labels: it has no fit_predict. Expected a clusterer "
            "such as GaussianMixture(covariance_type='spherical') or KMeans()."
        )
    if not set(NUMBERS) & set(clusterer.get_params()):
        raise ValueError(
            f"clusterer={clusterer!r} has no number of clusters: expected a parameter n_clusters "
            "or n_components, as GaussianMixture, KMeans and AgglomerativeClustering have."
        )
    rng = np.random.default_rng(0)
    points = rng.standard_normal((40, 2))
    trial = with_start(with_clusters(clusterer, 2, rng), points[:2])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial.fit_predict(points)
    except Exception as error:
        raise ValueError(
            f"clusterer={clusterer!r} with 2 clusters fails on simulated subjects: "
            f"{type(error).__name__}: {error}"
        ) from error


def check_linear(estimator: Any, *, regression: bool) -> None:
    """Raise unless it is a linear model for the target; it is tried on simulated subjects.

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> from skmmcl.cluster._clusterers import check_linear
    >>> check_linear(SVC(kernel="linear"), regression=False)
    >>> check_linear(SVC(kernel="rbf"), regression=False)
    Traceback (most recent call last):
        ...
    ValueError: estimator=SVC() is not linear: it has no coef_ and intercept_ when fitted. ...
    """
    wanted = "SVR(kernel='linear') or Ridge()" if regression else "LogisticRegression()"
    if isinstance(estimator, type) or not (is_classifier(estimator) or is_regressor(estimator)):
        raise ValueError(f"estimator={estimator!r} is no linear model; expected {wanted}.")
    if regression is not is_regressor(estimator):
        kind, y = ("classifier", "numbers") if regression else ("regressor", "two classes")
        raise ValueError(f"estimator={estimator!r} is a {kind}, but y has {y}; expected {wanted}.")
    if not has_fit_parameter(estimator, "sample_weight"):
        raise ValueError(
            f"fit of estimator={estimator!r} takes no sample_weight, by which subjects count in "
            f"the model of each subtype; expected {wanted}."
        )
    X = np.random.default_rng(0).standard_normal((40, 2))
    target = X[:, 0] if regression else (X[:, 0] > 0).astype(int)
    model = clone(estimator).fit(X, target, sample_weight=np.ones(len(X)))
    if not (np.size(getattr(model, "coef_", ())) == 2 and hasattr(model, "intercept_")):
        raise ValueError(
            f"estimator={estimator!r} is not linear: it has no coef_ and intercept_ when fitted. "
            f"Expected {wanted}."
        )
