"""The training of fits: the loop over epochs, its interruption and end."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from time import monotonic
from typing import Any

import torch
from skorch.callbacks import EarlyStopping

from skmmcl.exceptions import FitInterruptedWarning
from skmmcl.training._batches import SubjectSet
from skmmcl.training._callbacks import TrainingDone
from skmmcl.training._fit_job import FitJob
from skmmcl.training._jobs import NextJobs, OnEpoch, OnFinished, current, run
from skmmcl.training._net import EmbeddingNet
from skmmcl.training._seeds import seeded
from skmmcl.training._stack import Stack

TWICE_WITHIN = 2.0  # seconds; two Ctrl-C within it stop more than one fit


def fit_net(
    net: EmbeddingNet,
    subjects: SubjectSet,
    settings: Any,
    n_epochs: int,
    checkpoint: tuple[Any, str] | None = None,
) -> EmbeddingNet:
    """Train for some epochs, or resume from a checkpoint of the same fit.

    Parameters
    ----------
    net : EmbeddingNet
        Initialized.
    subjects : SubjectSet
        To train on and, with a validation fraction, to hold out.
    settings : object
        Has the engine's parameters as attributes: an estimator.
    n_epochs : int
        Number of epochs to train.
    checkpoint : (path, str), optional
        Folder in which the state of the fit is kept, and a fingerprint of the fit.

    Returns
    -------
    EmbeddingNet
        The trained net, with the state of the checkpoint if there is one.
    """
    job = FitJob(net, subjects, settings, n_epochs, checkpoint)
    if current() is not None:
        job.keep()
    run(job, train)
    return job.net


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
        Called after each epoch with the number of free lanes; returns at most as many jobs
        of that signature.
    on_finished : callable
        Called at the end of each job with its error or None.
    on_epoch : callable
        Called after each epoch with the number of lanes that have run it.
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
    except Exception as error:  # noqa: BLE001  it is raised in the thread of its fit
        return error
    return None


def _run_until_change(
    lanes: list[FitJob],
    capacity: int,
    next_jobs: NextJobs,
    on_epoch: OnEpoch,
) -> tuple[dict[FitJob, Exception | None], list[FitJob]]:
    """Train until a lane ends or another joins; return ended jobs with errors, and joining ones."""
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
    """Run an epoch in all lanes; return the jobs that ended, with their errors."""
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
    """Run an epoch of a single fit, which Ctrl-C can interrupt."""
    net = job.net
    # Modules that draw from torch's default generator must be alone with it. A seed for each
    # epoch lets an interrupted fit resume with the same draws.
    seed = net.seed_ + len(net.history)
    try:
        with seeded(seed, torch.device(net.device)) if job.draws_globally else nullcontext():
            return _run_epoch(stack, [job])
    except KeyboardInterrupt:
        job.finished = _was_stopped_by_callback(net)
        if not job.finished:
            _say_interrupted(net)
        return {job: None}
    except Exception as error:  # noqa: BLE001  it is raised in the thread of its fit
        return {job: error}


def _was_stopped_by_callback(net: EmbeddingNet) -> bool:
    """Return whether skorch's early stopping, which raises KeyboardInterrupt, ended training."""
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
