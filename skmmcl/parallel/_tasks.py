"""Threads that run joblib's tasks, whose fits wait for the scheduler."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from skmmcl.parallel._scheduler import FitScheduler
from skmmcl.training._jobs import FitCancelled, dispatching

Task = tuple[Callable[[], Any], Callable[[Any], Any]]  # a function, and the callback for its result


class TaskPool(FitScheduler):
    """Scheduler with the threads of all tasks whose fits it trains.

    A task that waits for tasks of its own gives its place to them, the deepest first, so that
    nested calls can neither block each other nor multiply the threads.
    """

    dispatch_all = False  # a progress bar wants to know how many tasks there are

    def _start_afresh(self) -> None:
        super()._start_afresh()
        self.calls: list[ParallelCall] = []
        self.n_ended = 0

    @contextmanager
    def waiting_for_tasks(self) -> Iterator[None]:
        """Start tasks; a thread that runs a task itself gives its place to them."""
        places = int(self.call is not None)
        try:
            with self.changed:
                self.n_active -= places
                self.start_tasks()
            yield
        finally:
            with self.changed:
                self.n_active += places

    def start_tasks(self) -> None:
        """Start what may run now, each task in a new thread."""
        with self.changed:
            self.changed.notify_all()  # fewer may be active
            while (picked := self._pick()) is not None:
                thread = threading.Thread(
                    target=self._run_tasks, args=picked, name="skmmcl-task", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # the system gives no thread
                    call, task = picked
                    call.pending.appendleft(task)
                    self._count(call, -1)
                    if self.n_active == 0:
                        raise
                    return  # the thread of the next task that ends takes it

    def _pick(self) -> tuple[ParallelCall, Task] | None:
        """Take the next task that may run, and count it before it does."""
        places = max([self.max_stack, *(call.n_threads for call in self.calls)])
        ready = [call for call in self.calls if call.pending and call.n_running < call.n_threads]
        if not ready or self.n_active >= places:
            return None
        call = max(ready, key=lambda call: call.depth)
        self._count(call, 1)
        return call, call.pending.popleft()

    def _count(self, call: ParallelCall, change: int) -> None:
        call.n_running += change
        self.n_active += change

    def _run_tasks(self, *picked: Any) -> None:
        """Run a task, and then others until none may start."""
        with dispatching(self):
            while picked:
                call, (function, report) = picked
                self._local.call = call
                report(FitCancelled() if call.cancelled else function())
                with self.changed:
                    self._count(call, -1)
                    self.n_ended += 1
                    picked = self._pick() or ()
                    self.start_tasks()

    def stop(self) -> None:
        """Give up all tasks, cancel their fits, and wait for the stack to end."""
        for call in list(self.calls):
            call.terminate()
        super().stop()


class ParallelCall:
    """Tasks of one call of Parallel, with the methods that joblib calls on a pool.

    Parameters
    ----------
    pool : TaskPool
        Has the threads that run the tasks.
    n_threads : int
        Largest number of tasks at a time.
    at_once : bool
        Start tasks when they are queued, not only when their results are waited for.
    """

    def __init__(self, pool: TaskPool, n_threads: int, *, at_once: bool) -> None:
        self.pool, self.n_threads, self.at_once = pool, n_threads, at_once
        self.parent = pool.call
        self.depth: int = 0 if self.parent is None else self.parent.depth + 1
        self.pending: deque[Task] = deque()
        self.n_running = 0
        self._terminated = False
        with pool.changed:
            pool.calls.append(self)

    @property
    def cancelled(self) -> bool:
        """Whether this call or one around it was given up."""
        return self._terminated or (self.parent is not None and self.parent.cancelled)

    def apply_async(self, func: Callable[[], Any], args: Any, callback: Any, **_: Any) -> None:
        """Queue a task; joblib's wrapper returns errors, so that one callback suffices."""
        with self.pool.changed:
            self.pending.append((func, callback))
            if self.at_once:
                self.pool.start_tasks()

    def close(self) -> None:
        """Do nothing: threads end with their tasks."""

    def terminate(self) -> None:
        """Give up what is not finished; joblib calls it at the end as well as on errors."""
        with self.pool.changed:
            self._terminated = True
            self.pending.clear()
            if self in self.pool.calls:
                self.pool.calls.remove(self)
            if self.n_running:
                self.pool.cancel()
