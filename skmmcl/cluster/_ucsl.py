"""UCSL: subtypes of patients by expectation and maximization of linear models."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    is_regressor,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skmmcl.cluster._clusterers import (
    check_clusterer,
    check_linear,
    default_clusterer,
    default_estimator,
)
from skmmcl.cluster._columns import JoinedColumnsMixin
from skmmcl.cluster._confounds import warn_of_severity, warn_of_site
from skmmcl.cluster._consensus import Ensemble, fit_ensemble, warn_of_runs
from skmmcl.cluster._em import ExpectationMaximization, Settings
from skmmcl.cluster._interface import SubtypesMixin
from skmmcl.cluster._target import Target, check_number, read_target
from skmmcl.data._who import check_same_subjects
from skmmcl.utils._named import named
from skmmcl.utils._site import SiteLinkMixin
from skmmcl.utils._sklearn import HasMethods, Interval, fit_context

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import Subjects


class UCSL(
    SiteLinkMixin,
    ClassNamePrefixFeaturesOutMixin,
    SubtypesMixin,
    JoinedColumnsMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Subtypes of patients in the directions in which they differ from controls.

    Unsupervised clustering driven by supervised learning [1]_: one linear model per subtype
    separates its patients from the controls; the patients are clustered in the subspace of the
    models' directions; both are repeated until the subtypes stay the same. Variability that
    patients share with controls, however strong, is not in that subspace.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of subtypes.
    estimator : linear classifier or regressor, optional
        Model that separates a subtype from the controls, or predicts a severity; it has ``coef_``
        and takes sample weights, as ``SVC(kernel="linear")`` and ``SVR(kernel="linear")`` do. By
        default a strongly penalized LogisticRegression, or Ridge for numbers with fractions.
    clusterer : clusterer, optional
        Clusterer of scikit-learn with a number of clusters and ``fit_predict``. By default a
        spherical GaussianMixture; common variability easily misleads KMeans.
    n_consensus : int, default=10
        Number of runs from random starts. One more run starts from their consensus.
    max_iter : int, default=30
        Largest number of iterations of a run.
    tol : float, default=0.9
        Adjusted Rand index of the subtypes of two successive iterations above which a run ends.
    noise_tolerance : float, default=10.0
        From the third on, a direction is left out if less than ``1 / noise_tolerance`` of its
        length is new.
    positive : object, optional
        Label of the patients in `y`. By default the larger of 0 and 1, -1 and 1, or False and
        True; of other labels the last in sorted order, with a warning.
    site : str or None, default="site"
        Column of ``X.meta``, if there; a warning says if the subtypes follow it.
    random_state : int, RandomState or None, default=None
        Seed of the starts: the same int gives the same subtypes.

    Attributes
    ----------
    labels_ : ndarray of int (n_samples,)
        Subtype of each patient of the training, -1 for controls.
    coef_ : ndarray of shape (n_clusters, n_features)
        Directions of the linear models.
    intercept_ : ndarray of shape (n_clusters,)
        Their intercepts.
    basis_ : ndarray of shape (n_components, n_features)
        Orthonormal basis of the subspace; at most one component per subtype.
    cluster_centers_ : ndarray of shape (n_clusters, n_components)
        Mean of the patients of each subtype in the subspace.
    agreement_ : float
        Mean adjusted Rand index of pairs of runs from random starts; near 1 they find the same
        subtypes. NaN for a single run.
    n_iter_ : int
        Number of iterations of the last run.
    classes_ : ndarray of shape (2,)
        Labels of `y`; only for two classes.
    positive_ : object
        Label of the patients; only for two classes.
    n_features_in_ : int
        Number of columns, over all modalities.

    See Also
    --------
    stability_path : Compares numbers of subtypes.
    subtype_confounds : Relates the subtypes to site, age and sex.

    Notes
    -----
    Columns are used as they are: put them on one scale within training folds, for example by
    StandardScaler. Subtypes are found in any data; :func:`stability_path` and new subjects show
    whether they are more than a cut through a continuum. With a severity instead of two classes,
    all subjects are clustered, often by degrees of the severity, which a warning says.

    References
    ----------
    .. [1] Louiset et al., "UCSL: a machine learning expectation-maximization framework for
       unsupervised clustering driven by supervised learning", ECML-PKDD 2021.

    Examples
    --------
    >>> from skmmcl.cluster import UCSL
    >>> from skmmcl.datasets import make_subtypes
    >>> X, y, truth = make_subtypes(400, n_subtypes=2, random_state=0)
    >>> ucsl = UCSL(n_clusters=2, random_state=0).fit(X, y)
    >>> ucsl.predict(X[:2]), ucsl.predict_clusters(X[y == 1]).shape, ucsl.transform(X).shape
    (array([1, 0]), (200,), (400, 2))
    """

    _parameter_constraints: ClassVar = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "clusterer": [HasMethods(["get_params"]), None],
        "n_consensus": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="left")],
        "noise_tolerance": [Interval(Real, 1, None, closed="left")],
        "positive": "no_validation",
        "site": [str, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 2,
        *,
        estimator: BaseEstimator | None = None,
        clusterer: BaseEstimator | None = None,
        n_consensus: int = 10,
        max_iter: int = 30,
        tol: float = 0.9,
        noise_tolerance: float = 10.0,
        positive: Any = None,
        site: str | None = "site",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.estimator = estimator
        self.clusterer = clusterer
        self.n_consensus = n_consensus
        self.max_iter = max_iter
        self.tol = tol
        self.noise_tolerance = noise_tolerance
        self.positive = positive
        self.site = site
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Subjects, y: ArrayLike) -> Self:
        """Find the subtypes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Training subjects without missing values; modalities are joined.
        y : array-like of shape (n_samples,)
            1 for patients and 0 for controls, or other labels of two classes; or a severity.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        DataError
            For NaN, missing modalities, and too few patients.
        ValueError
            If `y` has one class or more than two, or does not suit `estimator`; if `clusterer` has
            no number of clusters or no labels.

        Warns
        -----
        ConvergenceWarning
            If the last run does not converge.
        UserWarning
            If a cluster empties, or if the subtypes follow the site or the severity itself.
        """
        columns = self._read(X, reset=True)
        regression = None if self.estimator is None else is_regressor(self.estimator)
        target = read_target(y, self.positive, regression=regression, user=type(self).__name__)
        with named("y", "one entry for each subject"):
            check_consistent_length(columns, target.values)
        check_same_subjects({"X": X, "y": y})
        settings = self._settings(columns, regression=target.classes is None)
        check_number(int(target.is_patient.sum()), self.n_clusters)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        values, rng = target.values.astype(columns.dtype), np.random.default_rng(seed)
        em = ExpectationMaximization(columns, values, target.is_patient, settings, rng)
        ensemble = fit_ensemble(em, self.n_consensus)
        self._note(ensemble, target)
        warn_of_runs(ensemble, settings)
        warn_of_site(self.labels_, X, self.site)
        if target.classes is None:
            warn_of_severity(self.labels_, target.values)
        return self

    def _settings(self, X: np.ndarray, *, regression: bool) -> Settings:
        """Return the settings of all runs; raise for models that cannot be used."""
        clusterer, estimator = self.clusterer, self.estimator
        clusterer = default_clusterer() if clusterer is None else clusterer
        estimator = default_estimator(X, regression=regression) if estimator is None else estimator
        check_clusterer(clusterer)
        check_linear(estimator, regression=regression)
        numbers = self.max_iter, self.tol, self.noise_tolerance
        return Settings(self.n_clusters, clusterer, estimator, *numbers)

    def transform(self, X: Subjects) -> np.ndarray:
        """Return the subjects in the subspace in which the subtypes differ.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Subjects with the columns or modalities of ``fit``.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Scores on ``basis_``.
        """
        check_is_fitted(self)
        return self._read(X, reset=False) @ self.basis_.T

    def predict_cluster_proba(self, X: Subjects) -> np.ndarray:
        """Return the probability of each subtype.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, MultimodalData or dict of arrays
            Subjects with the columns or modalities of ``fit``.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_clusters)
            That of the clusterer, if it has ``predict_proba``; else in proportion to the inverse
            squared distances from ``cluster_centers_``.
        """
        check_is_fitted(self)
        return self._subtypes.responsibilities(self._read(X, reset=False) @ self.basis_.T)

    def _decide(self, X: Subjects) -> np.ndarray:
        return self._subtypes.decision(self._read(X, reset=False))

    def _note(self, ensemble: Ensemble, target: Target) -> None:
        self._subtypes = subtypes = ensemble.last.subtypes
        self.coef_, self.intercept_ = subtypes.coef, subtypes.intercept
        self.basis_, self.cluster_centers_ = subtypes.basis, subtypes.centers
        self.labels_ = np.full(len(target.values), -1)
        self.labels_[target.is_patient] = ensemble.last.labels
        self.n_iter_, self.agreement_ = ensemble.last.n_iter, ensemble.agreement
        self._n_features_out = len(self.basis_)
        self._note_target(target)
