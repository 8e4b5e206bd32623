"""Threads that run joblib's tasks, known to the rendezvous where these tasks' fits meet."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from skmmcl.parallel._rendezvous import Rendezvous
from skmmcl.parallel._stacks import Limits
from skmmcl.training._jobs import FitCancelled, dispatching

MAX_STACK = 64  # lanes, and so threads, where memory allows more: wider stacks gain little
STOP_WITHIN = 10.0  # seconds for the epoch under way to end after Ctrl-C

_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


class Task:
    """A call that joblib wants made in a thread; the fits in that thread belong to it."""

    def __init__(self, pool: Pool, call: Callable[[], Any], callback: Callable[[Any], Any]) -> None:
        self.pool, self.call, self.callback = pool, call, callback

    @property
    def cancelled(self) -> bool:
        """Whether its call of Parallel, or one around that, was given up."""
        return self.pool.cancelled

    def run(self) -> None:
        """Run, unless nobody wants the result; joblib's callback hands out the next task."""
        self.callback(FitCancelled() if self.cancelled else self.call())


class Crew(Rendezvous):
    """A rendezvous and the threads of its tasks.

    A task that waits for tasks of its own gives its place to them, the deepest first, so that
    nested calls can neither block each other nor multiply the threads.

    Parameters
    ----------
    max_stack : int, optional
        Largest number of lanes, and of tasks at a time where joblib is given no number.
    max_bytes : int, optional
        Memory of a stack.
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
        self.checkpoint = checkpoint
        self.all_tasks_at_once = False  # a progress bar wants to know how many there are
        super().__init__(Limits(max_stack or MAX_STACK, max_bytes))
        _crews.add(self)

    def start_afresh(self) -> None:
        """Forget all jobs and tasks, as in a forked process, which has no other threads."""
        super().start_afresh()
        # Guarded by self.changed, as is all of the rendezvous.
        self.pools: list[Pool] = []
        self.n_started = 0
        self._active = 0  # tasks that were started and do not wait for tasks of their own

    def start_tasks(self) -> None:
        """Start what may run now, each task in a new thread."""
        with self.changed:
            while (task := self._pick()) is not None:
                thread = threading.Thread(
                    target=self._work, args=(task,), name="skmmcl-task", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # the system gives no thread
                    task.pool.pending.appendleft(task)
                    self._count(task.pool, -1)
                    if self._active == 0:
                        raise
                    return  # the thread of the next task that ends takes it

    def _pick(self) -> Task | None:
        """Take the next task that may run, and count it before it does; the lock is held."""
        places = max([self.limits.max_stack, *(pool.n_threads for pool in self.pools)])
        ready = [pool for pool in self.pools if pool.is_ready()]
        if not ready or self._active >= places:
            return None
        pool = max(ready, key=lambda pool: pool.depth)
        self._count(pool, 1)
        return pool.pending.popleft()

    def _count(self, pool: Pool, change: int) -> None:
        pool.n_running += change
        self.n_started += max(change, 0)
        self._active += change
        self.count_awake(change)

    def _work(self, task: Task | None) -> None:
        """Run tasks, one after the other, until none may start."""
        with dispatching(self):
            while task is not None:
                self.here.member = task
                try:
                    task.run()
                except BaseException:
                    self._following(task, in_this_thread=False)
                    raise
                task = self._following(task)

    def _following(self, task: Task, *, in_this_thread: bool = True) -> Task | None:
        """Give the place of a task that ended to others."""
        with self.changed:
            self._count(task.pool, -1)
            following = self._pick() if in_this_thread else None
            self.start_tasks()
            return following

    @contextmanager
    def waiting_for_tasks(self) -> Iterator[None]:
        """Give the place of this thread's task, if it runs one, to those that it waits for."""
        if self.member is None:
            yield
            return
        with self.changed:
            self._active -= 1
            self.count_awake(-1)
            self.start_tasks()
        try:
            yield
        finally:
            with self.changed:
                self._active += 1
                self.count_awake(1)

    def stop(self) -> None:
        """Cancel everything and see the stack end."""
        for pool in list(self.pools):
            pool.terminate()
        self.cancel(everything=True)
        self.join(STOP_WITHIN)


class Pool:
    """The tasks of one call of Parallel, under the names that joblib calls a pool by."""

    def __init__(self, crew: Crew, n_threads: int) -> None:
        parent = crew.member
        self.crew, self.n_threads = crew, n_threads
        self.parent = parent.pool if isinstance(parent, Task) else None
        self.depth: int = 0 if self.parent is None else self.parent.depth + 1
        # Guarded by crew.changed.
        self.pending: deque[Task] = deque()
        self.n_running = 0
        self._terminated = False
        with crew.changed:
            crew.pools.append(self)

    @property
    def cancelled(self) -> bool:
        """Whether this call or one around it was given up."""
        return self._terminated or (self.parent is not None and self.parent.cancelled)

    def is_ready(self) -> bool:
        """Whether a further task of this call may start."""
        return bool(self.pending) and self.n_running < self.n_threads

    def apply_async(
        self,
        func: Callable[[], Any],
        args: tuple[()] = (),
        callback: Any = None,
        error_callback: Any = None,
    ) -> None:
        """Queue a task; its wrapper by joblib returns errors, so that one callback does."""
        with self.crew.changed:
            self.pending.append(Task(self, func, callback))
            self.crew.start_tasks()

    def close(self) -> None:
        """Do nothing: threads end with their tasks."""

    def terminate(self) -> None:
        """Give up what is not finished; joblib calls it at the end as well as on errors."""
        with self.crew.changed:
            self._terminated = True
            self.pending.clear()
            if self in self.crew.pools:
                self.crew.pools.remove(self)
            if self.n_running:
                self.crew.cancel()


def check_positive(**settings: object) -> None:
    """Raise unless each is a positive whole number or None."""
    for name, value in settings.items():
        if value is not None and not (isinstance(value, Integral) and int(value) > 0):
            raise ValueError(f"{name} is a positive whole number or None, not {value!r}.")


@atexit.register
def _stop_all() -> None:
    """See that no thread computes while the interpreter is taken down."""
    for crew in list(_crews):
        crew.stop()


def _after_fork() -> None:
    for crew in list(_crews):
        crew.start_afresh()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
