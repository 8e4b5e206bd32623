"""The base of all estimators: the only ``fit`` and ``transform`` of the package."""

from __future__ import annotations

import inspect
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from pickle import PicklingError
from typing import Any, ClassVar, Literal, Self, dataclass_transform

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skmmcl._input import MultimodalInputMixin, check_n_subjects, check_subjects
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.networks import MultiviewNetwork
from skmmcl.training import (
    EmbeddingNet,
    SubjectSet,
    Term,
    fingerprint,
    fit_net,
    make_net,
    represent,
    to_tensor,
)
from skmmcl.utils._moments import weighted_moments
from skmmcl.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
    check_sample_weight,
    fit_context,
    get_output_config,
    num_samples,
)
from skmmcl.utils._targets import encode_classes

TRANSFORM_ROWS = 1024


@dataclass_transform(kw_only_default=True, eq_default=False)
def embedder(cls: type) -> type:
    """Give an estimator its ``__init__`` from its annotated parameters, its own ones first."""
    cls = dataclass(kw_only=True, eq=False, repr=False)(cls)
    signature = inspect.signature(cls.__init__)
    own = set(vars(cls).get("__annotations__", {}))
    ordered = sorted(signature.parameters.values(), key=lambda p: p.name not in {"self", *own})
    cls.__init__.__signature__ = signature.replace(parameters=ordered)
    return cls


