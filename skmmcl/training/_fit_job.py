"""One fit as a job: its net, its subjects, its start and its end."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from skmmcl.augmentation import is_local, resolve_augment
from skmmcl.networks._vmap import unstacked_modules
from skmmcl.training._batches import SubjectSet, split_subjects
from skmmcl.training._checkpoint import Checkpoint
from skmmcl.training._copies import copies_of
from skmmcl.training._fingerprint import fingerprint
from skmmcl.training._jobs import Job, current
from skmmcl.training._lanes import lane_bytes, signature
from skmmcl.training._net import EmbeddingNet
from skmmcl.training._noise import warn_of_unused_noise
from skmmcl.training._ranks import check_not_shared
from skmmcl.training._seeds import draws_globally


class FitJob(Job):
    """One call of fit, ready to be trained, alone or with others.

    Parameters
    ----------
    net, subjects, settings, n_epochs, checkpoint : Any
        As `fit_net` takes them.
    """

    def __init__(
        self,
        net: EmbeddingNet,
        subjects: SubjectSet,
        settings: Any,
        n_epochs: int,
        checkpoint: tuple[Any, str] | None = None,
    ) -> None:
        self.net, self.subjects, self.settings = net, subjects, settings
        self.kept_at, self.device = checkpoint, net.device
        self.n_epochs, self.goal = n_epochs, len(net.history) + n_epochs
        _set_changes(net, settings)
        self.sets = self._split()
        self.checkpoint: Checkpoint | None = None
        self.beside = current() is not None  # other fits of a protocol
        self.complete = False  # by a checkpoint
        self.finished = True  # False after Ctrl-C
        self._untrained: EmbeddingNet | None = None

    def _split(self) -> tuple[SubjectSet, SubjectSet | None]:
        """Return the subjects to train on and, if a fraction is asked for, those held out."""
        fraction, rng = self.settings.validation_fraction, np.random.default_rng(self.net.seed_)
        rows, held_out = split_subjects(self.subjects.codes, fraction, rng)
        train_set = replace(
            self.subjects,
            rows=rows,
            batch_size=self.settings.batch_size,
            rng=self.net.rng_,
            balanced=self.settings.sampler == "balanced",
        )
        if held_out is None:
            return train_set, None
        return train_set, replace(train_set, rows=held_out, rng=None, balanced=False)

    @cached_property
    def signature(self) -> Any:  # type: ignore[override]
        """The key that jobs of one stack share; None for one that trains alone."""
        if self.net.watched_ or self.draws_globally:
            return None
        return signature(self.net, self.sets)

    @cached_property
    def draws_globally(self) -> bool:
        """Whether the training may draw from torch's default generator."""
        augments = (self.net.augment_ or {}).values()
        return draws_globally(self.net.module_) or not all(map(is_local, augments))

    @cached_property
    def n_bytes(self) -> int:  # type: ignore[override]
        """Estimate of the bytes that a lane of this job needs."""
        return lane_bytes(self.net, self.sets[0])

    def keep(self) -> None:
        """Copy the net as it is, for `reset`."""
        self._untrained = copy.deepcopy(self.net)

    def reset(self) -> None:
        """Restore the net that `keep` has copied."""
        if self._untrained is not None:
            self.net = copy.deepcopy(self._untrained)
            train_set, valid_set = self.sets
            self.sets = replace(train_set, rng=self.net.rng_), valid_set

    def start(self) -> None:
        """Begin, or resume from a checkpoint.

        Callbacks see a beginning in either case, so that they have the objects into which their
        state is loaded.
        """
        under_way = self.net.module_ if self.net.history else None
        if self.kept_at is not None:
            check_not_shared()
            folder, key = self.kept_at
            self.checkpoint = Checkpoint(folder, fingerprint(key, self.n_epochs, under_way))
        self.net.epochs_left_ = self.epochs_left
        self.net.notify("on_train_begin", X=self.sets, y=None)
        if self.checkpoint is not None:
            self.complete = self.checkpoint.load(self.net)
            kept_callbacks = _without_checkpoint(self.net)
            self.net.callbacks_ = [*kept_callbacks, ("checkpoint", self.checkpoint)]
        self.net.epochs_left_ = self.epochs_left
        self._set_vmap(self.beside and self.signature is not None)

    def end(self) -> None:
        """Notify the callbacks, and mark the checkpoint as complete."""
        self._set_vmap(False)
        self.net.notify("on_train_end", X=self.sets, y=None)
        if self.checkpoint is not None:
            self.net.callbacks_ = _without_checkpoint(self.net)
            if self.finished and not self.complete:
                self.checkpoint.save(self.net, complete=True)

    def _set_vmap(self, use_vmap: bool) -> None:
        for each in unstacked_modules(self.net.module_):
            each.use_vmap = use_vmap

    @property
    def epochs_left(self) -> int:
        """Number of epochs still to run."""
        return self.goal - len(self.net.history)


def _set_changes(net: EmbeddingNet, settings: Any) -> None:
    """Give a net the augmentations and the noise that its batches get."""
    network: Any = net.module_
    is_drawn = settings.augment != "auto" or len(copies_of(network)) > 1
    net.augment_ = resolve_augment(
        settings.augment if is_drawn else None,
        getattr(network, "shapes", {}),
        getattr(network, "compressed", ()),
    )
    like = next(network.parameters())
    net.noise_ = net.noise_ and {
        name: replace(each.to(like), std=settings.input_noise) for name, each in net.noise_.items()
    }
    warn_of_unused_noise(net, settings)


def _without_checkpoint(net: EmbeddingNet) -> list[tuple[str, Callback]]:
    return [(name, callback) for name, callback in net.callbacks_ if name != "checkpoint"]
