"""Prediction of the site of a scan from a representation, as a metric and a scorer."""

from __future__ import annotations

import warnings
from inspect import signature
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
    cross_val_predict,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets

from skmmcl.data import MultimodalData
from skmmcl.metrics._checks import check_known, check_matrix, check_subjects
from skmmcl.utils._named import check_n_jobs, named
from skmmcl.utils._plain import plain_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray
    from sklearn.base import BaseEstimator

    from skmmcl.utils._typing import CrossValidator, Groups


def site_predictability(
    X: ArrayLike,
    sites: ArrayLike,
    *,
    probe: BaseEstimator | None = None,
    cv: CrossValidator = 5,
    groups: Groups = None,
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
) -> float:
    """Compute the cross-validated balanced accuracy of a probe for the site.

    Each subject is predicted once, by a probe that was not fitted on it; the recalls of the sites
    over all these predictions are averaged.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Representation of subjects that were not used to train it.
    sites : array-like of shape (n_samples,)
        Site, scanner or another attribute of each subject: text or integers.
    probe : classifier, optional
        Classifier of the site, which is cloned. By default a
        :class:`~sklearn.linear_model.LogisticRegression` with balanced classes on standardized
        features, both fitted on the training folds only.
    cv : int, cross-validation generator or iterable, default=5
        Folds that leave out each subject exactly once. An integer means shuffled stratified folds,
        at most as many as the largest site has subjects.
    groups : array-like of shape (n_samples,), optional
        Groups whose scans share a fold. Needed if subjects were scanned more than once: the probe
        could otherwise recognize the subject rather than the site.
    random_state : int, RandomState or None, default=0
        Seed that shuffles the folds of an integer `cv`.
    n_jobs : int, optional
        Number of probes that are fitted at once, as in scikit-learn.

    Returns
    -------
    balanced_accuracy : float
        Balanced accuracy from 0 to 1; lower is better. ``1 / n_sites`` is chance.

    Raises
    ------
    ValueError
        For NaN, infinite values, missing sites, different numbers of subjects and sites, a single
        site, continuous numbers for sites, and sites with a single subject (or group).
    TypeError
        If `probe` is no classifier.

    See Also
    --------
    site_scorer : The same as a scorer of scikit-learn.
    openbhb_score : Combines it with the error of brain age.

    Notes
    -----
    A probe at chance shows only that the site is not linearly decodable with this number of
    subjects. Sites also differ in age and sex, which a good representation encodes: its value is
    then above chance. In the published challenge [1]_ the probe learns from the training set and
    predicts other subjects of the same sites, which is ``probe.fit(...)`` and
    :func:`~sklearn.metrics.balanced_accuracy_score` on one split.

    References
    ----------
    .. [1] Dufumier B. et al. (2022). OpenBHB: a large-scale multi-site brain MRI data-set for age
       prediction and debiasing. NeuroImage 263, 119637.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.metrics import site_predictability
    >>> rng = np.random.default_rng(0)
    >>> X, sites = rng.normal(size=(60, 4)), np.repeat(["London", "Paris", "Rome"], 20)
    >>> site_predictability(X, sites) < 0.5  # chance is a third
    True
    >>> X[sites == "Rome"] += 10
    >>> site_predictability(X, sites) > 0.5
    True
    """
    check_subjects(X=X, sites=sites, groups=groups)
    x = check_matrix(X, "X").astype(np.float64)
    names, codes = _as_codes(sites)
    largest = max(_count_owners(names, codes, groups))
    with named("cv", "a number of folds from 2, or a splitter of scikit-learn"):
        splits = _splits(x, codes, cv, largest, groups, random_state)
    if probe is None:
        probe = site_probe()
    if isinstance(probe, type) or not (hasattr(probe, "fit") and hasattr(probe, "predict")):
        raise TypeError(f"probe must be a classifier with fit and predict, got {probe!r}.")
    check_n_jobs(n_jobs)
    predicted = cross_val_predict(probe, x, codes, cv=splits, n_jobs=n_jobs)
    return float(balanced_accuracy_score(codes, predicted))


def site_probe() -> Pipeline:
    """Return the linear classifier that predicts a site by default."""
    classifier = LogisticRegression(class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), classifier)


