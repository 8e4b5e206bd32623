"""A fit: the loop over epochs, its interruption, and its going on from a checkpoint."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback, EarlyStopping

from skmmcl.exceptions import FitInterruptedWarning
from skmmcl.training._batches import SubjectSet, split_subjects
from skmmcl.training._callbacks import TrainingDone
from skmmcl.training._checkpoint import Checkpoint, fingerprint
from skmmcl.training._net import EmbeddingNet
from skmmcl.training._seeds import draws_globally, seeded

TWICE_WITHIN = 2.0  # seconds between two Ctrl-C that are meant for more than one fit


def fit_net(
    net: EmbeddingNet, subjects: SubjectSet, settings: Any, n_epochs: int, key: str | None = None
) -> EmbeddingNet:
    """Train for some epochs, or go on from a checkpoint of the same job.

    Parameters
    ----------
    net : EmbeddingNet
        Initialised.
    subjects : SubjectSet
        To train on and, with a validation fraction, to hold out.
    settings : object
        Has the engine's parameters as attributes: an estimator.
    n_epochs : int
        Epochs to go.
    key : str, optional
        Fingerprint of the job, for the checkpoint.

    Returns
    -------
    EmbeddingNet
        The same net, or the one of the checkpoint.
    """
    checkpoint, goal, resumed = None, len(net.history) + n_epochs, False
    if key is not None:
        under_way = net.module_ if net.history else None
        checkpoint = Checkpoint(settings.checkpoint, fingerprint(key, n_epochs, under_way))
        kept = checkpoint.load()
        if kept is not None:
            kept_net, complete = kept
            net, resumed = kept_net.to(net.device), True
            if complete:
                return net
        net.callbacks_ = [*_without_checkpoint(net), ("checkpoint", checkpoint)]
    rng = np.random.default_rng(net.seed_)
    rows, held_out = split_subjects(subjects.codes, settings.validation_fraction, rng)
    train_set = replace(subjects, rows=rows, batch_size=settings.batch_size, rng=net.rng_)
    valid_set = None if held_out is None else replace(train_set, rows=held_out, rng=None)
    finished = train(net, (train_set, valid_set), goal - len(net.history), resumed=resumed)
    if checkpoint is not None:
        net.callbacks_ = _without_checkpoint(net)
        if finished:
            checkpoint.save(net, complete=True)
    return net


def _without_checkpoint(net: EmbeddingNet) -> list[tuple[str, Callback]]:
    return [(name, callback) for name, callback in net.callbacks_ if name != "checkpoint"]


def train(
    net: EmbeddingNet,
    sets: tuple[SubjectSet, SubjectSet | None],
    n_epochs: int,
    *,
    resumed: bool = False,
) -> bool:
    """Run the training loop; Ctrl-C ends it early and leaves a net that can be used.

    Parameters
    ----------
    net : EmbeddingNet
        Initialised.
    sets : tuple of SubjectSet
        To train on, and held out or None.
    n_epochs : int
        Epochs to go.
    resumed : bool, default=False
        Whether the net comes from a checkpoint, so that its callbacks are under way.

    Returns
    -------
    bool
        Whether the training came to its end.
    """
    net.epochs_left_, finished = n_epochs, True
    if not resumed:
        net.notify("on_train_begin", X=sets, y=None)
    draws, device = draws_globally(net.module_), torch.device(net.device)
    try:
        for _ in range(n_epochs):
            # Modules that draw from torch's one default generator need it for themselves. A
            # seed for each epoch lets a fit that was cut off go on with the same draws.
            with seeded(net.seed_ + len(net.history), device) if draws else nullcontext():
                net.fit_loop(sets, epochs=1)
    except TrainingDone:
        pass
    except KeyboardInterrupt:
        finished = _was_stopped_by_callback(net)
        if not finished:
            _say_interrupted(net)
    net.notify("on_train_end", X=sets, y=None)
    return finished


def _was_stopped_by_callback(net: EmbeddingNet) -> bool:
    """Whether skorch's own early stopping, which raises KeyboardInterrupt, ended training."""
    stoppers = (cb for _, cb in net.callbacks_ if isinstance(cb, EarlyStopping))
    return any(cb.misses_ >= cb.patience for cb in stoppers)


_last_interrupt = -TWICE_WITHIN


def _say_interrupted(net: EmbeddingNet) -> None:
    global _last_interrupt
    now = monotonic()
    twice, _last_interrupt = now - _last_interrupt < TWICE_WITHIN, now
    if twice:
        raise KeyboardInterrupt
    warnings.warn(
        f"Training was interrupted in epoch {len(net.history)}; the estimator can be used as it "
        f"stands. Press Ctrl-C twice within {TWICE_WITHIN:.0f} seconds to stop a surrounding "
        "cross-validation or search as well.",
        FitInterruptedWarning,
        stacklevel=2,
    )
