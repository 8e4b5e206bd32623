"""The trained network of an embedder, with the scaling of its input and output."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from skmmcl.augmentation import augmented_names, try_augment
from skmmcl.base._encoders import shared_by
from skmmcl.base._imputation import Imputation
from skmmcl.base._known import Known
from skmmcl.base._noise import check_noise_is_known
from skmmcl.base._solution import unsupervised_factor
from skmmcl.base._views import made_with
from skmmcl.data import MultimodalData
from skmmcl.exceptions import TrainingError
from skmmcl.networks._standardize import InputStage
from skmmcl.training import (
    EmbeddingNet,
    SubjectSet,
    fit_net,
    prepared,
    represent,
    represented,
    seeded,
)
from skmmcl.utils._moments import principal_axes, weighted_moments


def input_stage(
    settings: Any,
    name: str,
    array: Any,
    present: np.ndarray,
    sample_weight: np.ndarray | None,
) -> InputStage:
    """Return the statistics of a modality: mean, scale, principal axes."""
    mean, scale = weighted_moments(array, present, sample_weight)
    stage = InputStage(mean, scale, bool(settings.standardize))
    is_whole = len(array.shape) > 3 or name in augmented_names(settings.augment, [name])
    is_whole = is_whole or name in shared_by(settings.encoders)
    if settings.input_components is None or is_whole:
        return stage
    unit = scale if settings.standardize else np.ones_like(scale)
    axes, deviation = principal_axes(
        array, present, sample_weight, (mean, unit), settings.input_components
    )
    return replace(stage, axes=axes, deviation=deviation) if len(axes) else stage


class Trained:
    """Trained network of an embedder, with what was learned besides its weights.

    Parameters
    ----------
    stages : dict of str to InputStage
        Statistics of each modality over the training subjects.
    augmented : collection of str
        Modalities that an augmentation sees in their own units.
    dtype : {"float32", "float64"}
        Precision of the network.

    Attributes
    ----------
    net : EmbeddingNet
        The skorch net.
    mean_representation : ndarray of shape (n_blocks, n_components)
        Mean of the training subjects, which replaces absent modalities.
    imputation : Imputation or None
        Model that predicts absent modalities from the others, if asked for.
    scale : float
        Factor of the representation relative to columns of solved terms.
    """

    net: EmbeddingNet
    made_with: Mapping[str, Any]  # own settings of the network
    mean_representation: np.ndarray
    imputation: Imputation | None
    scale: float = 1.0
    began_with: Mapping[str, Any] = MappingProxyType({})  # settings of the whole training

    def __init__(self, stages: Mapping[str, InputStage], augmented: Any, dtype: str) -> None:
        self.dtype = dtype
        self.means = {name: stage.mean for name, stage in stages.items()}
        self.units = {name: stage.unit for name, stage in stages.items()}
        # Float32 is too coarse far from 0; augmented modalities stay in their own units.
        near = [*augmented, *(stages if dtype != "float32" else ())]
        far = {name: stage.origin for name, stage in stages.items() if name not in near}
        self.origins = {name: origin for name, origin in far.items() if origin is not None}

    @classmethod
    def scaled_by(
        cls, settings: Any, data: MultimodalData, sample_weight: np.ndarray | None
    ) -> tuple[Self, dict[str, InputStage]]:
        """Return the scaling that training subjects give, and the input stages of a network.

        Parameters
        ----------
        settings : BaseEmbedder
            Estimator that has read its data.
        data : MultimodalData
            The subjects.
        sample_weight : ndarray of shape (n_samples,) or None
            How often a subject counts.

        Returns
        -------
        trained : Trained
            Without a network yet.
        stages : dict of str to InputStage
            As the network sees them, after the origins have been subtracted.
        """
        stages = {
            name: settings._make_stage(name, array, present, sample_weight)
            for (name, array), present in zip(data.items(), data.mask.T, strict=True)
        }
        trained = cls(stages, augmented_names(settings.augment, stages), settings._dtype)
        return trained, trained._seen(stages)

    def _seen(self, stages: Mapping[str, InputStage]) -> dict[str, InputStage]:
        """Return the stages as they are once the origins have been subtracted."""
        return {
            name: replace(stage, mean=stage.mean - self.origins.get(name, 0))
            for name, stage in stages.items()
        }

    def resume(self, settings: Any) -> None:
        """Take up the settings of an estimator with which training goes on.

        Those of the network raise if they have changed, and others that cannot be taken up warn.

        Parameters
        ----------
        settings : BaseEmbedder
            The estimator, whose parameters may have changed.
        """
        check_noise_is_known(self.net, settings.input_noise)
        for name, value in made_with(settings).items():
            if value != self.made_with[name]:
                raise ValueError(
                    f"{name}={value!r}: training goes on with a network that was made with "
                    f"{name}={self.made_with[name]!r}. Fit anew, or leave it."
                )
        now = settings.get_params(deep=False)
        for name, value in self.began_with.items():
            if value != now.get(name, value):
                warnings.warn(
                    f"{name}={now[name]!r} has no effect: training goes on as it began, with "
                    f"{name}={value!r}. To begin anew, fit with warm_start=False.",
                    UserWarning,
                    stacklevel=6,
                )
        if self.net.forgot_:
            self.net.forgot_ = False
            warnings.warn(
                f"This {type(settings).__name__} comes from a pickle or a copy, and these hold no "
                "moments of the optimizer: they begin anew, and its next epochs differ from those "
                "of the original. With warm_start=True when it is pickled, they are kept.",
                UserWarning,
                stacklevel=6,
            )
        self.net.set_params(lr=settings.lr)
        for group in self.net.optimizer_.param_groups:
            group["weight_decay"] = settings.weight_decay

    def without_moments(self) -> Trained:
        """Return this without the moments of the optimizer, which are twice the weights."""
        lighter = copy(self)
        lighter.net = self.net.without_moments()
        return lighter

    def fit(
        self,
        settings: Any,
        data: MultimodalData,
        known: Known,
        n_epochs: int,
        kept_at: tuple[Any, str] | None,
    ) -> None:
        """Train for some epochs.

        Parameters
        ----------
        settings : BaseEmbedder
            The estimator.
        data : MultimodalData
            The training subjects.
        known : mapping of str to ndarray or None
            Their targets and weights: "y", "targets" and "sample_weight".
        n_epochs : int
            Largest number of epochs.
        kept_at : (path, str) or None
            Folder and fingerprint of a fit with a checkpoint.
        """
        self.scale = 1.0
        subjects = self.subjects(data, known)
        if settings.augment:
            with seeded(0):
                try_augment(settings.augment, subjects.data.x)
        self.net = fit_net(self.net, subjects, settings, n_epochs, kept_at)
        sample_weight = known["sample_weight"]
        self._learn_mean(data, subjects, sample_weight)
        self.imputation = None
        if settings.impute == "ridge" and not getattr(self.net.module_, "fuses", False):
            self.imputation = Imputation(self.net, subjects, sample_weight)

    def learn_scale(self, data: MultimodalData, sample_weight: np.ndarray | None) -> None:
        """Scale the representation relative to the columns of solved terms."""
        blocks = represent(self.net, self.subjects(data)).transpose(1, 0, 2)
        self.scale = unsupervised_factor(blocks, sample_weight)

    def transform(
        self, data: MultimodalData, impute: str, *, directions: bool = False
    ) -> np.ndarray:
        """Return the representation of all modalities, (n_samples, n_columns).

        With ``directions`` that of each modality has length one.
        """
        subjects = self.subjects(data)
        h = represent(self.net, subjects)
        present = self.present(data).T
        h = np.where(present[..., None], h, self.mean_representation[:, None])
        if impute == "ridge" and self.imputation is not None:
            h = self.imputation.fill(self.net, subjects, h)
        if directions:
            length = np.linalg.norm(h, axis=-1, keepdims=True)
            h = h / np.maximum(length, np.finfo(h.dtype).tiny)
        return h.transpose(1, 0, 2).reshape(len(data), -1) * self.scale

    def names(self, *, name_terms: bool) -> list[str]:
        """Return the names of the columns, with those of the terms if there are solved ones too."""
        views = self.net.module_.views
        terms = [term.name for term in self.net.criterion_.terms] if name_terms else []
        width = self.mean_representation.shape[1]
        return [
            "_".join([name, *terms, str(k)])
            for name in dict.fromkeys(views)
            for k in range(views.count(name) * width)
        ]

    def history(self) -> dict[str, np.ndarray]:
        """Return the loss and each term by epoch."""
        rows = [row for row in self.net.history if "train_loss" in row]
        last = (
            rows[-1] if rows else {"train_loss": np.nan}
        )  # none if interrupted in the first epoch
        names = [k for k, v in last.items() if isinstance(v, float) and k != "dur"]
        return {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}

    def subjects(self, data: MultimodalData, known: Known | None = None) -> SubjectSet:
        """Return subjects as tensors on the net's device; absent modalities hold the mean."""
        known = known or {}
        present = dict(zip(data.modalities, data.mask.T, strict=True))
        x = {
            name: prepared(
                name, array, present[name], self.means[name], self.net, self.origins.get(name)
            )
            for name, array in data.items()
        }
        mask = None if data.mask.all() else self._view_mask(data)
        codes = known.get("y", np.full(len(data), -1))
        return SubjectSet.everyone(x, codes, mask, known.get("sample_weight"), known.get("targets"))

    def present(self, data: MultimodalData) -> np.ndarray:
        """Return the presence of each block of the representation, (n_samples, n_blocks)."""
        if getattr(self.net.module_, "fuses", False):
            return np.asarray(data.mask.any(axis=1))[:, None]
        return self._view_mask(data)

    def _view_mask(self, data: MultimodalData) -> np.ndarray:
        """Return the presence of each view, (n_samples, n_views)."""
        return data.mask[:, [data.modalities.index(name) for name in self.net.module_.views]]

    def _learn_mean(
        self, data: MultimodalData, subjects: SubjectSet, sample_weight: np.ndarray | None
    ) -> None:
        weight = self.present(data).T.astype(float)
        weight = weight if sample_weight is None else weight * sample_weight
        count = weight.sum(1, keepdims=True)
        mean = np.zeros(0)
        for part, h in represented(self.net, subjects):
            share = np.einsum("vn,vnd->vd", weight[:, part], h)
            mean = mean + share if mean.size else share
        mean = mean / np.maximum(count, np.finfo(float).tiny)
        if not np.isfinite(mean).all():
            raise TrainingError(
                "Training ended with representations that are not finite. Usual causes are a "
                f"learning rate or weight decay that is too high (lr={self.net.lr}) or very large "
                "input values (keep standardize=True)."
            )
        if not count.all():  # a later call may lack a modality in all subjects
            mean = np.where(count > 0, mean, self.mean_representation)
        self.mean_representation = mean.astype(self.dtype)
