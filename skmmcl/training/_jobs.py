"""Hand-over of a fit's training: at once, or to a dispatcher that stacks many fits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import itemgetter
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Job:
    """The training of one fit, ready to start; subclasses hold what is trained.

    Attributes
    ----------
    signature : Hashable or None
        Jobs of equal signature can train in one stack; None trains alone.
    n_bytes : int
        Working memory of the job in a stack.
    n_epochs : int
        Number of epochs to train, for the progress bar.
    device : torch.device or str
        Where it trains.
    """

    signature: Hashable = None
    n_bytes: int = 0
    n_epochs: int = 0
    device: torch.device | str = "cpu"

    def reset(self) -> None:
        """Restore the state before the job was first trained."""
        raise NotImplementedError


class FitCancelled(BaseException):
    """The result of this fit is no longer wanted.

    It is not an Exception, so that ``error_score`` does not take it for an error of the fit.
    """


# Called after an epoch with the number of free places: returns at most as many further jobs of the
# stack's signature. A stack that can grow may ask for more places than became free.
NextJobs = Callable[[int], list[Any]]
# Called once for each job, as soon as it is finished, with its error or None.
OnFinished = Callable[[Any, BaseException | None], None]
# Called after each epoch with the number of fits that ran it; what it raises ends the stack.
OnEpoch = Callable[[int], None]
# Trains the jobs as one stack; the list is its own, so that it can let go of what is finished. An
# exception that it lets out fails the stack as a whole.
Train = Callable[[list[Any], NextJobs, OnFinished, OnEpoch], None]
# Has a job trained, returns when it is finished, raises what it raised.
Dispatcher = Callable[[Job, Train], None]

_of_this_context: ContextVar[Dispatcher | None] = ContextVar("dispatcher", default=None)
# Attribute in which a thread keeps the dispatchers that it has opened for all threads: a thread
# started by the user inherits no context, and finds them there. They end with the thread.
_OPENED = "skmmcl_dispatchers"


def run(job: Job, train: Train) -> None:
    """Train a job through the dispatcher in force, or at once where there is none."""
    (current() or at_once)(job, train)


def at_once(job: Job, train: Train) -> None:
    """Train a job alone, in this thread."""
    outcomes: list[BaseException | None] = []
    train([job], lambda _: [], lambda _, error: outcomes.append(error), lambda _: None)
    if not outcomes:
        raise RuntimeError("The training returned without reporting the end of the job.")
    error = outcomes.pop()
    if error is not None:
        try:
            raise error
        finally:
            del error  # its traceback holds this frame, which must not hold the error


def current() -> Dispatcher | None:
    """Return the dispatcher of this thread's context, else the latest opened for all threads."""
    own = _of_this_context.get()
    if own is not None:
        return own
    opened = [pair for thread in threading.enumerate() for pair in [*vars(thread).get(_OPENED, ())]]
    return max(opened, key=itemgetter(0))[1] if opened else None


def checkpoint_folder(own: Any) -> Any:
    """Return the folder of a fit's state: its own, or that of the dispatcher, if any."""
    return getattr(current(), "checkpoint", None) if own is None else own


@contextmanager
def dispatching(dispatcher: Dispatcher) -> Iterator[None]:
    """Send the jobs of this context to a dispatcher."""
    token = _of_this_context.set(dispatcher)
    try:
        yield
    finally:
        _of_this_context.reset(token)


@contextmanager
def serving(dispatcher: Dispatcher) -> Iterator[None]:
    """Send the jobs of all threads that have no dispatcher of their own to this one."""
    opened = vars(threading.current_thread()).setdefault(_OPENED, [])
    pair = monotonic_ns(), dispatcher
    opened.append(pair)
    try:
        yield
    finally:
        opened.remove(pair)
