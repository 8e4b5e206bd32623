"""Where fits hand over their jobs and sleep, while a thread of its own trains them in stacks."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable, Hashable
from time import monotonic

import torch

from skmmcl.parallel._stacks import Limits, Member, Ticket, fitting, is_out_of_memory
from skmmcl.training._jobs import FitCancelled, Job, Train, at_once, dispatching

SETTLE = 0.02  # seconds of quiet before a stack starts, where threads may come unseen
LINGER = 0.2  # the same where threads of the user that came before are still away
PATIENCE = 1.0  # the same while tasks still run: no task, however long, keeps the others waiting
WATCH = 1.0  # seconds after which a wait looks up, so that Ctrl-C gets through on Windows as well


class Rendezvous:
    """Stack the jobs of sleeping threads.

    A stack starts when it is full, or when nobody is awake who could still bring a job. The
    count of those awake makes stacks large; that they start at all never depends on it, since
    patience ends. The thread that trains, the conductor, lives as long as jobs wait.

    Parameters
    ----------
    limits : Limits
        Of the stacks.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.on_change: Callable[[], None] | None = None  # called by the conductor
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget all jobs, as in a forked process, which has no other threads."""
        # Guards all that follows. The conductor alone waits on it.
        self.changed = threading.Condition()
        self.waiting: list[Ticket] = []  # in order of arrival
        self.running: dict[int, Ticket] = {}  # by id of job: in the stack, and not reported yet
        self.here = threading.local()  # .member: the task that runs in this thread
        self.n_done = self.epochs_done = self.epochs_asked = 0
        self._awake = 0  # members that neither sleep here nor wait for tasks of their own
        self._guests: weakref.WeakSet[threading.Thread] = weakref.WeakSet()  # not members
        self._last_event = 0.0  # the last arrival or end of a job
        self._conductor: threading.Thread | None = None

    @property
    def member(self) -> Member | None:
        """The task that runs in this thread."""
        return getattr(self.here, "member", None)

    def __call__(self, job: Job, train: Train) -> None:
        """Sleep until the job is finished; raise what its training raised."""
        ticket = Ticket(job, train, self.member, epochs_left=job.n_epochs)
        self._arrive(ticket)
        try:
            while not ticket.finished.wait(WATCH):
                pass
        except BaseException as interruption:
            self._cancel(ticket, interruption)
            raise
        if ticket.note is not None:
            warnings.warn(ticket.note, RuntimeWarning, stacklevel=2)
        if ticket.error is not None:
            try:
                raise ticket.error
            finally:
                del ticket  # the traceback would keep what the job trained

    def count_awake(self, change: int) -> None:
        """Add to the number of members awake."""
        with self.changed:
            self._awake += change
            self.changed.notify_all()

    def cancel(self, *, everything: bool = False) -> None:
        """Wake those whose task is cancelled; the stack ends once it trains for nobody."""
        with self.changed:
            for ticket in [*self.waiting, *self.running.values()]:
                if everything or (ticket.member is not None and ticket.member.cancelled):
                    self._cancel(ticket, FitCancelled())

    def join(self, timeout: float) -> None:
        """Wait for the conductor to end."""
        conductor = self._conductor
        if conductor is not None:
            conductor.join(timeout)

    def _arrive(self, ticket: Ticket) -> None:
        with self.changed:
            if ticket.member is not None and ticket.member.cancelled:
                raise FitCancelled
            if self._conductor is None:
                thread = threading.Thread(target=self._conduct, name="skmmcl-stack", daemon=True)
                thread.start()  # before it is noted: the system may have no thread left
                self._conductor = thread
            self.waiting.append(ticket)
            self.epochs_asked += ticket.job.n_epochs
            self._last_event = monotonic()
            if ticket.member is None:
                self._guests.add(ticket.thread)
            else:
                self._awake -= 1
            self.changed.notify_all()

    def _finish(self, ticket: Ticket, error: BaseException | None) -> None:
        """Wake the thread of a ticket, once; it counts as awake from now, not when it runs."""
        with self.changed:
            if ticket.finished.is_set():
                return
            ticket.error = error
            self.n_done += 1
            self.epochs_asked -= ticket.epochs_left
            self._awake += ticket.member is not None
            self._last_event = monotonic()
            ticket.finished.set()

    def _cancel(self, ticket: Ticket, error: BaseException) -> None:
        with self.changed:
            ticket.job.cancelled = True
            if ticket in self.waiting:
                self.waiting.remove(ticket)
            self._finish(ticket, error)
            self.changed.notify_all()

    # ---------------------------------------------------------------- what the conductor does

    def _conduct(self) -> None:
        try:
            with dispatching(at_once):  # a fit within a fit must not wait for itself
                while stack := self._next_stack():
                    self._train(stack)
                    del stack
        except BaseException as error:  # noqa: BLE001  (a defect of ours: nobody may wait for ever)
            with self.changed:
                self._conductor = None
                for ticket in [*self.waiting, *self.running.values()]:
                    self._cancel(ticket, error)

    def _next_stack(self) -> list[Ticket]:
        """Wait until a stack should start; none when nobody waits any more."""
        with self.changed:
            while self.waiting:
                stack, full = self.limits.largest(self.waiting)
                pause = 0.0 if full else self._pause()
                if pause <= 0:
                    return self._take(stack)
                self.changed.wait(pause)
            self._conductor = None
            return []

    def _pause(self) -> float:
        """Return the seconds to wait for further jobs."""
        quiet = monotonic() - self._last_event
        if self._awake > 0:
            return PATIENCE - quiet
        asleep = {ticket.thread for ticket in self.waiting if ticket.member is None}
        if not asleep:
            return 0.0
        # Of threads that the user started nothing is known but that they exist.
        if any(thread.is_alive() for thread in self._guests.difference(asleep)):
            return LINGER - quiet
        return SETTLE - quiet if threading.active_count() > 2 else 0.0

    def _take(self, stack: list[Ticket]) -> list[Ticket]:
        for ticket in stack:
            self.waiting.remove(ticket)
            self.running[id(ticket.job)] = ticket
        return stack

    def _train(self, stack: list[Ticket]) -> None:
        """Train a stack and those who join it; see that each of them is finished or waits again."""
        key, room = stack[0].key, self.limits.room(stack[0])
        n_seen = len(stack)

        def refill(n_free: int) -> list[Job]:
            nonlocal n_seen
            joined = self._join(key, n_free, room)
            n_seen += len(joined)
            return [ticket.job for ticket in joined]

        failure: BaseException = RuntimeError("The training left a job unfinished.")
        train, jobs = stack[0].train, [ticket.job for ticket in stack]
        stack.clear()  # it would keep what is finished
        try:
            train(jobs, refill, self._done, self._tick)
        except BaseException as error:  # noqa: BLE001  (it is raised where the fit was called)
            failure = error
        with self.changed:
            left = [t for t in self.running.values() if not t.finished.is_set()]
            self.running.clear()
            if n_seen == 1 or not isinstance(failure, Exception):
                for ticket in left:
                    self._finish(ticket, failure)
            elif left:
                self._again(left, key, failure)
        self._report()

    def _join(self, key: Hashable, n_free: int, room: int) -> list[Ticket]:
        """Give free lanes to waiting jobs, unless these make a much wider stack without it."""
        if n_free < 1:
            return []
        with self.changed:
            group = [ticket for ticket in self.waiting if ticket.key == key]
            lanes, width = self.limits.lanes(key), len(self.running)
            taken = sum(ticket.job.n_bytes for ticket in self.running.values())
            n_free = min(n_free, lanes - width)
            if not group or n_free < 1 or (width and group[0].job.n_bytes > room - taken):
                return []
            joining = fitting(group, n_free, room - taken)
            if len(fitting(group, lanes, room)) >= 2 * (width + len(joining)):
                return []
            return self._take(joining)

    def _done(self, job: Job, error: BaseException | None) -> None:
        with self.changed:
            ticket = self.running.pop(id(job))
            self._finish(ticket, error)
        self._report()

    def _tick(self, n_lanes: int) -> None:
        with self.changed:
            self.epochs_done += n_lanes
            for ticket in self.running.values():
                ticket.epochs_left = max(ticket.epochs_left - 1, 0)
            if self.running and all(t.finished.is_set() for t in self.running.values()):
                raise FitCancelled
        self._report()

    def _again(self, left: list[Ticket], key: Hashable, failure: Exception) -> None:
        """Let jobs of a failed stack wait again: for a smaller stack, or each alone."""
        n, text = len(left), f"{type(failure).__name__}: {failure}"
        failure.__traceback__ = failure.__context__ = None  # they hold the memory of the stack
        memory = is_out_of_memory(failure)
        if memory:
            self.limits.caps[key] = max(1, n // 2)
            note = f"A stack of {n} fits ran out of memory and was halved; set max_stack ({text})."
            if torch.device(left[0].job.device).type == "cuda":
                torch.cuda.empty_cache()
        else:
            note = f"A stack of {n} fits failed; each was then trained alone ({text})."
        for ticket in left:
            ticket.alone, ticket.note = not memory, note
            self.epochs_asked += ticket.job.n_epochs - ticket.epochs_left
            ticket.epochs_left = ticket.job.n_epochs
            try:
                ticket.job.reset()
            except Exception as error:  # noqa: BLE001  (it is raised where the fit was called)
                self._finish(ticket, error)
            else:
                self.waiting.append(ticket)

    def _report(self) -> None:
        if self.on_change is not None:
            self.on_change()