def _as_codes(sites: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return the names of the sites and, for each subject, the number of its site."""
    column = check_known(sites, "sites")
    if column.dtype.kind == "f":
        with named("sites", "text or whole numbers"):
            check_classification_targets(column)
    return np.unique(plain_labels(column, "sites"), return_inverse=True)


def _count_owners(names: NDArray, codes: NDArray, groups: ArrayLike | None) -> list[int]:
    """Count the subjects of each site, or its groups; raise where one cannot be split."""
    owners = np.arange(len(codes)) if groups is None else check_known(groups, "groups")
    sizes = [len(np.unique(owners[codes == k])) for k in range(len(names))]
    if len(names) < 2:
        raise ValueError(f"All subjects are of site {str(names[0])!r}: two sites are needed.")
    if single := [str(name) for name, size in zip(names, sizes, strict=True) if size < 2]:
        what = "subject" if groups is None else "group"
        raise ValueError(
            f"{len(single)} of {len(names)} sites have a single {what}, so that no probe can both "
            f"learn and be tested on them; leave them out: {', '.join(single[:10])}."
        )
    return sizes


def _splits(
    x: NDArray, codes: NDArray, cv: Any, largest: int, groups: Groups, random_state: Any
) -> list:
    """Return the training and test rows of each fold."""
    if isinstance(cv, Integral):
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = kind(min(int(cv), largest), shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        # Predictions are pooled over the folds: a small site may be absent from some.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = list(check_cv(cv).split(x, codes, groups))
    tested = np.sort(np.concatenate([test for _, test in splits]))
    if not np.array_equal(tested, np.arange(len(x))):
        raise ValueError("cv only works for partitions: it must leave every subject out once.")
    return splits


def site_scorer(sites: str = "site", **options: Any) -> Callable[..., float]:
    """Make a scorer that rewards representations without information on the site.

    Parameters
    ----------
    sites : str, default="site"
        Column of the side data, ``X.meta[sites]``, that holds the sites.
    **options : dict
        Further arguments of :func:`site_predictability`; `groups` names a column of the side data.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` returns the *negative* balanced accuracy of predicting the site
        of test subjects, from -1 to 0, since greater is better in scikit-learn. The representation
        is the output of ``estimator.transform(X)`` or, for a pipeline that ends in a predictor,
        the input of the predictor. The scorer raises TypeError if `X` is no
        :class:`~skmmcl.data.MultimodalData`, which alone carries sites, or the estimator has no
        ``transform``, and ValueError if `X` has no such side data.

    See Also
    --------
    site_predictability : The metric, and what else it raises.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.metrics import site_scorer
    >>> rng = np.random.default_rng(0)
    >>> age, site = rng.uniform(20, 80, size=60), np.tile(["London", "Paris"], 30)
    >>> X = MultimodalData(smri=age[:, None] + rng.normal(size=(60, 2)), meta={"site": site})
    >>> pipe = make_pipeline(FunctionTransformer(lambda X: X["smri"]), Ridge())
    >>> scoring = {"age": "neg_mean_absolute_error", "site": site_scorer()}
    >>> scores = cross_validate(pipe, X, age, scoring=scoring, cv=3)
    >>> bool(scores["test_age"].mean() > -2 and scores["test_site"].mean() > -0.75)
    True
    """
    return _SiteScorer(sites, options)


class _SiteScorer:
    def __init__(self, sites: str, options: dict[str, Any]) -> None:
        signature(site_predictability).bind(None, None, **options)
        self._sites = sites
        self._options = options

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        if not isinstance(X, MultimodalData):
            raise TypeError(
                "A site_scorer reads the sites from the side data of MultimodalData, got "
                f"{type(X).__name__}: give MultimodalData(..., meta={{{self._sites!r}: sites}})."
            )
        options = dict(self._options)
        if options.get("groups") is not None:
            options["groups"] = X.meta[options["groups"]]
        representation = np.asarray(_transformer_of(estimator).transform(X))
        return -site_predictability(representation, X.meta[self._sites], **options)

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self._options.items())
        return f"site_scorer({self._sites!r}{options})"


def _transformer_of(estimator: Any) -> Any:
    """Return the transformer: the estimator, or all steps of a pipeline but the last."""
    if hasattr(estimator, "transform"):
        return estimator
    if isinstance(estimator, Pipeline) and hasattr(estimator[:-1], "transform"):
        return estimator[:-1]
    raise TypeError(
        f"{type(estimator).__name__} has no representation: a transformer is needed, or a "
        "pipeline of transformers and a predictor."
    )
