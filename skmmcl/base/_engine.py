"""How a fit goes: from what was read to a trained net."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pickle import PicklingError
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skmmcl.augmentation import augmented_names, check_augment, try_augment
from skmmcl.base._imputation import Imputation
from skmmcl.base._input import (
    MultimodalInputMixin,
    check_n_subjects,
    check_subjects,
    checked_weight,
    warn_if_unpaired,
)
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError, ModalityError, TrainingError
from skmmcl.networks import InputStage, MultiviewNetwork
from skmmcl.training import (
    EmbeddingNet,
    SubjectSet,
    Term,
    check_settings,
    checkpoint_folder,
    fingerprint,
    fit_net,
    make_net,
    open_folder,
    prepared,
    represented,
    seeded,
)
from skmmcl.utils._moments import principal_axes, weighted_moments
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import num_samples
from skmmcl.utils._targets import as_labels, encode_classes

# What a checkpoint may differ in and still be that of the same fit.
NOT_OF_THE_FIT = {"verbose", "device", "checkpoint", "callbacks", "impute", "on_empty"}


class EngineMixin(MultimodalInputMixin, BaseEstimator):
    """Fits by the engine of `skmmcl.training` whatever network and objective a method has."""

    n_components: int
    encoders: Any
    standardize: bool
    input_components: int | None
    augment: Any
    impute: str
    lr: float
    validation_fraction: float | None
    monitor: str
    sampler: str
    checkpoint: Any
    dtype: str

    net_: EmbeddingNet
    classes_: np.ndarray
    mean_representation_: np.ndarray
    _imputation: Imputation | None
    _without_y: ClassVar[str] = ""  # how to do without, said where y is missing
    _aligns: ClassVar[bool] = False  # whether modalities of one subject are to agree
    _dtype: str
    _means: dict[str, np.ndarray]
    _units: dict[str, np.ndarray]

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
        """Whether a term of the objective needs the class codes of ``y``."""
        return False

    def _requires_y(self) -> bool:
        """Whether fit must be given ``y``."""
        return self._uses_classes()

    def _read_values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        """What terms see as ``targets``: (n_samples, n_columns) with NaN where unknown."""

    def _learn_values(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        """Check these values of the training subjects, and learn of them what terms need."""

    # What every method does alike

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, n_epochs: int, resume: bool) -> Self:
        if not resume:
            self.__dict__.pop("net_", None)
        check_settings(self)
        data = self._read(X, reset=not resume)
        counted: Any = slice(None)
        if sample_weight is not None:
            sample_weight = checked_weight(sample_weight, data)
            counted = np.flatnonzero(sample_weight)
            sample_weight = sample_weight[counted]
        check_n_subjects(data[counted], 1 if resume else 2, type(self).__name__)
        self._check_y(y, data)
        codes = self._read_classes(y, data, counted, reset=not resume)
        values = self._read_values(y, data)
        data, values = data[counted], None if values is None else values[counted]
        if values is not None and not resume:
            self._learn_values(values, sample_weight)
        self._dtype = self._dtype if resume else self._choose_dtype(data)
        check_subjects(data, self._dtype)
        if self._aligns:
            warn_if_unpaired(data, type(self).__name__)
        check_augment(self.augment, self.shapes_)
        net = self.net_.set_params(lr=self.lr) if resume else self._new_net(data, sample_weight)
        subjects = self._subjects(net, data, codes, sample_weight, values)
        if self.augment:
            with seeded(0):
                try_augment(self.augment, subjects.data.x)
        kept_at = None
        if (folder := checkpoint_folder(self.checkpoint)) is not None:
            open_folder(folder)
            kept_at = folder, self._fingerprint(data, codes, sample_weight, values, net.seed_)
        self.net_ = fit_net(net, subjects, self, n_epochs, kept_at)
        self._learn_representation(data, subjects, sample_weight)
        return self

    def _is_probed(self) -> bool:
        return self.validation_fraction is not None and self.monitor == "probe"

    def _reads_classes(self) -> bool:
        """Whether the objective, the probe or the sampler needs the class codes."""
        return self._uses_classes() or self._is_probed() or self.sampler == "balanced"

    def _check_y(self, y: Any, data: MultimodalData) -> None:
        with named("y", "one entry for each subject"):
            n_targets = len(data) if y is None else num_samples(y)
        if n_targets != len(data):
            raise DataError(f"y has {n_targets} entries, but X has {len(data)} subjects.")
        is_sampled_by_y = self.sampler == "balanced" and not self._uses_classes()
        if y is None and (self._requires_y() or self._is_probed() or is_sampled_by_y):
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                f"is None.{self._without_y}"
            )

    def _read_classes(
        self, y: Any, data: MultimodalData, counted: Any, *, reset: bool
    ) -> np.ndarray:
        """Class codes of the subjects that count; all -1 where no class is asked for."""
        if not self._reads_classes():
            return np.full(len(data), -1)[counted]
        y = as_labels(y)[counted]
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
        stages = {
            name: self._input_stage(name, array, present[name], sample_weight)
            for name, array in data.items()
        }
        self._means = {name: stage.mean for name, stage in stages.items()}
        self._units = {name: stage.unit for name, stage in stages.items()}
        network = self._make_network(
            views=self._make_views(),
            shapes=self.shapes_,
            encoders=self._encoder_specs(),
            stages=stages,
        )
        return make_net(network, self._make_objective(), self, dtype=getattr(torch, self._dtype))

    def _input_stage(
        self, name: str, array: Any, present: np.ndarray, sample_weight: np.ndarray | None
    ) -> InputStage:
        """What the training subjects say of a modality."""
        mean, scale = weighted_moments(array, present, sample_weight)
        stage = InputStage(mean, scale, self.standardize)
        is_whole = len(self.shapes_[name]) > 2 or name in augmented_names(self.augment)
        if self.input_components is None or is_whole:
            return stage
        unit = scale if self.standardize else np.ones_like(scale)
        axes, deviation = principal_axes(
            array, present, sample_weight, (mean, unit), self.input_components
        )
        return replace(stage, axes=axes, deviation=deviation) if len(axes) else stage

    def _subjects(
        self,
        net: EmbeddingNet,
        data: MultimodalData,
        codes: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        values: np.ndarray | None = None,
    ) -> SubjectSet:
        """All subjects as tensors where the net is; what is absent is the mean, and masked."""
        present = dict(zip(data.modalities, data.mask.T, strict=True))
        x = {
            name: prepared(name, array, present[name], self._means[name], net)
            for name, array in data.items()
        }
        mask = None if data.mask.all() else self._view_mask(net, data)
        codes = np.full(len(data), -1) if codes is None else codes
        return SubjectSet.everyone(x, codes, mask, sample_weight, values)

    def _view_mask(self, net: EmbeddingNet, data: MultimodalData) -> np.ndarray:
        """Presence of each view, (n_samples, n_views)."""
        return data.mask[:, [self.modalities_.index(name) for name in net.module_.views]]

    def _present_blocks(self, data: MultimodalData) -> np.ndarray:
        """Who has what a block of the representation stands for, (n_samples, n_blocks)."""
        return self._view_mask(self.net_, data)

    def _learn_mean_representation(
        self, data: MultimodalData, subjects: SubjectSet, sample_weight: np.ndarray | None
    ) -> None:
        weight = self._present_blocks(data).T.astype(float)
        weight = weight if sample_weight is None else weight * sample_weight
        count = weight.sum(1, keepdims=True)
        mean, dtype = np.zeros(0), np.dtype(self._dtype)
        for part, h in represented(self.net_, subjects):
            share = np.einsum("vn,vnd->vd", weight[:, part], h)
            mean = mean + share if mean.size else share
        mean = mean / np.maximum(count, np.finfo(float).tiny)
        if not np.isfinite(mean).all():
            raise TrainingError(
                "Training ended with representations that are not finite. Usual causes are a "
                f"learning rate or weight decay that is too high (lr={self.lr}) or very large "
                "input values (keep standardize=True)."
            )
        if not count.all():  # in a later call nobody may have the modality
            mean = np.where(count > 0, mean, self.mean_representation_)
        self.mean_representation_ = mean.astype(dtype)

    def _learn_representation(
        self, data: MultimodalData, subjects: SubjectSet, sample_weight: np.ndarray | None
    ) -> None:
        """What is to stand in for absent modalities."""
        self._learn_mean_representation(data, subjects, sample_weight)
        self._imputation = None
        fused = self._present_blocks(data).shape[1] < len(self.net_.module_.views)
        if self.impute == "ridge" and not fused:
            self._imputation = Imputation(self.net_, subjects, sample_weight)

    def _fingerprint(self, *job: Any) -> str:
        params = self.get_params(deep=False)
        known = {name: value for name, value in params.items() if name not in NOT_OF_THE_FIT}
        data, *rest = job
        try:
            return fingerprint(type(self).__qualname__, known, data.to_dict(), data.mask, *rest)
        except PicklingError as error:
            raise ValueError(
                "checkpoint= writes the fit to a file, which one of the parameters does not bear: "
                f"{error}. Give a function or class defined in a module instead of a lambda."
            ) from error