@embedder
class BaseEmbedder(MultimodalInputMixin, TransformerMixin, BaseEstimator):
    """Base of the transformers that train one encoder per modality.

    A method says what its network is (`_make_network`) and what its objective is
    (`_make_objective`); everything else is here.
    """

    modalities: Mapping[str, Any] | Sequence[str] | None = None
    n_components: int = 16
    encoders: Any = "auto"
    standardize: bool = True
    max_epochs: int = 100
    batch_size: int = 64
    lr: float = 1e-3
    weight_decay: float = 1e-3
    optimizer: Any = "adam"
    lr_schedule: Literal["cosine", "onecycle"] | None = None
    gradient_clip: float | None = None
    validation_fraction: float | None = None
    n_iter_no_change: int | None = 20
    monitor: Literal["loss", "probe"] = "loss"
    callbacks: Sequence[Any] | None = None
    warm_start: bool = False
    checkpoint: Any = None
    device: str = "auto"
    dtype: Literal["float32", "float64", "auto"] = "float32"
    verbose: int = 0
    random_state: Any = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "modalities": [None, dict, list, tuple],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "encoders": [str, dict, callable, torch.nn.Module],
        "standardize": ["boolean"],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions({"adam", "adamw", "radam", "sgd"}), callable],
        "lr_schedule": [StrOptions({"cosine", "onecycle"}), None],
        "gradient_clip": [Interval(Real, 0, None, closed="neither"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "monitor": [StrOptions({"loss", "probe"})],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "checkpoint": [None, str, HasMethods("__fspath__")],
        "device": [str, torch.device],
        "dtype": [StrOptions({"float32", "float64", "auto"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    # What a method says of itself

    def _make_views(self) -> list[str]:
        """The modality that each view reads; a lone modality is read by two encoders."""
        if len(self.modalities_) > 1:
            return self.modalities_
        warnings.warn(
            f"{type(self).__name__} was given one modality, {self.modalities_[0]!r}, and trains "
            "two encoders on it as two views. To say which columns of a table are which modality, "
            "set modalities={'smri': slice(0, 100), 'fc': 'fc_*'}.",
            UserWarning,
            stacklevel=4,
        )
        return self.modalities_ * 2

    def _make_network(self, **layout: Any) -> partial:
        """A function without arguments that builds the network."""
        return partial(MultiviewNetwork, n_components=self.n_components, **layout)

    @abstractmethod
    def _make_objective(self) -> list[Term]:
        """The terms of the objective."""

    def _uses_classes(self) -> bool:
        """Whether a term of the objective needs ``y``."""
        return False

    # What every method does alike

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Self:
        """Train the encoders.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,), default=None
            Class labels; -1, NaN or None where a subject is unlabelled.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        resume = self.warm_start and hasattr(self, "net_")
        return self._fit(X, y, sample_weight, n_epochs=self.max_epochs, resume=resume)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Self:
        """Train for one epoch more; the first call fixes scaling, shapes and classes.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,), default=None
            Class labels; -1, NaN or None where a subject is unlabelled.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        return self._fit(X, y, sample_weight, n_epochs=1, resume=hasattr(self, "net_"))

    def transform(self, X: Any) -> np.ndarray:
        """Represent subjects.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit. The representation of an absent modality
            is the mean of the training subjects.

        Returns
        -------
        ndarray of shape (n_samples, n_views * n_components)
            The representations of all modalities, side by side.
        """
        check_is_fitted(self, "net_")
        data = self._read(X, reset=False)
        check_subjects(data, self._dtype)
        h = represent(self.net_, self._subjects(self.net_, data))
        present = self._view_mask(self.net_, data).T[..., None]
        h = np.where(present, h, self.mean_representation_[:, None])
        out = h.transpose(1, 0, 2).reshape(len(data), -1)
        if data.index is None or get_output_config("transform", self)["dense"] != "pandas":
            return out
        import pandas as pd

        return pd.DataFrame(out, index=data.index, columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that `transform` gives: ``fc_0``, ``fc_1``, ...

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against ``feature_names_in_``, otherwise unused.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self, "net_")
        check_feature_names_in(self, input_features)
        n_views = {name: self.net_.module_.views.count(name) for name in self.modalities_}
        width = self.mean_representation_.shape[1]
        names = [f"{m}_{i}" for m in self.modalities_ for i in range(n_views[m] * width)]
        return np.asarray(names, dtype=object)

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Mean of the loss and of each term in each epoch of training."""
        check_is_fitted(self, "net_")
        rows = [row for row in self.net_.history if "train_loss" in row]
        last = rows[-1] if rows else {"train_loss": np.nan}  # none if cut off in the first epoch
        names = [k for k, v in last.items() if isinstance(v, float) and k != "dur"]
        return {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}

    @property
    def n_iter_(self) -> int:
        """Number of epochs that were run."""
        return len(self.history_["train_loss"])

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, n_epochs: int, resume: bool) -> Self:
        if not resume:
            self.__dict__.pop("net_", None)
        data = self._read(X, reset=not resume)
        counted: Any = slice(None)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, data, ensure_non_negative=True)
            counted = np.flatnonzero(sample_weight)
            sample_weight = sample_weight[counted]
        codes = self._read_classes(y, data, counted, reset=not resume)
        data = data[counted]
        check_n_subjects(data, 1 if resume else 2, type(self).__name__)
        self._dtype = self._dtype if resume else self._choose_dtype(data)
        check_subjects(data, self._dtype)
        net = self.net_.set_params(lr=self.lr) if resume else self._new_net(data, sample_weight)
        subjects = self._subjects(net, data, codes, sample_weight)
        key = None if self.checkpoint is None else self._fingerprint(data, codes, sample_weight)
        self.net_ = fit_net(net, subjects, self, n_epochs, key)
        self._learn_mean_representation(data, subjects, sample_weight)
        return self

    def _read_classes(
        self, y: Any, data: MultimodalData, counted: Any, *, reset: bool
    ) -> np.ndarray:
        """Class codes of the subjects that count; all -1 where no class is asked for."""
        probed = self.validation_fraction is not None and self.monitor == "probe"
        if y is not None and (n_targets := num_samples(y)) != len(data):
            raise DataError(f"y has {n_targets} entries, but X has {len(data)} subjects.")
        if not self._uses_classes() and not probed:
            return np.full(len(data), -1)[counted]
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None. Only the self-supervised part (for example css_weight=0) needs no y."
            )
        y = column_or_1d(y, warn=True)[counted]
        codes, classes = encode_classes(y, None if reset else self.classes_)
        if len(classes) < 2:
            raise DataError(
                f"{type(self).__name__} needs at least two classes in y, found 1 class or none: "
                f"{classes.tolist()}, with {np.sum(codes < 0)} unlabelled subjects (y = -1)."
            )
        self.classes_ = classes
        return codes

    def _choose_dtype(self, data: MultimodalData) -> str:
        if self.dtype != "auto":
            return self.dtype
        return "float64" if np.dtype(np.float64) in data.dtypes.values() else "float32"

    def _encoder_specs(self) -> dict[str, Any]:
        if not isinstance(self.encoders, Mapping):
            return dict.fromkeys(self.modalities_, self.encoders)
        unknown = [name for name in self.encoders if name not in self.modalities_]
        if unknown:
            raise ModalityError(f"encoders names {unknown}; the modalities are {self.modalities_}.")
        return dict(self.encoders)

    def _new_net(self, data: MultimodalData, sample_weight: np.ndarray | None) -> EmbeddingNet:
        """Draw the weights; sets what scaling and imputation need."""
        present = dict(zip(data.modalities, data.mask.T, strict=True))
        for name, rows in present.items():
            if not rows.any():
                raise DataError(f"Modality {name!r} is missing in all {len(data)} subjects.")
        self._moments = {
            name: weighted_moments(array, present[name], sample_weight)
            for name, array in data.items()
        }
        network = self._make_network(
            views=self._make_views(),
            shapes=self.shapes_,
            encoders=self._encoder_specs(),
            moments=self._moments if self.standardize else {},
        )
        return make_net(network, self._make_objective(), self, dtype=getattr(torch, self._dtype))

    def _subjects(
        self,
        net: EmbeddingNet,
        data: MultimodalData,
        codes: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> SubjectSet:
        """All subjects as tensors where the net is; what is absent is the mean, and masked."""
        present = dict(zip(data.modalities, data.mask.T, strict=True))
        x = {
            name: to_tensor(array[:], present[name], self._moments[name][0], net)
            for name, array in data.items()
        }
        mask = None if data.mask.all() else self._view_mask(net, data)
        codes = np.full(len(data), -1) if codes is None else codes
        return SubjectSet.everyone(net, x, codes, mask, sample_weight, TRANSFORM_ROWS)

    def _view_mask(self, net: EmbeddingNet, data: MultimodalData) -> np.ndarray:
        """Presence of each view, (n_samples, n_views)."""
        return data.mask[:, [self.modalities_.index(name) for name in net.module_.views]]

    def _learn_mean_representation(
        self, data: MultimodalData, subjects: SubjectSet, sample_weight: np.ndarray | None
    ) -> None:
        h = represent(self.net_, subjects)
        weight = self._view_mask(self.net_, data).T.astype(float)
        weight = weight if sample_weight is None else weight * sample_weight
        count = weight.sum(1, keepdims=True)
        mean = np.einsum("vn,vnd->vd", weight, h) / np.maximum(count, np.finfo(float).tiny)
        if not count.all():  # in a later call nobody may have the modality
            mean = np.where(count > 0, mean, self.mean_representation_)
        self.mean_representation_ = mean.astype(h.dtype)

    def _fingerprint(self, *job: Any) -> str:
        ignored = {"verbose", "device", "checkpoint", "callbacks"}
        params = self.get_params(deep=False)
        known = {name: value for name, value in params.items() if name not in ignored}
        data, *rest = job
        try:
            return fingerprint(type(self).__qualname__, known, data.to_dict(), data.mask, *rest)
        except PicklingError as error:
            raise ValueError(
                "checkpoint= writes the fit to a file, which one of the parameters does not bear: "
                f"{error}. Give a function or class defined in a module instead of a lambda."
            ) from error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.dict = True
        tags.target_tags.required = self._uses_classes()
        tags.transformer_tags.preserves_dtype = (
            ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        )
        return tags
