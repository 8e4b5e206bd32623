"""Internal embedder of a fine-tuned estimator, which trains a pretrained network further."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from skmmcl.base import BaseEmbedder, Guide, embedder
from skmmcl.base._input import check_finite, check_subjects, read_input
from skmmcl.base._trained import Trained
from skmmcl.cross_decomposition._predicted import TargetGuide, TaskClasses
from skmmcl.data import MultimodalData
from skmmcl.losses import AbsoluteErrorLoss, CrossEntropyLoss, SquaredErrorLoss
from skmmcl.networks._tuned import TunedNetwork
from skmmcl.training import Term, make_net, represent

ERRORS = {"squared_error": SquaredErrorLoss, "absolute_error": AbsoluteErrorLoss}


@embedder
class Tuner(BaseEmbedder):
    """Embedder that trains a pretrained network and a linear head to predict ``y``.

    Parameters
    ----------
    network : MultiviewNetwork
        Pretrained network. It is copied.
    scaling : dict of dict of ndarray
        Means, units and origins of the modalities in the pretraining.
    layers : {"head", "last", "all"}, default="all"
        Layers that are trained.
    encoder_lr_factor : float, default=0.1
        Learning rate below the head, as a factor of ``lr``.
    loss : {"cross_entropy", "squared_error", "absolute_error"}, default="cross_entropy"
        Loss of the predictions.
    class_weight : {"balanced"} or None, default=None
        With "balanced", every class of a batch has the same weight.
    """

    network: Any = None
    scaling: Any = None
    layers: Literal["head", "last", "all"] = "all"
    encoder_lr_factor: float = 0.1
    loss: Literal["cross_entropy", "squared_error", "absolute_error"] = "cross_entropy"
    class_weight: Literal["balanced"] | None = None

    # The fine-tuned estimator has checked them.
    _parameter_constraints: ClassVar[dict[str, Any]] = dict.fromkeys(
        ["network", "scaling", "layers", "encoder_lr_factor", "loss", "class_weight"],
        "no_validation",
    )

    @property
    def _is_classifier(self) -> bool:
        return self.loss == "cross_entropy"

    def outputs(self, X: MultimodalData) -> np.ndarray:
        """Return the outputs of the head, (n_samples, n_outputs), in float64."""
        data = read_input(self, X, reset=False)
        check_subjects(data, self._dtype)
        trained: Any = self._trained
        head = trained.net.module_.head
        h = trained.transform(data, self.impute)
        with torch.no_grad():
            z = head(torch.as_tensor(h[None]).to(head.weight))[0].cpu().double().numpy()
        check_finite(z, data)
        return z if self._is_classifier else z * self.target_scale_ + self.target_mean_

    def _make_guide(self, y: Any) -> Guide:
        if self._is_classifier:
            return TaskClasses(is_guessed=True)
        return TargetGuide("FineTunedRegressor")

    def _make_views(self) -> list[str]:
        return self.modalities_

    def _make_network(self, **layout: Any) -> partial:
        n_outputs = len(self.classes_ if self._is_classifier else self.target_mean_)
        names, base = self.modalities_, copy.deepcopy(self.network)
        return partial(TunedNetwork, base, names, n_outputs, layers=self.layers)

    def _make_objective(self) -> list[Term]:
        of_joint = ("joint_mask", "sample_weight")
        if self._is_classifier:
            of_classes = CrossEntropyLoss(balanced=self.class_weight == "balanced")
            return [Term("cross_entropy", of_classes, on=("z", "y", *of_joint))]
        center, scale = (tuple(x.tolist()) for x in (self.target_mean_, self.target_scale_))
        loss = ERRORS[self.loss](center, scale)
        return [Term(self.loss, loss, on=("z", "targets", *of_joint))]

    def _untrained(
        self, data: MultimodalData, terms: list[Term], sample_weight: np.ndarray | None
    ) -> Trained:
        """Add the head to the network, and z-score its input."""
        trained = Trained({}, (), self._dtype)
        vars(trained).update(self.scaling)
        lr_factors = {"base": self.encoder_lr_factor} if self.layers != "head" else None
        dtype = getattr(torch, self._dtype)
        trained.net = make_net(
            self._make_network(), terms, self, dtype=dtype, lr_factors=lr_factors
        )
        network: Any = trained.net.module_
        subjects = trained.subjects(data)
        h = represent(trained.net, subjects).reshape(len(data), *network.center.shape[1::2])
        weight = np.ones(len(data)) if sample_weight is None else sample_weight
        present = data.mask.any(1, keepdims=True)
        if not network.base.fuses:
            present = data.mask[:, [data.modalities.index(name) for name in network.views]]
        network.learn_scale(h.transpose(1, 0, 2), present.T * weight)
        return trained
