"""Stacked fits on the workers of a Dask cluster."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from skmmcl.parallel._scheduler import check_positive
from skmmcl.parallel._tasks import TaskPool
from skmmcl.training import open_folder
from skmmcl.training._jobs import serving


def stack_on_dask(
    client: Any,
    max_stack: int | None = None,
    *,
    max_bytes: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> None:
    """Train the fits of each worker of a Dask cluster in stacks.

    A worker runs as many fits at a time as it has threads, so give it many, and start one
    worker for each GPU, or for each core of a machine without.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster; workers that join later stack as well.
    max_stack : int, optional
        Largest number of fits in a stack, and at most the number of threads of a worker.
    max_bytes : int, optional
        Memory that a stack may take, in bytes. By default half of what is free.
    checkpoint : str or path, optional
        Folder where fits are kept, shared by all workers; see `stacked_fits`.

    See Also
    --------
    stacked_fits : The same in this process.

    Examples
    --------
    >>> from joblib import parallel_config
    >>> from skmmcl.parallel import stack_on_dask
    >>> def protocol(pipe, X, y, cv):
    ...     from dask.distributed import Client, LocalCluster
    ...     from sklearn.model_selection import cross_val_score
    ...
    ...     cluster = LocalCluster(n_workers=2, threads_per_worker=32)
    ...     with cluster, Client(cluster) as client, parallel_config(backend="dask"):
    ...         stack_on_dask(client)
    ...         return cross_val_score(pipe, X, y, cv=cv)
    """
    from distributed import WorkerPlugin

    class StackedFits(WorkerPlugin):
        """Scheduler of the fits in a worker's threads."""

        name = "skmmcl-stacked-fits"

        def setup(self, worker: Any) -> None:
            self.open = ExitStack()
            self.open.enter_context(serving(TaskPool(max_stack, max_bytes, checkpoint)))

        def teardown(self, worker: Any) -> None:
            self.open.close()

    check_positive(max_stack=max_stack, max_bytes=max_bytes)
    if checkpoint is not None:
        open_folder(checkpoint)
    client.register_plugin(StackedFits())
