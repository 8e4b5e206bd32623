"""The joblib backend: scikit-learn's tasks in threads whose fits are trained in stacks."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joblib.parallel import Parallel, ThreadingBackend, register_parallel_backend

from skmmcl.parallel._crew import Crew, Pool
from skmmcl.training._jobs import current


class StackingBackend(ThreadingBackend):
    """Run tasks in threads, and train the fits of all of them in stacks.

    It is chosen by its name, ``joblib.parallel_config(backend="skmmcl")``, once
    ``skmmcl.parallel`` is imported; :func:`skmmcl.parallel.stacked_fits` does the same and more.

    Parameters
    ----------
    max_stack : int, optional
        Largest number of fits in a stack, and of tasks at a time where ``n_jobs`` is not given.
        64 by default.
    max_bytes : int, optional
        Memory that a stack may take. By default half of what is free when it starts.
    checkpoint : str or path, optional
        Folder where finished fits are kept.
    crew : Crew, optional
        Whose threads to use; then the other parameters have no effect.
    nesting_level : int, optional
        Set by joblib.
    **kwargs : dict
        Set by joblib.

    Examples
    --------
    >>> import joblib
    >>> import skmmcl.parallel
    >>> from math import sqrt
    >>> with joblib.parallel_config(backend="skmmcl", max_stack=4):
    ...     joblib.Parallel()(joblib.delayed(sqrt)(i) for i in (1, 4, 9))
    [1.0, 2.0, 3.0]
    """

    default_n_jobs = -1
    _pool: Pool | None = None  # closed and forgotten by the base class

    def __init__(
        self,
        max_stack: int | None = None,
        max_bytes: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        crew: Crew | None = None,
        nesting_level: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(nesting_level=nesting_level, **kwargs)
        around = current()
        if crew is None:
            crew = around if isinstance(around, Crew) else Crew(max_stack, max_bytes, checkpoint)
        self.crew = crew
        self._dispatches = False  # a thread that is no task hands out tasks, and counts as awake
        self._filters: warnings.catch_warnings[None] | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return the number of tasks at a time.

        Parameters
        ----------
        n_jobs : int or None
            As asked for. -1, the default of Parallel, means as many as fit into a stack. None
            comes only from what cuts its arrays or trees into so many parts (forests, pairwise
            distances): the last bits of its results depend on their number, so it is one.

        Returns
        -------
        int
            At least 1.
        """
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        return n_jobs if n_jobs > 0 else max(self.crew.limits.max_stack + 1 + n_jobs, 1)

    def configure(
        self, n_jobs: int = 1, parallel: Parallel | None = None, **backend_kwargs: Any
    ) -> int:
        """Get ready for one call of Parallel.

        Parameters
        ----------
        n_jobs : int, default=1
            As asked for.
        parallel : joblib.Parallel, optional
            Whose call it is.
        **backend_kwargs : dict
            Other settings of joblib, which threads need not.

        Returns
        -------
        int
            The number of tasks at a time.
        """
        if parallel is not None and self.crew.all_tasks_at_once:
            parallel.pre_dispatch = "all"
        return super().configure(n_jobs=n_jobs, parallel=parallel, **backend_kwargs)

    def get_nested_backend(self) -> tuple[StackingBackend, None]:
        """Let the tasks of a task stack their fits with all others.

        Returns
        -------
        backend : StackingBackend
            With the same threads.
        n_jobs : None
            The default.
        """
        return StackingBackend(crew=self.crew, nesting_level=(self.nesting_level or 0) + 1), None

    def start_call(self) -> None:
        """Count the thread that hands out the tasks as awake."""
        if self.crew.member is None and not self._dispatches:
            # scikit-learn sets the filters in each task, and threads put them back out of turn.
            self._filters = warnings.catch_warnings()
            self._filters.__enter__()
            self._dispatches = True
            self.crew.count_awake(1)

    def stop_call(self) -> None:
        """Put back what the call changed."""
        self._all_dispatched()
        if self._filters is not None:
            self._filters.__exit__(None, None, None)
            self._filters = None

    @contextmanager
    def retrieval_context(self) -> Iterator[None]:
        """Give up the place of the thread that waits for the results."""
        self._all_dispatched()
        with self.crew.waiting_for_tasks():
            yield

    def _all_dispatched(self) -> None:
        if self._dispatches:
            self._dispatches = False
            self.crew.count_awake(-1)

    def _get_pool(self) -> Pool:
        if self._pool is None:
            self._pool = Pool(self.crew, self._n_jobs)
        return self._pool


register_parallel_backend("skmmcl", StackingBackend)
