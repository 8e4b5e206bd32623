"""Fits as jobs: their start, the loop over epochs, their interruption and end."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from time import monotonic
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback, EarlyStopping

from skmmcl.augmentation import is_local, resolve_augment
from skmmcl.exceptions import FitInterruptedWarning
from skmmcl.networks._vmap import unstacked_modules
from skmmcl.training._batches import SubjectSet, split_subjects
from skmmcl.training._callbacks import TrainingDone
from skmmcl.training._checkpoint import Checkpoint
from skmmcl.training._copies import copies_of
from skmmcl.training._fingerprint import fingerprint
from skmmcl.training._jobs import Job, NextJobs, OnEpoch, OnFinished, current, run
from skmmcl.training._lanes import lane_bytes, signature
from skmmcl.training._net import EmbeddingNet
from skmmcl.training._noise import warn_of_unused_noise
from skmmcl.training._seeds import draws_globally, seeded
from skmmcl.training._stack import Stack

TWICE_WITHIN = 2.0  # seconds between two Ctrl-C that are meant for more than one fit


def fit_net(
    net: EmbeddingNet,
    subjects: SubjectSet,
    settings: Any,
    n_epochs: int,
    checkpoint: tuple[Any, str] | None = None,
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
    checkpoint : (path, str), optional
        Folder in which the state of the fit is kept, and a fingerprint of the fit.

    Returns
    -------
    EmbeddingNet
        The same net, or the one of the checkpoint.
    """
    job = FitJob(net, subjects, settings, n_epochs, checkpoint)
    if current() is not None:
        job.keep()
    run(job, train)
    return job.net


