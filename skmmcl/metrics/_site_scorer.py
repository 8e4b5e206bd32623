"""Site predictability as a scorer."""

from __future__ import annotations

from inspect import signature

import numpy as np
from sklearn.pipeline import Pipeline

from skmmcl.data import MultimodalData
from skmmcl.metrics._site import site_predictability


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
