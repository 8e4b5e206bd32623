"""The skorch net of the package, and its construction."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from skorch import NeuralNet
from skorch.callbacks import Callback, GradientNormClipping, PrintLog
from torch import Tensor, nn

from skmmcl.augmentation import augment_batch, augmented_names
from skmmcl.exceptions import TrainingError
from skmmcl.training._before_epoch import BeforeEpoch
from skmmcl.training._callbacks import BestEpoch, ProbeScore, Progress
from skmmcl.training._noise import InputNoise, changes
from skmmcl.training._objective import Objective, Term
from skmmcl.training._ranks import agreed
from skmmcl.training._schedules import lr_callback
from skmmcl.training._seeds import resolve_device, seeded
from skmmcl.utils._site import SiteLinkMixin

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "radam": torch.optim.RAdam,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}
FUSED = ("adam", "adamw", "sgd")
MONITORS = {"loss": ("valid_loss", True), "probe": ("valid_probe", False)}


class EmbeddingNet(SiteLinkMixin, NeuralNet):
    """Skorch net that a `Stack` trains; it holds optimizer, callbacks and history."""

    linked_ = False  # whether the parameters are views of those of a stack
    watched_ = False  # whether it has callbacks of the user
    forgot_ = False  # whether the moments of the optimizer were left out
    augment_: Mapping[Any, Any] | None = None  # augmentations of batches in training
    noise_: Mapping[str, InputNoise] | None = (
        None  # noise of batches in training; None if not learned
    )

    def get_default_callbacks(self) -> list[tuple[str, Callback]]:
        """Return none: `record_epoch` does what those of skorch do."""
        return []

    def check_data(self, X: Any, y: Any = None) -> None:
        """Do nothing: the estimator has checked the data."""

    def announce_gradients(self, batch: Any) -> None:
        """Notify callbacks of the gradients."""
        if self.callbacks_:
            named = list(self.get_all_learnable_params())
            self.notify("on_grad_computed", named_parameters=named, batch=batch, training=True)

    def check_finite(self, prefix: str, names: Sequence[str], table: np.ndarray) -> None:
        """Raise if a value is not finite, and name the first such term."""
        finite = np.isfinite(table)
        if finite.all():
            return
        batch = finite.all(axis=1).argmin()
        terms_first = [*range(1, len(names)), 0]
        column = next(k for k in terms_first if not finite[batch, k])
        raise TrainingError(
            f"The {prefix} {names[column]!r} became {table[batch, column]} in epoch "
            f"{len(self.history)}; training stopped. Usual causes are a learning rate that is too "
            "high (try lr / 10 or gradient_clip=1.0) or very large input values (keep "
            "standardize=True)."
        )

    def record_epoch(
        self, prefix: str, names: Sequence[str], table: np.ndarray, sizes: Sequence[int]
    ) -> None:
        """Write the mean of each column, loss and terms, over the batches into the history."""
        self.check_finite(prefix, names, table)
        means = dict(zip(names, np.average(table, 0, sizes), strict=True))
        key = f"{prefix}_loss"
        earlier = [row[key] for row in self.history[:-1] if key in row]
        self.history.record(f"{key}_best", bool(means["loss"] < min(earlier, default=np.inf)))
        for name, value in means.items():
            named = key if name == "loss" else name if prefix == "train" else f"{prefix}_{name}"
            self.history.record(named, float(value))
        self.history.record(f"{prefix}_batch_count", len(sizes))

    def to(self, device: str) -> EmbeddingNet:
        """Move network, objective, noise and optimizer to a device."""
        self.device = device
        self.module_.to(device)
        self.criterion_.to(device)
        like = next(self.module_.parameters())
        self.noise_ = self.noise_ and {name: each.to(like) for name, each in self.noise_.items()}
        self.optimizer_.load_state_dict(
            self.optimizer_.state_dict()
        )  # moves it to the weights' device
        return self

    def augment(
        self,
        x: Mapping[str, Tensor],
        present: Tensor | None = None,
        *,
        augmented: bool = True,
        rng: np.random.Generator | None = None,
    ) -> dict[Any, Tensor]:
        """Augment modalities and add noise, by a new draw for each view of a modality.

        Changed modalities are returned under the keys of their views. ``present``
        (n_samples, n_views) is the presence mask: absent modalities get no noise. Without ``rng``
        the net's own generator draws.
        """
        noise, augment = changes(self, augmented=augmented)
        if not (noise or augment):
            return {}
        seed = int((self.augment_rng_ if rng is None else rng).integers(2**63))
        generator = torch.Generator().manual_seed(seed)
        asked = {**noise, **augment}
        names = augmented_names(asked)
        out = augment_batch(x, asked, generator)
        changed: dict[Any, Tensor] = {name: out[name] for name in names}
        for key in getattr(self.module_, "view_keys", ()):
            if key not in x and key[0] in names:  # a further view of a modality
                changed[key] = augment_batch(x, asked, generator)[key[0]]
        if present is not None:
            for name in noise:  # a lone modality, which has further views, is never absent
                has = present[:, self.module_.views.index(name)].view(
                    -1, *[1] * (x[name].dim() - 1)
                )
                changed[name] = torch.where(has, changed[name], x[name])
        return changed

    def __getstate__(self) -> dict[str, Any]:
        """Return the state on the CPU, for the outer pickler.

        skorch pickles the weights by itself, which breaks modules that are defined in a
        notebook when joblib sends the fitted net to another process.
        """
        if torch.device(self.device).type == "cpu" and not self.linked_:
            return self.__dict__.copy()
        return copy.deepcopy(self).to("cpu").__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def without_moments(self) -> EmbeddingNet:
        """Return a copy that shares the weights, and whose optimizer has made no step."""
        parts = (self.module_, self.criterion_)
        shared = [t for part in parts for t in (*part.parameters(), *part.buffers())]
        memo: dict[int, Any] = {id(tensor): tensor for tensor in shared}
        memo[id(self.optimizer_.state)] = defaultdict(dict)
        twin = copy.deepcopy(self, memo)
        twin.forgot_ = self.forgot_ or bool(self.optimizer_.state)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> EmbeddingNet:
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        if self.linked_:  # copying a view would copy the whole stack
            for p in self.module_.parameters():
                memo[id(p)] = torch.nn.Parameter(p.detach().clone(), p.requires_grad)
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo), linked_=False)
        return twin


def _build_network(build: Callable[[], nn.Module], dtype: torch.dtype) -> nn.Module:
    return build().to(dtype)


def make_net(
    network: Callable[[], nn.Module],
    terms: Sequence[Term],
    settings: Any,
    *,
    dtype: torch.dtype,
    lr_factors: Mapping[str, float] | None = None,
) -> EmbeddingNet:
    """Build an initialized net.

    Parameters
    ----------
    network : callable
        Builds the network; its weights are drawn here.
    terms : sequence of Term
        The objective.
    settings : object
        Has the engine's parameters as attributes: an estimator.
    dtype : torch.dtype
        Precision of the weights.
    lr_factors : mapping of str to float, optional
        Children of the network with learning rates of their own, as factors of ``lr``.

    Returns
    -------
    EmbeddingNet
    """
    seed = agreed(check_random_state(settings.random_state).randint(np.iinfo(np.int32).max))
    options = {"lr": settings.lr, "optimizer__weight_decay": settings.weight_decay}
    if settings.optimizer in FUSED:
        options["optimizer__fused"] = True
    if lr_factors:
        options["optimizer__param_groups"] = [
            (f"{child}.*", {"lr": factor * settings.lr}) for child, factor in lr_factors.items()
        ]
    net = EmbeddingNet(
        module=partial(_build_network, network, dtype),
        criterion=partial(Objective, terms),
        optimizer=OPTIMIZERS.get(settings.optimizer, settings.optimizer),
        max_epochs=settings.max_epochs,
        batch_size=settings.batch_size,
        train_split=None,
        callbacks=_callbacks(settings),
        verbose=max(0, int(settings.verbose)),
        device=str(resolve_device(settings.device)),
        **options,
    )
    with seeded(seed):
        net.initialize()
    available = {"x", "y", "targets", "mask", "sample_weight", "index", *net.module_.gives}
    net.criterion_.check(available, dict(net.module_.named_children()))
    net.watched_ = bool(settings.callbacks)
    if hasattr(net.module_, "before_epoch"):
        net.callbacks_.insert(0, ("before_epoch", BeforeEpoch()))
    net.seed_, net.rng_ = seed, np.random.default_rng(seed)
    # A generator of its own, so that augmentation does not change the order of the subjects.
    net.augment_rng_ = np.random.default_rng([seed, 1])
    return net


def _callbacks(settings: Any) -> list[Any]:
    """Return the engine's callbacks, in the order in which they must act, then the user's."""
    callbacks: list[Any] = []
    if settings.validation_fraction:
        monitor, lower_is_better = MONITORS[settings.monitor]
        if settings.monitor == "probe":
            callbacks.append(("probe", ProbeScore()))
        if settings.n_iter_no_change is not None:
            best = BestEpoch(
                monitor,
                settings.n_iter_no_change,
                threshold_mode="abs",  # the loss may be negative
                lower_is_better=lower_is_better,
            )
            callbacks.append(("best_epoch", best))
    if settings.gradient_clip is not None:
        callbacks.append(("gradient_clip", GradientNormClipping(settings.gradient_clip)))
    if settings.lr_schedule is not None:
        callbacks.append(("lr_schedule", lr_callback(settings)))
    if settings.verbose:
        callbacks.append(("progress", PrintLog() if settings.verbose > 1 else Progress()))
    return callbacks + list(settings.callbacks or [])
