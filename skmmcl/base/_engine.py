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
from skmmcl.base._solution import Solution, divide, unsupervised_factor, warn_of_untrained
from skmmcl.data import MultimodalData
from skmmcl.exceptions import CheckpointWarning, DataError, ModalityError, TrainingError
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
    represent,
    represented,
    seeded,
)
from skmmcl.utils._moments import principal_axes, weighted_moments
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import num_samples
from skmmcl.utils._targets import ContinuousError, as_labels, encode_classes, warn_if_measured

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
    warm_start: bool
    checkpoint: Any
    dtype: str

    net_: Any  # an EmbeddingNet, or None where all terms were solved
    classes_: np.ndarray
    mean_representation_: np.ndarray
    _imputation: Imputation | None
    _solution: Solution | None
    _training_columns: list[Any] | None = None  # where fit_transform finds rows and columns
    _without_y: ClassVar[str] = ""  # how to do without, said where y is missing
    _without_classes: ClassVar[str] = (  # what to do instead, said where y is no class
        "YAwareEmbedder and ContrastiveRegressionEmbedder are guided by numbers such as an age."
    )
    _aligns: ClassVar[bool] = False  # whether modalities of one subject are to agree
    _of_training: ClassVar[tuple[str, ...]] = ()  # its parameters that closed forms do not heed
    _scale: float
    _dtype: str
    _means: dict[str, np.ndarray]
    _units: dict[str, np.ndarray]
    _origins: dict[str, np.ndarray]

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

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, n_epochs: int, resume: bool, solver: str
    ) -> Self:
        if not resume:
            self.__dict__.pop("net_", None)
        check_settings(self)
        data = self._read_with(X, reset=not resume, y=y, sample_weight=sample_weight)
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
        if not resume:
            self._check_modalities(data)
        if self._aligns:
            warn_if_unpaired(data, type(self).__name__)
        known = {"y": codes, "targets": values, "sample_weight": sample_weight}
        solved, trained = divide(self._make_objective(), solver, self)
        self._solution = Solution() if solved else None
        if self._solution is not None:
            found = self._training_columns
            wanted = found is not None
            columns = self._solution.fit(solved, self, data, known, columns_wanted=wanted)
            if found is not None:
                found += [counted, columns]
        self._train(data, trained, known, n_epochs=n_epochs, resume=resume)
        return self

    def _train(
        self,
        data: MultimodalData,
        terms: list[Term],
        known: dict[str, Any],
        *,
        n_epochs: int,
        resume: bool,
    ) -> None:
        """Train the network by the terms that are not solved."""
        if not terms:
            warn_of_untrained(self)
            self.net_ = None
            return
        check_augment(self.augment, self.shapes_)
        codes, values, sample_weight = (known[k] for k in ("y", "targets", "sample_weight"))
        net = self._known_net() if resume else self._new_net(data, terms, sample_weight)
        subjects = self._subjects(net, data, codes, sample_weight, values)
        if self.augment:
            with seeded(0):
                try_augment(self.augment, subjects.data.x)
        kept_at = self._kept_at(data, codes, sample_weight, values, net.seed_)
        self.net_ = fit_net(net, subjects, self, n_epochs, kept_at)
        self._learn_representation(data, subjects, sample_weight)
        self._scale = 1.0
        if self._solution is not None:
            self._scale = unsupervised_factor(
                represent(self.net_, subjects).transpose(1, 0, 2), sample_weight
            )

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
        try:
            codes, classes = encode_classes(y, None if reset else self.classes_)
        except ContinuousError as error:
            raise DataError(f"{error} {self._advice_on_numbers()}") from error
        if reset:
            self._warn_of_measured(classes[codes[codes >= 0]])
        if len(classes) < 2:
            raise DataError(
                f"{type(self).__name__} needs at least two classes in y, found 1 class or none: "
                f"{classes.tolist()}, with {np.sum(codes < 0)} unlabelled subjects (y = -1)."
            )
        self.classes_ = classes
        return codes

    def _advice_on_numbers(self) -> str:
        """What to do instead of taking numbers for classes."""
        if self._uses_classes():
            return self._without_classes
        asked_by = "monitor='probe'" if self._is_probed() else "sampler='balanced'"
        return f"{asked_by} asks for classes here; what is the default needs none."

    def _warn_of_measured(self, known: np.ndarray) -> None:
        """Warn of numbers taken for classes that seem to be measured."""
        what = f"y, given to {type(self).__name__},"
        warn_if_measured(known, what, self._advice_on_numbers(), stacklevel=6)

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

    def _known_net(self) -> EmbeddingNet:
        """The net of earlier epochs, to go on with."""
        if self.net_.forgot_:
            self.net_.forgot_ = False
            warnings.warn(
                f"This {type(self).__name__} comes from a pickle or a copy, and these hold no "
                "moments of the optimizer: they begin anew, and its next epochs differ from those "
                "of the original. With warm_start=True when it is pickled, they are kept.",
                UserWarning,
                stacklevel=5,
            )
        return self.net_.set_params(lr=self.lr)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the moments of the optimizer, twice the weights, unless they are needed."""
        state = dict(super().__getstate__())
        if state.get("net_") is not None and not self.warm_start:
            state["net_"] = self.net_.without_moments()
        return state

    def _check_modalities(self, data: MultimodalData) -> None:
        for name, rows in zip(data.modalities, data.mask.T, strict=True):
            if not rows.any():
                raise DataError(f"Modality {name!r} is missing in all {len(data)} subjects.")

    def _new_net(
        self, data: MultimodalData, terms: list[Term], sample_weight: np.ndarray | None
    ) -> EmbeddingNet:
        """Draw the weights; sets what scaling and imputation need."""
        present = dict(zip(data.modalities, data.mask.T, strict=True))
        stages = {
            name: self._input_stage(name, array, present[name], sample_weight)
            for name, array in data.items()
        }
        self._means = {name: stage.mean for name, stage in stages.items()}
        self._units = {name: stage.unit for name, stage in stages.items()}
        self._origins = self._far_origins(stages)
        for name, origin in self._origins.items():
            stages[name] = replace(stages[name], mean=stages[name].mean - origin)
        network = self._make_network(
            views=self._make_views(),
            shapes=self.shapes_,
            encoders=self._encoder_specs(),
            stages=stages,
        )
        return make_net(network, terms, self, dtype=getattr(torch, self._dtype))

    def _far_origins(self, stages: dict[str, InputStage]) -> dict[str, np.ndarray]:
        """What to subtract of modalities that float32 would spoil; augmented ones stay raw."""
        if self._dtype != "float32":
            return {}
        origins = {
            name: stage.origin
            for name, stage in stages.items()
            if name not in augmented_names(self.augment)
        }
        return {name: origin for name, origin in origins.items() if origin is not None}

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
            name: prepared(
                name, array, present[name], self._means[name], net, self._origins.get(name)
            )
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

    def _kept_at(self, *job: Any) -> tuple[Any, str] | None:
        """Folder and fingerprint of a fit that is to be kept; trouble with them is no error."""
        if (folder := checkpoint_folder(self.checkpoint)) is None:
            return None
        try:
            open_folder(folder)
            return folder, self._fingerprint(*job)
        except (PicklingError, AttributeError, TypeError) as error:
            trouble = f"One of the parameters does not bear to be written: {error}"
            advice = "Give a function or class defined in a module instead of a lambda."
        except (OSError, ValueError) as error:
            trouble, advice = str(error), ""
        text = (
            f"This fit is not kept in the folder for checkpoints, and goes on. {trouble} {advice}"
        )
        warnings.warn(text.strip(), CheckpointWarning, stacklevel=5)
        return None

    def _fingerprint(self, data: MultimodalData, *job: Any) -> str:
        params = self.get_params(deep=False)
        known = {name: value for name, value in params.items() if name not in NOT_OF_THE_FIT}
        return fingerprint(type(self).__qualname__, known, data.to_dict(), data.mask, *job)
