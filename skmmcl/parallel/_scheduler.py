"""Scheduler: collects waiting fits and trains those of one architecture as a single stack."""

from __future__ import annotations

import atexit
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Hashable, Iterator
from functools import cache, partial
from numbers import Integral
from operator import itemgetter
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch

from skmmcl.parallel._fits import PendingFit, fitting, is_out_of_memory
from skmmcl.parallel._memory import budget
from skmmcl.training._jobs import FitCancelled, Job, Train, at_once, dispatching

if TYPE_CHECKING:
    from skmmcl.parallel._tasks import ParallelCall

MAX_STACK = 64  # wider stacks gain little, and each fit needs a thread
# Seconds without an arrival after which a stack starts although more fits may come:
TASK_TIMEOUT = 1.0  # while a task runs, so that a slow one does not keep the others waiting
EXTERNAL_TIMEOUT = 0.2  # while a thread of the user that came before is away
UNKNOWN_TIMEOUT = 0.02  # while there are threads of which nothing is known
SIGNAL_INTERVAL = 1.0  # after which a sleeping thread looks up: Windows delivers Ctrl-C only then
STOP_TIMEOUT = 10.0  # for the epoch under way to end after Ctrl-C

_fork_lock = threading.Lock()


class FitScheduler:
    """Dispatcher that lets fits wait for each other, and trains them in stacks.

    A stack starts when it is full, or when no task is awake that could still bring a fit. The
    count of those awake makes stacks large; that they start at all never depends on it, because
    of the timeouts. The trainer thread lives while fits wait.

    Parameters
    ----------
    max_stack : int, optional
        Largest number of fits in a stack, and of tasks at a time where joblib is given no number.
    max_bytes : int, optional
        Memory of a stack. By default a share of what is free when it starts.
    checkpoint : str or path, optional
        Folder for finished fits.
    """

    def __init__(
        self,
        max_stack: int | None = None,
        max_bytes: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        check_positive(max_stack=max_stack, max_bytes=max_bytes)
        self.max_stack, self.max_bytes = max_stack or MAX_STACK, max_bytes
        self.checkpoint = checkpoint
        self.on_change: Callable[[], None] = lambda: None  # called by the trainer thread
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._changed = threading.Condition()  # guards all that follows; the trainer waits on it
        self._local = threading.local()  # .call: whose task runs in this thread
        self.waiting: list[PendingFit] = []  # in order of arrival
        self.running: dict[int, PendingFit] = {}  # by id of job: in the stack, and not reported yet
        self.n_active = 0  # tasks that were started and do not wait for tasks of their own
        self.n_done = self.epochs_done = 0
        self._n_together = self._room = 0  # fits that were in the stack under way; its bytes
        self._widths: dict[Hashable, int] = {}  # largest stacks, by key, where memory ran out
        self._external: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._last_event = 0.0  # the last arrival or end of a fit
        self._trainer: threading.Thread | None = None
        self._process = os.getpid()

    @property
    def changed(self) -> threading.Condition:
        """The lock. In a forked process, which has none of the other threads, all begins anew."""
        if self._process != os.getpid():
            with _fork_lock:
                if self._process != os.getpid():
                    self._start_afresh()
        return self._changed

    @property
    def call(self) -> ParallelCall | None:
        """The call of Parallel whose task runs in this thread."""
        with self.changed:
            return getattr(self._local, "call", None)

    def __call__(self, job: Job, train: Train) -> None:
        """Sleep until the job is finished; raise what its training raised."""
        fit = PendingFit(job, train, self.call)
        self._add(fit)
        try:
            while not fit.finished.wait(SIGNAL_INTERVAL):
                pass
        except BaseException:
            self._finish(fit, FitCancelled())
            raise
        if fit.note is not None:
            warnings.warn(fit.note, RuntimeWarning, stacklevel=2)
        if fit.error is not None:
            try:
                raise fit.error
            finally:
                del fit  # else the error's traceback holds the fit, which holds the error

    def cancel(self, *, everything: bool = False) -> None:
        """Wake fits whose results are not needed; their stack ends once it trains no other."""
        with self.changed:
            for fit in [*self.waiting, *self.running.values()]:
                if everything or (fit.call is not None and fit.call.cancelled):
                    self._finish(fit, FitCancelled())

    def stop(self) -> None:
        """Cancel everything, and wait for the stack to end."""
        self.cancel(everything=True)
        if (trainer := self._trainer) is not None:
            trainer.join(STOP_TIMEOUT)

    def _add(self, fit: PendingFit) -> None:
        with self.changed:
            if fit.call is not None and fit.call.cancelled:
                raise FitCancelled
            if self._trainer is None:
                trainer = threading.Thread(target=self._work, name="skmmcl-stack", daemon=True)
                trainer.start()  # before it is noted: the system may have no thread left
                self._trainer = trainer
                atexit.register(self.stop)  # nothing may compute while the interpreter goes down
            self.waiting.append(fit)
            self._last_event = monotonic()
            if fit.call is None:
                self._external.add(fit.thread)
            self.changed.notify_all()

    def _finish(self, fit: PendingFit, error: BaseException | None) -> None:
        """Wake the thread of a fit, once; it counts as awake from now, not from when it runs."""
        with self.changed:
            if fit.finished.is_set():
                return
            if fit in self.waiting:
                self.waiting.remove(fit)
            fit.error = error
            self.n_done += 1
            self._last_event = monotonic()
            fit.finished.set()
            self.changed.notify_all()

    # ----------------------------------------------------------- what the trainer thread does

    def _work(self) -> None:
        try:
            with dispatching(at_once):  # a fit within a fit must not wait for itself
                while stack := self._next_stack():
                    self._train(stack)
        except BaseException as error:  # noqa: BLE001  (a defect of ours: nobody may wait for ever)
            with self.changed:
                self._end_trainer()
                for fit in [*self.waiting, *self.running.values()]:
                    self._finish(fit, error)
                self.running.clear()

    def _end_trainer(self) -> None:
        self._trainer = None
        atexit.unregister(self.stop)

    def _next_stack(self) -> list[PendingFit]:
        """Wait until a stack should start, and take it; none when no fit waits any more."""
        room = cache(lambda device: self.max_bytes or budget(device))  # to ask costs a millisecond
        with self.changed:
            while self.waiting:
                is_full, _, stack = max(self._stacks(room), key=itemgetter(0, 1))
                pause = 0.0 if is_full else self._pause()
                if pause <= 0:
                    self._room, self._n_together = room(stack[0].job.device), 0
                    return self._take(stack)
                self.changed.wait(pause)
            self._end_trainer()
            return []

    def _stacks(self, room: Callable[[Any], int]) -> Iterator[tuple[bool, int, list[PendingFit]]]:
        """Yield the stacks that could start: whether each is full, its size, and its fits."""
        groups: dict[Hashable, list[PendingFit]] = {}
        for fit in self.waiting:
            groups.setdefault(fit.key, []).append(fit)
        for group in groups.values():
            width = self._width(group[0])
            stack = fitting(group[:width], room(group[0].job.device), at_least=1)
            yield len(stack) == width or len(stack) < len(group), len(stack), stack

    def _width(self, fit: PendingFit) -> int:
        return 1 if fit.alone else self._widths.get(fit.key, self.max_stack)

    def _pause(self) -> float:
        """Return the seconds to wait for further fits."""
        quiet = monotonic() - self._last_event
        asleep = {fit.thread for fit in self.waiting if fit.call is None}
        if self.n_active > len(self.waiting) - len(asleep):
            return TASK_TIMEOUT - quiet
        if not asleep:
            return 0.0
        # Nothing is known of threads that the user started but that they exist.
        if any(thread.is_alive() for thread in self._external.difference(asleep)):
            return EXTERNAL_TIMEOUT - quiet
        return UNKNOWN_TIMEOUT - quiet if threading.active_count() > 2 else 0.0

    def _train(self, stack: list[PendingFit]) -> None:
        """Train a stack and the fits that join it; each is then finished, or waits again."""
        join = partial(self._join, stack[0].key, self._width(stack[0]))
        train, jobs = stack[0].train, [fit.job for fit in stack]
        stack.clear()  # would keep finished fits alive
        try:
            train(jobs, join, self._on_finished, self._on_epoch)
        except BaseException as error:  # noqa: BLE001  (it is raised where the fit was called)
            self._close_stack(error)
        else:
            self._close_stack(RuntimeError("The training left a job unfinished."))

    def _take(self, fits: list[PendingFit]) -> list[PendingFit]:
        for fit in fits:
            self.waiting.remove(fit)
            self.running[id(fit.job)] = fit
        self._n_together += len(fits)
        return fits

    def _join(self, key: Hashable, width: int, n_free: int) -> list[Job]:
        """Give free places to waiting fits, unless these form a much wider stack on their own."""
        with self.changed:
            group = [fit for fit in self.waiting if fit.key == key][:width]
            n_running = len(self.running)
            left = self._room - sum(fit.job.n_bytes for fit in self.running.values())
            n_free = max(min(n_free, width - n_running), 0)
            joining = fitting(group[:n_free], left, at_least=0 if n_running else 1)
            if len(fitting(group, self._room, at_least=1)) >= 2 * (n_running + len(joining)):
                return []
            return [fit.job for fit in self._take(joining)]

    def _on_finished(self, job: Job, error: BaseException | None) -> None:
        with self.changed:
            self._finish(self.running.pop(id(job)), error)
        self.on_change()

    def _on_epoch(self, n_trained: int) -> None:
        with self.changed:
            self.epochs_done += n_trained
            for fit in self.running.values():
                fit.epochs_left = max(fit.epochs_left - 1, 0)
            if self.running and all(fit.finished.is_set() for fit in self.running.values()):
                raise FitCancelled
        self.on_change()

    def _close_stack(self, error: BaseException) -> None:
        """Let fits that the training left raise an error, or train again without the others."""
        with self.changed:
            left = [fit for fit in self.running.values() if not fit.finished.is_set()]
            self.running.clear()
            if left and self._n_together > 1 and isinstance(error, Exception):
                self._retry(left, error)
            else:
                for fit in left:
                    self._finish(fit, error)
        self.on_change()

    def _retry(self, left: list[PendingFit], error: Exception) -> None:
        """Let fits of a failed stack wait again: for a smaller stack, or each alone."""
        n, text = len(left), f"{type(error).__name__}: {error}"
        error.__traceback__ = error.__context__ = None  # these hold the memory of the stack
        alone = not is_out_of_memory(error)
        if alone:
            note = f"A stack of {n} fits failed; each was then trained alone ({text})."
        else:
            note = f"A stack of {n} fits ran out of memory and was halved; set max_stack ({text})."
            self._widths[left[0].key] = max(1, n // 2)
            if torch.device(left[0].job.device).type == "cuda":
                torch.cuda.empty_cache()
        for fit in left:
            fit.note, fit.epochs_left = note, fit.job.n_epochs
            if alone:
                fit.alone, fit.key = True, id(fit)
            try:
                fit.job.reset()
            except Exception as problem:  # noqa: BLE001  (it is raised where the fit was called)
                self._finish(fit, problem)
            else:
                self.waiting.append(fit)


def check_positive(**settings: object) -> None:
    """Raise unless each is a positive whole number or None."""
    for name, value in settings.items():
        if value is not None and not (isinstance(value, Integral) and int(value) > 0):
            raise ValueError(f"{name} is a positive whole number or None, not {value!r}.")
