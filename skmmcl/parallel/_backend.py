"""joblib backend that runs tasks in threads and trains their fits in stacks."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from joblib.parallel import Parallel, ThreadingBackend, register_parallel_backend
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from skmmcl.parallel._tasks import ParallelCall, TaskPool
from skmmcl.training._jobs import current


class StackingBackend(ThreadingBackend):
    """Run tasks in threads, and train the fits of all of them in stacks.

    It is chosen by its name, ``joblib.parallel_config(backend="skmmcl")``, once
    ``skmmcl.parallel`` is imported; :func:`skmmcl.parallel.stacked_fits` does the same and more.

    Parameters
    ----------
    max_stack : int, optional
        Largest number of fits in a stack, and of tasks at a time if ``n_jobs`` is not given. 64
        by default.
    max_bytes : int, optional
        Memory that a stack may take, in bytes. By default half of what is free when it starts.
    checkpoint : str or path, optional
        Folder where finished fits are kept.
    pool : TaskPool, optional
        Threads to use; the other parameters then have no effect.
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
    _pool: ParallelCall | None = None  # closed and forgotten by the base class

    def __init__(
        self,
        max_stack: int | None = None,
        max_bytes: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        pool: TaskPool | None = None,
        nesting_level: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(nesting_level=nesting_level, **kwargs)
        outer = current()
        if pool is None and isinstance(outer, TaskPool):
            pool = outer
        self.pool = pool or TaskPool(max_stack, max_bytes, checkpoint)

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        # -1, the default here, means as many as fit into a stack. None comes only from functions
        # that split arrays or trees into n_jobs parts (forests, pairwise distances): the last bits
        # of their results depend on the number of parts, so it is one.
        if n_jobs is not None and n_jobs < 0:
            return max(self.pool.max_stack + 1 + n_jobs, 1)
        return super().effective_n_jobs(n_jobs)

    def configure(
        self, n_jobs: int = 1, parallel: Parallel | None = None, **backend_kwargs: Any
    ) -> int:
        if parallel is not None and self.pool.dispatch_all:
            parallel.pre_dispatch = "all"
        # The caller waits for a list of results at once, for those of a generator later or never.
        self._at_once = parallel is not None and parallel.return_generator
        # The call is not passed on: it holds this backend, and the two would form a cycle.
        return super().configure(n_jobs=n_jobs)

    def submit(self, func: Any, callback: Any = None) -> Any:
        func.items = [
            (
                task,
                [_own_frozen(arg) for arg in args],
                {k: _own_frozen(v) for k, v in named.items()},
            )
            for task, args, named in func.items
        ]
        return super().submit(func, callback)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        self.terminate()

    def get_nested_backend(self) -> tuple[StackingBackend, None]:
        # The tasks of a task share its threads, and stack their fits with all others.
        return StackingBackend(pool=self.pool, nesting_level=(self.nesting_level or 0) + 1), None

    @contextmanager
    def retrieval_context(self) -> Iterator[None]:
        # scikit-learn sets the warning filters in each task, and threads restore them out of order.
        filters = warnings.catch_warnings() if self.pool.call is None else nullcontext()
        with filters, self.pool.waiting_for_tasks():
            yield

    def _get_pool(self) -> ParallelCall:
        if self._pool is None:
            self._pool = ParallelCall(self.pool, self._n_jobs, at_once=self._at_once)
        return self._pool


def _own_frozen(value: Any) -> Any:
    """Return an estimator whose frozen parts no other thread has, around the same fitted ones.

    Clones share a `FrozenEstimator`. A pipeline sets an attribute of each step while it is fitted,
    and threads would delete those of each other.
    """
    if not isinstance(value, BaseEstimator):
        return value
    parts = value.get_params(deep=True).values()
    fitted = [part.estimator for part in parts if isinstance(part, FrozenEstimator)]
    return copy.deepcopy(value, {id(part): part for part in fitted}) if fitted else value


register_parallel_backend("skmmcl", StackingBackend)
