"""Prediction of the site of a scan from a representation, as a metric and a scorer."""

from __future__ import annotations

import warnings
from inspect import signature
from numbers import Integral
from typing import TYPE_CHECKING

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
    from numpy.typing import ArrayLike, NDArray


def site_predictability(
    X: ArrayLike,
    sites: ArrayLike,
    *,
    probe=None,
    cv=5,
    groups: ArrayLike | None = None,
    random_state=0,
    n_jobs: int | None = None,
) -> float:
    """Compute the cross-validated balanced accuracy of a probe for the site.

    Every subject is predicted once, by a probe that did not see it; the recalls of the sites
    over all these predictions are averaged.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The representation, of subjects that did not train it.
    sites : array-like of shape (n_samples,)
        Site, scanner or another attribute of each subject: text or integers.
    probe : classifier, optional
        What predicts the site; it is cloned. By default a
        :class:`~sklearn.linear_model.LogisticRegression` with balanced classes on standardized
        features, both fitted on the training folds only.
    cv : int, cross-validation generator or iterable, default=5
        Folds that leave every subject out exactly once. An integer gives shuffled stratified
        folds, fewer where no site has so many subjects.
    groups : array-like of shape (n_samples,), optional
        Whose scans they are: scans of one group share a fold. Give it wherever subjects were
        scanned more than once, for the probe may know the subject rather than the site.
    random_state : int or RandomState, default=0
        Shuffles the folds of an integer `cv`.
    n_jobs : int, optional
        Number of probes to fit at once, as in scikit-learn.

    Returns
    -------
    balanced_accuracy : float
        From 0 to 1. Around ``1 / n_sites`` a linear probe knows nothing of the site, and lower
        is better.

    Raises
    ------
    ValueError
        For NaN, infinite values, missing sites, other numbers of subjects and sites, a single
        site, continuous numbers for sites, and sites with a single subject (or group).

    See Also
    --------
    site_scorer : The same as the ``scoring`` of scikit-learn.
    openbhb_score : Weighs it with the error of brain age.

    Notes
    -----
    A probe that cannot tell the site shows that it is not linearly visible to so many subjects,
    no more. Sites differ in age and sex too, which a good representation does see: chance is
    then not what to expect of it. In the published challenge [1]_ the probe learns from the
    training set and predicts a set of other subjects of the same sites: hand in its settings
    with `probe` and a single such split is ``probe.fit(...)`` and
    :func:`~sklearn.metrics.balanced_accuracy_score`.

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
    """Return the linear classifier that predicts a site where no other is given."""
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


def _splits(x: NDArray, codes: NDArray, cv, largest: int, groups, random_state) -> list:
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


def site_scorer(sites="site", **options):
    """Make a scorer of how little the representation of an estimator tells of the site.

    Parameters
    ----------
    sites : str, default="site"
        Which side data of the subjects, ``X.meta[sites]``, holds the sites.
    **options : dict
        Further arguments of :func:`site_predictability`; `groups` is the name of side data too.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` gives the *negative* balanced accuracy of predicting the site
        of test subjects, from -1 to 0, since scikit-learn takes greater for better. The
        representation is what the estimator transforms `X` to; of a pipeline that ends in a
        predictor, what reaches the predictor. It raises TypeError where `X` is no
        :class:`~skmmcl.data.MultimodalData`, which alone carries the sites along, or the
        estimator transforms nothing, and ValueError where `X` has no such side data.

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
    def __init__(self, sites, options):
        signature(site_predictability).bind(None, None, **options)
        self._sites = sites
        self._options = options

    def __call__(self, estimator, X, y=None):
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

    def __repr__(self):
        options = "".join(f", {name}={value!r}" for name, value in self._options.items())
        return f"site_scorer({self._sites!r}{options})"


def _transformer_of(estimator):
    """Return what makes the representation: all, or all steps of a pipeline but the last."""
    if hasattr(estimator, "transform"):
        return estimator
    if isinstance(estimator, Pipeline) and hasattr(estimator[:-1], "transform"):
        return estimator[:-1]
    raise TypeError(
        f"{type(estimator).__name__} has no representation: a transformer is needed, or a "
        "pipeline of transformers and a predictor."
    )
