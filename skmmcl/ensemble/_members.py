"""Members of an ensemble: clones with different seeds, trained together."""

from __future__ import annotations

import warnings
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skmmcl.base import embedder
from skmmcl.base._parameters import COUNT
from skmmcl.data._who import check_same_subjects
from skmmcl.model_selection._wrapper import routing_enabled
from skmmcl.parallel import stacked_fits
from skmmcl.utils._site import SiteLinkMixin
from skmmcl.utils._sklearn import HasMethods, fit_context

if TYPE_CHECKING:
    from skmmcl.utils._typing import RandomState, SampleWeight, Subjects, Target


@embedder
class BaseDeepEnsemble(SiteLinkMixin, BaseEstimator):
    """Base of ensembles whose members differ only in their random state.

    Parameters
    ----------
    n_estimators : int, default=10
        Number of members.
    random_state : int, RandomState instance or None, default=None
        Draws the random states of the members.

    Attributes
    ----------
    estimators_ : list
        The fitted members.
    n_features_in_ : int
        Number of features seen in ``fit``, where the members have it.
    feature_names_in_ : ndarray of str
        Names of the features seen in ``fit``, where the members have them.
    """

    estimator: Any = field(default=None, kw_only=False)
    n_estimators: int = 10
    random_state: RandomState = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_estimators": COUNT,
    }

    def _default(self) -> Any:
        """Return the estimator that replaces None."""
        raise NotImplementedError

    def _member(self) -> Any:
        return self._default() if self.estimator is None else self.estimator

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Subjects,
        y: Target = None,
        *,
        sample_weight: SampleWeight = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the members; networks of this package are trained as one stack.

        Parameters
        ----------
        X : array-like, DataFrame, MultimodalData or dict of arrays
            Training data, in any form that the members take.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each subject, for members that take it.
        **fit_params : dict
            Passed to ``fit`` of each member: all of them, or with metadata routing those that it
            requests.

        Returns
        -------
        self : object
            Fitted ensemble.
        """
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        check_same_subjects({"X": X, "y": y, **fit_params, **weight})
        params = self._route(fit_params | weight)
        if not any(name.endswith("random_state") for name in self._member().get_params()):
            warnings.warn(
                f"{type(self._member()).__name__} has no random_state, so that all members are "
                "equal and their disagreement says nothing about the uncertainty.",
                UserWarning,
                stacklevel=3,
            )
        rng = check_random_state(self.random_state)
        members = [apart(with_seeds(clone(self._member()), rng)) for _ in range(self.n_estimators)]
        with stacked_fits():
            self.estimators_ = Parallel()(delayed(m.fit)(X, y, **params) for m in members)
        return self

    def _route(self, params: dict[str, Any]) -> dict[str, Any]:
        if routing_enabled():
            return process_routing(self, "fit", **params)["estimator"]["fit"]
        return params

    def get_metadata_routing(self) -> MetadataRouter:
        """Return where metadata goes: to ``fit`` of the members.

        Returns
        -------
        routing : MetadataRouter
            Routing of fit parameters.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self._member(), method_mapping=mapping)

    def _of_members(self, method: str, X: Any) -> np.ndarray:
        """Return the output of a method of each member, (n_estimators, n_samples, ...)."""
        check_is_fitted(self, "estimators_")
        return np.stack([np.asarray(getattr(m, method)(X)) for m in self.estimators_])

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in ``fit``."""
        return self.estimators_[0].n_features_in_

    @property
    def feature_names_in_(self) -> Any:
        """Names of the features seen in ``fit``."""
        return self.estimators_[0].feature_names_in_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._member())
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        return tags


def with_seeds(estimator: Any, rng: np.random.RandomState) -> Any:
    """Set every ``random_state`` of an estimator, those of its parts as well.

    A fitted part, in a `FrozenEstimator` or a fine-tuned estimator, keeps its own.
    """
    names = sorted(estimator.get_params(deep=True))
    seeds = {
        name: int(rng.randint(np.iinfo(np.int32).max))
        for name in names
        if name == "random_state" or name.endswith("__random_state")
    }
    return estimator.set_params(**seeds) if seeds else estimator


def apart(estimator: Any) -> Any:
    """Set frozen parts of an estimator anew, around the same fitted estimators.

    Clones share a `FrozenEstimator`, to which a pipeline attaches its callbacks while it is fitted:
    each thread would detach those of the others.
    """
    frozen = {
        name: FrozenEstimator(value.estimator)
        for name, value in estimator.get_params(deep=True).items()
        if isinstance(value, FrozenEstimator)
    }
    return estimator.set_params(**frozen) if frozen else estimator
