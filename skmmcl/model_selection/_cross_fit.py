"""Cross-fitting: embeddings of training subjects by models that were not fitted on them."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skmmcl.data._who import check_same_subjects
from skmmcl.model_selection._align import dense, like, procrustes
from skmmcl.model_selection._given import complementary_folds
from skmmcl.model_selection._rows import as_rows, n_rows, take, take_params
from skmmcl.model_selection._wrapper import Wrapper, inner_has, routing_enabled
from skmmcl.utils._sklearn import HasMethods, StrOptions, fit_context

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from skmmcl.utils._typing import CrossValidator, Subjects, Target


class CrossFitTransformer(  # type: ignore[call-arg]
    Wrapper, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Transformer that embeds each training subject by a model that was not fitted on it.

    A transformer that is trained with labels memorizes its training subjects: their
    embeddings separate the classes better than those of any new subject, and a classifier
    trained on them is overconfident. Here ``fit_transform``, which
    :class:`~sklearn.pipeline.Pipeline` calls on training data, embeds each training subject
    by a model fitted on the other folds, while ``transform``, which it calls on new data,
    uses one model fitted on all training subjects.

    :class:`~sklearn.preprocessing.TargetEncoder` cross-fits in the same way, but its recipe
    does not carry over as it is. An encoded category is a mean of ``y``, the same quantity in
    every fold; the axes of a learned embedding are arbitrary, and two networks trained on
    nearly the same subjects may differ by a rotation. Stacking their embeddings would mix
    coordinate systems. So the embeddings of a fold are mapped to those of the full model
    by the rotation (or reflection), uniform scale and translation that match best on the
    training subjects of that fold (orthogonal Procrustes analysis [1]_).

    Parameters
    ----------
    transformer : estimator
        Transformer to cross-fit, with ``fit`` and ``transform``. It is cloned; the clones share
        its ``random_state``.
    cv : int, cross-validation generator or iterable, default=5
        Folds in which every training subject is left out exactly once. An integer gives
        :class:`~sklearn.model_selection.StratifiedKFold` where `y` has classes (the
        unlabeled, -1, count as one more), else :class:`~sklearn.model_selection.KFold`.
    align : {"procrustes"} or None, default="procrustes"
        How the embeddings of a fold are mapped to the coordinates of the full model. Use
        None only where coordinates mean the same in every fit.
    n_jobs : int, default=None
        Number of folds to fit in parallel. None means 1 unless in a
        :obj:`joblib.parallel_backend` context, -1 means all processors.

    Attributes
    ----------
    transformer_ : estimator
        The transformer fitted on all training subjects.
    n_features_in_ : int
        Number of features seen in ``fit``, where the inner transformer has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, where the inner transformer has them.

    See Also
    --------
    sklearn.preprocessing.TargetEncoder : Cross-fits the encoding of categories.

    Notes
    -----
    ``fit_transform(X, y)`` differs from ``fit(X, y).transform(X)``: that is its purpose. It
    costs ``cv + 1`` fits, and changes little where the transformer ignores `y` and does not
    overfit. Subjects who were scanned repeatedly need a `cv` that reads `groups`.

    References
    ----------
    .. [1] P. H. Schönemann, "A generalized solution of the orthogonal Procrustes problem",
       Psychometrika, 31(1), 1-10, 1966.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmmcl.model_selection import CrossFitTransformer
    >>> X, y = make_classification(n_samples=60, n_features=40, random_state=0)
    >>> lda = LinearDiscriminantAnalysis()
    >>> embedder = CrossFitTransformer(lda, cv=3)
    >>> pipe = make_pipeline(embedder, LogisticRegression()).fit(X, y)
    >>> pipe.predict(X[:5]).shape
    (5,)

    The training embeddings of a memorizing transformer separate the classes too well:

    >>> def separation(Z):
    ...     return float(abs(Z[y == 1].mean() - Z[y == 0].mean()) / Z.std())
    >>> separation(lda.fit_transform(X, y)) > separation(embedder.fit_transform(X, y))
    True
    """

    _wraps = "transformer"
    _parameter_constraints: ClassVar = {
        "transformer": [HasMethods(["fit", "transform"])],
        "cv": ["cv_object"],
        "align": [StrOptions({"procrustes"}), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        transformer: Any,
        *,
        cv: CrossValidator = 5,
        align: Literal["procrustes"] | None = "procrustes",
        n_jobs: int | None = None,
    ) -> None:
        self.transformer = transformer
        self.cv = cv
        self.align = align
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Subjects, y: Target = None, **fit_params: Any) -> Self:
        """Fit the transformer on all subjects.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Training data, in any form that the inner transformer takes.
        y : array-like of shape (n_samples,), default=None
            Targets; -1 for unlabeled subjects.
        **fit_params : dict
            Passed to ``fit`` of the inner transformer: all of them, or with metadata routing
            those that it requests. `groups` belongs to the splitter and is not used here.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        check_same_subjects({"X": X, "y": y, **fit_params})
        params = self._route("fit", fit_params)["transformer"]["fit"]
        self.transformer_ = clone(self.transformer).fit(X, y, **params)
        return self

    def fit_transform(self, X: Subjects, y: Target = None, **fit_params: Any) -> Any:
        """Fit, and embed each subject by a model that was not fitted on it.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Training data, in any form that the inner transformer takes.
        y : array-like of shape (n_samples,), default=None
            Targets; -1 for unlabeled subjects.
        **fit_params : dict
            As in ``fit``; those with one entry per subject are split along with X. `groups`
            goes to the splitter.

        Returns
        -------
        X_out : ndarray or DataFrame of shape (n_samples, n_features_out)
            Cross-fitted embeddings, in the coordinates of the full model.

        Raises
        ------
        ValueError
            If the folds do not leave out every subject exactly once, or the embeddings cannot
            be aligned.
        """
        self.fit(X, y, **fit_params)
        routed = self._route("fit_transform", fit_params)
        X, y = as_rows(X), y if y is None else as_rows(y)
        full = self.transformer_.transform(X)
        target = dense(full)
        folds = complementary_folds(self.cv, X, y, **routed["splitter"]["split"])
        data = X, y, routed["transformer"]["fit"]
        blocks = Parallel(n_jobs=self.n_jobs)(
            delayed(_embed_fold)(self.transformer, data, fold, target, align=self.align)
            for fold in folds
        )
        order = np.argsort(np.concatenate([test for _, test in folds]), kind="stable")
        return like(full, np.concatenate(blocks)[order])

    def transform(self, X: Subjects) -> Any:
        """Embed subjects by the model fitted on all training subjects.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Data, in any form that the inner transformer takes.

        Returns
        -------
        X_out : ndarray or DataFrame of shape (n_samples, n_features_out)
            Embeddings.
        """
        check_is_fitted(self)
        return self.transformer_.transform(X)

    @available_if(inner_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the output features, as the inner transformer gives them.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input features.

        Returns
        -------
        feature_names_out : ndarray of str
            Names of the output features.
        """
        check_is_fitted(self)
        return self.transformer_.get_feature_names_out(input_features)

    @available_if(inner_has("set_output"))
    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Set the output container of the inner transformer.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Container of ``transform`` and ``fit_transform``; None leaves it as it is.

        Returns
        -------
        self : object
            This transformer.
        """
        for name in ("transformer", "transformer_"):
            if hasattr(self, name):
                getattr(self, name).set_output(transform=transform)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Return where metadata goes: to the inner transformer and to the splitter.

        Returns
        -------
        routing : MetadataRouter
            Routing of fit parameters.
        """
        to_fit, to_split = MethodMapping(), MethodMapping()
        for caller in ("fit", "fit_transform"):
            to_fit.add(caller=caller, callee="fit")
            to_split.add(caller=caller, callee="split")
        router = MetadataRouter(owner=self)
        router.add(transformer=self.transformer, method_mapping=to_fit)
        return router.add(splitter=self.cv, method_mapping=to_split)

    def _route(self, method, params):
        if routing_enabled():
            return process_routing(self, method, **params)
        inner = {name: value for name, value in params.items() if name != "groups"}
        splitter = {"groups": params["groups"]} if "groups" in params else {}
        return {"transformer": {"fit": inner}, "splitter": {"split": splitter}}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.transformer_tags = inner.transformer_tags
        tags.non_deterministic = inner.non_deterministic
        return tags


def _embed_fold(transformer, data, fold, target, *, align):
    """Fit a clone on one fold; embed those left out, in the coordinates of `target`."""
    (X, y, params), (train, test) = data, fold
    y_train = None if y is None else take(y, train)
    fitted = clone(transformer).fit(
        take(X, train), y_train, **take_params(params, n_rows(X), train)
    )
    embedding = dense(fitted.transform(take(X, test)))
    if embedding.shape[1:] != target.shape[1:]:
        raise ValueError(
            f"The model of a fold gives {embedding.shape[1:]} features and that of all subjects "
            f"{target.shape[1:]}: fix the number of components of {transformer!r}."
        )
    if align is not None:
        source = dense(fitted.transform(take(X, train)))
        embedding = procrustes(source, target[train], embedding)
    return embedding.astype(target.dtype, copy=False)
