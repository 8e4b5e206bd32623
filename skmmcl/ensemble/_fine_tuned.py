"""Base of classifiers and regressors that fine-tune a pretrained embedder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._input import read_known
from skmmcl.base._parameters import POSITIVE, Augmentation
from skmmcl.base._reuse import is_fitted, start_anew, start_from
from skmmcl.cross_decomposition import SupervisedEmbedder
from skmmcl.data._who import check_same_subjects
from skmmcl.ensemble._overlap import OnOverlap, report_overlap, seen_before
from skmmcl.ensemble._source import embedder_to_tune
from skmmcl.ensemble._tuner import Tuner
from skmmcl.utils._site import SiteLinkMixin
from skmmcl.utils._sklearn import StrOptions, fit_context

if TYPE_CHECKING:
    from skmmcl.utils._typing import RandomState, SampleWeight, Subjects, Target

# Parameters that the internal embedder has under the same names.
HANDED_ON = (
    "layers", "lr", "encoder_lr_factor", "weight_decay", "optimizer", "lr_schedule", "max_epochs",
    "batch_size", "augment", "validation_fraction", "n_iter_no_change", "device", "verbose",
)  # fmt: skip


@embedder
class BaseFineTuned(SiteLinkMixin, BaseEstimator):
    """Base of estimators that fine-tune a pretrained embedder.

    Parameters
    ----------
    estimator : BaseEmbedder, FrozenEstimator or None, default=None
        A fitted embedder, whose network is copied and never altered; clones share it. One that is
        not fitted is fitted on ``pretrain`` or, without ``pretrain``, defines only the
        architecture. None for :class:`~skmmcl.cross_decomposition.SupervisedEmbedder`.
    pretrain : tuple (X, y), or X, default=None
        Subjects on which each fit first fits the embedder.
    reset_weights : bool, default=False
        Whether all weights are drawn again and the scaling is that of the subjects of `fit`. This
        trains the same architecture from scratch, the baseline of a pretraining.
    layers : {"head", "last", "all"}, default="all"
        Layers that are trained: the head; the head and the last block of each encoder, or of the
        fusion; or all. The others stay in evaluation mode.
    lr : float, default=0.003
        Learning rate of the head.
    encoder_lr_factor : float, default=0.1
        Learning rate below the head, as a factor of ``lr``. 1 from scratch.
    lr_schedule : {"cosine"} or None, default=None
        Course of the learning rates over the epochs; None for constant ones.
    augment : dict of str to callable, default=None
        Random changes of a modality in training, as embedders take them.
    on_overlap : {"raise", "warn", "ignore"}, default="raise"
        Reaction to subjects to be predicted that were in the pretraining and not in `fit`. They
        are found by ``X.index``, and cannot be found without it.
    random_state : int, RandomState instance or None, default=None
        Draws the head, the order of the subjects and, without a pretraining, the weights of the
        embedder.

    Attributes
    ----------
    pretrained_ : BaseEmbedder
        The embedder from which training started.
    tuner_ : BaseEmbedder
        The internal embedder, with the fine-tuned network.
    net_ : skorch net
        Its network, ``net_.module_``, with its ``history``.
    history_ : dict of str to ndarray
        Loss by epoch.
    n_iter_ : int
        Number of epochs that were run.
    n_features_in_ : int
        Number of features per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if the embedder was fitted on a DataFrame.
    """

    estimator: Any = field(default=None, kw_only=False)
    pretrain: Any = None
    reset_weights: bool = False
    layers: Literal["head", "last", "all"] = "all"
    lr: float = 3e-3
    encoder_lr_factor: float = 0.1
    weight_decay: float = 1e-3
    max_epochs: int = 50
    batch_size: int = 32
    optimizer: str | Callable[..., Any] = "adam"
    lr_schedule: Literal["cosine"] | None = None
    augment: Augmentation = None
    validation_fraction: float | None = None
    n_iter_no_change: int | None = 10
    on_overlap: OnOverlap = "raise"
    device: Any = "auto"
    verbose: int = 0
    random_state: RandomState = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [BaseEmbedder, FrozenEstimator, None],
        "pretrain": "no_validation",
        "reset_weights": ["boolean"],
        "layers": [StrOptions({"head", "last", "all"})],
        "encoder_lr_factor": POSITIVE,
        "lr_schedule": [StrOptions({"cosine"}), None],
        "on_overlap": [StrOptions({"raise", "warn", "ignore"})],
    }

    def _own(self) -> dict[str, Any]:
        """Return parameters of the internal embedder that differ between the subclasses."""
        raise NotImplementedError

    def _weight(self, y: Any, sample_weight: Any) -> Any:
        """Return the weight of each subject."""
        return sample_weight

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Subjects, y: Target = None, *, sample_weight: SampleWeight = None) -> Self:
        """Train the head, and the layers below it that ``layers`` names.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects; some of the embedder's modalities may be missing.
        y : array-like of shape (n_samples,) or, of numbers, (n_samples, n_columns)
            Target; NaN or None, and -1 for a class, where it is unknown.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        check_same_subjects({"X": X, "y": y, "sample_weight": sample_weight})
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        sample_weight = self._weight(y, sample_weight)
        seeds = check_random_state(self.random_state).randint(np.iinfo(np.int32).max, size=3)
        source, is_trained = embedder_to_tune(self, X, y, sample_weight, int(seeds[0]))
        data = read_known(source, X)
        is_new = self.reset_weights or not is_trained
        start = start_from(source, data.modalities)
        if self.reset_weights:
            weight = None if sample_weight is None else np.asarray(sample_weight)
            start = start_anew(source, data, weight, int(seeds[1]))
        handed_on = {name: getattr(self, name) for name in HANDED_ON}
        if is_new:
            handed_on["encoder_lr_factor"] = 1.0
        tuner = Tuner(
            network=start.network,
            scaling=start.scaling,
            dtype=source._dtype,  # type: ignore[arg-type]  # noqa: SLF001
            random_state=int(seeds[2]),
            **handed_on,
            **self._own(),
        )
        tuner.fit(data, y, sample_weight=sample_weight)
        tuner.set_params(network=None, scaling=None)  # both are part of what was trained
        self.pretrained_, self.tuner_ = source, tuner
        self._is_column = np.asarray(y).ndim < 2
        self._seen_before = None if is_new else getattr(source, "_subject_keys", None)
        return self

    def _default(self) -> BaseEmbedder:
        return SupervisedEmbedder(solver="gradient", dtype="auto")

    def _numbers(self, y: Any) -> Any:
        """Return ``y`` in a form that an untrained embedder can read."""
        return y

    def _outputs(self, X: Any) -> np.ndarray:
        """Return the outputs of the head, (n_samples, n_outputs)."""
        check_is_fitted(self, "tuner_")
        data = read_known(self.pretrained_, X, keep=self.tuner_.modalities_)
        tuned_on = self.tuner_._subject_keys  # noqa: SLF001
        seen = seen_before(data, self._seen_before, tuned_on)
        report_overlap(seen, data, self.on_overlap)
        return self.tuner_.outputs(data)

    def seen_in_pretraining(self, X: Subjects) -> np.ndarray:
        """Return which subjects were in the pretraining, by their identifiers.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            Subjects. Only a container with an ``index`` identifies them.

        Returns
        -------
        ndarray of bool of shape (n_samples,)
            True for those who were in the pretraining; False for the others, and for all where
            one of the two has no identifiers.
        """
        check_is_fitted(self, "tuner_")
        data = read_known(self.pretrained_, X, keep=self.tuner_.modalities_)
        return seen_before(data, self._seen_before)

    @property
    def net_(self) -> Any:
        """The trained skorch net."""
        return self.tuner_.net_

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Loss by epoch."""
        check_is_fitted(self, "tuner_")
        return self.tuner_.history_

    @property
    def n_iter_(self) -> int:
        """Number of epochs that were run."""
        return self.tuner_.n_iter_

    @property
    def n_features_in_(self) -> int:
        """Number of features per subject, over all modalities."""
        return self.tuner_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns; only of a DataFrame."""
        return self.pretrained_.feature_names_in_

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; those of a fitted embedder, which cannot change, are left out.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the parameters of an embedder that is not fitted as well.

        Returns
        -------
        dict
            Values by name.
        """
        params = super().get_params(deep=deep)
        if not self._is_given_fitted():
            return params
        return {name: v for name, v in params.items() if not name.startswith("estimator__")}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of a fitted embedder are refused.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        self : object
            This estimator.
        """
        inner = [name for name in params if name.startswith("estimator__")]
        if inner and "estimator" not in params and self._is_given_fitted():
            raise ValueError(
                f"{inner[0]} cannot be set: the {type(self.estimator).__name__} is fitted, and is "
                "never altered. Pass one that is not fitted, with pretrain=."
            )
        return super().set_params(**params)

    def _is_given_fitted(self) -> bool:
        return isinstance(self.estimator, BaseEmbedder) and is_fitted(self.estimator)

    def __sklearn_clone__(self) -> Self:
        """Return a clone that shares a fitted embedder, as it would one in a `FrozenEstimator`."""
        twin = super().__sklearn_clone__()
        if self._is_given_fitted():
            twin.estimator = self.estimator
        return twin

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.dict = True
        tags.target_tags.required = True
        return tags