class FitJob(Job):
    """One call of fit, ready to be trained, alone or beside others.

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
    checkpoint : (path, str), optional
        Folder in which the state of the fit is kept, and a fingerprint of the fit.
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
        network = net.module_
        is_drawn = settings.augment != "auto" or len(copies_of(network)) > 1
        net.augment_ = resolve_augment(
            settings.augment if is_drawn else None,
            getattr(network, "shapes", {}),
            getattr(network, "compressed", ()),
        )
        like = next(network.parameters())
        net.noise_ = net.noise_ and {
            name: replace(each.to(like), std=settings.input_noise)
            for name, each in net.noise_.items()
        }
        warn_of_unused_noise(net, settings)
        self.kept_at = checkpoint
        self.n_epochs, self.goal = n_epochs, len(net.history) + n_epochs
        self.device = net.device
        rng = np.random.default_rng(net.seed_)
        rows, held_out = split_subjects(subjects.codes, settings.validation_fraction, rng)
        train_set = replace(
            subjects,
            rows=rows,
            batch_size=settings.batch_size,
            rng=net.rng_,
            balanced=settings.sampler == "balanced",
        )
        valid_set = None
        if held_out is not None:
            valid_set = replace(train_set, rows=held_out, rng=None, balanced=False)
        self.sets = train_set, valid_set
        self.checkpoint: Checkpoint | None = None
        self.beside = current() is not None  # other fits of a protocol
        self.complete = False  # by a checkpoint
        self.finished = True  # False after Ctrl-C
        self._untrained: EmbeddingNet | None = None

    @cached_property
    def signature(self) -> Any:  # type: ignore[override]
        """What jobs of one stack have in common; None for one that trains alone."""
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
        """Estimate of what a lane of this job needs."""
        return lane_bytes(self.net, self.sets[0])

    def keep(self) -> None:
        """Remember the net as it is, for `reset`."""
        self._untrained = copy.deepcopy(self.net)

    def reset(self) -> None:
        """Be as before the training; `keep` must have been called."""
        if self._untrained is not None:
            self.net = copy.deepcopy(self._untrained)
            train_set, valid_set = self.sets
            self.sets = replace(train_set, rng=self.net.rng_), valid_set

    def start(self) -> None:
        """Begin, or go on from a checkpoint.

        Callbacks see a beginning in either case, as they see an end: they then have whatever
        they keep their state in.
        """
        under_way = self.net.module_ if self.net.history else None
        if self.kept_at is not None:
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
        """Tell the callbacks, and the checkpoint that the fit is complete."""
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
        """Epochs still to run."""
        return self.goal - len(self.net.history)


def _without_checkpoint(net: EmbeddingNet) -> list[tuple[str, Callback]]:
    return [(name, callback) for name, callback in net.callbacks_ if name != "checkpoint"]


def train(
    jobs: Sequence[FitJob],
    next_jobs: NextJobs,
    on_finished: OnFinished,
    on_epoch: OnEpoch,
) -> None:
    """Train jobs as one stack.

    Parameters
    ----------
    jobs : sequence of FitJob
        Of one signature; or a single one.
    next_jobs : callable
        Asked after each epoch for further jobs of that signature, at most as many as
        lanes are free.
    on_finished : callable
        Told of each job's end, with its error if it had one.
    on_epoch : callable
        Told after each epoch how many lanes have run it.
    """
    capacity, waiting = len(jobs), list(jobs)
    lanes: list[FitJob] = []
    while waiting or lanes:
        lanes += [job for job in waiting if _started(job, on_finished)]
        ended: dict[FitJob, Exception | None] = {}
        waiting = []
        if lanes:
            ended, waiting = _run_until_change(lanes, capacity, next_jobs, on_epoch)
        lanes = [job for job in lanes if job not in ended]
        _report(ended, on_finished)
        if not lanes and not waiting:
            waiting = next_jobs(capacity)


def _started(job: FitJob, on_finished: OnFinished) -> bool:
    """Start a job; False if it has ended at once."""
    ended = {job: _error_of(job.start)}
    if ended[job] is None and not job.complete and job.epochs_left > 0:
        return True
    _report(ended, on_finished)
    return False


def _report(ended: dict[FitJob, Exception | None], on_finished: OnFinished) -> None:
    """Report the jobs that ended, and forget them."""
    # The traceback of an error holds the frames of all callers, which must not hold the error.
    for job in list(ended):
        on_finished(job, ended.pop(job) or _error_of(job.end))


def _error_of(act: Callable[[], None]) -> Exception | None:
    try:
        act()
    except Exception as error:  # noqa: BLE001  it is handed to whom it belongs
        return error
    return None


def _run_until_change(
    lanes: list[FitJob],
    capacity: int,
    next_jobs: NextJobs,
    on_epoch: OnEpoch,
) -> tuple[dict[FitJob, Exception | None], list[FitJob]]:
    """Train until a lane ends or another is to join: who ended, with errors, and who joins."""
    stack = Stack([job.net for job in lanes], [job.sets for job in lanes])
    try:
        while True:
            ended = _run_alone(stack, lanes[0]) if len(lanes) == 1 else _run_epoch(stack, lanes)
            on_epoch(len(lanes))
            joining = next_jobs(capacity - len(lanes) + len(ended))
            if ended or joining:
                return ended, joining
    finally:
        stack.unlink()


def _run_epoch(stack: Stack, lanes: list[FitJob]) -> dict[FitJob, Exception | None]:
    """Run an epoch in all lanes; gives those that ended."""
    stack.each(
        lambda k, net: net.notify(
            "on_epoch_begin", dataset_train=stack.sets[k][0], dataset_valid=stack.sets[k][1]
        )
    )
    stack.train_epoch()
    stack.validate()
    stopped = set()

    def end_epoch(k: int, net: EmbeddingNet) -> None:
        try:
            net.notify(
                "on_epoch_end", dataset_train=stack.sets[k][0], dataset_valid=stack.sets[k][1]
            )
        except TrainingDone:
            stopped.add(k)

    stack.each(end_epoch)
    return {
        job: stack.errors.get(k)
        for k, job in enumerate(lanes)
        if k in stack.errors or k in stopped or job.epochs_left <= 0
    }


def _run_alone(stack: Stack, job: FitJob) -> dict[FitJob, Exception | None]:
    """Run an epoch of a single fit, which the user can interrupt."""
    net = job.net
    # Modules that draw from torch's one default generator need it for themselves. A seed
    # for each epoch lets a fit that was cut off go on with the same draws.
    seed = net.seed_ + len(net.history)
    try:
        with seeded(seed, torch.device(net.device)) if job.draws_globally else nullcontext():
            return _run_epoch(stack, [job])
    except KeyboardInterrupt:
        job.finished = _was_stopped_by_callback(net)
        if not job.finished:
            _say_interrupted(net)
        return {job: None}
    except Exception as error:  # noqa: BLE001  it is handed to whom it belongs
        return {job: error}


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
