"""The context in which fits are stacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import joblib

from skmmcl.parallel._backend import StackingBackend
from skmmcl.parallel._progress import progress_bar
from skmmcl.parallel._tasks import TaskPool
from skmmcl.training import open_folder
from skmmcl.training._jobs import current, dispatching, serving


@contextmanager
def stacked_fits(
    max_stack: int | None = None,
    *,
    max_bytes: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> Iterator[None]:
    """Train the fits inside the block together, many of them at once as one stack.

    scikit-learn's functions that fit many times (``cross_validate``, ``GridSearchCV``,
    ``permutation_test_score``, ``BaggingClassifier`` ...) run unmodified and give the same
    numbers. Their tasks run in threads. Each fit of an estimator of this package sleeps until
    others with the same network have arrived, and these are then trained as one stack. Other
    estimators fit as usual.

    Parameters
    ----------
    max_stack : int, optional
        Largest number of fits in a stack. 64 by default; fewer where memory is short.
    max_bytes : int, optional
        Memory that a stack may take, in bytes. By default half of what is free on its device
        when it starts, and on a CPU at most 192 MiB, since wider stacks outgrow its caches.
    checkpoint : str or path, optional
        Folder where fits are kept, so that an interrupted protocol resumes. Only fits with the
        same data, parameters and seed are taken from it, so set ``random_state`` to a number.
    progress : bool, default=False
        Show a bar with the fits done, those running, and the time left.

    Yields
    ------
    None
        Fits inside the block are stacked.

    Notes
    -----
    ``n_jobs=None`` and ``n_jobs=-1`` run up to ``max_stack`` fits at a time, any other number up
    to that number, and 1 makes no stacks. Only ``BaggingClassifier`` and ``BaggingRegressor``,
    which distribute their fits themselves, need ``n_jobs=-1``.

    Nested calls (a search inside a cross-validation) stack all of their fits together. Threads
    started inside, such as optuna's, take part as well. Within another ``stacked_fits``, the
    settings of the outer one hold.

    ``fit_time`` of ``cross_validate`` includes the waiting.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmmcl import CMCCSSEmbedder, MultimodalData, stacked_fits
    >>> iris, y = load_iris(return_X_y=True)
    >>> X = MultimodalData(sepal=iris[:, :2], petal=iris[:, 2:])
    >>> pipe = make_pipeline(
    ...     CMCCSSEmbedder(solver="gradient", max_epochs=2, random_state=0), LogisticRegression()
    ... )
    >>> with stacked_fits():
    ...     scores = cross_val_score(pipe, X, y, cv=5)
    >>> scores.shape
    (5,)
    """
    pool, around = TaskPool(max_stack, max_bytes, checkpoint), current()
    if isinstance(around, TaskPool):
        with dispatching(around), _config(around):
            yield
        return
    if checkpoint is not None:
        open_folder(checkpoint)
    bar = progress_bar(pool) if progress else nullcontext()
    with dispatching(pool), serving(pool), _config(pool), bar:
        try:
            yield
        except KeyboardInterrupt:
            pool.stop()
            raise


def _config(pool: TaskPool) -> joblib.parallel_config:
    # n_jobs of a configuration around would limit the stacks.
    return joblib.parallel_config(backend=StackingBackend(pool=pool), n_jobs=None)
